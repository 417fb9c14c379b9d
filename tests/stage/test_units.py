"""Staging in units: the same file from every backend, and from a run that went on."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import obspy
import pytest

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import InputError
from asdf_pipeline.stage import stage
from asdf_pipeline.stage.batches import batches
from asdf_pipeline.stage.scan import scan
from asdf_pipeline.stage.waveform_file import WaveformFile
from tests.conftest import launcher, mpi_environment
from tests.stage.conftest import DATA

CORE = DATA / "core" / "tests" / "data"
MSEED = DATA / "io" / "mseed" / "tests" / "data"


@pytest.fixture
def several(folder: Path) -> Path:
    """Return a folder with files of one station, and one of three stations."""
    stream = obspy.read(str(MSEED / "gaps.mseed"))
    stream += obspy.read(str(CORE / "IU_ULN_00_LH1_2015-07-18T02.mseed"))
    extra = obspy.read(str(folder / "EHZ.mseed"))
    extra[0].stats.starttime += 3600
    for trace in stream + extra:
        trace.data = trace.data.astype("float32")
        del trace.stats.mseed
    (stream + extra).write(str(folder / "mixed.mseed"), format="MSEED")
    shutil.copy(CORE / "IU_ULN_00_LH1.xml", folder)
    shutil.copy(CORE / "IU_ANMO_BH.xml", folder / "no_waveforms.xml")
    return folder


def words(folder: Path, output: Path) -> list[str]:
    return [
        *("stage", "--tag", "raw", "--output", str(output)),
        *("--waveforms", str(folder / "*.mseed"), "--stations", str(folder / "*.xml")),
        *("--events", str(CORE / "iris_events.xml"), "--progress", "lines"),
    ]


@pytest.fixture
def alone(several: Path) -> Path:
    """Return what one process makes of the folder."""
    output = several / "alone.h5"
    stage(
        [str(several / "*.mseed")],
        [str(several / "*.xml")],
        [str(CORE / "iris_events.xml")],
        "raw",
        output,
        backend="serial",
    )
    return output


def test_every_station_is_there(several: Path, alone: Path) -> None:
    with Reader(alone) as reader:
        assert reader.stations() == ["BW.BGLD", "BW.RJOB", "IU.ANMO", "IU.ULN"]
        assert len(reader.headers("BW.RJOB")) == 4
        assert reader.headers("IU.ANMO") == []
        assert reader.inventory("IU.ANMO") is not None
        assert reader.quakeml() == (CORE / "iris_events.xml").read_bytes()


def test_processes_make_the_same_file(several: Path, alone: Path) -> None:
    run = stage(
        [str(several / "*.mseed")],
        [str(several / "*.xml")],
        [str(CORE / "iris_events.xml")],
        "raw",
        several / "many.h5",
        backend="multiprocessing",
        workers=2,
    )
    assert run.counts == {"ok": 4}
    assert file_digest(several / "many.h5") == file_digest(alone)


@pytest.mark.requires("mpi")
def test_ranks_make_the_same_file(several: Path, alone: Path) -> None:
    program = launcher(sys.executable)
    assert program is not None
    subprocess.run(
        [
            *(program, "-n", "2", sys.executable, "-P", "-m", "mpi4py"),
            *("-m", "asdf_pipeline", *words(several, several / "ranks.h5")),
        ],
        env=mpi_environment(),
        check=True,
        timeout=240,
    )
    assert file_digest(several / "ranks.h5") == file_digest(alone)


def test_a_killed_run_goes_on(several: Path, alone: Path) -> None:
    output = several / "killed.h5"
    command = [sys.executable, "-P", "-m", "asdf_pipeline", *words(several, output)]
    journal = output.with_name("killed.h5.work") / "journal.jsonl"
    running = subprocess.Popen(command)
    deadline = time.monotonic() + 60
    while not journal.exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    running.send_signal(signal.SIGKILL)
    running.wait(timeout=60)
    if not output.exists():
        subprocess.run(command, check=True, timeout=240)
    assert file_digest(output) == file_digest(alone)
    assert not journal.parent.exists()


def test_work_of_other_files_is_not_gone_on_with(several: Path) -> None:
    output = several / "killed.h5"
    journal = output.with_name("killed.h5.work") / "journal.jsonl"
    command = [sys.executable, "-P", "-m", "asdf_pipeline", *words(several, output)]
    running = subprocess.Popen(command)
    deadline = time.monotonic() + 60
    while not journal.exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    running.kill()
    running.wait(timeout=60)
    output.unlink(missing_ok=True)
    (several / "EHZ.mseed").unlink()
    subprocess.run(command, check=True, timeout=240)
    with Reader(output) as reader:
        assert len(reader.headers("BW.RJOB")) == 3


def test_all_files_that_cannot_be_kept_are_named(
    several: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("EHZ", "EHN"):
        trace = obspy.read(str(several / f"{name}.mseed"))[0]
        trace.data[5] += 1
        trace.write(str(several / f"edited_{name}.mseed"), format="MSEED")
    trace = obspy.read(str(MSEED / "gaps.mseed"))[0]
    trace.data = trace.data.astype("float32") + 1
    del trace.stats.mseed
    trace.write(str(several / "other.mseed"), format="MSEED")
    with pytest.raises(InputError, match=r"both hold .* \(and 1 more station "):
        stage([str(several / "*.mseed")], [], [], "raw", several / "out.h5")
    said = capfd.readouterr().err
    assert "Station BW.RJOB" in said
    assert "Station BW.BGLD" in said
    assert not list(several.glob("out.h5*"))


def days(rjob: obspy.Stream, folder: Path, number: int) -> list[Path]:
    paths = []
    for day in range(number):
        trace = rjob[0].copy()
        trace.stats.starttime += day * 86400
        paths.append(folder / f"day{day}.mseed")
        trace.write(str(paths[-1]), format="MSEED")
    return paths


def files_of(paths: list[Path]) -> list[WaveformFile]:
    return [WaveformFile(path) for path in paths]


def test_a_long_station_is_done_in_parts(folder: Path, rjob: obspy.Stream) -> None:
    pieces, _ = scan(files_of(days(rjob, folder, 7)))
    units = batches(pieces, "raw", largest=7000)
    assert [len(paths) for paths in units.values()] == [2, 2, 2, 1]
    assert len({unit.id for unit in units}) == 4
    assert sum(unit.samples for unit in units) == 21000


def test_files_that_may_hold_the_same_trace_stay_together(
    folder: Path, rjob: obspy.Stream
) -> None:
    paths = days(rjob, folder, 3)
    shutil.copy(paths[0], folder / "again.mseed")
    files = files_of([*paths, folder / "again.mseed"])
    pieces, _ = scan(files)
    units = batches(pieces, "raw", largest=1)
    assert sorted(len(files) for files in units.values()) == [1, 1, 2]


def test_parts_make_the_same_file(
    folder: Path, rjob: obspy.Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    days(rjob, folder, 5)
    patterns = ([str(folder / "day*.mseed")], [str(folder / "*.xml")], [], "raw")
    stage(*patterns, folder / "whole.h5", backend="serial")
    monkeypatch.setattr(
        "asdf_pipeline.stage.batches.batches.__defaults__", (3000,), raising=True
    )
    run = stage(*patterns, folder / "parts.h5", backend="serial")
    assert len(run.outcomes) == 5
    assert file_digest(folder / "whole.h5") == file_digest(folder / "parts.h5")


def test_an_archive_of_several_stations(several: Path) -> None:
    with tarfile.open(several / "all.tar.gz", "w:gz") as archive:
        for path in sorted(several.glob("*.mseed")):
            archive.add(path, path.name)
    stage([str(several / "all.tar.gz")], [], [], "raw", several / "tar.h5")
    stage([str(several / "*.mseed")], [], [], "raw", several / "files.h5")
    assert file_digest(several / "tar.h5") == file_digest(several / "files.h5")
    with Reader(several / "tar.h5") as reader:
        (trace,) = reader.stream("IU.ULN", "raw")
    known = obspy.read(str(several / "mixed.mseed")).select(network="IU")[0]
    np.testing.assert_array_equal(trace.data, known.data)
