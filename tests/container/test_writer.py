"""Writing: what is written, what is refused, and full disks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import obspy
import pytest

from asdf_pipeline.container.arrays import encode_auxiliary
from asdf_pipeline.container.codec import COMPRESSED, RAW, Encoding
from asdf_pipeline.container.encoded import Product
from asdf_pipeline.container.product import encode_stream, make_product
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import (
    InputMissingError,
    NotASDFError,
    OutputExistsError,
    TraceError,
    WriteError,
)
from tests.container.made import trace, write

SECOND = 10**9
STATION = "XX.ABC"


def read(path: Path, tag: str = "raw_recording") -> obspy.Stream:
    with Reader(path) as reader:
        return reader.stream(STATION, tag)


def test_the_skeleton_is_as_pyasdf_makes_it(tmp_path: Path, peer_file: Path) -> None:
    Writer.create(tmp_path / "new.h5").close()
    with h5py.File(tmp_path / "new.h5") as new, h5py.File(peer_file) as peer:
        assert set(new) == {"Waveforms", "Provenance", "AuxiliaryData"}
        assert set(new.attrs) == set(peer.attrs)
        for name in new.attrs:
            types = [file.attrs.get_id(name).get_type() for file in (new, peer)]
            assert types[0].equal(types[1])
            assert new.attrs[name] == peer.attrs[name]


def test_attributes_are_of_the_types_that_pyasdf_makes(
    tmp_path: Path, peer_file: Path
) -> None:
    with Reader(peer_file) as reader:
        stream = reader.stream("BW.RJOB", "raw_recording")
    path = write(tmp_path / "new.h5", *stream)
    with h5py.File(path) as new, h5py.File(peer_file) as peer:
        name = next(name for name in new["Waveforms/BW.RJOB"])
        ours = new["Waveforms/BW.RJOB"][name]
        theirs = peer["Waveforms/BW.RJOB"][name]
        assert set(ours.attrs) == set(theirs.attrs)
        for attribute in ours.attrs:
            types = [one.attrs.get_id(attribute).get_type() for one in (ours, theirs)]
            assert types[0].equal(types[1]), attribute
            assert ours.attrs[attribute] == theirs.attrs[attribute]
        assert ours.dtype == theirs.dtype
        assert ours.maxshape == theirs.maxshape == (None,)
        assert ours.shuffle
        assert ours.fletcher32
        assert ours.compression == "gzip"


def test_an_existing_output_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "there.h5"
    path.write_text("precious")
    with pytest.raises(OutputExistsError, match=r"there\.h5: exists already"):
        Writer.create(path)
    assert path.read_text() == "precious"


def test_a_dangling_link_is_not_written_through(tmp_path: Path) -> None:
    path = tmp_path / "link.h5"
    path.symlink_to(tmp_path / "elsewhere.h5")
    with pytest.raises(OutputExistsError):
        Writer.create(path)
    assert not (tmp_path / "elsewhere.h5").exists()


def test_no_such_directory(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="No such file or directory"):
        Writer.create(tmp_path / "none" / "new.h5")


def test_reopening(tmp_path: Path) -> None:
    with pytest.raises(InputMissingError):
        Writer.reopen(tmp_path / "none.h5")
    text = tmp_path / "text.h5"
    text.write_text("no HDF5")
    with pytest.raises(NotASDFError, match="not an HDF5 file"):
        Writer.reopen(text)
    other = tmp_path / "other.h5"
    h5py.File(other, "w").close()
    with pytest.raises(NotASDFError, match="not ASDF"):
        Writer.reopen(other)
    with h5py.File(other, "r+"):
        """It was closed: HDF5 would refuse to open it."""


def test_turns(tmp_path: Path) -> None:
    path = tmp_path / "turns.h5"
    for turn in range(20):
        write(path, trace(start=10**18 + turn * 60 * SECOND))
    assert len(read(path)) == 20


def test_one_station_two_tags(tmp_path: Path, rjob_xml: bytes) -> None:
    path = tmp_path / "file.h5"
    write(path, *obspy.read(), tag="one", stationxml=rjob_xml)
    write(path, *obspy.read(), tag="two", stationxml=rjob_xml)
    with Reader(path) as reader:
        assert reader.tags("BW.RJOB") == ["one", "two"]
        assert reader.stationxml("BW.RJOB") == rjob_xml


def test_a_name_that_is_there_is_refused_and_nothing_written(tmp_path: Path) -> None:
    path = write(tmp_path / "file.h5", trace())
    traces = [trace(start=10**18 - 60 * SECOND), trace(data=[7] * 5)]
    with pytest.raises(TraceError, match=r"XX\.ABC/XX\.ABC\.\.BHZ.* exists already"):
        write(path, *traces)
    assert [list(one.data) for one in read(path)] == [[1, 2, 3, 4, 5]]


def test_documents_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with Writer.create(path, b"<first/>") as writer:
        for document in (b"<longer document/>", b"<x/>"):
            writer.write_quakeml(document)
            writer.write_stationxml(STATION, document)
            writer.write_provenance("name", document)
    with Reader(path) as reader:
        assert reader.quakeml() == b"<x/>"
        assert reader.stationxml(STATION) == b"<x/>"
        assert reader.provenance() == {"name": b"<x/>"}
    with h5py.File(path) as file:
        assert file["Waveforms/XX.ABC/StationXML"].dtype == np.int8
        assert file["Waveforms/XX.ABC/StationXML"].maxshape == (None,)
        assert len(file["QuakeML"].attrs["digest"]) == 32


def test_an_empty_document(tmp_path: Path) -> None:
    with Writer.create(tmp_path / "file.h5") as writer:
        writer.write_stationxml(STATION, b"")
    with Reader(tmp_path / "file.h5") as reader:
        assert reader.stationxml(STATION) == b""


@pytest.mark.parametrize("station", ["", ".", "XXABC", "X/X.ABC", "A.B.C"])
def test_odd_station_names_are_refused(tmp_path: Path, station: str) -> None:
    with (
        Writer.create(tmp_path / "file.h5") as writer,
        pytest.raises(TraceError, match="not of the form"),
    ):
        writer.write_stationxml(station, b"<x/>")


def test_uncompressed_is_contiguous(tmp_path: Path) -> None:
    path = write(tmp_path / "file.h5", trace(), encoding=RAW)
    with h5py.File(path) as file:
        (dataset,) = file["Waveforms/XX.ABC"].values()
        assert dataset.chunks is None
        assert (dataset[()] == [1, 2, 3, 4, 5]).all()


def test_checksums_without_compression(tmp_path: Path) -> None:
    encoding = Encoding(level=None, shuffle=False, fletcher32=True)
    path = write(tmp_path / "file.h5", trace(), encoding=encoding)
    with h5py.File(path) as file:
        (dataset,) = file["Waveforms/XX.ABC"].values()
        assert dataset.compression is None
        assert dataset.fletcher32
        assert (dataset[()] == [1, 2, 3, 4, 5]).all()


# What becomes of a Stream.


def test_masked_traces_are_split_by_integers_and_never_filled(tmp_path: Path) -> None:
    data = np.ma.masked_array(np.arange(10, dtype="<i4"), mask=[0] * 10)
    data.mask[[0, 3, 4, 9]] = True
    start = 10**18 + 7
    path = write(tmp_path / "file.h5", trace(data, start, 1.0))
    pieces = sorted(read(path), key=lambda one: one.stats.starttime.ns)
    assert [list(one.data) for one in pieces] == [[1, 2], [5, 6, 7, 8]]
    assert [one.stats.starttime.ns - start for one in pieces] == [SECOND, 5 * SECOND]
    assert not any(isinstance(one.data, np.ma.MaskedArray) for one in pieces)


def test_masks_that_hide_all_or_nothing() -> None:
    nothing = np.ma.masked_array(np.arange(3, dtype="<i4"), mask=False)
    everything = np.ma.masked_array(np.arange(3, dtype="<i4"), mask=True)
    (kept,) = encode_stream([trace(nothing)], STATION, "raw", COMPRESSED)
    assert kept.header.npts == 3
    assert encode_stream([trace(everything)], STATION, "raw", COMPRESSED) == ()


def test_empty_traces_are_dropped() -> None:
    empty = trace(np.zeros(0, "<i4"))
    assert encode_stream([empty], STATION, "raw", COMPRESSED) == ()
    assert len(encode_stream([empty, trace()], STATION, "raw", COMPRESSED)) == 1


def test_traces_that_cut_to_one_name_all_get_nine_digits() -> None:
    traces = [trace(start=10**18 + k, rate=1.0) for k in (0, 500, 900)]
    for some in (traces, traces[::-1]):
        encoded = encode_stream(some, STATION, "raw", COMPRESSED)
        assert [one.name for one in encoded] == [
            "XX.ABC..BHZ__2001-09-09T01:46:40.000000000"
            "__2001-09-09T01:46:44.000000000__raw",
            "XX.ABC..BHZ__2001-09-09T01:46:40.000000500"
            "__2001-09-09T01:46:44.000000500__raw",
            "XX.ABC..BHZ__2001-09-09T01:46:40.000000900"
            "__2001-09-09T01:46:44.000000900__raw",
        ]


def test_the_same_name_twice_is_an_error() -> None:
    with pytest.raises(TraceError, match="2 traces have the same codes"):
        encode_stream([trace(), trace([9] * 5)], STATION, "raw", COMPRESSED)


def test_a_trace_of_another_station_is_an_error() -> None:
    with pytest.raises(TraceError, match=r"XX\.DEF\.\.BHZ is not of station XX\.ABC"):
        encode_stream([trace(station="DEF")], STATION, "raw", COMPRESSED)


def test_views_and_slices_are_written_as_they_look(tmp_path: Path) -> None:
    whole = np.arange(20, dtype="<i4")
    odd = trace()
    odd.stats.npts = 10
    object.__setattr__(odd, "data", whole[::-2])
    path = write(tmp_path / "file.h5", odd)
    assert list(read(path)[0].data) == list(range(19, -1, -2))


def test_data_of_two_dimensions_is_an_error() -> None:
    odd = trace()
    object.__setattr__(odd, "data", np.zeros((3, 3), "<i4"))
    with pytest.raises(TraceError, match="not a one-dimensional array"):
        encode_stream([odd], STATION, "raw", COMPRESSED)


def test_an_old_version_gets_only_what_it_allows(tmp_path: Path) -> None:
    path = tmp_path / "old.h5"
    with Writer.create(path, format_version="1.0.0") as writer:
        writer.write(make_product([trace()], STATION, "raw", COMPRESSED))
        small = trace(np.arange(5, dtype="<i2"), 0)
        with pytest.raises(TraceError, match=r"1\.0\.0 has no int16"):
            writer.write(make_product([small], STATION, "raw", COMPRESSED))
    with Reader(path) as reader:
        (name,) = reader.names(STATION)
        assert name == "XX.ABC..BHZ__2001-09-09T01:46:40__2001-09-09T01:46:40__raw"
        assert list(reader.stream(STATION, "raw")[0].data) == [1, 2, 3, 4, 5]


def test_products_can_be_sent() -> None:
    import pickle

    product = make_product([trace()], STATION, "raw", COMPRESSED, b"<x/>")
    again = pickle.loads(pickle.dumps(product))
    assert again == product
    assert again.digest == product.digest
    assert product.nbytes > 0


def test_a_product_without_an_encoded_document(tmp_path: Path) -> None:
    traces = encode_stream([trace()], STATION, "raw", COMPRESSED)
    with Writer.create(tmp_path / "file.h5") as writer:
        writer.write(Product(STATION, "raw", traces, b"<x/>"))
    with Reader(tmp_path / "file.h5") as reader:
        assert reader.stationxml(STATION) == b"<x/>"


# Other programs, and the file system.


@pytest.mark.requires("h5dump")
def test_h5dump_of_hdf5_1_10_and_newer_reads_it(our_file: Path) -> None:
    version = subprocess.run(
        ["h5dump", "--version"], capture_output=True, text=True, check=True
    )
    found = re.search(r"Version (\d+)\.(\d+)", version.stdout)
    assert found is not None
    assert (int(found[1]), int(found[2])) >= (1, 10)
    done = subprocess.run(["h5dump", our_file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("DATASET") == 4


_FILL = """
import resource, signal, sys
import numpy as np
from asdf_pipeline.container.codec import RAW, COMPRESSED
from asdf_pipeline.container.product import make_product
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import WriteError
from tests.container.made import trace

path, limit = sys.argv[1], int(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
noise = np.random.default_rng(0).integers(-2**31, 2**31, 5000).astype("<i4")
writer = None
try:
    writer = Writer.create(path, b"<x/>")
    for k in range(100):
        made = trace(noise, 10**18 + k * 10**12)
        writer.write(make_product([made], "XX.ABC", "raw", COMPRESSED, b"<x/>"))
    writer.close()
except WriteError as error:
    print("first:", error, error.errno)
try:
    if writer is not None:
        writer.close()
        writer.close()
except WriteError as error:
    print("close:", error)
print("alive")
"""


@pytest.mark.parametrize("limit", [0, 100, 3000, 20_000, 50_000, 300_000, 1_000_000])
def test_a_file_that_cannot_grow_gives_one_line_and_no_crash(
    tmp_path: Path, root: Path, limit: int
) -> None:
    path = tmp_path / "full.h5"
    done = subprocess.run(
        [sys.executable, "-c", _FILL, str(path), str(limit)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=root,
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"first: {path}: cannot be written: File too large")
    assert lines[-1] == "alive"
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_auxiliary_data_of_a_kind_is_written_as_if_alone(tmp_path: Path) -> None:
    # What follows data of its kind in its group is made as a copy of it.
    random = np.random.default_rng(1)
    contents = {
        f"Kind/{group}/{name}": (
            random.standard_normal(size),
            {"comp": name, "dist": float(number), "ngood": number, "text": text},
        )
        for group, size in (("one", 50), ("two", 70_000))
        for number, (name, text) in enumerate(
            (("ZZ", "same"), ("ZN", "same"), ("ZE", "longer than the others"))
        )
    }
    contents["Kind/one/other"] = (random.standard_normal(50), {"comp": "ZZ"})
    contents["Kind/one/shape"] = (np.arange(6).reshape(2, 3), {})
    for name, encoding in (("compressed", COMPRESSED), ("raw", RAW)):
        encoded = encode_auxiliary(contents, encoding)
        path = tmp_path / f"{name}.h5"
        with Writer.create(path) as writer:
            writer.write(Product("", "", (), auxiliary=encoded))
        with Reader(path) as reader:
            assert reader.auxiliary_paths() == sorted(contents)
            for one, (data, parameters) in contents.items():
                found, said = reader.auxiliary(one)
                assert np.array_equal(found, data)
                assert said == parameters
