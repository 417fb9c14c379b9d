"""The byte order of this machine looks native wherever an array leaves a file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import obspy
import pytest

from asdf_pipeline import ASDFDataSet, cli
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.plan.selection import Windows
from asdf_pipeline.times import SECOND
from tests.container.made import DTYPES, trace, write

if TYPE_CHECKING:
    from pathlib import Path

    from obspy import Inventory, Stream

ORDER = "<" if sys.byteorder == "little" else ">"
# Type of samples, ObsPy's name of the writer, and the largest sample.
WRITERS = [
    *(("MSEED", dtype) for dtype in ("i4", "f4", "f8")),
    *(("SAC", dtype) for dtype in ("i4", "f4")),
    ("GSE2", "i4"),
]


def looks_native(dtype: np.dtype[Any]) -> bool:
    """Return whether code that compares byte orders sees this machine's as native."""
    if dtype.names:
        return all(looks_native(dtype[name]) for name in dtype.names)
    return dtype.base.byteorder in "=|" or not dtype.base.isnative


@pytest.mark.parametrize("dtype", DTYPES)
def test_samples_look_native_whole_and_cut(dtype: str, tmp_path: Path) -> None:
    data = np.arange(5000).astype(dtype)
    path = write(tmp_path / "one.h5", trace(data))
    with Reader(path) as reader:
        (name,) = reader.names("XX.ABC")
        header, blocks = reader.blocks("XX.ABC", name)
        window = (10**18 + 10**9, 10**18 + 2 * 10**9)
        whole = reader.stream("XX.ABC", "raw_recording")[0].data
        cut = reader.stream("XX.ABC", "raw_recording", window)[0].data
        arrays = [whole, cut, *blocks]
    assert looks_native(header.dtype)
    assert all(looks_native(array.dtype) for array in arrays)
    assert all(array.dtype == np.dtype(dtype) for array in arrays)
    assert np.array_equal(whole, data)
    assert np.array_equal(cut, data[10:21])


@pytest.mark.parametrize(
    "dtype",
    [
        *DTYPES,
        "<c16",
        [("time", "<f8"), ("counts", ">i4"), ("pair", "<f4", (2,)), ("code", "S4")],
        [("inner", [("time", "<f8"), ("flag", "?")]), ("end", ">f4")],
    ],
    ids=str,
)
def test_auxiliary_data_and_tables_look_native(dtype: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "one.h5", trace())
    data = np.zeros(7, dtype)
    data.view(np.uint8)[:] = 1
    with h5py.File(path, "r+") as file:
        stored = file["AuxiliaryData"].create_dataset("Kind/array", data=data)
        stored.attrs["values"] = data
    with Reader(path) as reader:
        array, parameters = reader.auxiliary("Kind/array")
    for read in (array, parameters["values"]):
        assert looks_native(read.dtype)
        assert read.dtype == data.dtype
        assert read.tobytes() == data.tobytes()


def samples(dtype: str) -> np.ndarray[Any, Any]:
    """Return samples no larger than ObsPy 1.5 can read back from GSE2."""
    return np.random.default_rng(0).integers(-(2**16), 2**16, 3000).astype(dtype)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("writer", "kind"), WRITERS)
def test_obspy_writes_the_samples_that_are_in_the_file(
    writer: str, kind: str, order: str, tmp_path: Path
) -> None:
    data = samples(order + kind)
    staged, processed, windowed = (tmp_path / f"{name}.h5" for name in "abc")
    if order == ORDER:
        source = tmp_path / "source.mseed"
        trace(data.astype(kind)).write(str(source), format="MSEED")
        options = ["--tag", "raw", "--output", str(staged), "--workers", "1"]
        assert cli.main(["stage", "--waveforms", str(source), *options]) == 0
    else:  # what this machine does not write, other programs do
        write(staged, trace(data), tag="raw")

    def exported(st: Stream, inv: Inventory | None) -> Stream:
        start = st[0].stats.starttime.ns
        st.write(str(tmp_path / f"{len(st[0])}.{start}.{writer}"), format=writer)
        return st

    with ASDFDataSet(staged, mode="r") as data_set:
        for output, windows in ((processed, None), (windowed, Windows(100 * SECOND))):
            data_set.process(
                exported, output, {"raw": "done"}, backend="serial", windows=windows
            )
        written = list(tmp_path.glob(f"*.{writer}"))
        assert len(written) == 4
        for path in written:
            (one,) = obspy.read(str(path))
            begin = round((one.stats.starttime.ns - 10**18) / 1e8)
            assert np.array_equal(one.data, data[begin : begin + len(one)])
    for path, tag in ((staged, "raw"), (processed, "done"), (windowed, "done")):
        with ASDFDataSet(path, mode="r") as data_set:
            whole = data_set.waveforms["XX.ABC"][tag]
            times = whole[0].stats.starttime, whole[0].stats.endtime
            cut = data_set.get_waveforms("XX", "ABC", "*", "*", *times, tag)
        for number, stream in enumerate((whole, cut)):
            out = tmp_path / f"{path.stem}{number}.out"
            stream.write(str(out), format=writer)
            (one,) = obspy.read(str(out))
            assert np.array_equal(one.data, data)
