"""The records of a miniSEED file, by their fixed headers (SEED 2.4, chapter 8).

ObsPy says what a file holds by trace; a record's own time, and where it ends, are seen
here alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from asdf_pipeline.times import SECOND

if TYPE_CHECKING:
    from pathlib import Path

HEADER = 48
"""Bytes of a fixed header."""
_REACH = 128  # bytes from a record's begin in which its blockettes are looked for
_LARGEST = 1 << 20  # bytes of a record
TICK = 100_000
"""The unit of a header's times in ns."""
_MOST_BLOCKETTES = 16
_BYTES = np.zeros(256, np.int64)
"""Size of a sample by the encoding of blockette 1000; 0 where it is compressed."""
_BYTES[[1, 3, 4, 5]] = 2, 4, 4, 8


@dataclass(frozen=True, slots=True)
class Records:
    """Records in the order of their file: arrays with an entry for each.

    Attributes
    ----------
    ids : numpy.ndarray of bytes
        Quality, station, location, channel and network, as in the header.
    start : numpy.ndarray of int64
        Time of the first sample in ns since 1970.
    npts, room : numpy.ndarray of int64
        Samples that the header claims, and that the record has room for (as many as
        are claimed where they are compressed: ObsPy counts those itself).
    length : numpy.ndarray of int64
        Bytes; 0 where the record does not say (it has no blockette 1000).
    """

    ids: np.ndarray[Any, Any]
    start: np.ndarray[Any, Any]
    npts: np.ndarray[Any, Any]
    room: np.ndarray[Any, Any]
    length: np.ndarray[Any, Any]

    def name(self, index: int) -> str:
        """``"NET.STA.LOC.CHA"`` of a record."""
        text = self.ids[index].decode("ascii", "replace").ljust(13)
        codes = (text[11:13], text[1:6], text[6:8], text[8:11])
        return ".".join(code.strip(" \0") for code in codes)


def cut_in_first_record(path: Path) -> str:
    """Return what is there of a miniSEED file's first record, empty if all is."""
    content = np.fromfile(path, np.uint8, _LARGEST)
    if content.size < HEADER or not begins(content, np.array([0])):
        return ""
    length = length_of(content, 0)
    return f"{content.size} of {length} bytes" if length > content.size else ""


def survey(content: np.ndarray[Any, Any]) -> tuple[Records, int]:
    """Return the whole records of a file, and where they end.

    That is before the end of the file where a record is cut, does not say how long it
    is, or is something else.
    """
    size, length = content.size, length_of(content, 0)
    if 0 < length <= size:
        places = np.arange(0, size - length + 1, length)
        if begins(content, places):
            records = parse(content, places)
            if (records.length == length).all():  # as in most files
                return records, int(places[-1]) + length
    found, end = [], 0
    while length and end + length <= size and begins(content, np.array([end])):
        found.append(end)
        end += length
        length = length_of(content, end)
    return parse(content, np.array(found, int)), end


def begins(content: np.ndarray[Any, Any], places: np.ndarray[Any, Any]) -> bool:
    """Return whether a data record begins at each place."""
    if places[-1] + 8 > content.size:
        return False
    heads = sliding_window_view(content, 8)[places]
    digits = np.isin(heads[:, :6], np.frombuffer(b"0123456789 \0", np.uint8))
    quality = np.isin(heads[:, 6], np.frombuffer(b"DRQM", np.uint8))
    reserved = np.isin(heads[:, 7], np.frombuffer(b" \0", np.uint8))
    return bool(digits.all() and quality.all() and reserved.all())


def length_of(content: np.ndarray[Any, Any], place: int) -> int:
    """Return a record's length by its blockette 1000, 0 if it has none."""
    head = content[place : place + _REACH].tobytes()
    if len(head) < HEADER:
        return 0
    year = int.from_bytes(head[20:22], "big")
    order: Literal["big", "little"] = "big" if 1900 <= year <= 2100 else "little"
    at = int.from_bytes(head[46:48], order)
    for _ in range(_MOST_BLOCKETTES):
        if not HEADER <= at <= len(head) - 8:
            break
        if int.from_bytes(head[at : at + 2], order) == 1000:
            return 1 << head[at + 6] if head[at + 6] < 32 else 0
        at = int.from_bytes(head[at + 2 : at + 4], order)
    return 0


def parse(content: np.ndarray[Any, Any], places: np.ndarray[Any, Any]) -> Records:
    """Return records by where they begin, their headers read side by side."""
    if not places.size or places[-1] + _REACH > content.size:
        content = np.pad(content, (0, _REACH))
    heads = sliding_window_view(content, _REACH)[places]
    rows = np.arange(places.size)

    def byte(at: int | np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        found = heads[:, at] if isinstance(at, int) else heads[rows, at]
        return np.asarray(found, np.int64)

    big = np.ones(places.size, bool)

    def word(at: int | np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        one, two = byte(at), byte(at + 1)
        return np.asarray(np.where(big, one * 256 + two, two * 256 + one))

    def long(at: int) -> np.ndarray[Any, Any]:
        one, two = word(at), word(at + 2)
        both = np.where(big, one * 65536 + two, two * 65536 + one)
        return np.asarray(both - (both >> 31 << 32))  # it has a sign

    big = (word(20) >= 1900) & (word(20) <= 2100)
    year = word(20) - 1970
    days = np.asarray(year, "M8[Y]").astype("M8[D]").astype(np.int64) + word(22) - 1
    seconds = days * 86400 + byte(24) * 3600 + byte(25) * 60 + byte(26)
    start = seconds * SECOND + word(28) * TICK
    start += np.where(byte(36) & 2, 0, long(40)) * TICK  # not yet applied
    npts, begin = word(30), word(44)
    length = np.zeros(places.size, np.int64)
    room = npts
    at = word(46)
    for _ in range(_MOST_BLOCKETTES):
        known = (at >= HEADER) & (at <= _REACH - 8)
        if not known.any():
            break
        at = np.where(known, at, HEADER)
        kind = np.where(known, word(at), 0)
        start += np.where(kind == 1001, (byte(at + 5) ^ 128) - 128, 0) * 1000
        exponent = np.minimum(byte(at + 6), 32)
        length = np.where(kind == 1000, (1 << exponent) % (1 << 32), length)
        size = _BYTES[byte(at + 4)]
        fixed = (kind == 1000) & (size > 0) & (begin > 0)
        room = np.where(fixed, (length - begin) // np.maximum(size, 1), room)
        at = np.where(known, word(at + 2), 0)
    ids = np.ascontiguousarray(heads[:, [6, *range(8, 20)]]).view("S13")[:, 0]
    return Records(ids, start, npts, room, length)
