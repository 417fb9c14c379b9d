"""What ObsPy read of a miniSEED file, held against the file's records.

ObsPy joins records whose times follow one another to within half a sample, and keeps
the time of the first alone: where a clock drifts, the trace's other times are wrong by
as much, without a word. It reads a record that claims more samples than it has room
for as far as it claims, and passes over a last record that is cut.
"""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from obspy import Stream, Trace

from asdf_pipeline.container.traces import offset
from asdf_pipeline.errors import InputError
from asdf_pipeline.stage.records import HEADER, TICK, begins, length_of, parse, survey
from asdf_pipeline.times import SECOND, iso_text, utc

if TYPE_CHECKING:
    from pathlib import Path

    from asdf_pipeline.stage.records import Records

_LOGGER = logging.getLogger(__name__)


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
    content = np.asarray(np.memmap(path, np.uint8, "r"))  # of large files a few pages
    records, end = survey(content)
    if records.length.size and begins(content, np.array([end])):
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


def _members(records: Records, stream: Stream) -> dict[int, np.ndarray[Any, Any]]:
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
    records: Records,
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
    allowed = max(offset(1, rate) // 2, TICK)
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
    there, length = content.size - end, length_of(content, end) or before
    if there < HEADER or there >= length:
        return
    record = parse(content, np.array([end]))
    _LOGGER.warning(
        "%s: ends inside a record: %d of %d bytes are there; missing are %d samples of "
        "%s from %s on",
        *(source_name, there, length, record.npts[0], record.name(0)),
        iso_text(int(record.start[0]), True),
    )
