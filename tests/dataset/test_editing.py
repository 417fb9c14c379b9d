"""Deleting, replacing, appending, and adding what is neither waveforms nor metadata."""

from __future__ import annotations

import io
import json
import logging
import resource
import signal
import subprocess
import sys
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import obspy
import pyasdf
import pytest
from obspy import UTCDateTime

import asdf_pipeline
from asdf_pipeline import ASDFDataSet, ASDFWarning, exceptions
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.repack import repack
from asdf_pipeline.errors import (
    AuxiliaryError,
    CallError,
    InputMissingError,
    SampleTypeError,
    StationMissingError,
    StationXMLError,
    TraceError,
    WriteError,
)

if TYPE_CHECKING:
    from pathlib import Path

START = UTCDateTime(ns=1_704_067_200_123_456_789)


@pytest.fixture
def ds(tmp_path: Path) -> ASDFDataSet:
    return ASDFDataSet(tmp_path / "new.h5")


def trace(
    data: np.ndarray, start: UTCDateTime = START, rate: float = 100.0
) -> obspy.Trace:
    header = {"network": "XX", "station": "A", "channel": "HHZ"}
    return obspy.Trace(data, {**header, "starttime": start, "sampling_rate": rate})


# Deleting.


def test_what_is_deleted_is_gone_in_pyasdf_too(example: Path) -> None:
    with ASDFDataSet(example) as ds:
        ds.add_auxiliary_data(np.arange(5), "Kind", "deep/one", {})
        ds.add_auxiliary_data(np.arange(5), "Kind", "deep/two", {})
        ds.add_auxiliary_data(np.arange(5), "Other", "one", {})
        name = next(one for one in ds.waveforms.BW_RJOB.list() if "other" in one)
        del ds.waveforms.BW_RJOB[name]
        del ds.waveforms.BW_RJOB.raw_recording
        del ds.waveforms["IU.ULN"].StationXML
        del ds.waveforms.BW_BGLD
        del ds.events
        del ds.auxiliary_data.Kind.deep.one
        del ds.auxiliary_data["Other"]
        assert ds.waveforms.list() == ["BW.RJOB", "IU.ULN"]
    for library in (pyasdf.ASDFDataSet, ASDFDataSet):
        with library(str(example), mode="r") as ds:
            assert ds.waveforms.list() == ["BW.RJOB", "IU.ULN"]
            assert ds.waveforms.BW_RJOB.get_waveform_tags() == ["other"]
            assert len(ds.waveforms.BW_RJOB.other) == 2
            assert "StationXML" not in ds.waveforms.IU_ULN
            assert len(ds.events) == 0
            assert ds.auxiliary_data.list() == ["Kind"]
            assert ds.auxiliary_data.Kind.deep.list() == ["two"]


def test_deleting_what_is_not_there_is_an_error(example: Path) -> None:
    with ASDFDataSet(example) as ds:
        before = file_digest(example)
        for view, item in (
            (ds.waveforms, "XX.NONE"),
            (ds.waveforms.BW_RJOB, "nothing"),
            (ds.waveforms.BW_BGLD, "StationXML"),
            (ds.auxiliary_data, "Nothing"),
            (ds.provenance, "nothing"),
        ):
            with pytest.raises(KeyError):
                del view[item]
            with pytest.raises(AttributeError):
                delattr(view, item)
        with pytest.raises(AttributeError, match="cannot be deleted"):
            del ds.waveforms.list
    assert file_digest(example) == before


def test_a_file_that_is_read_is_not_deleted_from(example: Path) -> None:
    before = example.read_bytes()
    with (
        ASDFDataSet(example, mode="r") as ds,
        pytest.raises(CallError, match="mode 'r'"),
    ):
        del ds.waveforms.BW_RJOB
    assert example.read_bytes() == before


@pytest.mark.parametrize("version", ["1.0.3", "1.0.1"])
def test_repack_gives_back_what_deleting_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, version: str
) -> None:
    path = tmp_path / "in.h5"
    noise = np.random.default_rng(1).normal(size=100_000)
    with ASDFDataSet(path, format_version=version) as ds:
        for tag in ("gone", "kept"):
            ds.add_waveforms(trace(noise), tag)
        ds.add_quakeml(obspy.read_events()[:0])
        ds.flush()
        with caplog.at_level(logging.WARNING):
            del ds.waveforms.XX_A.gone
            ds.flush()
        assert "asdf-pipeline repack" in caplog.text
    size, digest = path.stat().st_size, file_digest(path)
    link = tmp_path / "link.h5"
    link.symlink_to(path)
    done = subprocess.run(
        [sys.executable, "-m", "asdf_pipeline", "repack", str(link)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert " -> " in done.stdout
    assert link.is_symlink()
    assert path.stat().st_size < 0.6 * size
    assert file_digest(path) == digest
    with pyasdf.ASDFDataSet(str(path), mode="r") as theirs:
        assert theirs.asdf_format_version_in_file == version
        assert theirs.waveforms.XX_A.kept[0].data.tolist() == noise.tolist()


def test_repack_leaves_a_file_alone_that_is_being_changed(tmp_path: Path) -> None:
    with ASDFDataSet(tmp_path / "in.h5") as ds:
        ds.add_waveforms(obspy.read(), "raw")
        with pytest.raises(WriteError, match="open elsewhere"):
            repack(tmp_path / "in.h5")
        assert len(ds.waveforms.BW_RJOB.raw) == 3


# Replacing.


def test_replacing_waveforms_metadata_and_events(ds: ASDFDataSet) -> None:
    ds.add_waveforms(trace(np.arange(10)), "raw")
    new = trace(np.arange(10)[::-1].copy())
    with pytest.raises(TraceError, match="replace=True"):
        ds.add_waveforms(new, "raw")
    ds.add_waveforms(new, "raw", replace=True)
    assert ds.waveforms.XX_A.raw[0].data.tolist() == list(range(9, -1, -1))
    inventory = obspy.read_inventory()
    ds.add_stationxml(inventory)
    for network in inventory:
        for station in network:
            station.latitude = 1.0
            station.channels = []
    ds.add_stationxml(inventory, replace=True)
    assert ds.waveforms.GR_FUR.coordinates["latitude"] == 1.0
    with pytest.raises(StationXMLError, match="no channels"):
        _ = ds.waveforms.GR_FUR.channel_coordinates
    catalog = obspy.read_events()
    ds.add_quakeml(catalog)
    catalog[1].event_descriptions = []
    with pytest.raises(ValueError, match="there already"):
        ds.add_quakeml(catalog)
    ds.add_quakeml(catalog, replace=True)
    assert len(ds.events) == len(catalog)
    assert ds.events[-2].event_descriptions == []


def test_auxiliary_data_is_set_in_place_or_replaced(ds: ASDFDataSet) -> None:
    provenance_id = "{http://example.org}one"
    ds.add_auxiliary_data(np.arange(6.0), "Kind", "a", {"n": 1}, provenance_id)
    item = ds.auxiliary_data.Kind.a
    item.data[2:4] = 7
    assert ds.auxiliary_data.Kind.a.data.tolist() == [0, 1, 7, 7, 4, 5]
    item.data += 1
    assert ds.auxiliary_data.Kind.a.data.tolist() == [1, 2, 8, 8, 5, 6]
    mine = item.data[:]
    mine *= 2  # the caller's own
    assert ds.auxiliary_data.Kind.a.data.tolist() == [1, 2, 8, 8, 5, 6]
    item.data = np.arange(12, dtype=">i2").reshape(3, 4)
    again = ds.auxiliary_data.Kind.a
    assert again.data.shape == (3, 4)
    assert again.data.dtype == ">i2"
    assert (again.parameters, again.provenance_id) == ({"n": 1}, provenance_id)
    with pytest.raises(AuxiliaryError):
        item.data = np.array(["text"])
    assert ds.auxiliary_data.Kind.a.data.shape == (3, 4)
    with pytest.raises(AuxiliaryError, match="there already"):
        ds.add_auxiliary_data(np.arange(3), "Kind", "a", {})
    ds.add_auxiliary_data(np.arange(3), "Kind", "a", {"m": 2}, replace=True)
    with pytest.warns(ASDFWarning, match="already exists in file"):
        ds.add_auxiliary_data(np.arange(3), "Kind", "a", {"m": 2})
    assert ds.auxiliary_data.Kind.a.parameters == {"m": 2}
    ds.flush()
    with pyasdf.ASDFDataSet(ds.filename, mode="r") as theirs:
        assert theirs.auxiliary_data.Kind.a.data[:].tolist() == [0, 1, 2]


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "in.h5"
    ds = ASDFDataSet(path)
    ds.add_waveforms(trace(np.arange(100)), "first")
    ds.flush()
    before = file_digest(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, hard))
    try:
        noise = np.random.default_rng(1).normal(size=100_000)
        with pytest.raises(WriteError, match=r"in\.h5: cannot be written"):
            ds.add_waveforms(trace(noise), "second")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert file_digest(path) == before
    ds.add_waveforms(trace(noise), "second")
    assert ds.waveforms.XX_A.get_waveform_tags() == ["first", "second"]
    ds.close()


# Appending.


@pytest.mark.parametrize("rate", [100.0, 30.0, 1 / 3])
@pytest.mark.parametrize("start_by", ["append", "add", "pyasdf"])
def test_appended_pieces_are_one_trace_exact_to_the_nanosecond(
    tmp_path: Path, rate: float, start_by: str
) -> None:
    path = tmp_path / "in.h5"
    data = np.random.default_rng(1).integers(-999, 999, 70_000).astype("i4")
    whole = trace(data, rate=rate)
    edges = [0, 40_000, 40_001, 40_100, 69_000, 70_000]
    pieces = [
        trace(data[a:b], UTCDateTime(ns=START.ns + round(a * 10**9 / rate)), rate)
        for a, b in zip(edges, edges[1:], strict=False)
    ]
    if start_by == "pyasdf":
        pieces[0].stats.starttime = UTCDateTime(ns=START.ns // 1000 * 1000)
        with pyasdf.ASDFDataSet(str(path), compression="lzf") as theirs:
            theirs.add_waveforms(pieces[0], "raw")
        pieces[1].stats.starttime += -(START.ns % 1000) / 1e9
        whole.stats.starttime = pieces[0].stats.starttime
        pieces = pieces[1:2]
        data = data[:40_001]
    with ASDFDataSet(path) as ds:
        if start_by == "add":
            ds.add_waveforms(pieces.pop(0), "raw")
        for number, piece in enumerate(pieces):
            ds.append_waveforms(piece, "raw")
            if number == 2:
                assert len(ds.waveforms.XX_A.raw) == 1  # read in between
        (one,) = ds.waveforms.XX_A.raw
        assert one.stats.starttime.ns == whole.stats.starttime.ns
        assert one.data.tobytes() == data.tobytes()
    with pyasdf.ASDFDataSet(str(path), mode="r") as theirs:
        (one,) = theirs.waveforms.XX_A.raw
        assert one.data.tolist() == data.tolist()


def test_what_does_not_go_on_is_a_trace_of_its_own(ds: ASDFDataSet) -> None:
    data = np.arange(100, dtype="i4")
    ds.append_waveforms(trace(data), "raw")
    for late in (1_000, -1_000, 10_000_000):  # ns
        ds.append_waveforms(
            trace(data, UTCDateTime(ns=START.ns + 10**9 + late)), f"late{abs(late)}"
        )
        ds.append_waveforms(trace(data, UTCDateTime(ns=START.ns + 10**9 + late)), "raw")
    assert len(ds.waveforms.XX_A.raw) == 4
    ds.append_waveforms(trace(data.astype("f4"), START + 1), "raw")
    ds.append_waveforms(trace(data, START + 1, rate=50.0), "raw")
    assert len(ds.waveforms.XX_A.raw) == 6
    ds.append_waveforms(trace(data, UTCDateTime(ns=START.ns + 10**9 + 400)), "raw")
    assert len(ds.waveforms.XX_A.raw) == 6
    assert max(len(one) for one in ds.waveforms.XX_A.raw) == 200


def test_a_stream_of_several_channels_and_gaps_is_appended(ds: ASDFDataSet) -> None:
    stream = obspy.read()
    halves = [
        stream.slice(endtime=stream[0].stats.starttime + 9.99),
        stream.slice(starttime=stream[0].stats.starttime + 10),
    ]
    for half in reversed(halves):  # what comes later in time is appended first
        ds.append_waveforms(half, "raw")
    assert len(ds.waveforms.BW_RJOB.raw) == 6
    for half in halves:
        ds.append_waveforms(half, "again")
    found = ds.waveforms.BW_RJOB.again.sort()
    assert [one.data.tolist() for one in found] == [
        one.data.tolist() for one in stream.sort()
    ]
    gap = trace(np.ma.masked_greater(np.arange(10), 6).astype("i4"))
    gap.data[3] = np.ma.masked
    ds.append_waveforms(gap, "gap")
    assert [len(one) for one in ds.waveforms.XX_A.gap] == [3, 3]
    ds.append_waveforms(trace(np.arange(100, dtype="i4"), START), "twice")
    with pytest.warns(ASDFWarning, match="already exists"):
        ds.append_waveforms(trace(np.arange(100, dtype="i4"), START), "twice")


def test_appended_traces_go_on_in_another_session(tmp_path: Path) -> None:
    data = np.arange(100, dtype="i4")
    for second in range(3):
        with ASDFDataSet(tmp_path / "in.h5") as ds:
            ds.append_waveforms(trace(data, START + second), "raw")
            assert [len(one) for one in ds.waveforms.XX_A.raw] == [100 * (second + 1)]


# The rest.


def test_files_and_provenance_documents(ds: ASDFDataSet, tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    path.write_text(json.dumps({"a": 1}))
    ds.add_auxiliary_data_file(path, "note", {"why": "test"})
    ds.add_auxiliary_data_file(io.BytesIO(b"\0 bytes \n"), "deep/bytes")
    assert json.load(ds.auxiliary_data.Files.note.file) == {"a": 1}
    assert ds.auxiliary_data.Files.deep.bytes.file.read() == b"\0 bytes \n"
    with pytest.raises(InputMissingError, match="no such file"):
        ds.add_auxiliary_data_file(tmp_path / "none", "none")
    with pytest.raises(CallError, match="open as bytes"):
        ds.add_auxiliary_data_file(io.StringIO("text"), "text")
    name = "example_schematic_processing_chain.xml"
    source = str(files("pyasdf") / "tests" / "data" / name)
    ds.provenance["how"] = source
    with open(source, "rb") as file:  # noqa: PTH123 - a file object is what is added
        ds.add_provenance_document(file, "again")
    ds.add_provenance_document(ds.provenance.how)
    assert len(ds.provenance) == 3
    with open(source, "rb") as file:  # noqa: PTH123
        assert ds.provenance.raw("how") == file.read()
    record = "{http://seisprov.org/seis_prov/0.1/#}sp002_dt_f87sf7sf78"
    assert ds.provenance.get_provenance_document_for_id(record)["name"]
    with pytest.raises(StationMissingError):
        ds.provenance.get_provenance_document_for_id("{http://none.org}none")
    with pytest.raises(CallError, match="It must validate"):
        ds.provenance["a/b"] = source
    del ds.provenance.how
    assert "how" not in ds.provenance
    ds.flush()
    with pyasdf.ASDFDataSet(ds.filename, mode="r") as other:
        assert other.provenance.again == ds.provenance.again
        assert other.auxiliary_data.Files.note.file.read() == path.read_bytes()


def test_what_is_added_follows_the_version_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "old.h5"
    ASDFDataSet(path, format_version="1.0.0").close()
    short = trace(np.arange(10, dtype="i2"))
    with ASDFDataSet(path) as ds, pytest.raises(SampleTypeError, match=r"1\.0\.0"):
        ds.add_waveforms(short, "raw")
    with pytest.warns(ASDFWarning, match="You are forcing ASDF version"):
        ds = ASDFDataSet(path, format_version="1.0.1")
    with ds:
        assert ds.asdf_format_version == "1.0.1"
        assert ds.asdf_format_version_in_file == "1.0.0"
        ds.add_waveforms(short, "raw")
        ds.append_waveforms(trace(np.arange(10, dtype="i2"), START + 0.1), "raw")
        assert [len(one) for one in ds.waveforms.XX_A.raw] == [20]


def test_names_of_pyasdf_that_scripts_import(capsys: pytest.CaptureFixture) -> None:
    for name in dir(pyasdf.exceptions):
        if not name.startswith("_"):
            assert issubclass(getattr(exceptions, name), Exception)
            for base in (ValueError, AttributeError, UserWarning):
                if issubclass(getattr(pyasdf.exceptions, name), base):
                    assert issubclass(getattr(exceptions, name), base)
    facts = asdf_pipeline.get_sys_info()
    asdf_pipeline.print_sys_info()
    assert f"hdf5_version: {facts['hdf5_version']}" in capsys.readouterr().out
    assert facts["module_versions"]["obspy"] == obspy.__version__


def test_filter_waveforms_takes_the_tests_of_queries(example: Path) -> None:
    with ASDFDataSet(example, mode="r") as ds:
        station = ds.waveforms.BW_RJOB
        queries = dict([ds.q.tag == "other", ds.q.channel == "EHZ"])
        (name,) = station.filter_waveforms({**queries, "labels": None})
        assert name.startswith("BW.RJOB..EHZ")
        assert station.filter_waveforms(dict([ds.q.npts > 1e6])) == []


def test_a_warning_is_shown_each_time(tmp_path: Path) -> None:
    script = (
        "import obspy, asdf_pipeline\n"
        "with asdf_pipeline.ASDFDataSet('in.h5') as ds:\n"
        "    for _ in range(4):\n"
        "        ds.add_waveforms(obspy.read()[0], 'raw')\n"
    )
    command = [sys.executable, "-c", script]
    said = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=True
    ).stderr
    assert said.count("already exists in file") == 3
