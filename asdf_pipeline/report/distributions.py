"""Distributions over the stations, and which stations stand out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_FAR = 5.0  # scaled median absolute deviations at which an amplitude stands out
_LEAST = 1.0  # and powers of ten that it must be off at least
_ENOUGH = 8  # stations below which none stands out


@dataclass(frozen=True)
class Histogram:
    """Counts in bins of equal width on a logarithmic axis.

    Attributes
    ----------
    low, high : float
        Ends of the axis, as logarithms (base 10).
    counts : list of int
        By bin.
    median : float
        Of the values themselves.
    """

    low: float
    high: float
    counts: list[int]
    median: float


def histogram(values: Sequence[float], bins: int = 36) -> Histogram | None:
    """Return the distribution of the positive ones among values; None for none."""
    found = np.array([v for v in values if v > 0 and math.isfinite(v)])
    if not len(found):
        return None
    logs = np.log10(found)
    low, high = float(logs.min()), float(logs.max())
    room = max((high - low) * 0.02, 0.05)
    low, high = low - room, high + room
    counts, _ = np.histogram(logs, bins=bins, range=(low, high))
    return Histogram(low, high, counts.tolist(), float(np.median(found)))


@dataclass(frozen=True)
class Outlier:
    """A station whose amplitude stands out, and by what factor of the median."""

    station: str
    peak: float
    factor: float

    @property
    def is_finite(self) -> bool:
        """Whether the factor says something."""
        return self.factor > 0 and math.isfinite(self.factor)


def outliers(stations: Sequence[str], peaks: Sequence[float | None]) -> list[Outlier]:
    """Return the stations whose largest sample is far from the median of all.

    Zero (a dead channel) and what is no number always stand out. Far is 5 median
    absolute deviations of the logarithm, scaled as for a normal distribution.

    Parameters
    ----------
    stations : sequence of str
        Names.
    peaks : sequence of float or None
        Largest absolute sample; None where it is not known.
    """
    known = [
        (station, peak)
        for station, peak in zip(stations, peaks, strict=True)
        if peak is not None
    ]
    usable = np.array([p for _, p in known if p > 0 and math.isfinite(p)])
    median = float(np.median(usable)) if len(usable) else 0.0
    spread = math.inf
    if len(usable) >= _ENOUGH:
        logs = np.log10(usable)
        spread = 1.4826 * float(np.median(np.abs(logs - np.median(logs))))
    far = max(_FAR * spread, _LEAST)
    found = []
    for station, peak in known:
        if not (peak > 0 and math.isfinite(peak)):
            found.append(Outlier(station, peak, 0.0 if peak == 0 else math.inf))
        elif abs(math.log10(peak / median)) > far:
            found.append(Outlier(station, peak, peak / median))
    return sorted(found, key=lambda o: -_distance(o.factor))


def _distance(factor: float) -> float:
    if factor == 0 or not math.isfinite(factor):
        return math.inf
    return abs(math.log10(factor))
