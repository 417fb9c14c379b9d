"""Reading: damaged and odd files give one clear line, never a crash or silence."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import obspy
import pytest

from asdf_pipeline.container import datasets
from asdf_pipeline.container.codec import RAW, Encoding
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.verify import verify
from asdf_pipeline.errors import (
    ASDFPipelineError,
    InputError,
    InputMissingError,
    NotASDFError,
    StationMissingError,
    TraceError,
)
from asdf_pipeline.plan.planning import make_plan
from tests.container.made import DTYPES, trace, write

SECOND = 10**9
STATION = "XX.ABC"


def only_name(path: Path) -> str:
    with Reader(path) as reader:
        (name,) = reader.names(STATION)
    return name


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a file of one trace."""
    return write(tmp_path / "small.h5", trace())


# Whole files.


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputMissingError, match=r"none\.h5: no such file"):
        Reader(tmp_path / "none.h5")


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(NotASDFError, match="not a regular file"):
        Reader(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no HDF5 at all" * 100])
def test_a_file_that_is_not_hdf5(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.h5"
    path.write_bytes(content)
    with pytest.raises(NotASDFError, match=r"text\.h5: not an HDF5 file$"):
        Reader(path)


def test_hdf5_that_is_not_asdf(tmp_path: Path) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["Waveforms/XX.ABC/a"] = [1, 2]
    with pytest.raises(NotASDFError, match=r"HDF5, but not ASDF.*'file_format'"):
        Reader(path)


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("file_format", "FDSA", "the file format is 'FDSA'"),
        ("file_format", 1, "no root attribute 'file_format'"),
        ("file_format", ["ASDF", "ASDF"], "no root attribute 'file_format'"),
        ("file_format_version", "2.0.0", "version '2.0.0' is not supported"),
        ("file_format_version", None, "no root attribute 'file_format_version'"),
    ],
)
def test_wrong_root_attributes(
    small: Path, attribute: str, value: Any, message: str
) -> None:
    with h5py.File(small, "r+") as file:
        del file.attrs[attribute]
        if value is not None:
            file.attrs[attribute] = value
    with pytest.raises(NotASDFError, match=message):
        Reader(small)


@pytest.mark.parametrize("version", ["1.0.0", "1.0.1", "1.0.2", "1.0.3"])
@pytest.mark.parametrize("kind", ["fixed", "variable"])
def test_all_versions_are_read(small: Path, version: str, kind: str) -> None:
    with h5py.File(small, "r+") as file:
        text = np.bytes_(version.encode() + b"\0") if kind == "fixed" else version
        file.attrs["file_format_version"] = text
    with Reader(small) as reader:
        assert reader.format_version == version
        stats = reader.stream(STATION, "raw_recording")[0].stats
        assert stats.asdf.format_version == version


def test_a_truncated_file(our_file: Path) -> None:
    whole = our_file.read_bytes()
    for part in range(1, 50):
        our_file.write_bytes(whole[: len(whole) * part // 50])
        with pytest.raises(NotASDFError, match=r"ours\.h5: .*(truncated|opened|ASDF)"):
            Reader(our_file)


def test_flipped_bits_anywhere_give_the_same_content_or_an_error(
    our_file: Path, tmp_path: Path
) -> None:
    whole = our_file.read_bytes()
    generator = np.random.default_rng(5)
    path = tmp_path / "flipped.h5"
    with Reader(our_file) as reader:
        expected = reader.stream("BW.RJOB", "raw_recording")
        names = reader.names("BW.RJOB")
    errors = []
    for position in generator.integers(0, len(whole), 200):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << generator.integers(8)
        path.write_bytes(damaged)
        try:
            with Reader(path) as reader:
                assert reader.stations() == ["BW.RJOB"]
                assert reader.names("BW.RJOB") == names
                assert reader.stream("BW.RJOB", "raw_recording") == expected
        except ASDFPipelineError as error:
            errors.append(str(error))
    assert len(errors) > 100
    assert all(str(path) in error and "\n" not in error for error in errors)


def test_the_input_is_not_touched(our_file: Path) -> None:
    before = our_file.read_bytes(), our_file.stat().st_mtime_ns
    our_file.chmod(0o444)
    with Reader(our_file) as reader:
        reader.stream("BW.RJOB", "raw_recording")
        inventory = reader.inventory("BW.RJOB")
        assert inventory is not None
        assert inventory[0][0].code == "RJOB"
    assert (our_file.read_bytes(), our_file.stat().st_mtime_ns) == before


@pytest.mark.parametrize(
    "name", ["a b.h5", "it's.h5", 'a"b.h5', "a\nb.h5", "ü.h5", "-r.h5"]
)
def test_odd_file_names(small: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    shutil.copy(small, path)
    with Reader(path) as reader:
        assert reader.stations() == [STATION]
    path.write_bytes(b"x")
    with pytest.raises(NotASDFError, match="not an HDF5 file"):
        Reader(path)


# Traces.


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("encoding", [RAW, Encoding(chunk=100)])
def test_every_type_of_samples(tmp_path: Path, dtype: str, encoding: Encoding) -> None:
    data = np.arange(-500, 500).astype(dtype)
    path = write(tmp_path / "file.h5", trace(data), encoding=encoding)
    with Reader(path) as reader:
        (read,) = reader.stream(STATION, "raw_recording")
    assert read.data.dtype == np.dtype(dtype)
    assert (read.data == data).all()


def test_start_times_are_exact(tmp_path: Path) -> None:
    starts = [1_251_073_203_123_456_789 + 60 * SECOND * k + k for k in range(50)]
    path = write(tmp_path / "file.h5", *(trace(start=start) for start in starts))
    with Reader(path) as reader:
        stream = reader.stream(STATION, "raw_recording")
        headers = reader.headers(STATION, "raw_recording")
    assert sorted(one.stats.starttime.ns for one in stream) == starts
    assert [header.endtime - header.starttime for header in headers] == [4 * 10**8] * 50


@pytest.mark.parametrize("encoding", [RAW, Encoding(chunk=1000)])
def test_a_window_gives_its_samples_with_their_exact_time(
    tmp_path: Path, encoding: Encoding
) -> None:
    data = np.arange(10_000, dtype="<i4")
    start = 10**18 + 123_456_789
    path = write(tmp_path / "file.h5", trace(data, start, 20.0), encoding=encoding)
    window = (start + 100 * SECOND, start + 200 * SECOND)
    with Reader(path) as reader:
        (read,) = reader.stream(STATION, "raw_recording", window)
        assert (read.data == data[2000:4001]).all()
        assert read.stats.starttime.ns == window[0]
        assert read.stats.endtime.ns == window[1]
        late = (start + 10**6 * SECOND, start + 10**7 * SECOND)
        assert len(reader.stream(STATION, "raw_recording", late)) == 0


def test_a_window_reads_only_the_chunks_it_needs(tmp_path: Path) -> None:
    data = np.arange(100_000, dtype="<i4")
    encoding = Encoding(chunk=1000)
    path = write(tmp_path / "file.h5", trace(data, 0, 1.0), encoding=encoding)
    with h5py.File(path, "r+") as file:  # all other chunks cannot be read
        dataset = file["Waveforms/XX.ABC"][only_name(path)]
        places = [dataset.id.get_chunk_info(index) for index in range(100)]
    content = bytearray(path.read_bytes())
    for index, place in enumerate(places):
        if index not in (50, 51):
            content[place.byte_offset + place.size // 2] ^= 0xFF
    path.write_bytes(content)
    with Reader(path) as reader:
        (read,) = reader.stream(
            STATION, "raw_recording", (50_900 * SECOND, 51_100 * SECOND)
        )
        assert (read.data == data[50_900:51_101]).all()
        with pytest.raises(TraceError, match="checksum differs"):
            reader.stream(STATION, "raw_recording", (0, 51_100 * SECOND))


def test_a_window_opens_only_what_reaches_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = [60 * SECOND * k for k in range(50)]
    path = write(tmp_path / "file.h5", *(trace(start=start) for start in starts))
    with h5py.File(path, "r+") as file:  # a name that lies
        group = file["Waveforms/XX.ABC"]
        names = sorted(name for name in group if name != "StationXML")
        group.move(names[7], names[7].replace("1970", "1971"))
    opened = []
    open_dataset = datasets.open_dataset

    def counting(group: object, name: bytes) -> datasets.OpenDataset:
        opened.append(name)
        return open_dataset(group, name)

    monkeypatch.setattr(datasets, "open_dataset", counting)
    with Reader(path) as reader:
        for start in starts:
            window = (start, start + 59 * SECOND)
            (read,) = reader.stream(STATION, "raw_recording", window)
            assert read.stats.starttime.ns == start
    assert len(opened) < 2 * len(starts)


def test_a_flipped_byte_is_named(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(-999, 999, 1000).astype("<i4")
    path = write(tmp_path / "file.h5", trace(data))
    name = only_name(path)
    with h5py.File(path) as file:
        place = file["Waveforms/XX.ABC"][name].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[place.byte_offset + 100] ^= 1
    path.write_bytes(content)
    with Reader(path) as reader, pytest.raises(TraceError) as caught:
        reader.stream(STATION, "raw_recording")
    for text in (str(path), STATION, name, "checksum"):
        assert text in str(caught.value)


def _replace(path: Path, **changes: Any) -> None:
    """Replace the trace's attributes; None deletes one."""
    with h5py.File(path, "r+") as file:
        (dataset,) = file["Waveforms/XX.ABC"].values()
        for name, value in changes.items():
            if name in dataset.attrs:
                del dataset.attrs[name]
            if value is not None:
                dataset.attrs[name] = value


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"starttime": None}, "no attribute 'starttime'"),
        ({"sampling_rate": None}, "no attribute 'sampling_rate'"),
        ({"starttime": "2020-01-01"}, "'starttime' is not a number"),
        ({"starttime": 1.5e18}, "'starttime' is not a number of the right type"),
        ({"starttime": [1, 2]}, "'starttime' is not a number"),
        ({"sampling_rate": "fast"}, "'sampling_rate' is not a number"),
        ({"sampling_rate": np.nan}, "the sampling rate is nan Hz"),
        ({"sampling_rate": np.inf}, "the sampling rate is inf Hz"),
        ({"sampling_rate": 0.0}, "the sampling rate is 0.0 Hz"),
        ({"sampling_rate": -20.0}, "the sampling rate is -20.0 Hz"),
        ({"sampling_rate": 1e-300}, "outside the years"),
        ({"event_id": 5}, "'event_id' is not a text"),
        ({"labels": np.bytes_(b"\xff\xfe\xfd")}, "'labels' is not a text"),
    ],
)
def test_impossible_attributes_fail_the_unit(
    small: Path, changes: dict[str, Any], message: str
) -> None:
    _replace(small, **changes)
    with Reader(small) as reader:
        plan = make_plan(reader, {"raw_recording": "processed"})
        assert [unit.station for unit in plan.units] == [STATION]
        with pytest.raises(TraceError, match=message) as caught:
            reader.stream(STATION, "raw_recording")
    assert str(small) in str(caught.value)
    assert STATION in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"starttime": np.array([10**18])},
        {"starttime": np.array(10**18, ">i8")},
        {"starttime": np.uint64(10**18)},
        {"sampling_rate": np.float32(10)},
        {"sampling_rate": np.int32(10)},
        {"sampling_rate": np.array([10.0], ">f8")},
    ],
)
def test_attributes_as_other_writers_may_make_them(
    small: Path, changes: dict[str, Any]
) -> None:
    _replace(small, **changes)
    with Reader(small) as reader:
        (header,) = reader.headers(STATION)
    assert (header.starttime, header.sampling_rate) == (10**18, 10.0)


def _as_two_dimensions(group: Any, name: str) -> None:
    group.create_dataset(name, data=np.zeros((5, 2), "<i4"))


def _as_scalar(group: Any, name: str) -> None:
    group[name] = 5


def _as_group(group: Any, name: str) -> None:
    group.create_group(name)


def _as_complex(group: Any, name: str) -> None:
    group[name] = np.zeros(5, "c16")


def _as_text(group: Any, name: str) -> None:
    group[name] = ["a", "b"]


def _as_compound(group: Any, name: str) -> None:
    group[name] = np.zeros(5, [("a", "<i4"), ("b", "<f4")])


def _as_virtual(group: Any, name: str) -> None:
    layout = h5py.VirtualLayout((5,), "<i4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (5,), "<i4")
    group.create_virtual_dataset(name, layout)


def _as_external_bytes(group: Any, name: str) -> None:
    group.create_dataset(name, (5,), "<i4", external=[("/etc/hostname", 0, 20)])


@pytest.mark.parametrize(
    "instead",
    [
        _as_two_dimensions,
        _as_scalar,
        _as_group,
        _as_complex,
        _as_text,
        _as_compound,
        _as_virtual,
        _as_external_bytes,
    ],
)
def test_what_is_no_trace_fails_its_unit(
    small: Path, instead: Callable[[Any, str], None]
) -> None:
    with h5py.File(small, "r+") as file:
        group = file["Waveforms/XX.ABC"]
        (name,) = group
        attributes = dict(group[name].attrs)
        del group[name]
        instead(group, name)
        group[name].attrs.update(attributes)
    with Reader(small) as reader:
        assert list(reader.samples_by_tag(STATION)) == ["raw_recording"]
        with pytest.raises(TraceError, match=STATION):
            reader.stream(STATION, "raw_recording")


def test_a_data_set_without_samples(small: Path) -> None:
    with h5py.File(small, "r+") as file:
        group = file["Waveforms/XX.ABC"]
        (name,) = group
        attributes = dict(group[name].attrs)
        del group[name]
        group.create_dataset(name, (0,), "<i4", maxshape=(None,), chunks=(10,))
        group[name].attrs.update(attributes)
    with Reader(small) as reader:
        assert reader.samples_by_tag(STATION) == {"raw_recording": 0}
        (read,) = reader.stream(STATION, "raw_recording")
    assert read.stats.npts == 0


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("XX.ABC..BHZ__yesterday__raw_recording", "raw_recording"),
        (
            "XX.OTHER..BHZ__2001-09-09T01:46:40__2001-09-09T01:46:40__raw_recording",
            "raw_recording",
        ),
        ("something else", "something else"),
    ],
)
def test_a_wrong_name_fails_its_unit(small: Path, name: str, tag: str) -> None:
    with h5py.File(small, "r+") as file:
        group = file["Waveforms/XX.ABC"]
        (right,) = group
        group.move(right, name)
    with Reader(small) as reader:
        assert reader.samples_by_tag(STATION) == {tag: 5}
        with pytest.raises(TraceError, match=f"{STATION}, data set {name}"):
            reader.stream(STATION, tag)


def test_what_is_not_there(small: Path) -> None:
    with Reader(small) as reader:
        for station in ("XX.DEF", "", "XX.ABC/", "../XX.ABC", "XX.ABC\0", "."):
            assert station not in reader
            with pytest.raises(StationMissingError, match="no station"):
                reader.stream(station, "raw_recording")
        with pytest.raises(StationMissingError, match="no waveforms with tag 'other'"):
            reader.stream(STATION, "other")
        with pytest.raises(StationMissingError, match="has no data set"):
            reader.trace(STATION, "../XX.ABC")


def test_links_are_named_and_not_followed(small: Path, tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.h5", trace(station="SECRET"))
    with h5py.File(small, "r+") as file:
        waveforms = file["Waveforms"]
        waveforms["XX.SOFT"] = h5py.SoftLink("/Waveforms/XX.ABC")
        waveforms["XX.LOOP"] = h5py.SoftLink("/Waveforms/XX.LOOP")
        waveforms["XX.SECRET"] = h5py.ExternalLink(secret, "/Waveforms/XX.SECRET")
        file["QuakeML"] = h5py.SoftLink("/QuakeML")
    links = ["XX.LOOP", "XX.SECRET", "XX.SOFT"]
    with Reader(small) as reader:
        assert reader.stations() == [STATION, *links]
        assert reader.tags(STATION) == ["raw_recording"]
        for link in links:
            match = rf"small\.h5: station {link} cannot be read: .* is a link to"
            with pytest.raises(TraceError, match=match):
                reader.names(link)
        with pytest.raises(TraceError, match=r"/XX\.SECRET in /.*secret\.h5, .*merge"):
            reader.stream("XX.SECRET", "raw_recording")
        with pytest.raises(TraceError, match=r"station XX\.LOOP cannot be read"):
            make_plan(reader, {"raw_recording": "out"})
        with pytest.raises(InputError, match="/QuakeML is a link to /QuakeML"):
            reader.quakeml()
    for link, problem in zip(links, verify(small), strict=False):
        assert f"station {link} cannot be read" in problem


def test_links_within_a_station_are_named(small: Path) -> None:
    with h5py.File(small, "r+") as file:
        group = file["Waveforms/XX.ABC"]
        group["StationXML"] = h5py.ExternalLink("other.h5", "/QuakeML")
        group["XX.ABC..BHE__a__b__soft"] = h5py.SoftLink("/Waveforms/XX.ABC")
    with Reader(small) as reader:
        with pytest.raises(TraceError, match="XX.ABC/StationXML is a link to"):
            reader.names(STATION)
        with pytest.raises(InputError, match="StationXML is a link to /QuakeML in oth"):
            reader.stationxml(STATION)
        with pytest.raises(InputError, match="__soft is a link to /Waveforms/XX.ABC"):
            reader.trace(STATION, "XX.ABC..BHE__a__b__soft")


def test_a_group_linked_into_itself_ends(small: Path) -> None:
    with h5py.File(small, "r+") as file:
        file["AuxiliaryData/Type/array"] = [1, 2]
        file["AuxiliaryData/Type/loop"] = file["AuxiliaryData"]
        file["Waveforms/XX.LOOP"] = file["Waveforms"]
    with Reader(small) as reader:
        assert reader.auxiliary_paths() == ["Type/array"]
        assert reader.stations() == [STATION, "XX.LOOP"]
        with pytest.raises(TraceError):
            reader.stream("XX.LOOP", "XX.ABC")


def test_a_data_set_among_the_stations_is_no_station(small: Path) -> None:
    with h5py.File(small, "r+") as file:
        file["Waveforms/XX.DATA"] = [1, 2, 3]
    with Reader(small) as reader:
        assert reader.stations() == [STATION]


def test_a_file_without_waveforms(small: Path) -> None:
    with h5py.File(small, "r+") as file:
        del file["Waveforms"]
    with Reader(small) as reader:
        assert reader.stations() == []
        assert STATION not in reader


def test_many_one_sample_traces(tmp_path: Path) -> None:
    traces = [trace([k], 10**18 + k * SECOND) for k in range(500)]
    path = write(tmp_path / "file.h5", *traces)
    with Reader(path) as reader:
        stream = reader.stream(STATION, "raw_recording")
    assert sorted(one.data[0] for one in stream) == list(range(500))


# Documents and auxiliary data.


def test_documents_are_given_byte_for_byte(tmp_path: Path) -> None:
    document = b"<q:quakeml/> \0\n"
    path = write(tmp_path / "file.h5", trace())
    with h5py.File(path, "r+") as file:
        file["QuakeML"] = np.frombuffer(document, "i1")
        file["Provenance/one"] = np.frombuffer(document, "u1")
    with Reader(path) as reader:
        assert reader.quakeml() == document
        assert reader.provenance() == {"one": document}


def test_no_events_are_an_empty_catalog(small: Path) -> None:
    with Reader(small) as reader:
        assert reader.quakeml() is None
        assert len(reader.events()) == 0
    empty = obspy.core.event.Catalog()
    with h5py.File(small, "r+") as file:
        path = small.with_suffix(".xml")
        empty.write(str(path), format="QUAKEML")
        file["QuakeML"] = np.frombuffer(path.read_bytes(), "i1")
    with Reader(small) as reader:
        assert len(reader.events()) == 0


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"<q:quakeml", "not well-formed"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "never resolved"),
        (b"<a/>", "cannot be parsed"),
    ],
)
def test_damaged_events(small: Path, document: bytes, message: str) -> None:
    with h5py.File(small, "r+") as file:
        file["QuakeML"] = np.frombuffer(document, "i1")
    with Reader(small) as reader, pytest.raises(InputError, match=message) as caught:
        reader.events()
    assert str(small) in str(caught.value)


def test_auxiliary_data(peer_file: Path) -> None:
    with Reader(peer_file) as reader:
        assert reader.auxiliary_paths() == ["Spectra/some/path"]
        array, parameters = reader.auxiliary("Spectra/some/path")
        assert (array == np.arange(12.0).reshape(3, 4)).all()
        assert parameters == {"a": 1, "b": "x"}
        with pytest.raises(StationMissingError, match="no auxiliary data"):
            reader.auxiliary("Spectra")
