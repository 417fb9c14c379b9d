"""A channel's record cut into segments, which begin at the same times everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from asdf_pipeline.times import SECOND, iso_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from obspy import Trace

    Array = np.ndarray[Any, Any]

_TOLERANCE = 0.01  # samples; pieces of a segment closer than this have one grid


class Segments(NamedTuple):
    """Segments of one channel.

    Attributes
    ----------
    starts : numpy.ndarray of int64, shape (n,)
        When they begin, in ns since 1970.
    samples : numpy.ndarray of float64, shape (n, npts)
        In the unit of the traces; zero where there are none.
    missing : numpy.ndarray of bool, shape (n, npts)
        Which samples there are not.
    late : numpy.ndarray of float64, shape (n,)
        How long after the segment's start its first sample was taken, in s; at most
        half a sampling interval, negative where it was before.
    """

    starts: Array
    samples: Array
    missing: Array
    late: Array


def cut_segments(
    traces: Sequence[Trace],
    length: float,
    step: float,
    gaps: float,
    window: tuple[int, int] | None,
) -> Segments:
    """Cut a channel's traces into segments.

    Segments begin at whole multiples of `step` since 1970-01-01T00:00 UTC, so those of
    any two records that are there at all begin together.

    Parameters
    ----------
    traces : sequence of obspy.Trace
        Of one channel and one sampling rate.
    length, step : float
        How long a segment is and how long after it the next begins, in s.
    gaps : float
        The largest share of a segment's samples that may be missing.
    window : (int, int) or None
        Only segments that begin in it, in ns since 1970: the traces may reach beyond.

    Returns
    -------
    Segments
        Without those of which more is missing, in which a sample is not finite or all
        are the same, or whose pieces are a fraction of a sample apart.

    Raises
    ------
    ValueError
        If two traces have different samples at one time.
    """
    rate = traces[0].stats.sampling_rate
    npts = max(1, round(length * rate))
    apart = round(step * SECOND)
    found: dict[int, list[tuple[int, Trace]]] = {}
    for trace in sorted(traces, key=lambda one: one.stats.starttime.ns):
        begin = trace.stats.starttime.ns
        end = begin + round(trace.stats.npts / rate * SECOND)
        half = round(0.5 / rate * SECOND)  # a sample may be this much early or late
        first = -(-(begin - half - round(length * SECOND)) // apart)
        for number in range(first, (end + half) // apart + 1):
            # The trace's sample that is nearest to the segment's start.
            nearest = round((number * apart - begin) / SECOND * rate)
            if window is not None and not window[0] <= number * apart < window[1]:
                continue
            if -npts < nearest < trace.stats.npts:
                found.setdefault(number, []).append((nearest, trace))
    numbers = sorted(found)
    samples = np.zeros((len(numbers), npts))
    missing = np.ones(samples.shape, bool)
    late = np.zeros(len(numbers))
    kept = np.zeros(len(numbers), bool)
    for row, number in enumerate(numbers):
        segment = samples[row], missing[row]
        since = _fill(segment, number * apart, found[number], rate)
        if since is not None and _is_usable(*segment, gaps):
            late[row], kept[row] = since, True
    whole = Segments(np.array(numbers, np.int64) * apart, samples, missing, late)
    return whole if kept.all() else Segments(*(part[kept] for part in whole))


def _fill(
    segment: tuple[Array, Array],
    start: int,
    pieces: Sequence[tuple[int, Trace]],
    rate: float,
) -> float | None:
    """Give a segment its samples; return how late they are in s, None if apart."""
    samples, missing = segment
    npts = len(samples)
    late: float | None = None
    for nearest, trace in pieces:
        exact = (start - trace.stats.starttime.ns) / SECOND * rate
        this = (nearest - exact) / rate
        if late is not None and abs(this - late) * rate > _TOLERANCE:
            return None
        late = this if late is None else late
        begin, end = max(0, -nearest), min(npts, trace.stats.npts - nearest)
        data = trace.data[begin + nearest : end + nearest]
        there = ~missing[begin:end]
        if there.any() and np.any(samples[begin:end][there] != data[there]):
            msg = (
                f"{trace.id}: traces that overlap between {iso_text(start)} and "
                f"{npts / rate:g} s later have different samples: merge them first "
                "(the step 'merge')"
            )
            raise ValueError(msg)
        samples[begin:end] = data
        missing[begin:end] = np.ma.getmaskarray(data) if np.ma.isMA(data) else False
    return late


def _is_usable(samples: Array, missing: Array, gaps: float) -> bool:
    """Tell whether a segment has samples enough, all finite and not all the same."""
    lacking = np.count_nonzero(missing)
    if lacking > gaps * len(samples):
        return False
    known = samples[~missing] if lacking else samples
    lowest, highest = known.min(), known.max()
    return bool(highest > lowest and np.isfinite(highest - lowest))
