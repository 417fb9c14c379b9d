"""Components on one time grid: checked, interpolated to it, cut to common times."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from obspy import Trace

_TOLERANCE = 0.01  # samples; components closer than this are simultaneous
_LANCZOS_WIDTH = 20  # samples


def _offset(one: Trace, other: Trace) -> float:
    """Return how far a trace's samples are from those of another, in samples."""
    offset = (other.stats.starttime.ns - one.stats.starttime.ns) / SECOND
    samples = offset * one.stats.sampling_rate
    return float(samples - round(samples))


def on_one_grid(traces: Sequence[Trace]) -> bool:
    """Return whether traces have samples at the same times.

    Raises
    ------
    ValueError
        If their sampling rates differ.
    """
    rates = [trace.stats.sampling_rate for trace in traces]
    if len(set(rates)) > 1:
        names = ", ".join(f"{t.id} {t.stats.sampling_rate:g} Hz" for t in traces)
        msg = f"components with different sampling rates cannot be rotated: {names}"
        raise ValueError(msg)
    return all(abs(_offset(traces[0], one)) <= _TOLERANCE for one in traces[1:])


def aligned(traces: Sequence[Trace], align: bool) -> list[Trace]:
    """Return traces interpolated to the times of the first.

    Raises
    ------
    ValueError
        If that is not wanted.
    """
    first, *others = traces
    rate = first.stats.sampling_rate
    if not align:
        apart = ", ".join(
            f"{t.id} {_offset(first, t) / rate * 1000:+.4g} ms" for t in others
        )
        msg = (
            f"{first.id} at {first.stats.starttime}: the samples of the other "
            f"components are not at its times ({apart}): rotate with align: true, "
            "which interpolates them"
        )
        raise ValueError(msg)
    result = [first]
    for trace in others:
        if abs(_offset(first, trace)) <= _TOLERANCE:
            result.append(trace)
            continue
        # The first time of the grid that the trace reaches, and all after it.
        shift = -_offset(first, trace) % 1
        new = trace.copy()
        new.data = new.data.astype(np.float64)
        new.interpolate(
            rate,
            method="lanczos",
            starttime=trace.stats.starttime + shift / rate,
            npts=trace.stats.npts - 1,
            a=_LANCZOS_WIDTH,
        )
        result.append(new)
    return result


def common(traces: Sequence[Trace]) -> list[Trace]:
    """Return what traces on one grid have in common, of the same times; maybe none."""
    latest = max(trace.stats.starttime.ns for trace in traces)
    rate = traces[0].stats.sampling_rate
    begins = [round((latest - t.stats.starttime.ns) / SECOND * rate) for t in traces]
    count = min(t.stats.npts - begin for t, begin in zip(traces, begins, strict=True))
    start = traces[0].stats.starttime + begins[0] / rate
    return [
        piece(trace, begin, begin + count, start)
        for trace, begin in zip(traces, begins, strict=True)
        if count > 0
    ]


def piece(trace: Trace, begin: int, end: int, start: Any) -> Trace:
    """Return some samples of a trace, at a time that is theirs within the tolerance."""
    new = copy.copy(trace)
    new.stats = copy.deepcopy(trace.stats)
    new.data = trace.data[begin:end]
    new.stats.starttime = start
    return new
