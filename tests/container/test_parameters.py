"""Auxiliary data with many text parameters, under HDF5 1.10 and the wheel's.

More than 8 attributes are stored densely by default, and HDF5 before 1.14.4 crashes
where it copies such an object with a text of variable length.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from asdf_pipeline.container.copying import copy_by_hand
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.merge import merge
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.verify import verify
from tests.conftest import parallel_python
from tests.container.made import trace, write
from tests.engine.conftest import FUNCTIONS, Way, way
from tests.team.conftest import STATIONS, example

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["example", "way"]

TEXTS = {f"parameter {number}": f"text {number}: ü" for number in range(12)}
LARGE = {"one": "text", "large": np.arange(20_000)}  # 160 kB make all dense
PYTHONS = [
    pytest.param("wheel", id="wheel"),
    pytest.param(
        "parallel", id="parallel", marks=pytest.mark.requires("parallel-hdf5")
    ),
]


def command(python: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Run the command under the wheel's HDF5, or the one that MPI runs with."""
    program = sys.executable if python == "wheel" else parallel_python()
    return subprocess.run(
        [program, "-m", "asdf_pipeline", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def is_dense(dataset: h5py.Dataset) -> bool:
    return h5py.h5o.get_info(dataset.id).meta_size.attr.index_size > 0


def dense_file(path: Path, station: str = "ABC") -> Path:
    """Return a file whose auxiliary data and trace have densely stored attributes."""
    write(path, trace(station=station))
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        for name, parameters in (("texts", TEXTS), ("large", LARGE)):
            where = f"AuxiliaryData/Old/{station}/{name}"
            dataset = file.create_dataset(where, data=np.arange(9), chunks=(4,))
            dataset.attrs.update(parameters)
            assert is_dense(dataset)
        times = "2001-09-09T02:46:40__2001-09-09T02:46:44"
        where = f"Waveforms/XX.{station}/XX.{station}..BHZ__{times}__raw_recording"
        other = file.create_dataset(where, data=np.arange(5))
        other.attrs.update({"starttime": 1_000_003_600 * 10**9, "sampling_rate": 1.0})
        other.attrs.update(TEXTS)
        assert is_dense(other)
    return path


def parameters_of(path: Path, name: str) -> dict[str, Any]:
    with Reader(path) as reader:
        array, parameters = reader.auxiliary(name)
    assert len(array) == 9
    parameters.pop("provenance_id", None)
    return parameters


@pytest.mark.parametrize("python", PYTHONS)
def test_files_with_dense_attributes_are_merged_and_copied(
    python: str, tmp_path: Path
) -> None:
    sources = [dense_file(tmp_path / f"{code}.h5", code) for code in ("A", "B")]
    merged, out = tmp_path / "merged.h5", tmp_path / "out.h5"
    done = command(python, "merge", *sources, "--output", merged)
    assert done.returncode == 0, done.stderr
    options = ["--tag", "raw_recording=done", "--copy-auxiliary", "--progress", "none"]
    words = [merged, out, "--function", f"{FUNCTIONS}:many_texts", *options]
    done = command(python, "process", *words, "--workers", 2)
    assert done.returncode == 0, done.stderr
    for path in (merged, out):
        assert verify(path) == []
        for code in ("A", "B"):
            assert parameters_of(path, f"Old/{code}/texts") == TEXTS
            large = parameters_of(path, f"Old/{code}/large")
            assert large["one"] == "text"
            assert np.array_equal(large["large"], LARGE["large"])
    assert parameters_of(out, "Correlations/XX_A").items() >= TEXTS.items()


def check_output(path: Path) -> None:
    for station in STATIONS:
        name = f"Correlations/{station.replace('.', '_')}"
        parameters = parameters_of(path, name)
        assert list(parameters.pop("pairs")) == ["a", "bc"]
        assert parameters == TEXTS
        with h5py.File(path) as file:
            assert not is_dense(file[f"AuxiliaryData/{name}"])


def test_every_team_writes_many_texts(way: Way, example: Path, tmp_path: Path) -> None:
    words = (example, tmp_path / "out.h5", "--tag", "raw_recording=done")
    done = way.start("process", "many_texts", *words)
    assert done.returncode == 0, done.stderr
    check_output(tmp_path / "out.h5")


@pytest.mark.parametrize("python", PYTHONS)
def test_processes_write_many_texts(python: str, example: Path, tmp_path: Path) -> None:
    out, copied = tmp_path / "out.h5", tmp_path / "copied.h5"
    function = ["--function", f"{FUNCTIONS}:many_texts", "--progress", "none"]
    words = [out, *function, "--tag", "raw_recording=done", "--workers", 2]
    done = command(python, "process", example, *words)
    assert done.returncode == 0, done.stderr
    check_output(out)
    done = command(python, "merge", out, "--output", copied)
    assert done.returncode == 0, done.stderr
    check_output(copied)
    assert file_digest(copied) == file_digest(out)


@pytest.mark.parametrize(
    "options",
    [
        {"data": np.arange(10_000), "chunks": (999,), "compression": "gzip"},
        {"data": np.arange(12.0).reshape(3, 4), "chunks": (2, 2), "fletcher32": True},
        {"data": np.arange(10, dtype=">f4")},
        {"data": np.zeros((0, 4)), "maxshape": (None, 4)},
        {"data": 3},
        {"data": h5py.Empty("f8")},
        {"shape": (5,), "dtype": "i4"},  # never written
        {"data": ["a", "texts"], "chunks": (2,), "dtype": h5py.string_dtype()},
        {"data": np.array([(1, 2.0)], [("count", "i4"), ("time", "f8")])},
    ],
    ids=str,
)
def test_a_copy_by_hand_is_what_hdf5_copies(
    options: dict[str, Any], tmp_path: Path
) -> None:
    attributes = {
        **TEXTS,
        "numbers": np.arange(3, dtype=">i2"),
        "texts": ["a", "bc"],
        "bytes": b"fixed",
        "none": h5py.Empty("f4"),
        "empty": np.zeros(0),
    }
    with (
        h5py.File(tmp_path / "a.h5", "w", libver=("v110", "v110")) as source,
        h5py.File(tmp_path / "b.h5", "w", libver=("v110", "v110")) as target,
    ):
        original = source.create_dataset("group/array", **options)
        original.attrs.update(attributes)
        source["group"].attrs.update(attributes)
        source.flush()
        copy_by_hand(source.id, b"group", target.id, b"other")
        copy_by_hand(source["group"].id, b"array", target.id, b"array")
        target.flush()
        for copy in (target["other/array"], target["array"]):
            assert (copy.dtype, copy.shape) == (original.dtype, original.shape)
            assert (copy.chunks, copy.maxshape) == (original.chunks, original.maxshape)
            assert copy.id.get_storage_size() == original.id.get_storage_size()
            np.testing.assert_equal(copy[()], original[()])
        for owner in (target["other"], target["array"]):
            assert sorted(owner.attrs) == sorted(attributes)
            for name, value in source["group"].attrs.items():
                assert (
                    owner.attrs.get_id(name).dtype == original.attrs.get_id(name).dtype
                )
                np.testing.assert_equal(owner.attrs[name], value)
        assert not is_dense(target["array"])


def test_many_attributes_stay_in_the_header_when_merged_again(tmp_path: Path) -> None:
    merge([dense_file(tmp_path / "a.h5")], tmp_path / "b.h5")
    merge([tmp_path / "b.h5"], tmp_path / "c.h5")
    assert parameters_of(tmp_path / "c.h5", "Old/ABC/texts") == TEXTS
    assert file_digest(tmp_path / "c.h5") == file_digest(tmp_path / "a.h5")
