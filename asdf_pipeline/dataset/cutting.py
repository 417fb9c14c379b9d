"""Which samples of a trace a request for some time gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asdf_pipeline.container.traces import offset, samples_between
from asdf_pipeline.times import TOLERANCE

if TYPE_CHECKING:
    from asdf_pipeline.container.traces import TraceHeader

Window = tuple[int, int]


def times_to_read(
    header: TraceHeader, window: Window, nearest_sample: bool | None
) -> Window | None:
    """Return the times of the first and the last sample that a request gets.

    A time that misses a sample by no more than half a microsecond means that sample.

    Parameters
    ----------
    header : TraceHeader
        Of the trace.
    window : (int, int)
        First and last time wanted, in ns since 1970.
    nearest_sample : bool or None
        Which sample stands for a time between two: the outer one (None, as in
        pyasdf), the nearest (True) or the inner one (False), the last two as in
        `obspy.Trace.slice`.

    Returns
    -------
    (int, int) or None
        In ns since 1970; None where the trace has no sample for the request.
    """
    first, last = window[0] - TOLERANCE, window[1] + TOLERANCE
    if first > header.endtime or last < header.starttime:
        return None
    if nearest_sample:
        half = offset(1, header.sampling_rate) // 2
        # Of two samples equally near ObsPy takes the later one, at both ends.
        first = min(first, window[0] - half + 1)
        last = max(last, window[1] + half)
    begin, end = samples_between(header, (first, last))
    if nearest_sample is None:
        if begin > 0 and _time(header, begin) > window[0] + TOLERANCE:
            begin -= 1
        if end < header.npts and _time(header, end - 1) < window[1] - TOLERANCE:
            end += 1
    if begin >= end:
        return None
    return _time(header, begin), _time(header, end - 1)


def _time(header: TraceHeader, index: int) -> int:
    """Return the time of a sample in ns since 1970; of one before the first, too."""
    return header.starttime + offset(index, header.sampling_rate)
