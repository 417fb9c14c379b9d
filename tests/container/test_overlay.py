"""Changes of a file that appear all at once."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asdf_pipeline.container import commit
from asdf_pipeline.container.overlay import PAGE, Overlay

if TYPE_CHECKING:
    from pathlib import Path

places = st.integers(0, 4 * PAGE)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("write"), places, st.binary(min_size=1, max_size=2 * PAGE)),
        st.tuples(st.just("read"), places, places),
        st.tuples(st.just("truncate"), places),
        st.tuples(st.just("commit")),
        st.tuples(st.just("discard")),
    ),
    max_size=12,
)


@example(b"012", [("write", 0, b"3"), ("truncate", 0), ("write", 3, b"4")])
@example(b"1", [("truncate", 0), ("write", 1, b"2"), ("read", 0, 2)])
@given(before=st.binary(max_size=3 * PAGE), todo=actions)
def test_it_reads_as_the_file_would_and_shows_commits_alone(
    tmp_path_factory: pytest.TempPathFactory, before: bytes, todo: list[tuple]
) -> None:
    path = tmp_path_factory.mktemp("overlay") / "file"
    path.write_bytes(before)
    overlay = Overlay(os.open(path, os.O_RDWR))
    committed, wanted = bytearray(before), bytearray(before)
    for name, *what in todo:
        if name == "write":
            place, content = what
            if len(wanted) < place:
                wanted.extend(bytes(place - len(wanted)))
            wanted[place : place + len(content)] = content
            overlay.seek(place)
            assert overlay.write(memoryview(content)) == len(content)
        elif name == "truncate":
            (size,) = what
            if size > len(wanted):
                continue  # HDF5 makes a file longer by writing
            del wanted[size:]
            overlay.truncate(size)
        elif name == "read":
            place, size = what
            buffer = bytearray(size)
            overlay.seek(place)
            found = overlay.readinto(memoryview(buffer))
            assert bytes(buffer[:found]) == bytes(wanted[place : place + size])
        elif name == "commit":
            overlay.commit()
            committed[:] = wanted
        else:
            overlay.discard()
            overlay.close()
            overlay = Overlay(os.open(path, os.O_RDWR))
            wanted[:] = committed
        # What was committed is there, whatever waits; behind it may be more.
        assert path.read_bytes()[: len(committed)] == bytes(committed)
    assert overlay.seek(0, os.SEEK_END) == len(wanted)
    overlay.commit()
    overlay.close()
    assert path.read_bytes() == bytes(wanted)


def test_a_commit_needs_no_other_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(3 * PAGE))
    descriptor = os.open(path, os.O_RDWR)
    changes = [(0, b"one"), (2 * PAGE, b"two")]
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    commit._end(os.getpid())
    commit.apply(descriptor, changes, 3 * PAGE)
    assert path.read_bytes()[2 * PAGE :].startswith(b"two")
    monkeypatch.undo()
    commit.apply(descriptor, [(0, b"ONE"), (PAGE, b"new")], 3 * PAGE)
    process = commit._running[os.getpid()].process
    process.kill()
    process.wait()
    commit.apply(descriptor, [(0, b"One"), (PAGE, b"New")], 2 * PAGE)
    assert path.read_bytes()[PAGE:].rstrip(b"\0") == b"New"
    assert path.stat().st_size == 2 * PAGE
    os.close(descriptor)


def test_a_commit_goes_to_the_file_that_is_open(tmp_path: Path) -> None:
    """Not to another that has its path meanwhile."""
    path = tmp_path / "file"
    path.write_bytes(bytes(3 * PAGE))
    descriptor = os.open(path, os.O_RDWR)
    path.rename(tmp_path / "moved")
    path.write_bytes(b"other")
    commit.apply(descriptor, [(0, b"one"), (PAGE, b"two")], 3 * PAGE)
    assert path.read_bytes() == b"other"
    assert (tmp_path / "moved").read_bytes().startswith(b"one")
    os.close(descriptor)


def test_a_file_that_cannot_grow_is_not_changed(tmp_path: Path) -> None:
    """HDF5 opens no file that is shorter than its first bytes say."""
    path = tmp_path / "file"
    path.write_bytes(bytes(PAGE))
    descriptor = os.open(path, os.O_RDWR)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * PAGE, hard))
    commit._end(os.getpid())  # the next one has this limit, too
    try:
        for changes in ([(0, b"new")], [(0, b"new"), (9, b"new")]):
            with pytest.raises(OSError, match="File too large"):
                commit.apply(descriptor, changes, 3 * PAGE)
            assert path.read_bytes() == bytes(PAGE)
    finally:
        commit._end(os.getpid())
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        os.close(descriptor)


def test_the_process_that_writes_ends_with_its_owner(tmp_path: Path) -> None:
    script = (
        "import os, sys, pathlib\n"
        "from asdf_pipeline.container import commit\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "file = os.open(path, os.O_RDWR)\n"
        "commit.apply(file, [(0, b'a'), (5000, b'b')], 9000)\n"
        "print(commit._running[os.getpid()].process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    path = tmp_path / "file"
    path.write_bytes(bytes(9000))
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True
    )
    assert done.returncode == -9
    pid = int(done.stdout)
    for _ in range(600):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if _is_zombie(pid):
            return
        time.sleep(0.1)
    raise AssertionError(pid)


def _is_zombie(pid: int) -> bool:
    """Return whether a process has ended, but nobody has asked how."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True
    ).stdout
    return not state.strip() or state.startswith("Z")
