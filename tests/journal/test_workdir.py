"""The work directory: what resumes, what is discarded, who may enter."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from asdf_pipeline.errors import WorkDirectoryError, WriteError
from asdf_pipeline.files import require_space
from asdf_pipeline.journal.lock import LOCK, Heartbeat, is_held, owner_of
from asdf_pipeline.journal.segments import seal
from asdf_pipeline.journal.workdir import JOURNAL, WorkDirectory, read_journal
from asdf_pipeline.plan.outcome import Outcome

KEY = {"the input": "a", "the function": "b"}
LINE = Outcome("XX.A", "raw", "done", "ok").to_json().encode()
HOLDER = """
import sys, time
from pathlib import Path
from asdf_pipeline.journal.workdir import WorkDirectory
held = WorkDirectory(Path(sys.argv[1]), {"the input": "a", "the function": "b"})
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a work directory with one sealed segment."""
    path = tmp_path / "out.h5.work"
    directory = WorkDirectory(path, KEY)
    part = directory.new_segment()
    part.write_bytes(b"a segment")
    directory.record(seal(part), {"XX.A/raw": LINE})
    directory.close()
    return path


def reopened(path: Path, key: dict[str, str | None] | None = None) -> list[str]:
    directory = WorkDirectory(path, key or dict(KEY))
    try:
        return list(directory.lines)
    finally:
        directory.close()


def test_sealed_work_is_there_again(path: Path) -> None:
    assert reopened(path) == ["XX.A/raw"]


def test_only_sealed_and_journaled_segments_survive(path: Path) -> None:
    (path / "segment-000002.h5").write_bytes(b"renamed, but not journaled")
    (path / "segment-000003.h5.part").write_bytes(b"never sealed")
    reopened(path)
    assert [p.name for p in path.glob("segment-*")] == ["segment-000001.h5"]


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_the_units_of_a_damaged_segment_are_done_again(path: Path, damage: str) -> None:
    segment = path / "segment-000001.h5"
    if damage == "flip":
        segment.write_bytes(b"b segment")
    elif damage == "cut":
        segment.write_bytes(b"a seg")
    else:
        segment.unlink()
    assert reopened(path) == []


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_an_entry_that_was_cut_off_does_not_count(path: Path, cut: int) -> None:
    directory = WorkDirectory(path, KEY)
    directory.record(None, {"XX.B/raw": LINE.replace(b"XX.A", b"XX.B")})
    directory.close()
    journal = path / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-cut])
    assert reopened(path) == ["XX.A/raw"]
    directory = WorkDirectory(path, KEY)
    directory.record(None, {"XX.C/raw": LINE.replace(b"XX.A", b"XX.C")})
    directory.close()
    assert reopened(path) == ["XX.A/raw", "XX.C/raw"]


@pytest.mark.parametrize("name", list(KEY))
def test_another_key_discards_the_work_and_says_why(
    path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert reopened(path, {**KEY, name: "changed"}) == []
    assert f"{name} changed" in caplog.text
    assert list(read_journal(path)) == []
    assert not list(path.glob("segment-*"))


def test_what_cannot_be_hashed_does_not_resume(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    key: dict[str, str | None] = {"the input": "a", "the function": None}
    reopened(path, key)
    assert reopened(path, key) == []
    assert "whether the function changed cannot be known" in caplog.text


def test_a_second_run_is_told_who_holds_it(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_held(path)
        owner = owner_of(path)
        words = (
            f"host {owner['host']}, process {holder.pid}, started {owner['started']}"
        )
        with pytest.raises(WorkDirectoryError, match=re.escape(words)):
            WorkDirectory(path, KEY)
        holder.send_signal(signal.SIGKILL)
    assert not is_held(path)
    assert reopened(path) == ["XX.A/raw"]


def test_a_second_run_in_the_same_process_is_refused(path: Path) -> None:
    directory = WorkDirectory(path, KEY)
    with pytest.raises(WorkDirectoryError, match=f"process {os.getpid()}"):
        WorkDirectory(path, KEY)
    directory.close()


def test_a_lock_that_is_removed_before_it_is_taken_is_none(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = fcntl.lockf

    def late(file: Any, how: int) -> None:
        (path / LOCK).unlink(missing_ok=True)  # by its holder, which is done
        take(file, how)

    with monkeypatch.context() as context:
        context.setattr(fcntl, "lockf", late)
        with pytest.raises(WorkDirectoryError, match="is at work here"):
            WorkDirectory(path, KEY)
    assert reopened(path) == ["XX.A/raw"]


def test_without_locks_a_heartbeat_keeps_others_out(tmp_path: Path) -> None:
    owner = tmp_path / "owner.json"
    beat = Heartbeat(owner, beat=0.05)
    stamp = owner.stat().st_mtime_ns
    end = time.monotonic() + 10
    while owner.stat().st_mtime_ns == stamp and time.monotonic() < end:
        time.sleep(0.05)
    assert owner.stat().st_mtime_ns > stamp
    beat.stop()
    # A live process of this host, and a live beat of another one, keep others out.
    record = json.loads(owner.read_text())
    owner.write_text(json.dumps(record | {"pid": os.getppid()}))
    with pytest.raises(WorkDirectoryError, match="is at work here"):
        Heartbeat(owner)
    owner.write_text(json.dumps(record | {"host": "elsewhere"}))
    with pytest.raises(WorkDirectoryError, match="host elsewhere"):
        Heartbeat(owner)
    # A dead one does not.
    os.utime(owner, (time.time() - 1000, time.time() - 1000))
    Heartbeat(owner).stop()
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    owner.write_text(json.dumps(record | {"pid": gone.pid}))
    Heartbeat(owner).stop()


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkDirectoryError, match="file/work"):
        WorkDirectory(tmp_path / "file" / "work", KEY)


CUT_OFF = """
import resource, signal, sys
from pathlib import Path
from asdf_pipeline.errors import WriteError
from asdf_pipeline.journal.workdir import WorkDirectory
from asdf_pipeline.plan.outcome import Outcome

directory = WorkDirectory(Path(sys.argv[1]), {"all": "the same"})

def record(station):
    outcome = Outcome(station, "raw", "done", "empty")
    directory.record(None, {outcome.unit_id: outcome.to_json().encode()})

record("XX.A")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
size = (directory.path / "journal.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))
try:
    record("XX.B")
except WriteError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
record("XX.C")
"""


def test_half_a_line_does_not_hide_later_ones(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CUT_OFF, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "journal.jsonl: cannot be written" in done.stdout
    found = [unit for entry in read_journal(path) for unit in entry.outcomes]
    assert found == ["XX.A/raw", "XX.C/raw"]


def test_no_room_for_the_merge_is_said_before_it(tmp_path: Path) -> None:
    require_space(tmp_path, 1)
    with pytest.raises(WriteError, match="make room"):
        require_space(tmp_path, 1 << 60)


def test_what_is_recorded_together_is_there_again(path: Path) -> None:
    directory = WorkDirectory(path, KEY)
    with directory.synced_once():
        directory.record(None, {"XX.B/raw": LINE.replace(b"XX.A", b"XX.B")})
        directory.record(None, {"XX.C/raw": LINE.replace(b"XX.A", b"XX.C")})
    directory.record(None, {"XX.D/raw": LINE.replace(b"XX.A", b"XX.D")})
    directory.close()
    assert reopened(path) == [f"XX.{code}/raw" for code in "ABCD"]
