"""Days of an archive, chosen by patterns and cut to the wanted times."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import obspy
import pytest
from obspy.clients.filesystem.sds import Client

from asdf_pipeline import engine
from asdf_pipeline.cli import main
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import CallError, InputMissingError
from asdf_pipeline.stage import StageTask
from asdf_pipeline.stage.archive import Archive, read_day
from asdf_pipeline.stage.combine import combine
from asdf_pipeline.stage.layouts import CODES, LAYOUTS, segments

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
    words = [
        "stage",
        "--archive",
        str(archive),
        "--tag",
        "raw",
        "--output",
        str(output),
    ]
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
    assert "--channel: say what is taken from an archive" in capsys.readouterr().err
    assert main(["stage", "--archive", str(tmp_path / "absent"), *end]) == 2
    assert "absent: no such directory with an archive" in capsys.readouterr().err
    days = ["--starttime", "2009-238", "--endtime", "2009-237"]
    assert main(["stage", "--archive", str(archive), *days, *end]) == 2
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
    words = ["stage", "--archive", str(root), "--tag", "raw", "--output", str(output)]
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
                archives=(Archive.chosen(root, **chosen),),
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
    words = ["--archive", str(archive), "--tag", "raw", "--station", "RJOB"]
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
    words = ["--archive", str(archive), "--tag", "raw", "--station", "RJOB"]
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
    words = ["--archive", str(archive), "--tag", "raw", "--starttime", "2009-08-27"]
    assert main(["stage", *words, "--output", str(tmp_path / "staged.h5")]) == 1
    assert "holds no waveforms in the wanted times" in capsys.readouterr().err


def path_in(layout: str, trace: obspy.Trace) -> str:
    """Return where a layout puts a trace, with Python's own format."""
    day = trace.stats.starttime
    fields = {name: trace.stats[name] for name in CODES}
    dates = {"year": f"{day.year}", "jday": f"{day.julday:03}"}
    dates |= {"month": f"{day.month:02}", "day": f"{day.day:02}"}
    return LAYOUTS.get(layout, layout).format(**fields, **dates, version="#2", any="x")


def arranged(archive: Path, root: Path, layout: str) -> None:
    """Copy an SDS archive's traces to where another layout has them."""
    for path in sorted(archive.rglob("*.D.[0-9]*.[0-9]*")):
        (trace,) = obspy.read(str(path))
        place = root / path_in(layout, trace)
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("ab") as file:  # EarthScope's hold all channels
            trace.write(file, format="MSEED")


MONTHS = "{network}.{station}/{year}/{month}/{any}-{location}.{channel}.{day}"


@pytest.mark.parametrize("layout", [*LAYOUTS, MONTHS])
def test_the_same_data_by_each_layout_is_the_same_file(
    archive: Path, tmp_path: Path, layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "other"
    arranged(archive, root, layout)
    for newest in root.rglob("*#2"):  # what there was before it was mended
        newest.with_name(newest.name.replace("#2", "#1")).write_text("older")
    end = ["--tag", "raw", "--backend", "serial", "--progress", "none", "--output"]
    chosen = ["--starttime", "2009-08-25", "--channel", "EH[ZN]", "--location=--"]
    call = ["stage", "--archive", str(archive), *chosen, *end]
    assert main([*call, str(tmp_path / "sds.h5")]) == 0
    call = ["stage", "--archive", str(root), "--layout", layout, *chosen, *end]
    assert main([*call, str(tmp_path / "other.h5")]) == 0
    assert file_digest(tmp_path / "other.h5") == file_digest(tmp_path / "sds.h5")
    assert "where its place" not in capsys.readouterr().err
    with Reader(tmp_path / "other.h5") as reader:
        assert reader.stations() == ["BW.RJOB"]
        assert len(reader.headers("BW.RJOB")) == 4


def test_layouts_as_the_data_centres_write_them() -> None:
    """Keys of scedc.caltech.edu/cloud, ncedc.org/db/cloud.html, docs.earthscope.org."""
    keys = {
        "scedc": "continuous_waveforms/2016/2016_123/CIGSC__BHZ___2016123.ms",
        "ncedc": "continuous_waveforms/BG/2023/2023.022/CLV.BG.DPN..D.2023.022",
        "earthscope": "miniseed/UW/2019/187/ALCT.UW.2019.187",
    }
    found = {}
    for layout, key in keys.items():
        fields: dict[str, str] | None = {}
        for segment, name in zip(segments(layout), key.split("/"), strict=True):
            assert fields is not None
            fields = segment.read(name, fields)
        assert fields is not None
        found[layout] = [fields.get(name) for name in (*CODES, "year", "jday")]
    assert found == {
        "scedc": ["CI", "GSC", "", "BHZ", "2016", "123"],
        "ncedc": ["BG", "CLV", "", "DPN", "2023", "022"],
        "earthscope": ["UW", "ALCT", None, None, "2019", "187"],
    }


@pytest.mark.parametrize(
    ("layout", "listed"),
    [
        ("sds", {".", "2009", "BW", "RJOB", "EHZ.D"}),
        ("ncedc", {".", "continuous_waveforms", "BW", "2009", "2009.236", "2009.237"}),
    ],
)
def test_what_the_selection_rules_out_is_not_listed(
    archive: Path,
    tmp_path: Path,
    layout: str,
    listed: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = tmp_path / "other"
    arranged(archive, root, layout)
    for path in [path for path in root.rglob("*") if path.is_file()]:
        for known, another in (("BW", "GR"), ("2009", "2014")):
            name = str(path.relative_to(root)).replace(known, another)
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
    seen: set[str] = set()
    scandir = os.scandir

    def noting(folder: str) -> Iterator[os.DirEntry[str]]:
        seen.add(os.path.relpath(folder, root).rpartition("/")[2])
        return scandir(folder)

    monkeypatch.setattr("os.scandir", noting)
    days = {"last": date(2009, 8, 24)}
    codes = {"network": "BW", "station": "RJOB", "channel": "EHZ"}
    assert len(Archive(root, layout, **codes, **days).files()) == 2  # type: ignore[arg-type]
    assert seen == listed


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("sdss", "layout 'sdss': expected sds, bud, scedc, ncedc, earthscope, or a"),
        ("{net}/{station}", "unknown field 'net'; known: network, station"),
    ],
)
def test_a_layout_that_is_none_is_named(archive: Path, layout: str, said: str) -> None:
    with pytest.raises(CallError, match=re.escape(said)):
        Archive(archive, layout).files()
