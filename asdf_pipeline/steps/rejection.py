"""The step that leaves traces out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from asdf_pipeline.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from obspy import Inventory, Stream, Trace

_LOGGER = logging.getLogger(__name__)


def reject(
    st: Stream,
    inv: Inventory | None,
    min_length: float | None = None,
    max_gaps: float | None = None,
    max_amplitude: float | None = None,
    min_std: float | None = None,
    max_over_std: float | None = None,
) -> Stream:
    """Leave out traces that are too short, too broken, too loud or too quiet.

    The log says which, and why. What is not given is not looked at.

    Parameters
    ----------
    st : obspy.Stream
        In any unit.
    inv : obspy.Inventory or None
        Not used.
    min_length : float, optional
        In s: a trace needs samples for as long.
    max_gaps : float, optional
        Share from 0 to 1: all traces of a channel are left out that has no samples for
        more of the time from the station's first sample to its last.
    max_amplitude : float, optional
        Largest absolute value, in the unit of the traces.
    min_std : float, optional
        Smallest standard deviation, in the unit of the traces: 0 leaves out traces of
        which all samples are the same.
    max_over_std : float, optional
        Largest absolute value over the standard deviation, as NoisePy's parameter of
        that name: a spike or an earthquake has more.

    Returns
    -------
    obspy.Stream
        The others. Empty, and then nothing is written, where there are none.

    Raises
    ------
    ValueError
        If `max_gaps` is not a share.
    """
    if max_gaps is not None and not 0 <= max_gaps <= 1:
        msg = f"max_gaps: {max_gaps} is not a share from 0 to 1"
        raise ValueError(msg)
    broken = {} if max_gaps is None else _shares_missing(st.traces)
    kept = []
    for trace in st:
        reason = ""
        length = trace.stats.npts * trace.stats.delta
        missing = broken.get(trace.id, 0.0)
        if min_length is not None and length < min_length:
            reason = f"{length:g} s long"
        elif max_gaps is not None and missing > max_gaps:
            reason = f"the channel has no samples for {missing:.1%} of the time"
        else:
            reason = _loudness(trace, max_amplitude, min_std, max_over_std)
        if reason:
            start = trace.stats.starttime
            _LOGGER.warning("%s from %s is left out: %s", trace.id, start, reason)
        else:
            kept.append(trace)
    st.traces = kept
    return st


def _loudness(
    trace: Trace,
    max_amplitude: float | None,
    min_std: float | None,
    max_over_std: float | None,
) -> str:
    """Return why a trace is left out for its samples; empty: it is not.

    Comparisons are such that NaN leaves it out.
    """
    if max_amplitude is None and min_std is None and max_over_std is None:
        return ""
    data = np.asarray(trace.data, np.float64)
    peak, std = float(np.max(np.abs(data), initial=0.0)), float(np.std(data))
    if max_amplitude is not None and not peak <= max_amplitude:
        return f"its largest absolute value is {peak:g}"
    if min_std is not None and not std > min_std:
        return f"its standard deviation is {std:g}"
    if max_over_std is not None and not peak <= max_over_std * std:
        return f"its largest absolute value is {peak:g}, its standard deviation {std:g}"
    return ""


def _shares_missing(traces: Sequence[Trace]) -> dict[str, float]:
    """Return for how much of a station's time each channel has no samples."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for trace in traces:
        if trace.stats.npts:
            begin = trace.stats.starttime.ns
            end = begin + round(trace.stats.npts * trace.stats.delta * SECOND)
            spans.setdefault(trace.id, []).append((begin, end))
    every = [span for found in spans.values() for span in found]
    first = min((begin for begin, _ in every), default=0)
    last = max((end for _, end in every), default=0)
    shares = {}
    for name, found in spans.items():
        covered, reached = 0, first
        for begin, end in sorted(found):
            covered += max(0, end - max(begin, reached))
            reached = max(reached, end)
        shares[name] = 1 - covered / (last - first)
    return shares
