"""Station metadata and events of many formats and files, the same every time."""

from __future__ import annotations

import io
import logging
import shutil
import time
import warnings
from pathlib import Path

import obspy
import pytest

from asdf_pipeline.errors import InputError
from asdf_pipeline.stage.events import read_quakeml
from asdf_pipeline.stage.metadata import read_stations
from tests.stage.conftest import DATA

CORE = DATA / "core" / "tests" / "data"
XSEED = DATA / "io" / "xseed" / "tests" / "data"


def channels(document: bytes) -> list[str]:
    contents = obspy.read_inventory(io.BytesIO(document)).get_contents()
    return sorted(contents["channels"])


def test_a_document_of_many_stations_is_split() -> None:
    path = DATA / "clients" / "fdsn" / "tests" / "data" / "channel_level_fdsn.txt"
    inventory = obspy.read_inventory(str(path))
    documents = dict(read_stations([path]))
    names = {f"{net.code}.{sta.code}" for net in inventory for sta in net}
    assert set(documents) == names
    assert len(names) == 3
    assert sorted(
        channel for document in documents.values() for channel in channels(document)
    ) == sorted(inventory.get_contents()["channels"])


def test_resp_files_are_read_and_lack_coordinates(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for path in sorted(XSEED.glob("RESP.*")):
        caplog.clear()
        with warnings.catch_warnings():  # ObsPy's remarks on a few of them
            warnings.simplefilter("ignore")
            contents = obspy.read_inventory(str(path)).get_contents()
        documents = dict(read_stations([path]))
        found = [name for one in documents.values() for name in channels(one)]
        assert sorted(found) == sorted(contents["channels"])
        (name,) = documents
        assert (
            f"{path}: station {name}: a RESP file holds no coordinates" in caplog.text
        )


def test_a_station_in_several_files_is_merged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    files = [CORE / "IU_ANMO_00_BHZ.xml", CORE / "IU_ANMO_BH.xml"]
    ((station, document),) = read_stations(files)
    assert station == "IU.ANMO"
    known = {channel for path in files for channel in channels(path.read_bytes())}
    assert set(channels(document)) == known
    assert "merged for station IU.ANMO" in caplog.text


def test_two_descriptions_of_a_channel_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    inventory = obspy.read_inventory(str(CORE / "IU_ULN_00_LH1.xml"))
    for name, factor in (("a.xml", 1), ("b.xml", 3)):
        inventory[0][0][0].response.instrument_sensitivity.value *= factor
        inventory.write(str(tmp_path / name), "STATIONXML")
    ((_, document),) = read_stations([tmp_path / "a.xml", tmp_path / "b.xml"])
    kept = obspy.read_inventory(str(tmp_path / "a.xml"))[0][0][0]
    read = obspy.read_inventory(io.BytesIO(document))[0][0]
    assert [channel.response for channel in read] == [kept.response]
    (warning,) = [one for one in caplog.records if one.levelname == "WARNING"]
    said = warning.getMessage()
    assert said.startswith(f"{tmp_path / 'b.xml'}: station IU.ULN, channel 00.LH1 from")
    assert str(kept.start_date) in said
    assert f"otherwise in {tmp_path / 'a.xml'}, which is kept" in said


def test_the_same_document_twice_is_not_merged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    source = CORE / "IU_ULN_00_LH1.xml"
    shutil.copy(source, tmp_path / "copy.xml")
    assert list(read_stations([source, tmp_path / "copy.xml"])) == list(
        read_stations([source])
    )
    assert "merged" not in caplog.text


@pytest.mark.parametrize(
    "path",
    [
        XSEED / "dataless.seed.BW_FURT",
        XSEED / "RESP.BW.FURT..EHZ",
        DATA / "io" / "seiscomp" / "tests" / "data" / "zero_poles_and_zeros.sc3ml",
        DATA / "io" / "stationtxt" / "tests" / "data" / "station_level_fdsn.txt",
    ],
    ids=lambda path: path.name,
)
def test_other_formats_give_the_same_stationxml_every_time(path: Path) -> None:
    once = list(read_stations([path]))
    time.sleep(0.01)
    assert once == list(read_stations([path]))
    known = obspy.read_inventory(str(path))
    assert {name for name, _ in once} == {
        f"{network.code}.{station.code}" for network in known for station in network
    }


DAMAGED = {
    "truncated": lambda text: text[: len(text) // 2],
    "external": lambda text: text.replace(
        b"<FDSNStationXML",
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><FDSNStationXML',
        1,
    ),
    "stationless": lambda text: text[: text.index(b"<Network")] + b"</FDSNStationXML>",
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_stationxml_is_named(damage: str, tmp_path: Path) -> None:
    path = tmp_path / f"{damage}.xml"
    path.write_bytes(DAMAGED[damage]((CORE / "IU_ULN_00_LH1.xml").read_bytes()))
    with pytest.raises(InputError, match=rf"{damage}\.xml: ") as caught:
        list(read_stations([path]))
    assert "\n" not in str(caught.value)


def test_one_quakeml_file_is_kept_byte_for_byte() -> None:
    path = CORE / "iris_events.xml"
    assert read_quakeml([path]) == (path.read_bytes(), 2)


def test_no_events() -> None:
    assert read_quakeml([]) == (None, 0)


def test_several_event_files_become_one() -> None:
    files = [CORE / "iris_events.xml", CORE / "neries_events.xml"]
    content, count = read_quakeml(files)
    assert content is not None
    assert (content, count) == read_quakeml(files)
    joined = obspy.read_events(io.BytesIO(content), format="QUAKEML")
    ids = [str(event.resource_id) for event in joined]
    assert ids == [
        str(event.resource_id)
        for path in files
        for event in obspy.read_events(str(path))
    ]
    assert count == len(ids) > 2


def test_an_event_in_two_files_counts_once(tmp_path: Path) -> None:
    shutil.copy(CORE / "iris_events.xml", tmp_path / "again.xml")
    _, count = read_quakeml([CORE / "iris_events.xml", tmp_path / "again.xml"])
    assert count == 2


def test_two_versions_of_an_event_are_named(tmp_path: Path) -> None:
    catalog = obspy.read_events(str(CORE / "iris_events.xml"))
    catalog[1].origins[0].depth = 1.0
    catalog.write(str(tmp_path / "edited.xml"), format="QUAKEML")
    with pytest.raises(
        InputError, match=r"iris_events\.xml and .*edited\.xml: both hold the event smi"
    ):
        read_quakeml([CORE / "iris_events.xml", tmp_path / "edited.xml"])


@pytest.mark.parametrize(
    "path",
    [
        DATA / "io" / "nlloc" / "tests" / "data" / "nlloc.hyp",
        DATA / "io" / "cmtsolution" / "tests" / "data" / "CMTSOLUTION",
        DATA / "io" / "ndk" / "tests" / "data" / "C200604092050A.ndk",
        DATA / "io" / "pde" / "tests" / "data" / "mchedr.dat",
    ],
    ids=lambda path: path.name,
)
def test_other_event_formats_give_the_same_quakeml_every_time(path: Path) -> None:
    content, count = read_quakeml([path])
    assert content is not None
    time.sleep(0.01)
    assert (content, count) == read_quakeml([path])
    catalog = obspy.read_events(io.BytesIO(content), format="QUAKEML")
    known = obspy.read_events(str(path))
    assert [event.origins[0].time for event in catalog] == [
        event.origins[0].time for event in known
    ]


def test_a_damaged_quakeml_is_named(tmp_path: Path) -> None:
    (tmp_path / "cut.xml").write_bytes((CORE / "iris_events.xml").read_bytes()[:900])
    with pytest.raises(InputError, match=r"cut\.xml: not well-formed XML"):
        read_quakeml([tmp_path / "cut.xml"])
