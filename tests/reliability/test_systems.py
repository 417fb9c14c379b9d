"""Other systems: conda-forge's CPython, macOS, a hidden /proc, Windows, a pool."""

from __future__ import annotations

import ctypes
import io
import json
import logging
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import obspy
import pytest

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.journal.lock import Heartbeat
from tests.reliability.command import Running
from tests.reliability.test_full_disk import (
    BACKENDS,
    PAGE,
    arguments_of,
    must_finish,
    names,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.reliability.command import Ended
    from tests.reliability.conftest import SmallDisk

    Main = Callable[[list[str]], int]

CONDA = ("copy_file_range", "memfd_create")
MACOS = (
    *CONDA,
    *("sched_getaffinity", "prctl", "sync_file_range", "fallocate", "mallopt"),
)


def take_away(calls: tuple[str, ...], from_library: bool) -> None:
    """Have neither this process nor what it forks know some calls of the system."""
    for name in calls:
        if hasattr(os, name):
            delattr(os, name)
    if from_library:
        known = ctypes.CDLL

        class Library(known):  # type: ignore[misc, valid-type]
            def __getattr__(self, name: str) -> object:
                if name in calls:
                    raise AttributeError(name)
                return super().__getattr__(name)

        ctypes.CDLL = Library  # type: ignore[misc]


def conda(arguments: list[str]) -> int:
    """Run the command as conda-forge's CPython does: the C library has the calls."""
    return _main(CONDA, False, arguments)


def old_linux(arguments: list[str]) -> int:
    """Run the command where the C library has them neither."""
    return _main(CONDA, True, arguments)


def macos(arguments: list[str]) -> int:
    """Run the command where more is missing."""
    return _main(MACOS, True, arguments)


def _main(calls: tuple[str, ...], from_library: bool, arguments: list[str]) -> int:
    take_away(calls, from_library)
    from asdf_pipeline.cli import main

    return main(arguments)


def run(main: Main, *arguments: object, cwd: Path) -> Ended:
    return Running(*arguments, cwd=cwd, main=main).wait()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("main", [conda, old_linux, macos])
def test_without_some_calls_of_the_system_all_goes_on(
    tmp_path: Path, main: Main, backend: str
) -> None:
    obspy.read().write(str(tmp_path / "a.mseed"), format="MSEED")
    obspy.read_inventory().select(station="RJOB").write(
        str(tmp_path / "a.xml"), format="STATIONXML"
    )
    way = BACKENDS[backend]
    for words in (
        [
            "stage",
            "--waveforms",
            "a.mseed",
            "--stations",
            "a.xml",
            "--tag",
            "raw",
            "--output",
            "in.h5",
        ],
        ["process", "in.h5", "out.h5", "--function", "asdf_pipeline.steps:identity"]
        + ["--tag", "raw=raw", "--progress", "none", *way],
        ["verify", "out.h5"],
    ):
        done = run(main, *words, cwd=tmp_path)
        assert done.code == 0, done.err
    assert file_digest(tmp_path / "in.h5") == file_digest(tmp_path / "out.h5")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("main", [conda, old_linux, macos])
def test_without_them_many_segments_are_merged(
    data: Path, undisturbed: str, tmp_path: Path, main: Main, backend: str
) -> None:
    calls = tmp_path / "calls"
    words = arguments_of(data, tmp_path, calls, *BACKENDS[backend])
    done = run(main, *words, cwd=tmp_path)
    assert done.code == 0, done.err
    assert file_digest(tmp_path / "out.h5") == undisturbed


@pytest.mark.requires("mount")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("main", [conda, old_linux, macos])
def test_without_them_a_full_disk_costs_nothing(
    data: Path,
    undisturbed: str,
    tmp_path: Path,
    small_disk: type[SmallDisk],
    main: Main,
    backend: str,
) -> None:
    for size in (4 * PAGE, 25 * PAGE, 60 * PAGE, 100 * PAGE):
        disk, calls = small_disk(size), tmp_path / f"calls-{size}"
        words = arguments_of(data, disk.path, calls, *BACKENDS[backend])
        full = run(main, *words, cwd=tmp_path)
        assert (full.code, full.is_clear) == (1, True), (size, full)
        assert not (disk.path / "out.h5").exists()
        must_finish(data, disk, calls, backend, undisturbed)


@pytest.mark.requires("mount")
def test_without_them_the_output_may_be_on_another_file_system(
    data: Path, undisturbed: str, tmp_path: Path, small_disk: type[SmallDisk]
) -> None:
    disk = small_disk(1 << 24)
    way = ("--work-dir", tmp_path / "work", *BACKENDS["serial"])
    words = arguments_of(data, disk.path, tmp_path / "calls", *way)
    done = run(macos, *words, cwd=tmp_path)
    assert done.code == 0, done.err
    assert file_digest(disk.path / "out.h5") == undisturbed
    assert names(disk.path) == ["out.h5", "outcomes.jsonl"]


HOLDER = """
import json, os, sys
from pathlib import Path
from asdf_pipeline.errors import WorkDirectoryError
from asdf_pipeline.journal.lock import Heartbeat
assert not Path("/proc/self").exists()
for record in sys.stdin.read().splitlines():
    Path("owner.json").write_text(record)
    try:
        Heartbeat(Path("owner.json")).stop()
        print("taken")
    except WorkDirectoryError:
        print("held")
"""


@pytest.mark.requires("mount")
def test_without_proc_a_lock_is_held_by_whom_it_was_held(tmp_path: Path) -> None:
    Heartbeat(tmp_path / "owner.json").stop()
    mine = json.loads((tmp_path / "owner.json").read_text())
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    records = [
        mine | {"pid": os.getpid()},
        mine | {"pid": gone.pid},
        mine | {"pid": os.getpid(), "boot": ""},
        mine | {"pid": "1"},
    ]
    hidden = f'mount -t tmpfs none /proc && exec "{sys.executable}" -c "$0"'
    answer = subprocess.run(
        ["unshare", "--mount", "sh", "-c", hidden, HOLDER],
        input="\n".join(json.dumps(record) for record in records),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.split() == ["held", "taken", "held", "taken"]


@pytest.mark.requires("mount")
def test_without_proc_a_run_does_its_work(data: Path, tmp_path: Path) -> None:
    hidden = (
        f"mount -t tmpfs none /proc && exec '{sys.executable}' -m asdf_pipeline "
        f"process '{data}' out.h5 --function asdf_pipeline.steps:identity "
        "--tag raw_recording=processed --workers 2 --progress none"
    )
    subprocess.run(["unshare", "--mount", "sh", "-c", hidden], cwd=tmp_path, check=True)
    assert (tmp_path / "out.h5").exists()


def test_of_a_process_of_another_user_it_is_known_that_it_runs(tmp_path: Path) -> None:
    """The first process is root's; who may signal it knows that it runs, too."""
    owner = tmp_path / "owner.json"
    Heartbeat(owner).stop()
    owner.write_text(json.dumps(json.loads(owner.read_text()) | {"pid": 1}))
    with pytest.raises(RuntimeError, match="is at work here"):
        Heartbeat(owner)


# Imported before: Python 3.13's shutil imports what Windows alone has.
WINDOWS = """
import shutil, sys, tempfile
sys.platform = "win32"
sys.modules |= dict.fromkeys(("fcntl", "resource", "pwd", "grp", "termios"))
import os, signal
del os.fork, os.register_at_fork, signal.SIGKILL, signal.SIGPIPE
"""


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (
            "from asdf_pipeline.cli import main; sys.exit(main(['info', 'a.h5']))",
            "asdf-pipeline: error: asdf_pipeline runs on Linux and macOS; on Windows",
        ),
        (
            "from asdf_pipeline import ASDFDataSet",
            "asdf_pipeline.errors.SystemNotSupportedError: asdf_pipeline runs on Linux",
        ),
    ],
)
def test_on_windows_one_line_says_what_to_do(code: str, line: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WINDOWS + code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode
    assert done.stderr.splitlines()[-1].startswith(line), done.stderr
    assert done.stderr.splitlines()[-1].endswith("Linux (WSL)")


def pooled(arguments: tuple[str, str]) -> str:
    """Process a file where no process may be started; return what is logged."""
    from asdf_pipeline import ASDFDataSet
    from asdf_pipeline.steps import identity

    source, target = arguments
    said = io.StringIO()
    logging.getLogger("asdf_pipeline").addHandler(logging.StreamHandler(said))
    with ASDFDataSet(source, mode="r") as ds:
        ds.process(identity, target, {"raw_recording": "processed"})
    return said.getvalue()


def test_within_a_pool_the_work_is_done_serially_with_a_word(
    data: Path, undisturbed: str, tmp_path: Path
) -> None:
    target = tmp_path / "out.h5"
    with multiprocessing.get_context("fork").Pool(1) as pool:
        said = pool.map(pooled, [(str(data), str(target))])[0]
    assert file_digest(target) == undisturbed
    assert "is daemonic" in said
    assert "it works serially" in said
