"""Segments: small complete ASDF files, sealed when closed, fsynced and renamed.

A sealed segment is never opened for writing again. Only its name without ``.part``
together with its line in the journal says that it counts; any other file in the
work directory is discarded.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import xxhash

from asdf_pipeline.errors import WriteError

PART = ".part"
MINIMUM_AGE = 30.0
"""Seconds after which the first segment is sealed."""
SHARE = 0.05
"""Later segments are sealed after this share of the run's time so far."""
MAXIMUM_SIZE = 1 << 30
"""Bytes after which a segment is sealed, whatever its age."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed segment: its name in the work directory, bytes, and XXH3-128."""

    name: str
    size: int
    checksum: str


@dataclass(slots=True)
class Roll:
    """Says when a segment is due to be sealed: by size, and by age.

    A kill loses at most what is not sealed: 30 s, or 5 % of what the run has taken
    so far, or 1 GiB. With a fixed age, 32 ranks would make 92,000 files a day.

    Attributes
    ----------
    began : float
        When the run began, `time.monotonic` seconds.
    """

    began: float
    minimum_age: float = MINIMUM_AGE
    maximum_size: int = MAXIMUM_SIZE

    def due(self, born: float, size: int) -> bool:
        """Tell whether a segment born then and of that size should be sealed now."""
        now = time.monotonic()
        age = max(self.minimum_age, SHARE * (now - self.began))
        return size >= self.maximum_size or now - born >= age


def seal(part: Path) -> Sealed:
    """Make a closed segment durable and give it its sealed name.

    Parameters
    ----------
    part : pathlib.Path
        The closed file, its name ending in ``.part``.
    """
    checksum = xxhash.xxh3_128()
    try:
        with part.open("rb") as file:
            while block := file.read(1 << 22):
                checksum.update(block)
            size = file.tell()
            os.fsync(file.fileno())
        path = part.with_name(part.name.removesuffix(PART))
        part.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise write_error(part, error) from error
    return Sealed(path.name, size, checksum.hexdigest())


def is_intact(directory: Path, sealed: Sealed) -> bool:
    """Tell whether a sealed segment is there with the bytes it was sealed with."""
    checksum = xxhash.xxh3_128()
    try:
        with (directory / sealed.name).open("rb") as file:
            while block := file.read(1 << 22):
                checksum.update(block)
    except OSError:
        return False
    return checksum.hexdigest() == sealed.checksum


def sync_directory(path: Path) -> None:
    """Make renames within a directory durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not on every mount
            raise
    finally:
        os.close(handle)


def check_room(directory: Path, needed: int) -> None:
    """Raise `WriteError` if a directory's file system has less room than needed.

    Parameters
    ----------
    needed : int
        Bytes.
    """
    free = shutil.disk_usage(directory).free
    if free < needed:
        msg = (
            f"{directory}: {needed / 1e6:.1f} MB are needed to merge what is done, "
            f"{free / 1e6:.1f} MB are free; make room and give the same command again"
        )
        raise WriteError(msg)


def write_error(path: Path, error: OSError) -> WriteError:
    """Return the one-line error for a file that could not be written."""
    reason = error.strerror or str(error)
    msg = (
        f"{path}: cannot be written: {reason}; what is done is kept, "
        "the same command goes on from there"
    )
    return WriteError(msg)
