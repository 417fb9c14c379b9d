"""The step that joins a channel's traces."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from asdf_pipeline.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from obspy import Inventory, Stream, Trace

    Array = np.ndarray[Any, Any]
    Placed = list[tuple[int, Trace]]  # traces, and at which sample each begins

_NOTES = ("event_ids", "origin_ids", "magnitude_ids", "focal_mechanism_ids", "labels")


def merge(
    st: Stream,
    inv: Inventory | None,
    max_gap: float = 0.0,
    fill: float | Literal["interpolate"] = "interpolate",
    overlaps: Literal["raise", "first", "last"] = "raise",
    misalignment_threshold: float = 0.01,
) -> Stream:
    """Join traces of a channel that follow one another or overlap.

    Unlike ObsPy's ``Stream.merge`` (1.5.1), no samples are masked, none are taken to
    other times than their own, and none are made up where that is not asked for.

    Parameters
    ----------
    st : obspy.Stream
        In any unit. Traces are joined that have the same codes, sampling rate, events
        and labels.
    inv : obspy.Inventory or None
        Not used.
    max_gap : float
        Gaps of up to this many s of missing samples are filled. At longer ones the
        traces stay apart.
    fill : float or "interpolate"
        With what: a number, or the line between the samples before and after.
    overlaps : {"raise", "first", "last"}
        What counts where overlapping traces have different samples: those of the
        trace that begins first, or last; ``"raise"``: fail. Where they agree nothing
        is to be decided.
    misalignment_threshold : float
        Traces whose samples are farther than this share of a sample from the times of
        those before stay apart.

    Returns
    -------
    obspy.Stream
        In order of channels and times. Integers stay integers.

    Raises
    ------
    ValueError
        If overlapping traces have different samples, or a parameter is none.
    """
    if overlaps not in ("raise", "first", "last"):
        msg = f"overlaps: {overlaps!r} is not raise, first or last"
        raise ValueError(msg)
    if fill != "interpolate" and not isinstance(fill, int | float):
        msg = f"fill: {fill!r} is not a number or 'interpolate'"
        raise ValueError(msg)
    groups: dict[tuple[Any, ...], list[Trace]] = {}
    for trace in st.split():
        if trace.stats.npts:
            notes = trace.stats.get("asdf", {})
            own = (tuple(map(str, notes.get(name, ()))) for name in _NOTES)
            key = (trace.id, trace.stats.sampling_rate, *own)
            groups.setdefault(key, []).append(trace)
    st.traces = [
        _joined(run, fill, overlaps)
        for key in sorted(groups)
        for run in _runs(groups[key], max_gap, misalignment_threshold)
    ]
    return st


def _runs(traces: Sequence[Trace], max_gap: float, threshold: float) -> list[Placed]:
    """Return which traces become one, with the sample at which each begins."""
    runs: list[Placed] = []
    end = 0
    for trace in sorted(traces, key=lambda one: one.stats.starttime.ns):
        if runs:
            first = runs[-1][0][1].stats
            since = (trace.stats.starttime.ns - first.starttime.ns) / SECOND
            begin = round(since * first.sampling_rate)
            aligned = abs(since * first.sampling_rate - begin) <= threshold
            near = begin - end <= max_gap * first.sampling_rate * (1 + 1e-9)
            if aligned and near:
                runs[-1].append((begin, trace))
                end = max(end, begin + trace.stats.npts)
                continue
        runs.append([(0, trace)])
        end = trace.stats.npts
    return runs


def _joined(run: Placed, fill: float | str, overlaps: str) -> Trace:
    """Return the one trace that several become.

    Raises
    ------
    ValueError
        If they have different samples at one time, and none of them is preferred.
    """
    first = run[0][1]
    if len(run) == 1:
        return first
    npts = max(begin + trace.stats.npts for begin, trace in run)
    data = np.zeros(npts, np.result_type(*(trace.data for _, trace in run)))
    missing = np.ones(npts, bool)
    for begin, trace in run:
        place = slice(begin, begin + trace.stats.npts)
        known = ~missing[place]
        if overlaps == "raise" and not np.array_equal(
            data[place][known], trace.data[known], equal_nan=data.dtype.kind == "f"
        ):
            msg = (
                f"{trace.id}: the trace from {trace.stats.starttime} overlaps with "
                "what is before it and has different samples; overlaps: first or last "
                "says which to take"
            )
            raise ValueError(msg)
        if overlaps == "last":
            known[:] = False
        data[place][~known] = trace.data[~known]
        missing[place] = False
    if missing.any():
        _fill(data, missing, fill)
    joined = copy.copy(first)
    joined.stats = copy.deepcopy(first.stats)
    joined.data = data
    return joined


def _fill(data: Array, missing: Array, fill: float | str) -> None:
    """Give samples that are missing a value."""
    if fill != "interpolate":
        data[missing] = fill
        return
    where = np.flatnonzero(missing)
    values = np.interp(where, np.flatnonzero(~missing), data[~missing])
    data[missing] = np.round(values) if data.dtype.kind in "iu" else values
