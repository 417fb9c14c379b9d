"""Events and stations that only SAC headers describe."""

from __future__ import annotations

import logging
import math
import re
import shutil
import struct
from pathlib import Path

import obspy
import pytest
from obspy import UTCDateTime
from obspy.io.sac import SACTrace
from obspy.io.sac.header import FLOATHDRS, INTHDRS

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import InputError
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


def edited(folder: Path, trace: obspy.Trace | None = None, **fields: float) -> Path:
    """Return a SAC file with other values in its header."""
    trace = obspy.read(str(SCZ))[0] if trace is None else trace
    path = folder / "edited.sac"
    sac = SACTrace.from_obspy_trace(trace)
    sac.write(str(path))
    content = bytearray(path.read_bytes())
    for name, value in fields.items():
        kind, names = ("<f", FLOATHDRS) if name in FLOATHDRS else ("<i", INTHDRS)
        begin = 4 * (names.index(name) + (0 if names is FLOATHDRS else len(FLOATHDRS)))
        content[begin : begin + 4] = struct.pack(kind, value)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30, -1e30, 999999])
@pytest.mark.parametrize(
    "field",
    ["evla", "evlo", "evdp", "o", "mag", "stla", "stlo", "stel", "stdp", "cmpaz"],
)
def test_a_value_that_cannot_be_is_none(
    tmp_path: Path, field: str, value: float, caplog: pytest.LogCaptureFixture
) -> None:
    if (field, value) == ("o", 999999):
        value = 1e10
    path = edited(tmp_path, **{field: value})
    with Reader(staged(tmp_path, path)) as reader:
        (trace,) = reader.stream("G.SCZ", "raw")
        events = reader.events()
        inventory = reader.inventory("G.SCZ")
    assert trace.stats.npts == 300
    assert len(events) == (field not in ("evla", "evlo", "o"))
    if events:
        assert (events[0].origins[0].depth is None) == (field == "evdp")
        assert (events[0].magnitudes == []) == (field == "mag")
    assert (inventory is None) == (field in ("stla", "stlo"))
    said = [text for text in caplog.messages if f"left out: {field} " in text]
    assert len(said) == (math.isfinite(value))
    if said:
        assert said[0].startswith(f"{path}: trace G.SCZ..BHE: impossible in its SAC")


def test_longitudes_to_360_degrees_are_places(tmp_path: Path) -> None:
    path = edited(tmp_path, evlo=200.5, stlo=238.5, cmpaz=-90.0)
    with Reader(staged(tmp_path, path)) as reader:
        assert reader.events()[0].origins[0].longitude == -159.5
        inventory = reader.inventory("G.SCZ")
    assert inventory is not None
    assert inventory[0][0].longitude == -121.5
    assert inventory[0][0][0].azimuth == 270


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("nzmsec", 490000, "nzmsec 490000"),
        ("nzjday", 400, "nzjday 400"),
        ("nzyear", -12345, "nzyear undefined"),
        ("nzhour", 77, "nzhour 77"),
    ],
)
def test_a_damaged_reference_time_is_refused(
    tmp_path: Path, field: str, value: int, said: str
) -> None:
    path = edited(tmp_path, **{field: value})
    with pytest.raises(
        InputError, match=rf"edited\.sac: trace G\.SCZ\.\.BHE: .*\({said}\): mend"
    ):
        staged(tmp_path, path, sac_headers=False)


def test_no_reference_time_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = ("nzyear", "nzjday", "nzhour", "nzmin", "nzsec", "nzmsec")
    path = edited(tmp_path, **dict.fromkeys(names, -12345), b=10.0)
    with Reader(staged(tmp_path, path)) as reader:
        assert reader.headers("G.SCZ")[0].starttime == 10_000_000_000
    assert "no reference time: it begins at 1970-01-01T00:00:10" in caplog.text


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("leven", 0, "not evenly spaced (LEVEN is false)"),
        ("iftype", 2, "a spectrum (IFTYPE is IRLIM)"),
        ("iftype", 3, "a spectrum (IFTYPE is IAMPH)"),
        ("iftype", 51, "a grid (IFTYPE is IXYZ)"),
    ],
)
def test_what_is_no_time_series_is_refused(
    tmp_path: Path, field: str, value: int, said: str
) -> None:
    with pytest.raises(
        InputError, match=rf"\.sac: .*{re.escape(said)}, no time series"
    ):
        staged(tmp_path, edited(tmp_path, **{field: value}))
