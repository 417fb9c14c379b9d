"""Events and stations that only SAC headers describe."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import obspy
import pytest
from obspy import UTCDateTime

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.stage import stage
from tests.stage.conftest import DATA

SAC = DATA / "io" / "sac" / "tests" / "data"
SCZ = SAC / "dis.G.SCZ.__.BHE_short"  # magnitude 6 in the Loyalty Islands
CORE = DATA / "core" / "tests" / "data"


def staged(folder: Path, *files: Path, **others: object) -> Path:
    output = folder / "staged.h5"
    output.unlink(missing_ok=True)
    where = {"stations": [], "events": [], "backend": "serial"} | others
    stage([str(path) for path in files], tag="raw", output=output, **where)  # type: ignore[arg-type]
    return output


def test_an_event_is_made_and_the_trace_belongs_to_it(tmp_path: Path) -> None:
    with Reader(staged(tmp_path, SCZ)) as reader:
        (event,) = reader.events()
        (header,) = reader.headers("G.SCZ")
    stats = obspy.read(str(SCZ))[0].stats
    origin = event.preferred_origin()
    assert origin.time == UTCDateTime(2004, 1, 3, 8, 9, 2, 400_000)
    assert origin.time == stats.starttime - float(stats.sac.b) + float(stats.sac.o)
    assert (origin.latitude, origin.longitude) == (-22.2377, 169.5581)
    assert origin.depth == 10_000  # 10000 in the header: an old file, in metres
    assert event.magnitudes[0].mag == pytest.approx(6.03)
    assert header.event_ids == (str(event.resource_id),)
    assert header.origin_ids == (str(origin.resource_id),)
    assert header.magnitude_ids == (str(event.magnitudes[0].resource_id),)


def test_a_magnitude_of_zero_is_one(tmp_path: Path) -> None:
    trace = obspy.read(str(SCZ))[0]
    trace.stats.sac.mag = 0.0
    trace.write(str(tmp_path / "zero.sac"), format="SAC")
    with Reader(staged(tmp_path, tmp_path / "zero.sac")) as reader:
        (magnitude,) = reader.events()[0].magnitudes
        (header,) = reader.headers("G.SCZ")
    assert magnitude.mag == 0.0
    assert header.magnitude_ids == (str(magnitude.resource_id),)


def test_depths_in_kilometres(tmp_path: Path) -> None:
    trace = obspy.read(str(SCZ))[0]
    trace.stats.sac.evdp = 33.5
    trace.write(str(tmp_path / "new.sac"), format="SAC")
    with Reader(staged(tmp_path, tmp_path / "new.sac")) as reader:
        assert reader.events()[0].origins[0].depth == 33_500


def test_one_event_in_many_files_is_one(tmp_path: Path) -> None:
    trace = obspy.read(str(SCZ))[0]
    for channel in ("BHN", "BHZ"):
        trace.stats.channel = channel
        trace.write(str(tmp_path / f"{channel}.sac"), format="SAC")
    files = [SCZ, tmp_path / "BHN.sac", tmp_path / "BHZ.sac"]
    first = staged(tmp_path, *files)
    digest = file_digest(first)
    with Reader(first) as reader:
        (event,) = reader.events()
        ids = {header.event_ids for header in reader.headers("G.SCZ")}
    assert ids == {(str(event.resource_id),)}
    assert file_digest(staged(tmp_path, *files)) == digest


def test_a_station_is_made(tmp_path: Path) -> None:
    with Reader(staged(tmp_path, SCZ)) as reader:
        inventory = reader.inventory("G.SCZ")
    assert inventory is not None
    (channel,) = inventory[0][0]
    assert channel.code == "BHE"
    assert (channel.latitude, channel.longitude) == (36.598, -121.403)
    assert channel.elevation == 261
    assert (channel.azimuth, channel.dip) == (90, 0)
    assert inventory[0][0].latitude == 36.598


def test_no_event_without_a_place_and_no_elevation_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Reader(staged(tmp_path, SAC / "LMOW.BHE.SAC")) as reader:
        assert reader.quakeml() is None
        assert reader.coordinates(".LMOW") == (-39.41, 175.75, 0.0)
    assert "station .LMOW: no elevation: 0 m" in caplog.text
    assert "StationXML made of SAC headers: .LMOW" in caplog.text


def test_files_go_before_headers(tmp_path: Path) -> None:
    known = CORE / "iris_events.xml"
    inventory = obspy.read_inventory(str(DATA / "core" / "data" / "BW_RJOB.xml"))
    inventory[0].code, inventory[0][0].code = "G", "SCZ"
    inventory.write(str(tmp_path / "scz.xml"), format="STATIONXML")
    others = {"events": [str(known)], "stations": [str(tmp_path / "scz.xml")]}
    with Reader(staged(tmp_path, SCZ, **others)) as reader:
        assert reader.quakeml() == known.read_bytes()
        assert reader.headers("G.SCZ")[0].event_ids == ()
        made = reader.inventory("G.SCZ")
    assert made is not None
    assert made[0][0].latitude == inventory[0][0].latitude


def test_headers_can_be_left_alone(tmp_path: Path) -> None:
    with Reader(staged(tmp_path, SCZ, sac_headers=False)) as reader:
        assert reader.quakeml() is None
        assert reader.stationxml("G.SCZ") is None
        assert reader.headers("G.SCZ")[0].event_ids == ()


def test_two_places_of_a_station_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trace = obspy.read(str(SCZ))[0]
    trace.stats.channel, trace.stats.sac.stla = "BHZ", 40.0
    trace.write(str(tmp_path / "z.sac"), format="SAC")
    shutil.copy(SCZ, tmp_path / "a.sac")
    with Reader(staged(tmp_path, tmp_path / "?.sac")) as reader:
        coordinates = reader.coordinates("G.SCZ")
    assert coordinates is not None
    assert coordinates[0] == 36.598
    assert "z.sac: station G.SCZ is at (40.0" in caplog.text


def test_the_origin_is_exact(tmp_path: Path) -> None:
    trace = obspy.read()[0]
    trace.stats.starttime = UTCDateTime(2020, 1, 1, 0, 1)
    trace.stats.sac = {
        **{"b": 60.0, "o": 12.5, "evla": 1.0, "evlo": 2.0},
        **{"nzyear": 2020, "nzjday": 1, "nzhour": 0},
        **{"nzmin": 0, "nzsec": 0, "nzmsec": 0},
    }
    del trace.stats.response
    trace.write(str(tmp_path / "a.sac"), format="SAC")
    with Reader(staged(tmp_path, tmp_path / "a.sac")) as reader:
        assert reader.events()[0].origins[0].time == UTCDateTime(2020, 1, 1, 0, 0, 12.5)
