"""Disks that are full, read-only or not there: one clear line, and nothing is lost."""

from __future__ import annotations

import json
import resource
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.journal.workdir import read_journal
from asdf_pipeline.plan.outcome import read_outcomes
from tests.reliability.command import Ended, Running, command
from tests.reliability.conftest import STATIONS

if TYPE_CHECKING:
    from tests.reliability.conftest import SmallDisk

STEPS = Path(__file__).with_name("steps.py")
PAGE = 4096
SIZES = [PAGE * n for n in (*range(1, 10), 12, 16, 20, 25, 32, 40, 50, 60, 72, 85, 100)]
"""None of them is enough to merge what is done."""
BACKENDS = {
    "serial": ("--backend", "serial"),
    "multiprocessing": ("--backend", "multiprocessing", "--workers", "2"),
    "dask": ("--backend", "dask", "--workers", "1"),
}
FORKED = ("serial", "multiprocessing")
"""Those that start at once: the others meet a full disk in the same way."""


def process(
    data: Path, place: Path, calls: Path, *options: object, stderr: Path | None = None
) -> Ended:
    """Process into a place that may have no room; count the calls elsewhere."""
    arguments = arguments_of(data, place, calls, *options)
    return command(*arguments, cwd=calls.parent, stderr=stderr)


def arguments_of(
    data: Path, place: Path, calls: Path, *options: object, seconds: float = 0.0
) -> list[object]:
    parameters = {"calls": str(calls), "seconds": seconds}
    return [
        *("process", data, place / "out.h5", "--outcomes", place / "outcomes.jsonl"),
        *("--function", f"{STEPS}:counted", "--tag", "raw_recording=processed"),
        *("--parameters", json.dumps(parameters)),
        *("--seal-every", "0.001", "--progress", "none", *options),
    ]


def sealed(place: Path) -> set[str]:
    """Return the stations that will not be done again."""
    directory = place / "out.h5.work"
    units = {unit for entry in read_journal(directory) for unit in entry.outcomes}
    return {unit.partition("/")[0] for unit in units}


def calls_of(calls: Path) -> Counter[str]:
    return Counter(calls.read_text().split()) if calls.exists() else Counter()


def must_finish(
    data: Path, disk: SmallDisk, calls: Path, backend: str, digest: str
) -> None:
    """Make room and give the same command again: nothing is done twice."""
    disk.make_room()
    before, done = calls_of(calls), sealed(disk.path)
    finished = process(data, disk.path, calls, *BACKENDS[backend])
    assert finished.code == 0, finished.err
    assert file_digest(disk.path / "out.h5") == digest
    assert not set(calls_of(calls) - before) & done
    assert len(read_outcomes(disk.path / "outcomes.jsonl")) == STATIONS
    assert names(disk.path) == ["out.h5", "outcomes.jsonl"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.requires("mount")
@pytest.mark.parametrize("backend", FORKED)
def test_a_full_disk_of_any_size_costs_nothing(
    data: Path,
    undisturbed: str,
    tmp_path: Path,
    small_disk: type[SmallDisk],
    backend: str,
) -> None:
    assert len(SIZES) == 20
    kept = 0
    for number, size in enumerate(SIZES):
        disk = small_disk(size)
        calls = tmp_path / f"calls-{size}"
        for _ in range(2 if number % 4 == 3 else 1):  # or still full the next time
            done = sealed(disk.path)
            full = process(data, disk.path, calls, *BACKENDS[backend])
            assert (full.code, full.is_clear) == (1, True), (size, full)
            assert "room" in full.complaints[0] or "No space" in full.complaints[0]
            assert not (disk.path / "out.h5").exists()
            assert done <= sealed(disk.path)
        kept += len(done)
        must_finish(data, disk, calls, backend, undisturbed)
    assert kept  # else no size was large enough to tell


@pytest.mark.requires("mount")
def test_a_disk_that_is_full_at_the_very_end(
    data: Path, undisturbed: str, tmp_path: Path, small_disk: type[SmallDisk]
) -> None:
    codes: Counter[int] = Counter()
    for pages in range(112, 400, 3):  # how many it takes depends on names and versions
        disk = small_disk(PAGE * pages)
        calls = tmp_path / f"calls-{pages}"
        done = process(data, disk.path, calls, *BACKENDS["serial"])
        codes[done.code] += 1
        assert done.is_clear, done.err
        assert (disk.path / "out.h5").exists() == (done.code == 0)
        if done.code:
            assert len(sealed(disk.path)) == STATIONS
            must_finish(data, disk, calls, "serial", undisturbed)
        else:
            assert names(disk.path) == ["out.h5", "outcomes.jsonl"]
            assert file_digest(disk.path / "out.h5") == undisturbed
        if codes[0] == 2:
            break
    assert set(codes) == {0, 1}


@pytest.mark.requires("mount")
@pytest.mark.parametrize("size", [PAGE, 30 * PAGE, 140 * PAGE])
def test_the_log_may_be_on_the_full_disk_too(
    data: Path,
    undisturbed: str,
    tmp_path: Path,
    small_disk: type[SmallDisk],
    size: int,
) -> None:
    disk = small_disk(size)
    log = disk.path / "log"
    log.write_bytes(b"x" * size)  # not one byte more
    calls = tmp_path / "calls"
    options = ("--progress", "lines", *BACKENDS["serial"])
    full = process(data, disk.path, calls, *options, stderr=log)
    assert full.code == 1
    assert not (disk.path / "out.h5").exists()
    must_finish(data, disk, calls, "serial", undisturbed)


def test_a_log_that_cannot_be_written_ends_no_run(
    data: Path, undisturbed: str, tmp_path: Path
) -> None:
    options = ("--progress", "lines", *BACKENDS["multiprocessing"])
    done = process(
        data, tmp_path, tmp_path / "calls", *options, stderr=Path("/dev/full")
    )
    assert done.code == 0
    assert file_digest(tmp_path / "out.h5") == undisturbed


@pytest.mark.requires("mount")
def test_work_elsewhere_than_the_output(
    data: Path, undisturbed: str, tmp_path: Path, small_disk: type[SmallDisk]
) -> None:
    disk, calls = small_disk(30 * PAGE), tmp_path / "calls"
    options = ("--work-dir", tmp_path / "work", *BACKENDS["serial"])
    full = process(data, disk.path, calls, *options)
    assert (full.code, full.is_clear) == (1, True), full.err
    assert names(disk.path) == []
    disk.make_room()
    before = calls_of(calls)
    done = process(data, disk.path, calls, *options)
    assert done.code == 0, done.err
    assert calls_of(calls) == before
    assert names(disk.path) == ["out.h5", "outcomes.jsonl"]
    assert not (tmp_path / "work").exists()
    assert file_digest(disk.path / "out.h5") == undisturbed


@pytest.mark.requires("mount")
def test_a_read_only_file_system(
    data: Path, undisturbed: str, tmp_path: Path, small_disk: type[SmallDisk]
) -> None:
    disk, calls = small_disk(1 << 24), tmp_path / "calls"
    disk.allow_writing(False)
    refused = process(data, disk.path, calls)
    assert (refused.code, refused.is_clear) == (1, True), refused.err
    assert "Read-only file system" in refused.complaints[0]
    assert not calls.exists()
    disk.allow_writing(True)
    must_finish(data, disk, calls, "serial", undisturbed)


def limited_main(arguments: list[str]) -> int:
    """Run the command where no file may be larger than 60 kB."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    from asdf_pipeline.cli import main

    return main(arguments)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_error_of_the_file_system(
    data: Path, undisturbed: str, tmp_path: Path, backend: str
) -> None:
    calls = tmp_path / "calls"
    arguments = arguments_of(data, tmp_path, calls, *BACKENDS[backend])
    failed = Running(*arguments, cwd=tmp_path, main=limited_main).wait()
    assert (failed.code, failed.is_clear) == (1, True), failed.err
    assert "File too large" in failed.complaints[0]
    assert not (tmp_path / "out.h5").exists()
    before, done = calls_of(calls), sealed(tmp_path)
    finished = command(*arguments, cwd=tmp_path)
    assert finished.code == 0, finished.err
    assert not set(calls_of(calls) - before) & done
    assert file_digest(tmp_path / "out.h5") == undisturbed


@pytest.mark.parametrize("backend", FORKED)
def test_a_work_directory_that_somebody_deletes(
    data: Path, undisturbed: str, tmp_path: Path, backend: str
) -> None:
    calls = tmp_path / "calls"
    arguments = arguments_of(data, tmp_path, calls, *BACKENDS[backend], seconds=0.3)
    running = Running(*arguments, cwd=tmp_path)
    running.wait_for(lambda: len(sealed(tmp_path)) > 1)
    # Renamed first: what a run that goes on makes meanwhile would keep rmtree from it.
    gone = (tmp_path / "out.h5.work").rename(tmp_path / "gone")
    shutil.rmtree(gone)
    lost = running.wait()
    assert (lost.code, lost.is_clear) == (1, True), lost.err
    assert not (tmp_path / "out.h5").exists()
    assert command(*arguments, cwd=tmp_path).code == 0
    assert file_digest(tmp_path / "out.h5") == undisturbed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--outcomes", "absent/outcomes.jsonl"), "there is no directory"),
        (("--outcomes", "."), "is a directory"),
        (("--outcomes", "out.h5"), "would replace out.h5"),
        (("--work-dir", "others"), "'precious', which is no part of a work directory"),
        (("--work-dir", "others/precious"), "cannot be used: File exists"),
        (("--work-dir", "others/precious/work"), "cannot be used: Not a directory"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused_before_any_work(
    data: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    calls = tmp_path / "calls"
    precious = tmp_path / "others" / "precious"
    precious.parent.mkdir()
    precious.write_text("precious")
    refused = process(data, tmp_path, calls, *options)
    assert refused.code in (1, 2)
    assert refused.is_clear, refused.err
    assert message in refused.complaints[0]
    assert not calls.exists()
    assert names(tmp_path) == ["others"]
    assert precious.read_text() == "precious"
