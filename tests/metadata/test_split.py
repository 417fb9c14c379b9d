"""A station's own StationXML, cut out of a document or merged: nothing is lost."""

from __future__ import annotations

import copy
import io
import logging
import warnings
from pathlib import Path

import obspy
import pytest
from lxml import etree
from obspy.core.inventory import PolynomialResponseStage

from asdf_pipeline import ASDFDataSet, ASDFWarning
from asdf_pipeline.errors import StationXMLError
from asdf_pipeline.metadata.inventory import parse
from asdf_pipeline.metadata.merge import merge
from asdf_pipeline.metadata.split import split
from asdf_pipeline.metadata.stationxml import survey
from asdf_pipeline.metadata.write import to_stationxml
from asdf_pipeline.stage.metadata import read_stations

STATION = "BW.RJOB"
FDSN = "{http://www.fdsn.org/xml/station/1}"
OWN = "{urn:own}"

POLYNOMIAL = """
      <Response>
        <InstrumentPolynomial>
          <InputUnits><Name>K</Name></InputUnits>
          <OutputUnits><Name>COUNTS</Name></OutputUnits>
          <ApproximationType>MACLAURIN</ApproximationType>
          <FrequencyLowerBound>0</FrequencyLowerBound>
          <FrequencyUpperBound>10</FrequencyUpperBound>
          <ApproximationLowerBound>0</ApproximationLowerBound>
          <ApproximationUpperBound>100</ApproximationUpperBound>
          <MaximumError>0</MaximumError>
          <Coefficient>0</Coefficient><Coefficient>1</Coefficient>
        </InstrumentPolynomial>
        <Stage number="1">
          <Polynomial>
            <InputUnits><Name>K</Name></InputUnits>
            <OutputUnits><Name>COUNTS</Name></OutputUnits>
            <ApproximationType>MACLAURIN</ApproximationType>
            <FrequencyLowerBound>0</FrequencyLowerBound>
            <FrequencyUpperBound>10</FrequencyUpperBound>
            <ApproximationLowerBound>0</ApproximationLowerBound>
            <ApproximationUpperBound>100</ApproximationUpperBound>
            <MaximumError>0</MaximumError>
            <Coefficient>0</Coefficient><Coefficient>1</Coefficient>
          </Polynomial>
          <StageGain><Value>5000</Value><Frequency>1</Frequency></StageGain>
        </Stage>
      </Response>"""


def channel(code: str = "HHZ", gain: float = 1e9, inside: str = "", **own: str) -> str:
    given = {"locationCode": "", "startDate": "2001-01-01T00:00:00"} | own
    attributes = " ".join(f'{key}="{value}"' for key, value in given.items())
    return f"""
    <Channel code="{code}" {attributes}>
      <Latitude>1</Latitude><Longitude>2</Longitude><Elevation>3</Elevation>
      <Depth>0</Depth><Azimuth>0</Azimuth><Dip>-90</Dip>
      <SampleRate>100</SampleRate>{inside or sensitivity(gain)}
    </Channel>"""


def sensitivity(gain: float) -> str:
    return f"""
      <Response><InstrumentSensitivity>
        <Value>{gain:g}</Value><Frequency>1</Frequency>
        <InputUnits><Name>M/S</Name></InputUnits>
        <OutputUnits><Name>COUNTS</Name></OutputUnits>
      </InstrumentSensitivity></Response>"""


def station(code: str, *channels: str, start: str = "2001-01-01T00:00:00") -> str:
    return f"""
   <Station code="{code}" startDate="{start}">
    <Latitude>1</Latitude><Longitude>2</Longitude><Elevation>3</Elevation>
    <Site><Name>{code}</Name></Site>{"".join(channels)}
   </Station>"""


def document(*stations: str, within: str = "", network: str = "XX") -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- around the root -->
<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1" xmlns:own="urn:own"
    schemaVersion="1.0" own:attribute="of the root">
 <Source>test</Source>
 <!-- of the date -->
 <Created>2020-01-01T00:00:00</Created>
 <Network code="{network}" startDate="2000-01-01T00:00:00">
   <SelectedNumberStations>{len(stations)}</SelectedNumberStations>
   {"".join(stations)}
 </Network>
 <own:extra kind="root">kept {within}</own:extra>
</FDSNStationXML>""".encode()


SENSOR = "<Sensor><Type>seismometer</Type><own:note>loose foot</own:note></Sensor>"
TWO = document(
    "<!-- of A -->" + station("A", "<!-- of HHZ -->", channel(inside=SENSOR)),
    "<!-- of B -->" + station("B", channel()),
)


def staged(path: Path, content: bytes) -> dict[str, bytes]:
    """Return what staging makes of a file."""
    path.write_bytes(content)
    return dict(read_stations([path]))


def test_a_document_of_one_station_is_kept_byte_for_byte(tmp_path: Path) -> None:
    one = document(station("A", channel(inside=SENSOR)))
    assert staged(tmp_path / "one.xml", one) == {"XX.A": one}


def test_root_extras_sensor_extras_and_comments_stay(tmp_path: Path) -> None:
    documents = staged(tmp_path / "two.xml", TWO)
    assert list(documents) == ["XX.A", "XX.B"]
    root = etree.fromstring(documents["XX.A"])
    (extra,) = root.findall(f"{OWN}extra")
    assert (extra.get("kind"), extra.text) == ("root", "kept ")
    assert root.get(f"{OWN}attribute") == "of the root"
    (note,) = root.iter(f"{OWN}note")
    assert note.getparent().tag == f"{FDSN}Sensor"
    said = {comment.text.strip() for comment in root.xpath("//comment()")}
    assert said == {"around the root", "of the date", "of A", "of HHZ"}
    assert [one.get("code") for one in root.iter(f"{FDSN}Station")] == ["A"]
    assert root.findtext(f"{FDSN}Network/{FDSN}SelectedNumberStations") == "1"


def test_adding_a_file_to_a_data_set_keeps_it_too(tmp_path: Path) -> None:
    (tmp_path / "two.xml").write_bytes(TWO)
    with ASDFDataSet(tmp_path / "file.h5") as ds:
        ds.add_stationxml(tmp_path / "two.xml")
        assert (
            ds.open_file.reader.stationxml("XX.A") == split(TWO, "two")["XX.A"].document
        )
    with ASDFDataSet(tmp_path / "again.h5") as ds:
        ds.add_stationxml(io.BytesIO(TWO))
        assert (
            ds.open_file.reader.stationxml("XX.A") == split(TWO, "two")["XX.A"].document
        )


@pytest.mark.parametrize("as_inventory", [False, True], ids=["document", "inventory"])
def test_the_gain_of_a_polynomial_stage_is_kept(as_inventory: bool) -> None:
    whole = document(
        station("A", channel("LKO", inside=POLYNOMIAL)),
        station("B", channel(), channel("LKO", inside=POLYNOMIAL)),
    )
    content = to_stationxml(parse(whole, "whole")) if as_inventory else whole
    for name, own in split(content, "whole").items():
        (one,) = parse(own.document, name)[0][0].select(channel="LKO")
        (stage,) = one.response.response_stages
        assert isinstance(stage, PolynomialResponseStage)
        assert (stage.stage_gain, stage.stage_gain_frequency) == (5000.0, 1.0)


def test_a_channel_described_twice_with_the_same_content_is_kept_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    twice = document(station("A", channel(), channel("HHE"), channel(gain=1000000000)))
    (content,) = staged(tmp_path / "twice.xml", twice).values()
    (own,) = parse(content, "twice")[0]
    assert [one.code for one in own] == ["HHZ", "HHE"]
    assert "channel .HHZ from 2001-01-01T00:00:00.000000Z to None" in caplog.text
    assert "kept once" in caplog.text
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # ObsPy's of two responses
        parse(content, "twice").get_response("XX.A..HHZ", obspy.UTCDateTime(2010, 1, 1))


@pytest.mark.parametrize("apart", [False, True], ids=["one epoch", "two epochs"])
def test_a_channel_described_twice_otherwise_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, apart: bool
) -> None:
    two = (
        (station("A", channel()), station("A", channel(gain=2e9)))
        if apart
        else (station("A", channel(), channel(gain=2e9)),)
    )
    (content,) = staged(tmp_path / "twice.xml", document(*two)).values()
    (own,) = parse(content, "twice")[0]
    assert [one.response.instrument_sensitivity.value for one in own] == [1e9]
    (said,) = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert said.startswith(
        f"{tmp_path / 'twice.xml'}: station XX.A: channel .HHZ from "
    )
    assert "each time otherwise: the first is kept" in said


def test_a_data_set_warns_of_contradictions(tmp_path: Path) -> None:
    with ASDFDataSet(tmp_path / "file.h5") as ds:
        (tmp_path / "one.xml").write_bytes(document(station("A", channel())))
        (tmp_path / "two.xml").write_bytes(document(station("A", channel(gain=2e9))))
        ds.add_stationxml(tmp_path / "one.xml")
        said = r"XX\.A, .*HHZ .* otherwise in .*\.h5"
        with pytest.warns(ASDFWarning, match=said) as caught:
            ds.add_stationxml(tmp_path / "two.xml")
        assert caught[0].filename == __file__


def test_what_merging_rewrites_or_leaves_out_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    one, two = tmp_path / "1.xml", tmp_path / "2.xml"
    ends = '<Station endDate="2005-01-01T00:00:00" '
    one.write_bytes(document(station("A", channel()).replace("<Station ", ends)))
    other = document(station("A", channel("HHE")), within="of another")
    two.write_bytes(other.replace(b">test<", b">other<"))
    ((_, content),) = read_stations([one, two])
    root = etree.fromstring(content)
    extras = [extra.text for extra in root.findall(f"{OWN}extra")]
    assert extras == ["kept ", "kept of another"]
    (epoch,) = root.iter(f"{FDSN}Station")
    assert "endDate" not in epoch.attrib
    since = "Station A from 2001-01-01T00:00:00.000000Z"
    assert f"{two}: {since} ends at None, not at 2005-01-01T00:00:00" in caplog.text
    left_out = f"{two}: station XX.A: left out, as {one} says otherwise: "
    assert f"{left_out}FDSNStationXML/Source\n" in caplog.text


def test_files_that_disagree_about_the_place_are_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = tmp_path / "1.xml", tmp_path / "2.xml"
    content = document(station("A", channel()))
    one.write_bytes(content)
    place = b"<Latitude>1</Latitude>"
    two.write_bytes(content.replace(place, b"<Latitude>1.5</Latitude>", 1))
    ((_, merged),) = read_stations([one, two])
    (own,) = parse(merged, "merged")[0]
    assert (own.latitude, [one.code for one in own]) == (1.0, ["HHZ"])
    said = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert said == [
        f"{one}, {two}: station XX.A: is at (1.0, 2.0, 3.0) and at (1.5, 2.0, 3.0) "
        "from 2001-01-01T00:00:00.000000Z: the first is kept"
    ]


def test_splitting_each_station_of_an_inventory() -> None:
    whole = obspy.read_inventory()
    before = copy.deepcopy(whole)
    documents = split(to_stationxml(whole), "whole")
    for network, code, channels in (
        ("GR", "FUR", 12),
        ("GR", "WET", 9),
        ("BW", "RJOB", 9),
    ):
        content = documents[f"{network}.{code}"].document
        assert survey(content, f"{network}.{code}")
        inventory = parse(content, "split", cache_responses=False)
        assert [one.code for one in inventory] == [network]
        assert {one.code for one in inventory[0]} == {code}
        assert sum(len(one) for one in inventory[0]) == channels
        assert inventory[0].stations == whole.select(network, code)[0].stations
    assert whole == before


def test_splitting_gives_the_same_bytes_each_time(rjob_xml: bytes) -> None:
    assert (
        split(to_stationxml(obspy.read_inventory()), "all")[STATION].document
        == rjob_xml
    )
    assert split(rjob_xml, "one")[STATION].document == rjob_xml


@pytest.mark.parametrize("ends", [(2006, 2010), (2010, 2006), (2006, None)])
def test_an_epoch_lasts_as_long_as_the_longest(
    rjob_xml: bytes, ends: tuple[int | None, ...]
) -> None:
    parts = []
    for year in ends:
        inventory = parse(rjob_xml, "part", cache_responses=False)
        del inventory[0].stations[1:]
        end = None if year is None else obspy.UTCDateTime(year, 1, 1)
        for epoch in (inventory[0], inventory[0][0]):
            epoch.start_date, epoch.end_date = obspy.UTCDateTime(2001, 1, 1), end
        buffer = io.BytesIO()
        inventory.write(buffer, "STATIONXML")
        parts.append((str(year), buffer.getvalue()))
    (network,) = parse(merge(parts, STATION).document, "merged", cache_responses=False)
    last = None if None in ends else obspy.UTCDateTime(2010, 1, 1)
    assert network.end_date == last
    assert [one.end_date for one in network] == [last]


def test_documents_of_single_channels_are_merged(rjob_xml: bytes) -> None:
    whole = parse(rjob_xml, "whole", cache_responses=False)
    parts = [
        (code, to_stationxml(whole.select(channel=code)))
        for code in ("EHZ", "EHN", "EHE")
    ]
    merged = parse(merge(parts, STATION).document, "merged", cache_responses=False)
    assert len(merged) == 1
    assert len(merged[0]) == len(whole[0])
    for ours, theirs in zip(merged[0], whole[0], strict=True):
        assert (ours.start_date, ours.code) == (theirs.start_date, theirs.code)
        assert sorted(one.code for one in ours) == sorted(one.code for one in theirs)
        for one in ours:
            assert one in theirs.channels


def test_merging_a_document_with_itself_changes_nothing(rjob_xml: bytes) -> None:
    merged = merge([("a", rjob_xml), ("b", rjob_xml)], STATION)
    assert (merged.warnings, merged.remarks) == ((), ())
    assert parse(merged.document, "merged") == parse(rjob_xml, "one")


def test_merging_what_is_damaged(rjob_xml: bytes) -> None:
    bomb = b"<!DOCTYPE x [<!ENTITY a 'aa'>]><FDSNStationXML>&a;</FDSNStationXML>"
    for damaged in (bomb, b"", b"<x/>", rjob_xml[:5000]):
        with pytest.raises(StationXMLError):
            merge([("good", rjob_xml), ("bad", damaged)], STATION)
    with pytest.raises(StationXMLError, match=r"good: does not hold station GR\.FUR"):
        merge([("good", rjob_xml)], "GR.FUR")


def test_the_station_that_cannot_be_written_is_named() -> None:
    inventory = obspy.read_inventory()
    inventory[1][0].site.name = object()
    with pytest.raises(StationXMLError, match=r"station BW\.RJOB: cannot be written"):
        to_stationxml(inventory)
