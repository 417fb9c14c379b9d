"""Segments: small complete ASDF files, sealed when closed, fsynced and renamed.

A sealed segment is never opened for writing again. Only its name without ``.part``
together with its line in the journal says that it counts; any other file in the
work directory is discarded.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asdf_pipeline.files import checksum, sync, sync_directory, write_error

if TYPE_CHECKING:
    from pathlib import Path

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
class SealSchedule:
    """When a segment is due to be sealed: by size, and by age.

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

    @property
    def age(self) -> float:
        """Seconds after which a segment should be sealed."""
        return max(self.minimum_age, SHARE * (time.monotonic() - self.began))

    def due(self, born: float, size: int) -> bool:
        """Tell whether a segment born then and of that size should be sealed now."""
        return size >= self.maximum_size or time.monotonic() - born >= self.age


def seal(part: Path) -> Sealed:
    """Make a closed segment durable and give it its sealed name.

    Parameters
    ----------
    part : pathlib.Path
        The closed file, its name ending in ``.part``.

    Raises
    ------
    WriteError
        If that fails.
    """
    sealed = make_durable(part)
    give_name(part)
    return sealed


def make_durable(part: Path) -> Sealed:
    """Make a closed segment durable; return what the journal is to know of it.

    Where the worker that wrote it is on another machine, it does this, and the
    process that keeps the journal gives the name.

    Raises
    ------
    WriteError
        If that fails.
    """
    sync(part)
    try:
        name = part.name.removesuffix(PART)
        return Sealed(name, part.stat().st_size, checksum(part))
    except OSError as error:
        raise write_error(part, error) from error


def give_name(part: Path) -> None:
    """Give a durable segment its sealed name.

    Raises
    ------
    WriteError
        If that fails.
    """
    try:
        part.replace(part.with_name(part.name.removesuffix(PART)))
        sync_directory(part.parent)
    except OSError as error:
        raise write_error(part, error) from error


def is_intact(path: Path, sealed: Sealed) -> bool:
    """Tell whether a segment, or its copy, has the bytes that it was sealed with."""
    try:
        return checksum(path) == sealed.checksum
    except OSError:
        return False
