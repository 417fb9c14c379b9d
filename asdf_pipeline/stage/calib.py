"""The factor that some formats have in their headers: ObsPy's ``stats.calib``.

K-NET, GSE2, Kinemetrics EVT, SH and Q have no other metadata; ASDF has no place for it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import obspy


def calib_of(trace: obspy.Trace) -> float:
    """Return the factor by which ObsPy would calibrate a trace; 1 for none."""
    calib = float(trace.stats.calib)
    return calib if calib and math.isfinite(calib) else 1.0


def calibrates(trace: obspy.Trace) -> bool:
    """Return whether a trace's factor makes physical units of its samples.

    SAC's does not: ObsPy takes SCALE for it, which data centres fill with the
    sensitivity, by which one would divide.
    """
    return calib_of(trace) != 1 and "sac" not in trace.stats


def calibrate(trace: obspy.Trace) -> None:
    """Multiply a trace's samples by its factor; they become float64."""
    if calibrates(trace):
        trace.data = trace.data * calib_of(trace)


def say_calib(trace: obspy.Trace, applied: bool) -> str:
    """Return what becomes of a trace's factor, for the log; empty where it has none."""
    if calib_of(trace) == 1:
        return ""
    what = f"{trace.id}: the factor calib {calib_of(trace):g} of its header"
    if not calibrates(trace):
        return f"{what} (SAC's SCALE) is not applied"
    if applied:
        return f"{what} is applied: samples are multiplied by it"
    return f"{what} is not kept; --apply-calib multiplies the samples by it"
