"""Days of an SDS archive, chosen by patterns."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import obspy
import pytest
from obspy.clients.filesystem.sds import Client

from asdf_pipeline.cli import main
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import CallError, InputMissingError
from asdf_pipeline.stage.sds import SDS, read_day


@pytest.fixture
def archive(tmp_path: Path, rjob: obspy.Stream) -> Path:
    """Return an SDS archive: BW.RJOB and BW.ALTM, three channels, three days."""
    root = tmp_path / "sds"
    for station, location in (("RJOB", ""), ("ALTM", "00")):
        for trace in rjob:
            for day in range(3):
                one = trace.copy()
                one.stats.station, one.stats.location = station, location
                one.stats.starttime += day * 86400
                channel, when = one.stats.channel, one.stats.starttime
                place = root / f"{when.year}/BW/{station}/{channel}.D"
                place.mkdir(parents=True, exist_ok=True)
                name = f"BW.{station}.{location}.{channel}.D.{when.year}.{when.julday}"
                one.write(str(place / name), format="MSEED")
    (root / "2009" / "BW" / "RJOB" / "EHZ.D" / "notes.D.txt").write_text("no data")
    return root


def test_obspy_finds_what_we_find(archive: Path) -> None:
    client = Client(str(archive))
    start = obspy.UTCDateTime(2009, 8, 24)
    stream = client.get_waveforms("BW", "RJOB", "", "EH?", start, start + 3 * 86400)
    files = SDS(archive, station="RJOB").files()
    assert len(files) == 9
    assert sum(trace.stats.npts for trace in stream) == sum(
        obspy.read(str(path), headonly=True)[0].stats.npts for path in files
    )


@pytest.mark.parametrize(
    ("selection", "number"),
    [
        ({}, 18),
        ({"network": "X?,B*"}, 18),
        ({"network": "GR"}, 0),
        ({"station": "R*"}, 9),
        ({"location": "--"}, 9),
        ({"location": "00"}, 9),
        ({"channel": "EHZ"}, 6),
        ({"channel": "EHZ,EHN"}, 12),
        ({"channel": "EH[NE]"}, 12),
        ({"first": date(2009, 8, 25)}, 12),
        ({"first": date(2009, 8, 25), "last": date(2009, 8, 25)}, 6),
        ({"last": date(2009, 8, 23)}, 0),
    ],
)
def test_what_is_selected(
    archive: Path, selection: dict[str, str], number: int
) -> None:
    chosen = SDS(archive, **selection)  # type: ignore[arg-type]
    if number:
        assert len(chosen.files()) == number
    else:
        with pytest.raises(InputMissingError, match="no day of .* in this SDS archive"):
            chosen.files()


def test_the_command(archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "staged.h5"
    words = ["stage", "--sds", str(archive), "--tag", "raw", "--output", str(output)]
    chosen = ["--network", "BW", "--station", "*", "--channel", "EH[ZN]"]
    assert main([*words, *chosen, "--starttime", "2009-237"]) == 0
    with Reader(output) as reader:
        assert reader.stations() == ["BW.ALTM", "BW.RJOB"]
        headers = reader.headers("BW.RJOB")
    assert [header.channel for header in headers] == ["EHN", "EHN", "EHZ", "EHZ"]
    assert {obspy.UTCDateTime(ns=h.starttime).julday for h in headers} == {237, 238}


@pytest.mark.parametrize(
    ("text", "day"),
    [("2024-01-31", date(2024, 1, 31)), ("2024-366", date(2024, 12, 31))],
)
def test_days(text: str, day: date) -> None:
    assert read_day(text) == day


@pytest.mark.parametrize("text", ["", "2024", "2024-13-01", "2024-999", "yesterday"])
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(CallError, match="expected a day"):
        read_day(text)


def test_calls_that_cannot_be(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    end = ["--tag", "raw", "--output", str(tmp_path / "staged.h5")]
    assert main(["stage", "--waveforms", "x", "--channel", "EHZ", *end]) == 2
    assert "--channel: what an archive's days" in capsys.readouterr().err
    assert main(["stage", "--sds", str(tmp_path / "absent"), *end]) == 2
    assert "absent: no such directory with an SDS archive" in capsys.readouterr().err
    days = ["--starttime", "2009-238", "--endtime", "2009-237"]
    assert main(["stage", "--sds", str(archive), *days, *end]) == 2
    assert "is after" in capsys.readouterr().err
