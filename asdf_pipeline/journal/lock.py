"""The exclusive lock on a work directory: it dies with its holder.

A POSIX record lock, which the kernel releases whatever way the holder ends, and
which a forked worker does not inherit. Where the file system has none (some NFS and
Lustre mounts answer ENOLCK or ENOSYS), an owner file with a heartbeat: its holder
counts as dead once its process is gone from this host, or, on another host, once
the file has not been touched for `TIMEOUT` seconds.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from asdf_pipeline.errors import WorkDirectoryError
from asdf_pipeline.files import atomic_write

LOCK, OWNER = "lock", "owner.json"
BEAT = 10.0
"""Seconds between two heartbeats."""
TIMEOUT = 120.0
"""Seconds without a heartbeat after which a holder on another host counts as dead."""

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
_HELD = {errno.EACCES, errno.EAGAIN}
_held_here: set[Path] = set()  # record locks do not exclude their own process


def owner_of(directory: Path) -> dict[str, Any]:
    """Return who holds, or held last, a work directory's lock; empty if unknown."""
    try:
        owner = json.loads((directory / OWNER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return owner if isinstance(owner, dict) else {}


def is_held(directory: Path) -> bool:
    """Tell whether a live run holds the lock of a work directory."""
    try:
        with (directory / LOCK).open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno in _HELD:
            return True
        return error.errno in _NO_LOCKS and _is_alive(directory / OWNER)
    return False


class Lock:
    """The lock of one work directory, held from construction to `release`.

    Raises
    ------
    WorkDirectoryError
        If another run holds it; names host, process and start.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory.resolve() / LOCK
        self._owner = directory / OWNER
        self._beat: Heartbeat | None = None
        if self.path in _held_here:
            raise _held(directory)
        self._file = self.path.open("a+b")
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            if error.errno in _HELD:
                raise _held(directory) from None
            if error.errno not in _NO_LOCKS:
                msg = f"{self.path}: cannot be locked: {error.strerror}"
                raise WorkDirectoryError(msg) from error
            self._beat = Heartbeat(self._owner)
        else:
            if not _is_same(self._file, self.path):  # it was removed meanwhile
                self._file.close()
                raise _held(directory)
        _write_owner(self._owner)
        _held_here.add(self.path)

    def release(self) -> None:
        """Give the lock back; again, it does nothing."""
        if self._file.closed:
            return
        _held_here.discard(self.path)
        if self._beat is not None:
            self._beat.stop()
        self._file.close()


class Heartbeat:
    """An owner file that is touched every `BEAT` seconds while its holder lives.

    Raises
    ------
    WorkDirectoryError
        If the file's owner is alive.
    """

    def __init__(self, owner: Path, beat: float = BEAT) -> None:
        if _is_alive(owner):
            raise _held(owner.parent)
        _write_owner(owner)
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(owner, beat), daemon=True, name="heartbeat"
        )
        self._thread.start()

    def _run(self, owner: Path, beat: float) -> None:
        while not self._stopped.wait(beat):
            with contextlib.suppress(OSError):  # a beat that is missed
                os.utime(owner)

    def stop(self) -> None:
        """End the heartbeat."""
        self._stopped.set()
        self._thread.join()


def _is_same(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _write_owner(path: Path) -> None:
    owner = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "boot": _boot_id(),
        "job": os.environ.get("SLURM_JOB_ID") or os.environ.get("PBS_JOBID") or "",
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with atomic_write(path) as file:
        file.write(json.dumps(owner).encode())


def _is_alive(path: Path) -> bool:
    owner = owner_of(path.parent)
    if not owner:
        return False
    if owner.get("host") == socket.gethostname():
        boots = owner.get("boot"), _boot_id()
        if all(boots):
            return boots[0] == boots[1] and _runs(owner.get("pid"))
        if not _runs(owner.get("pid")):
            return False
        # Since the machine started anew it may be another process: the beat decides.
    try:
        return time.time() - path.stat().st_mtime < TIMEOUT
    except FileNotFoundError:
        return False


def _runs(pid: object) -> bool:
    """Return whether another process of this host has a number."""
    if not isinstance(pid, int) or pid <= 0 or pid == os.getpid():
        return False
    try:
        # Not by /proc, which shows others' processes to nobody with hidepid.
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        return True
    return True


def _boot_id() -> str:
    """Return what tells this start of the machine from others; empty if unknown."""
    try:
        return (
            Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        )
    except OSError:
        return ""


def _held(directory: Path) -> WorkDirectoryError:
    owner = owner_of(directory)
    who = "another run"
    if owner:
        job = f", job {owner['job']}" if owner.get("job") else ""
        who = (
            f"another run (host {owner.get('host')}, process {owner.get('pid')}{job}, "
            f"started {owner.get('started')})"
        )
    msg = f"{directory}: {who} is at work here; wait for it or end it first"
    return WorkDirectoryError(msg)
