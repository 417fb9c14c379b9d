"""Days of an archive, chosen by patterns and cut to the wanted times."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import obspy
import pytest
from obspy.clients.filesystem.sds import Client

from asdf_pipeline import engine
from asdf_pipeline.cli import main
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import CallError, InputMissingError
from asdf_pipeline.stage import StageTask
from asdf_pipeline.stage.archive import Archive, read_day
from asdf_pipeline.stage.combine import combine

BW_LHZ = ("BW", "RJOB", "", "LHZ")


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
    files = Archive(archive, station="RJOB").files()
    assert len(files) == 9
    assert sum(trace.stats.npts for trace in stream) == sum(
        obspy.read(str(file.path), headonly=True)[0].stats.npts for file in files
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
        ({"first": date(2009, 8, 26)}, 12),  # and the day before
        ({"first": date(2009, 8, 25), "last": date(2009, 8, 25)}, 18),  # and after
        ({"last": date(2009, 8, 24)}, 12),
        ({"last": date(2009, 8, 22)}, 0),
        ({"first": date(2009, 8, 28)}, 0),
    ],
)
def test_what_is_selected(
    archive: Path, selection: dict[str, str], number: int
) -> None:
    chosen = Archive(archive, **selection)  # type: ignore[arg-type]
    if number:
        assert len(chosen.files()) == number
    else:
        with pytest.raises(InputMissingError, match="no day of .* in this archive"):
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
    assert "absent: no such directory with an archive" in capsys.readouterr().err
    days = ["--starttime", "2009-238", "--endtime", "2009-237"]
    assert main(["stage", "--sds", str(archive), *days, *end]) == 2
    assert "is after" in capsys.readouterr().err


@pytest.fixture
def unsplit(tmp_path: Path) -> tuple[Path, obspy.Trace]:
    """Return an SDS archive whose days begin at 00:00:30, and all that is in it."""
    whole = obspy.Trace(np.arange(3 * 86400, dtype=np.int32))
    whole.id = "BW.RJOB..LHZ"
    whole.stats.starttime = obspy.UTCDateTime(2024, 2, 1, 0, 0, 30)
    folder = tmp_path / "sds/2024/BW/RJOB/LHZ.D"
    folder.mkdir(parents=True)
    for day in range(3):
        start = whole.stats.starttime + day * 86400
        one = whole.slice(start, start + 86399)
        name = f"BW.RJOB..LHZ.D.2024.{32 + day:03d}"
        one.write(str(folder / name), format="MSEED")
    return tmp_path / "sds", whole


@pytest.mark.parametrize("day", [1, 2, 3])
def test_days_not_split_at_midnight_are_whole(
    unsplit: tuple[Path, obspy.Trace], tmp_path: Path, day: int
) -> None:
    root, whole = unsplit
    output = tmp_path / "staged.h5"
    words = ["stage", "--sds", str(root), "--tag", "raw", "--output", str(output)]
    times = ["--starttime", f"2024-02-0{day}", "--endtime", f"2024-02-0{day}"]
    assert main([*words, *times, "--backend", "serial"]) == 0
    start = obspy.UTCDateTime(2024, 2, day)
    wanted = whole.slice(start, start + 86399)
    assert len(wanted) == (86370 if day == 1 else 86400)
    client = Client(str(root))
    assert sum(map(len, client.get_waveforms(*BW_LHZ, start, start + 86399))) == len(
        wanted
    )
    with Reader(output) as reader:
        stream = reader.stream("BW.RJOB", "raw").merge(method=-1)
    assert stream[0].stats.starttime == wanted.stats.starttime
    np.testing.assert_array_equal(stream[0].data, wanted.data)


def test_days_staged_one_by_one_are_all_samples_once(
    unsplit: tuple[Path, obspy.Trace], tmp_path: Path
) -> None:
    root, whole = unsplit
    parts = []
    for day in (1, 2, 3, 4):  # all that there is of the last is in the file before
        parts.append(tmp_path / f"{day}.h5")
        chosen = {"starttime": f"2024-02-0{day}", "endtime": f"2024-02-0{day}"}
        engine.run(
            StageTask(
                output=parts[-1],
                tag="raw",
                archives=(Archive.chosen(root, "sds", **chosen),),
                backend="serial",
                io="segments",
                progress="none",
            )
        )
    combine(parts, tmp_path / "all.h5")
    with Reader(tmp_path / "all.h5") as reader:
        stream = reader.stream("BW.RJOB", "raw").merge(method=-1)
    (trace,) = stream
    np.testing.assert_array_equal(trace.data, whole.data)


def misplaced(archive: Path, **codes: str) -> Path:
    """Put a trace of other codes into a file of BW.RJOB..EHZ."""
    path = archive / "2009/BW/RJOB/EHZ.D/BW.RJOB..EHZ.D.2009.236"
    trace = obspy.read(str(path))[0]
    trace.stats.update(codes)
    trace.write(str(path), format="MSEED")
    return path


@pytest.mark.parametrize("codes", [{"station": "ALTM"}, {"network": "GR"}])
def test_another_stations_file_is_refused(
    archive: Path,
    tmp_path: Path,
    codes: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = misplaced(archive, **codes)
    words = ["--sds", str(archive), "--tag", "raw", "--station", "RJOB"]
    assert main(["stage", *words, "--output", str(tmp_path / "staged.h5")]) == 1
    found = ".".join({"network": "BW", "station": "RJOB", **codes}.values())
    assert (
        f"{path}: holds {found}..EHZ, where its place in the archive says BW.RJOB..EHZ"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("codes", [{"channel": "EHX"}, {"location": "10"}])
def test_another_channel_than_the_paths_is_said(
    archive: Path,
    tmp_path: Path,
    codes: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = misplaced(archive, **codes)
    words = ["--sds", str(archive), "--tag", "raw", "--station", "RJOB"]
    assert main(["stage", *words, "--output", str(tmp_path / "staged.h5")]) == 0
    lines = capsys.readouterr().err.splitlines()
    (said,) = [line for line in lines if "where its place" in line]
    location, channel = codes.get("location", ""), codes.get("channel", "EHZ")
    assert f"{path}: holds BW.RJOB.{location}.{channel}, where its place" in said
    with Reader(tmp_path / "staged.h5") as reader:
        found = {(one.location, one.channel) for one in reader.headers("BW.RJOB")}
    assert (location, channel) in found


def test_no_sample_of_the_wanted_times_is_an_error(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--sds", str(archive), "--tag", "raw", "--starttime", "2009-08-27"]
    assert main(["stage", *words, "--output", str(tmp_path / "staged.h5")]) == 1
    assert "holds no waveforms in the wanted times" in capsys.readouterr().err
