"""StationXML that ObsPy cannot parse: the error says so, whoever swallows it."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import obspy
import pytest
from obspy import Inventory, Stream

from asdf_pipeline import ASDFDataSet
from asdf_pipeline.cli import main
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import InputError, StationXMLError
from asdf_pipeline.stage.metadata import read_stations
from asdf_pipeline.steps import remove_response
from tests.container.made import write

STATION = "BW.RJOB"


def without(document: bytes, tag: str) -> bytes:
    """Take the first element of a name out of a document."""
    start, end = f"<{tag}".encode(), f"</{tag}>".encode()
    begin = document.index(start)
    return document[:begin] + document[document.index(end, begin) + len(end) :]


def saying(document: bytes, tag: str, text: bytes) -> bytes:
    """Put a text into the first element of a name."""
    begin = document.index(b">", document.index(f"<{tag}".encode())) + 1
    return document[:begin] + text + document[document.index(b"<", begin) :]


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "stars": (
        lambda xml: saying(xml, "Elevation", b"****"),
        r"RJOB from 2001-05-15\S*, line \d+: Elevation '\*\*\*\*' is no number \(Type",
    ),
    "latitude": (
        lambda xml: saying(xml, "Latitude", b"100"),
        r"RJOB from 2001-05-15\S*, line \d+: Latitude 100 is not between -90 and 90",
    ),
    "normalization": (
        lambda xml: without(xml, "NormalizationFrequency"),
        r"RJOB from .*, channel \.EHZ from 2001-05-15\S* to 2006-12-12\S*, response "
        r"stage 1, line \d+: PolesZeros has no NormalizationFrequency \(TypeError",
    ),
    "created": (
        lambda xml: without(xml, "Created"),
        r"line 2: FDSNStationXML has no Created \(AttributeError",
    ),
    "coefficient": (
        lambda xml: saying(xml, "NumeratorCoefficient", b"one"),
        r"channel \.EHZ from .*: NumeratorCoefficient 'one' is no number",
    ),
}


@pytest.fixture(params=DAMAGE)
def damaged(request: pytest.FixtureRequest, rjob_xml: bytes) -> tuple[bytes, str]:
    """Return a document that ObsPy cannot parse, and what is to be said of it."""
    damage, said = DAMAGE[request.param]
    return damage(rjob_xml), rf"station BW\.RJOB: the StationXML cannot be .*{said}"


@pytest.fixture
def file(tmp_path: Path, damaged: tuple[bytes, str]) -> Path:
    """Return a data set with such a StationXML, as pyasdf may have written it."""
    return write(tmp_path / "file.h5", *obspy.read(), stationxml=damaged[0])


def swallows(st: Stream, inv: Inventory | None) -> Stream:
    return st.remove_response(inventory=inv)


def copies(st: Stream, inv: Inventory | None) -> Stream:
    return st.remove_response(inventory=copy.deepcopy(inv))


def attaches(st: Stream, inv: Inventory | None) -> Stream:
    st.attach_response(inv)
    return st.remove_response()


@pytest.mark.filterwarnings("ignore:No matching response")
@pytest.mark.parametrize("function", [swallows, copies, attaches, remove_response])
def test_the_units_error_is_the_parse_error(
    rjob_xml: bytes, tmp_path: Path, function: Any
) -> None:
    damage, said = DAMAGE["stars"]
    document = damage(rjob_xml)
    file = write(tmp_path / "file.h5", *obspy.read(), stationxml=document)
    with ASDFDataSet(file, mode="r") as ds:
        report = ds.process(
            process_function=function,
            output_filename=tmp_path / "out.h5",
            tag_map={"raw_recording": "processed"},
            cpu_count=1,
            traceback_limit=20,
        )
    (failed,) = report.failures
    assert failed.error_type == "StationXMLError"
    with pytest.raises(StationXMLError, match=rf"station BW\.RJOB: .*{said}"):
        raise StationXMLError(failed.error_message)
    if function is swallows:
        assert "st.remove_response(inventory=inv)" in failed.traceback


def test_whoever_asks_for_the_inventory_gets_the_parse_error(
    file: Path, damaged: tuple[bytes, str]
) -> None:
    with (
        ASDFDataSet(file, mode="r") as ds,
        pytest.raises(StationXMLError, match=damaged[1]),
    ):
        ds.waveforms.BW_RJOB.StationXML  # noqa: B018 - the access is what is tested
    with Reader(file) as reader:
        stream, inventory = (
            reader.stream(STATION, "raw_recording"),
            reader.inventory(STATION),
        )
    with pytest.raises(StationXMLError, match=damaged[1]):
        remove_response(stream, inventory)


def test_staging_names_station_and_element(
    tmp_path: Path, damaged: tuple[bytes, str]
) -> None:
    (tmp_path / "bad.xml").write_bytes(damaged[0])
    said = damaged[1].replace(r"station BW\.RJOB", r"bad\.xml")
    with pytest.raises(InputError, match=said):
        list(read_stations([tmp_path / "bad.xml"]))


def test_a_function_that_goes_on_without_it_is_told_of(
    rjob_xml: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    document = without(rjob_xml, "NormalizationFrequency")
    file = write(tmp_path / "file.h5", *obspy.read(), stationxml=document)

    def forgives(st: Stream, inv: Inventory | None) -> Stream:
        try:
            return st.remove_response(inventory=inv)
        except ValueError:
            return st

    with ASDFDataSet(file, mode="r") as ds:
        ds.process(
            process_function=forgives,
            output_filename=tmp_path / "out.h5",
            tag_map={"raw_recording": "processed"},
            backend="serial",
        )
    assert "the StationXML cannot be parsed" in caplog.text
    assert "the function went on without it" in caplog.text


def test_a_channel_that_obspy_leaves_out_is_named(
    tmp_path: Path, rjob_xml: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    last = rjob_xml.index(b'<Station code="RJOB" startDate="2007-12-17')
    at = rjob_xml.index(b"<Channel", last)
    document = rjob_xml[:at] + saying(rjob_xml[at:], "Elevation", b"****")
    path = write(tmp_path / "file.h5", *obspy.read(), stationxml=document)
    with ASDFDataSet(path, mode="r") as ds:
        report = ds.process(
            process_function=swallows,
            output_filename=tmp_path / "out.h5",
            tag_map={"raw_recording": "processed"},
            backend="serial",
        )
    (failed,) = report.failures
    assert failed.error_type == "ResponseMissingError"
    said = (
        "BW.RJOB..EHZ at 2009-08-24T00:20:03.000000Z: no response; the StationXML has"
    )
    assert failed.error_message.startswith(said)
    left_out = "left out when it was read: station BW.RJOB from 2007-12-17"
    assert left_out in failed.error_message
    assert failed.error_message.endswith("Elevation '****' is no number")
    assert "BW.RJOB: ObsPy leaves out station BW.RJOB from 2007-12-17" in caplog.text


@pytest.mark.parametrize("chained", [False, True], ids=["step", "chain"])
def test_the_command_says_the_parse_error(
    rjob_xml: bytes,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    chained: bool,
) -> None:
    document = saying(rjob_xml, "Elevation", b"****")
    path = write(tmp_path / "file.h5", *obspy.read(), stationxml=document)
    function = ["--function", "asdf_pipeline.steps:remove_response"]
    if chained:
        steps = '{"steps": ["detrend", "remove_response"]}'
        function = ["--function", "asdf_pipeline.steps:chain", "--parameters", steps]
    words = ["process", str(path), str(tmp_path / "out.h5"), *function]
    words += ["--tag", "raw_recording=processed", "--backend", "serial"]
    assert main(words) == 1
    said = capfd.readouterr().err
    assert "RJOB: the StationXML cannot be parsed: station BW.RJOB from" in said
    assert "Elevation '****' is no number" in said


def test_staging_logs_obspys_remarks_on_a_document(
    tmp_path: Path, rjob_xml: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    last = rjob_xml.index(b"<Channel")
    document = rjob_xml[:last] + saying(rjob_xml[last:], "Azimuth", b"unknown")
    (tmp_path / "odd.xml").write_bytes(document)
    assert list(read_stations([tmp_path / "odd.xml"])) == [(STATION, document)]
    assert "odd.xml: 'b'<Azimuth" in caplog.text
    assert "could not be converted to a float" in caplog.text
