"""Adding traces, station metadata and events."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import obspy
import pyasdf
import pytest
from obspy import UTCDateTime
from obspy.core.event import ResourceIdentifier

from asdf_pipeline import ASDFDataSet, ASDFWarning
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import (
    AuxiliaryError,
    CallError,
    InputError,
    InputMissingError,
    TagError,
    TraceError,
)
from tests.dataset.recordings import BARE_WAVEFORMS, ULN_WAVEFORMS, told


@pytest.fixture
def ds(tmp_path: Path) -> ASDFDataSet:
    return ASDFDataSet(tmp_path / "new.h5")


def test_round_trip_is_exact(ds: ASDFDataSet, tmp_path: Path) -> None:
    """Every type of sample in either byte order, and times to the nanosecond."""
    source = obspy.read(str(ULN_WAVEFORMS))[0]
    written = []
    for number, dtype in enumerate(("<i2", ">i4", "<i8", ">f4", "<f8")):
        trace = source.copy()
        trace.data = (trace.data % 9999).astype(dtype)
        trace.stats.station = f"S{number}"
        trace.stats.starttime = obspy.UTCDateTime(ns=1_199_145_599_915_000_001 + number)
        trace.stats.sampling_rate = 1 / 3
        written.append(trace)
        ds.add_waveforms(trace, tag="exact")
    ds.close()
    with ASDFDataSet(tmp_path / "new.h5", mode="r") as again:
        for trace in written:
            read = again.waveforms[f"IU.{trace.stats.station}"].exact[0]
            assert read.data.dtype == trace.data.dtype
            assert read.data.tobytes() == trace.data.tobytes()
            assert read.stats.starttime.ns == trace.stats.starttime.ns
            assert read.stats.sampling_rate == trace.stats.sampling_rate


def test_a_sampling_rate_is_not_worked_out_anew(ds: ASDFDataSet) -> None:
    """1 / (1 / 49) is not 49."""
    header = {"network": "XX", "station": "A", "channel": "BHZ", "sampling_rate": 49.0}
    ds.add_waveforms(obspy.Trace(np.arange(10.0), header), tag="raw")
    assert ds.waveforms.XX_A.raw[0].stats.sampling_rate == 49.0


def test_what_is_added_is_seen_at_once(ds: ASDFDataSet) -> None:
    assert ds.waveforms.list() == []
    ds.add_waveforms(obspy.read()[:1], tag="one")
    assert ds.waveforms.BW_RJOB.get_waveform_tags() == ["one"]
    ds.add_waveforms(obspy.read(), tag="two")
    ds.add_stationxml(obspy.read_inventory())
    assert ds.waveforms.list() == ["BW.RJOB", "GR.FUR", "GR.WET"]
    assert ds.waveform_tags == {"one", "two"}
    assert len(ds.waveforms.BW_RJOB.two) == 3
    assert ds.waveforms.GR_FUR.StationXML.get_contents()["stations"]
    ds.add_waveforms(obspy.read(), tag="three")
    assert ds.waveforms.BW_RJOB.get_waveform_tags() == ["one", "three", "two"]


def test_paths_and_globs(ds: ASDFDataSet, tmp_path: Path) -> None:
    for trace in obspy.read():
        trace.write(str(tmp_path / f"{trace.id}.mseed"), format="MSEED")
    ds.add_waveforms(str(tmp_path / "*.mseed"), tag="glob")
    ds.add_waveforms(BARE_WAVEFORMS, tag="glob")
    assert [len(station.glob) for station in ds.waveforms] == [1, 3]
    with pytest.raises(InputMissingError, match=r"none\.mseed: no such file"):
        ds.add_waveforms(str(tmp_path / "none.mseed"), tag="glob")
    text = tmp_path / "text.mseed"
    text.write_text("no waveforms")
    with pytest.raises(InputError, match=r"text\.mseed: ObsPy cannot read it"):
        ds.add_waveforms(str(text), tag="glob")
    with pytest.raises(InputMissingError, match=r"none\.xml: no such file"):
        ds.add_stationxml(str(tmp_path / "none.xml"))
    with pytest.raises(InputError, match=r"text\.mseed: ObsPy cannot read it"):
        ds.add_quakeml(str(text))


def test_what_is_no_data_is_refused(ds: ASDFDataSet) -> None:
    """A number above all: ObsPy would close the file descriptor of that number."""
    ds.add_waveforms(obspy.read(), tag="raw")
    for number in range(3, 30):
        with pytest.raises(CallError, match="expected a Stream, a Trace, a path"):
            ds.add_waveforms(number, tag="raw")
    with pytest.raises(CallError, match="not a list of Trace: add them one by one"):
        ds.add_waveforms(list(obspy.read()), tag="raw")
    with pytest.raises(CallError, match="expected an Inventory, a path"):
        ds.add_stationxml(None)
    with pytest.raises(CallError, match="expected a Catalog, an Event, a path"):
        ds.add_quakeml([])
    ds.add_stationxml(obspy.read_inventory())
    assert len(ds.waveforms.BW_RJOB.raw) == 3


def test_same_again_is_left_out_with_a_warning(ds: ASDFDataSet) -> None:
    ds.add_waveforms(obspy.read(), tag="raw")
    ds.flush()
    before = Path(ds.filename).read_bytes()
    with pytest.warns(ASDFWarning, match=r"BW\.RJOB\.\.EH.*not added") as caught:
        ds.add_waveforms(obspy.read(), tag="raw", labels=["new"])
    assert len(caught) == 3
    assert {one.filename for one in caught} == {__file__}
    ds.flush()
    assert Path(ds.filename).read_bytes() == before
    with pytest.warns(ASDFWarning, match="not added"):
        ds.add_waveforms(obspy.read() + obspy.read()[:1], tag="twice")
    assert len(ds.waveforms.BW_RJOB.twice) == 3


def test_other_samples_of_the_same_name_are_refused_whole(ds: ASDFDataSet) -> None:
    ds.add_waveforms(obspy.read()[:1], tag="raw")
    other = obspy.read()
    other[0].data[7] += 1
    with pytest.raises(TraceError, match=r"EHZ.*there already with other samples"):
        ds.add_waveforms(other, tag="raw")
    assert [trace.id for trace in ds.waveforms.BW_RJOB.raw] == ["BW.RJOB..EHZ"]
    one = obspy.read()[:1]
    with pytest.raises(TraceError, match="same codes"):
        ds.add_waveforms(one + other[:1], tag="pair")
    assert ds.waveform_tags == {"raw"}


def test_gaps_are_split_and_never_filled(ds: ASDFDataSet) -> None:
    trace = obspy.read()[0]
    start = trace.stats.starttime
    pieces = [trace.slice(start, start + 5), trace.slice(start + 9, start + 12)]
    merged = obspy.Stream([piece.copy() for piece in pieces]).merge()
    assert np.ma.isMaskedArray(merged[0].data)
    ds.add_waveforms(merged, tag="gappy")
    ds.add_waveforms(obspy.Trace(header=trace.stats), tag="none")
    read = ds.waveforms.BW_RJOB.gappy
    assert [one.stats.starttime for one in read] == [start, start + 9]
    for piece, one in zip(pieces, read, strict=True):
        np.testing.assert_array_equal(one.data, piece.data)
    assert ds.waveform_tags == {"gappy"}


def test_ids_and_labels(ds: ASDFDataSet) -> None:
    catalog = obspy.read_events()
    event, other = catalog[:2]
    ds.add_waveforms(
        obspy.read(),
        "given",
        event_id=[event, other.resource_id, "smi:a/b"],
        origin_id=event.origins[0],
        magnitude_id=event.magnitudes[0].resource_id,
        focal_mechanism_id=str(other.resource_id),
        provenance_id="{http://example.org/prov}sp001",
        labels=["first", " second "],
    )
    given = ds.waveforms.BW_RJOB.given[0].stats.asdf
    assert given.event_ids == [
        event.resource_id,
        other.resource_id,
        ResourceIdentifier("smi:a/b"),
    ]
    assert given.origin_ids == [event.origins[0].resource_id]
    assert given.magnitude_ids == [event.magnitudes[0].resource_id]
    assert given.focal_mechanism_ids == [other.resource_id]
    assert given.provenance_id == "{http://example.org/prov}sp001"
    assert given.labels == ["first", "second"]

    carried = ds.waveforms.BW_RJOB.given
    ds.add_waveforms(carried, "carried")
    assert told(ds.waveforms.BW_RJOB.carried) == [
        (*one[:5], "carried", *one[6:]) for one in told(carried)
    ]
    ds.add_waveforms(carried, "changed", event_id=[], labels=["third"])
    changed = ds.waveforms.BW_RJOB.changed[0].stats.asdf
    assert "event_ids" not in changed
    assert changed.origin_ids == given.origin_ids
    assert changed.labels == ["third"]
    assert carried[0].stats.asdf.labels == ["first", "second"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"tag": "Raw"}, TagError, "'Raw' is not valid"),
        ({"tag": "a__b"}, TagError, "'a__b' is not valid"),
        ({"tag": "StationXML"}, TagError, "StationXML"),
        ({"event_id": 3}, CallError, "event_id=3"),
        ({"origin_id": obspy.read_events()[0]}, CallError, "expected an ObsPy Origin"),
        ({"event_id": "a,b"}, CallError, "comma"),
        ({"labels": ["a,b"]}, CallError, "comma"),
        ({"provenance_id": "sp001"}, CallError, "qualified name"),
    ],
)
def test_bad_arguments(
    ds: ASDFDataSet, arguments: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        ds.add_waveforms(obspy.read(), **{"tag": "raw", **arguments})
    assert "\n" not in str(caught.value)
    assert ds.waveforms.list() == []


@pytest.mark.parametrize(
    "details", [{"labels": ["\udcff"]}, {"provenance_id": "{http://x}\udcff"}]
)
def test_texts_that_utf8_has_no_form_for(
    ds: ASDFDataSet, details: dict[str, object]
) -> None:
    trace = obspy.read()[0]
    ds.add_stationxml(obspy.read_inventory())
    with pytest.raises(InputError, match="UTF-8"):
        ds.add_waveforms(trace, "raw", **details)
    trace.stats.asdf = details
    with pytest.raises(TraceError, match="cannot be written as UTF-8"):
        ds.add_waveforms(trace, "raw")
    with pytest.raises(AuxiliaryError, match="of which UTF-8 has no form"):
        ds.add_auxiliary_data(np.zeros(1), "A", "b", {"x": "\udcff"})
    ds.add_waveforms(obspy.read(), "raw")
    assert ds.waveforms.BW_RJOB.list()[0].endswith("__raw")
    assert ds.auxiliary_data.list() == []


def test_names_that_clash_in_an_old_version(tmp_path: Path) -> None:
    """Before 1.0.2 names have no fractions: traces of one second share theirs."""
    one = obspy.read()[0].slice(endtime=UTCDateTime(2009, 8, 24, 0, 20, 8, 500_000))
    other = one.copy()
    other.stats.starttime += 0.01
    other.data = other.data + 1
    ds = ASDFDataSet(tmp_path / "old.h5", format_version="1.0.1")
    with pytest.raises(TraceError, match="exists already"):
        ds.add_waveforms(obspy.Stream([one, other]), "raw")
    ds.add_waveforms(one, "raw")
    with pytest.raises(TraceError, match="is there already with other samples"):
        ds.add_waveforms(other, "raw")
    assert [trace.stats.starttime for trace in ds.waveforms.BW_RJOB.raw] == [
        one.stats.starttime
    ]
    ds.close()


def test_samples_that_have_no_place(ds: ASDFDataSet) -> None:
    stream = obspy.read()
    stream[2].data = stream[2].data.astype(np.complex128)
    with pytest.raises(TraceError, match="complex128"):
        ds.add_waveforms(stream, tag="raw")
    assert ds.waveforms.list() == []


def test_auxiliary_data(ds: ASDFDataSet, tmp_path: Path) -> None:
    """As pyasdf's; read back by both."""
    rng = np.random.default_rng(2)
    arrays = {"first": rng.normal(size=7), "deep/er/second": np.arange(6).reshape(2, 3)}
    record = "{http://example.org}record"
    for path, array in arrays.items():
        ds.add_auxiliary_data(array, "Numbers", path, {"a": 1, "b": "two"}, record)
    ds.add_waveforms(obspy.read(), tag="raw")
    with pytest.raises(AuxiliaryError, match=r"Numbers/first' is there already"):
        ds.add_auxiliary_data(np.zeros(2), "Numbers", "first", {})
    with pytest.raises(AuxiliaryError, match="expected a NumPy array"):
        ds.add_auxiliary_data([1, 2], "Numbers", "list", {})
    np.testing.assert_array_equal(
        ds.auxiliary_data.Numbers.deep.er.second.data, arrays["deep/er/second"]
    )
    ds.close()
    with pyasdf.ASDFDataSet(str(tmp_path / "new.h5"), mode="r") as theirs:
        first = theirs.auxiliary_data.Numbers.first
        np.testing.assert_array_equal(first.data[:], arrays["first"])
        assert first.parameters == {"a": 1, "b": "two"}
        assert first.provenance_id == record
        assert theirs.waveforms.list() == ["BW.RJOB"]


def test_stationxml_is_split_and_merged(ds: ASDFDataSet) -> None:
    inventory = obspy.read_inventory()
    whole = inventory.select(station="RJOB")
    assert len(whole.get_contents()["channels"]) == 9
    ds.add_stationxml(whole.select(channel="EHZ"))
    assert set(ds.waveforms.BW_RJOB.StationXML.get_contents()["channels"]) == {
        "BW.RJOB..EHZ"
    }
    ds.add_stationxml(whole.select(channel="EHN"))
    ds.add_stationxml(inventory)
    ds.add_stationxml(inventory)
    read = ds.waveforms.BW_RJOB.StationXML.get_contents()
    assert sorted(read["channels"]) == sorted(whole.get_contents()["channels"])
    assert ds.waveforms.list() == ["BW.RJOB", "GR.FUR", "GR.WET"]
    ds.close()
    with pyasdf.ASDFDataSet(ds.filename, mode="r") as peer:
        theirs = peer.waveforms.BW_RJOB.StationXML.get_contents()
        assert sorted(theirs["channels"]) == sorted(read["channels"])
        assert peer.waveforms.GR_WET.coordinates == {
            "latitude": 49.144001,
            "longitude": 12.8782,
            "elevation_in_m": 613.0,
        }


def test_stationxml_that_would_read_other_files(
    ds: ASDFDataSet, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    document = tmp_path / "evil.xml"
    obspy.read_inventory().write(str(document), format="STATIONXML")
    text = document.read_text().replace(
        "<FDSNStationXML",
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret}">]><FDSNStationXML',
    )
    document.write_text(text)
    with pytest.raises(InputError, match=r"evil\.xml.*never resolved"):
        ds.add_stationxml(document)
    assert ds.waveforms.list() == []


def test_events_of_a_damaged_file(example: Path) -> None:
    from asdf_pipeline.container.writer import Writer

    with Writer.reopen(example) as writer:
        writer.write_quakeml(b"<q:quakeml><event></q:quakeml>")
    with ASDFDataSet(example, mode="r") as ds:
        with pytest.raises(InputError, match=r"example\.h5.*QuakeML"):
            _ = ds.events
        assert ds.waveforms.BW_RJOB.raw_recording


def test_events_are_replaced_and_emptied(ds: ASDFDataSet) -> None:
    assert len(ds.events) == 0
    ds.events = obspy.read_events()[:]
    assert ds.events == obspy.read_events()
    ds.events = obspy.Catalog()
    assert len(ds.events) == 0
    ds.add_quakeml(obspy.read_events()[0])
    assert len(ds.events) == 1


def test_adding_to_a_file_of_pyasdf(example: Path) -> None:
    with ASDFDataSet(example) as ds:
        ds.add_waveforms(obspy.read(), tag="ours", labels=["new"])
        ds.add_stationxml(obspy.read_inventory())
        ds.events = ds.events[:1]
    with pyasdf.ASDFDataSet(str(example)) as peer:
        assert peer.waveforms.BW_RJOB.get_waveform_tags() == [
            "other",
            "ours",
            "raw_recording",
        ]
        assert peer.waveforms.BW_RJOB.ours[0].stats.asdf.labels == ["new"]
        assert peer.waveforms.list() == [
            "BW.BGLD",
            "BW.RJOB",
            "GR.FUR",
            "GR.WET",
            "IU.ULN",
        ]
        assert len(peer.events) == 1
        peer.add_waveforms(obspy.read(), tag="theirs")
    with ASDFDataSet(example, mode="r") as ds:
        assert len(ds.waveforms.BW_RJOB.theirs) == 3
        assert len(ds.waveforms.BW_RJOB.ours) == 3


@pytest.mark.parametrize("version", ["1.0.0", "1.0.1", "1.0.2", "1.0.3"])
def test_format_versions(tmp_path: Path, version: str) -> None:
    path = tmp_path / "old.h5"
    short = obspy.read()[0].slice(
        endtime=obspy.UTCDateTime(2009, 8, 24, 0, 20, 3, 900000)
    )
    with ASDFDataSet(path, format_version=version) as ds:
        assert ds.asdf_format_version == version
        ds.add_waveforms(obspy.read(), tag="raw")
        ds.add_waveforms(short, tag="short")
        names = ds.waveforms.BW_RJOB.list()
        assert len(ds.waveforms.BW_RJOB.short) == 1
    with pyasdf.ASDFDataSet(str(path), mode="r") as peer:
        assert peer.asdf_format_version_in_file == version
        assert peer.waveforms.BW_RJOB.list() == names
    fractions = [name for name in names if "." in name.split("__")[-2]]
    assert bool(fractions) == (version >= "1.0.2")


def test_uncompressed(tmp_path: Path) -> None:
    for name, compression in (("plain", None), ("packed", "gzip-3")):
        with ASDFDataSet(tmp_path / f"{name}.h5", compression=compression) as ds:
            ds.add_waveforms(BARE_WAVEFORMS, tag="raw")
    sizes = {path.stem: path.stat().st_size for path in tmp_path.glob("*.h5")}
    assert sizes["packed"] < 0.8 * sizes["plain"]
    with (
        Reader(tmp_path / "plain.h5") as plain,
        Reader(tmp_path / "packed.h5") as packed,
    ):
        assert told(plain.stream("BW.BGLD", "raw")) == told(
            packed.stream("BW.BGLD", "raw")
        )
