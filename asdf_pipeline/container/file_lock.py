"""HDF5's lock on a file that is being changed: taken, asked for, waited for.

HDF5 locks a file by flock(2), exclusively where it writes. The lock of a writer of ours
that was killed is held until its last commit is written, see `commit`: milliseconds, or
as long as a busy machine takes.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COMMIT_TAKES = 3.0
"""Seconds at most that the last commit of a killed writer is waited for."""


def lock_to_write(descriptor: int) -> bool:
    """Take the lock of an open file, where there are locks and HDF5 is to use them.

    Returns
    -------
    bool
        False where another program has it.
    """
    if os.environ.get("HDF5_USE_FILE_LOCKING", "TRUE").upper() in ("FALSE", "0"):
        return True
    ends = time.monotonic() + COMMIT_TAKES
    while not (taken := _is_free(descriptor, fcntl.LOCK_EX)):
        if taken is None:
            return True
        if time.monotonic() > ends:
            return False
        time.sleep(0.01)
    return True


def has_writer(path: Path) -> bool | None:
    """Return whether a process holds HDF5's lock on a file, as its writers do.

    Returns
    -------
    bool or None
        None where that cannot be known: the file system has no locks.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    with path.open("rb") as file:
        free = _is_free(file.fileno(), fcntl.LOCK_SH)
    return None if free is None else not free


def wait_for_writer(path: Path) -> bool:
    """Wait for a writer's end, as long as a killed one's last commit may take.

    Returns
    -------
    bool
        Whether a process still holds the lock: that writer lives.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    ends = time.monotonic() + COMMIT_TAKES
    while has_writer(path):
        if time.monotonic() > ends:
            return True
        time.sleep(0.01)
    return False


def _is_free(descriptor: int, kind: int) -> bool | None:
    """Return whether the lock was free, and take it; None where there are no locks."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return True
