"""The records of a miniSEED file: where they end, and when each says that it began.

ObsPy joins records whose times follow one another to within half a sample, and keeps
the time of the first alone: where a clock drifts, the trace's other times are wrong by
as much, without a word. It reads a record that claims more samples than it has room
for as far as it claims, and passes over a last record that is cut. Here all of it is
seen, by the fixed headers of SEED 2.4's chapter 8.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from obspy import Stream, Trace

from asdf_pipeline.container.traces import offset
from asdf_pipeline.errors import InputError
from asdf_pipeline.times import SECOND, iso_text, utc

if TYPE_CHECKING:
    from pathlib import Path

_LOGGER = logging.getLogger(__name__)
_HEADER = 48  # bytes of a fixed header
_REACH = 128  # bytes from a record's begin in which its blockettes are looked for
_LARGEST = 1 << 20  # bytes of a record
_TICK = 100_000  # ns: the unit of a header's times
_MOST_BLOCKETTES = 16
_BYTES = np.zeros(256, np.int64)
"""Size of a sample by the encoding of blockette 1000; 0 where it is compressed."""
_BYTES[[1, 3, 4, 5]] = 2, 4, 4, 8


@dataclass(frozen=True, slots=True)
class _Records:
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


def check_records(
    path: Path, stream: Stream, source_name: str, split: bool = False
) -> Stream:
    """Hold what ObsPy read of a miniSEED file against its records; log what differs.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    stream : obspy.Stream
        What ObsPy read of it.
    source_name : str
        How log lines and errors name the file.
    split : bool
        Whether traces are split where the records' own times part from start + n / rate
        by more than half a sample.

    Returns
    -------
    obspy.Stream
        What was read; the parts of what was split.

    Raises
    ------
    InputError
        If a record claims more samples than it has room for.
    """
    content = np.fromfile(path, np.uint8)
    records, end = _survey(content)
    if records.length.size and _begins(content, np.array([end])):
        _say_cut(content, end, int(records.length[-1]), source_name)
    over = np.flatnonzero(records.npts > records.room)
    if over.size:
        first = int(over[0])
        msg = (
            f"{source_name}: record {first + 1}, of {records.name(first)} at "
            f"{iso_text(int(records.start[first]), True)}: its header claims "
            f"{records.npts[first]} samples, it has room for {records.room[first]}: "
            "mend the header, or leave the file out"
        )
        raise InputError(msg)
    members = _members(records, stream)
    return Stream(
        [
            part
            for number, trace in enumerate(stream)
            for part in _follow(trace, records, members.get(number), source_name, split)
        ]
    )


def cut_in_first_record(path: Path) -> str:
    """Return what is there of a miniSEED file's first record, empty if all is."""
    content = np.fromfile(path, np.uint8, _LARGEST)
    if content.size < _HEADER or not _begins(content, np.array([0])):
        return ""
    length = _length(content, 0)
    return f"{content.size} of {length} bytes" if length > content.size else ""


def _survey(content: np.ndarray[Any, Any]) -> tuple[_Records, int]:
    """Return the whole records of a file, and where they end.

    That is before the end of the file where a record is cut, does not say how long it
    is, or is something else.
    """
    size, length = content.size, _length(content, 0)
    if 0 < length <= size:
        places = np.arange(0, size - length + 1, length)
        if _begins(content, places):
            records = _parse(content, places)
            if (records.length == length).all():  # as in most files
                return records, int(places[-1]) + length
    found, end = [], 0
    while length and end + length <= size and _begins(content, np.array([end])):
        found.append(end)
        end += length
        length = _length(content, end)
    return _parse(content, np.array(found, int)), end


def _begins(content: np.ndarray[Any, Any], places: np.ndarray[Any, Any]) -> bool:
    """Return whether a data record begins at each place."""
    if places[-1] + 8 > content.size:
        return False
    heads = sliding_window_view(content, 8)[places]
    digits = np.isin(heads[:, :6], np.frombuffer(b"0123456789 \0", np.uint8))
    quality = np.isin(heads[:, 6], np.frombuffer(b"DRQM", np.uint8))
    reserved = np.isin(heads[:, 7], np.frombuffer(b" \0", np.uint8))
    return bool(digits.all() and quality.all() and reserved.all())


def _length(content: np.ndarray[Any, Any], place: int) -> int:
    """Return a record's length by its blockette 1000, 0 if it has none."""
    head = content[place : place + _REACH].tobytes()
    if len(head) < _HEADER:
        return 0
    year = int.from_bytes(head[20:22], "big")
    order: Literal["big", "little"] = "big" if 1900 <= year <= 2100 else "little"
    at = int.from_bytes(head[46:48], order)
    for _ in range(_MOST_BLOCKETTES):
        if not _HEADER <= at <= len(head) - 8:
            break
        if int.from_bytes(head[at : at + 2], order) == 1000:
            return 1 << head[at + 6] if head[at + 6] < 32 else 0
        at = int.from_bytes(head[at + 2 : at + 4], order)
    return 0


def _parse(content: np.ndarray[Any, Any], places: np.ndarray[Any, Any]) -> _Records:
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
    start = seconds * SECOND + word(28) * _TICK
    start += np.where(byte(36) & 2, 0, long(40)) * _TICK  # not yet applied
    npts, begin = word(30), word(44)
    length = np.zeros(places.size, np.int64)
    room = npts
    at = word(46)
    for _ in range(_MOST_BLOCKETTES):
        known = (at >= _HEADER) & (at <= _REACH - 8)
        if not known.any():
            break
        at = np.where(known, at, _HEADER)
        kind = np.where(known, word(at), 0)
        start += np.where(kind == 1001, (byte(at + 5) ^ 128) - 128, 0) * 1000
        exponent = np.minimum(byte(at + 6), 32)
        length = np.where(kind == 1000, (1 << exponent) % (1 << 32), length)
        size = _BYTES[byte(at + 4)]
        fixed = (kind == 1000) & (size > 0) & (begin > 0)
        room = np.where(fixed, (length - begin) // np.maximum(size, 1), room)
        at = np.where(known, word(at + 2), 0)
    ids = np.ascontiguousarray(heads[:, [6, *range(8, 20)]]).view("S13")[:, 0]
    return _Records(ids, start, npts, room, length)


def _members(records: _Records, stream: Stream) -> dict[int, np.ndarray[Any, Any]]:
    """Return the records of each trace, by the trace's number.

    ObsPy makes traces of one id and quality in the order of the records. Where the
    counts of samples say otherwise, nothing is returned: nothing is known then.
    """
    left: dict[tuple[str, str], np.ndarray[Any, Any]] = {}
    ids, which = np.unique(records.ids, return_inverse=True)
    for number in range(ids.size):
        mine = np.flatnonzero((which.reshape(-1) == number) & (records.npts > 0))
        if mine.size:
            left[records.name(int(mine[0])), ids[number][:1].decode()] = mine
    members: dict[int, np.ndarray[Any, Any]] = {}
    for number, trace in enumerate(stream):
        key = trace.id, str(trace.stats.get("mseed", {}).get("dataquality", ""))
        if key not in left or not trace.stats.npts:
            continue
        mine = left[key]
        counts = np.cumsum(records.npts[mine])
        end = int(np.searchsorted(counts, trace.stats.npts)) + 1
        started = abs(int(records.start[mine[0]]) - trace.stats.starttime.ns)
        if end > mine.size or counts[end - 1] != trace.stats.npts or started > 1000:
            _LOGGER.debug("%s: records and traces do not match", trace.id)
            del left[key]
            continue
        members[number], left[key] = mine[:end], mine[end:]
        if not left[key].size:
            del left[key]
    return members


def _follow(
    trace: Trace,
    records: _Records,
    mine: np.ndarray[Any, Any] | None,
    source_name: str,
    split: bool,
) -> list[Trace]:
    """Return a trace, or the parts that its records' times make of it."""
    rate = trace.stats.sampling_rate
    if mine is None or rate <= 0:
        return [trace]
    counts = np.concatenate([[0], np.cumsum(records.npts[mine])])
    starts = records.start[mine] - records.start[mine[0]]
    allowed = max(offset(1, rate) // 2, _TICK)
    # By floats: their error is far below the tick.
    parted = starts - np.rint(counts[:-1] / rate * SECOND).astype(np.int64)
    worst = int(np.argmax(np.abs(parted)))
    if abs(int(parted[worst])) <= allowed:
        return [trace]
    breaks = [0]
    for index in range(1, mine.size):
        since = offset(int(counts[index] - counts[breaks[-1]]), rate)
        if abs(int(starts[index] - starts[breaks[-1]]) - since) > allowed:
            breaks.append(index)
    _LOGGER.warning(
        "%s: trace %s: the records' own times part from start + n / %g Hz by up to "
        "%.6g s (at %s): the clock drifts, or the sampling rate is another; %s",
        *(source_name, trace.id, rate, parted[worst] / SECOND),
        iso_text(int(records.start[mine[worst]]), True),
        f"split there into {len(breaks)} traces"
        if split
        else f"--split-drift splits it there into {len(breaks)} traces",
    )
    if not split:
        return [trace]
    parts = []
    for first, end in pairwise([*breaks, mine.size]):
        part = Trace(trace.data[counts[first] : counts[end]], trace.stats.copy())
        part.stats.starttime = utc(trace.stats.starttime.ns + int(starts[first]))
        parts.append(part)
    return parts


def _say_cut(
    content: np.ndarray[Any, Any], end: int, before: int, source_name: str
) -> None:
    """Warn of a last record that the file does not hold to its end.

    Parameters
    ----------
    end : int
        Where it begins.
    before : int
        Bytes of the record before, which it has too where it is cut that early.
    """
    there, length = content.size - end, _length(content, end) or before
    if there < _HEADER or there >= length:
        return
    record = _parse(content, np.array([end]))
    _LOGGER.warning(
        "%s: ends inside a record: %d of %d bytes are there; missing are %d samples of "
        "%s from %s on",
        *(source_name, there, length, record.npts[0], record.name(0)),
        iso_text(int(record.start[0]), True),
    )
