"""Charts of pairs: which were made, and a record section of what was."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.report.svg import WIDTH, bars, figure, number, path, polyline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    Array = np.ndarray[Any, Any]

CELLS = 120
"""Stations up to which each has its own row and column; more share them."""
_LEVELS = 5
_NAMED = 40  # names on the left
_BELOW = 8  # names below
_POINTS = 600  # of a trace; more become the ends of as many intervals
_OVER = 1.7  # spacings that the peak of a trace reaches over


def matrix_chart(
    stations: Sequence[str],
    rows: Array,
    columns: Array,
    made: Array,
    failed: Array,
    label: str,
) -> Markup:
    """Return stations against stations: which pairs were made.

    Parameters
    ----------
    stations : sequence of str
        Names, in order.
    rows, columns : numpy.ndarray of int, shape (pairs,)
        The first and the second station of each pair, by its place in the order.
    made, failed : numpy.ndarray of bool, shape (pairs,)
        What became of each.
    label : str
        What it shows, in words.
    """
    count = len(stations)
    size = min(count, CELLS)
    y, x = rows * size // count, columns * size // count

    def cells(chosen: Array) -> Array:
        found = np.zeros((size, size), np.int64)
        np.add.at(found, (y[chosen], x[chosen]), 1)
        return found

    total = cells(np.ones(len(rows), bool))
    share = cells(made) / np.maximum(total, 1)
    level = np.ceil(share * _LEVELS - 1e-9).astype(int)
    height = max(4, min(16, 480 // size))
    classes = [(f"cell share-{k}", level == k) for k in range(1, _LEVELS + 1)]
    classes += [
        ("cell empty", (total > 0) & (level == 0)),
        ("cell failed", cells(failed) > 0),
    ]
    drawn = [
        path(
            "".join(
                bars(_runs(where[row], WIDTH / size), (row + 0.5) * height)
                for row in range(size)
            ),
            class_=name,
            stroke_width=height,
        )
        for name, where in classes
    ]
    places = range(0, size, max(1, -(-size // _NAMED)))
    left = [(1 - (k + 0.5) / size, stations[k * count // size]) for k in places]
    places = range(0, size, max(1, -(-size // _BELOW)))
    below = [((k + 0.5) / size, stations[k * count // size]) for k in places]
    margin = min(20 + 7 * max(map(len, stations)), 140)
    return figure(size * height, label, drawn, below, left, margin=margin, grid=False)


def _runs(where: Array, width: float) -> list[tuple[float, float]]:
    """Return where a row's cells that are next to each other begin and end."""
    padded = np.concatenate(([False], where, [False]))
    edges = (np.flatnonzero(padded[1:] != padded[:-1]) * width).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


@dataclass(frozen=True)
class Record:
    """A correlation in a record section.

    Attributes
    ----------
    distance : float
        In km.
    first, dt : float
        First lag and interval, in s.
    data : numpy.ndarray, shape (n,)
        In any unit: each is scaled to its own peak.
    """

    distance: float
    first: float
    dt: float
    data: Array

    @property
    def last(self) -> float:
        """Last lag, in s."""
        return self.first + (len(self.data) - 1) * self.dt


def section_chart(records: Sequence[Record], label: str) -> Markup:
    """Return correlations against lag, each at its distance from below.

    Parameters
    ----------
    records : sequence of Record
        At least one.
    label : str
        What it shows, in words.
    """
    first = min(record.first for record in records)
    last = max(max(record.last for record in records), first + 1e-9)
    farthest = max(max(record.distance for record in records), 1e-9)
    height = 560
    room = 0.04  # of the height, above and below
    spacing = height / max(len(records), 8)

    def y(distance: float) -> float:
        return height * (1 - room - (1 - 2 * room) * distance / farthest)

    drawn = [
        path(
            _trace(record, y(record.distance), spacing, (first, last)),
            class_="wave after",
        )
        for record in records
    ]
    left = [
        (1 - y(value) / height, f"{number(value)} km")
        for value in round_values(0.0, farthest, 6)
    ]
    below = [
        ((value - first) / (last - first), f"{value:g} s")
        for value in round_values(first, last, 8)
    ]
    return figure(height, label, drawn, below, left, margin=64)


def _trace(
    record: Record, middle: float, spacing: float, extent: tuple[float, float]
) -> str:
    """Return a record's line."""
    data = np.asarray(record.data, np.float64)
    scale = _OVER * spacing / (float(np.abs(data).max(initial=0.0)) or 1.0)
    lags = record.first + np.arange(len(data)) * record.dt
    if len(data) > 2 * _POINTS:
        edges = np.linspace(0, len(data), _POINTS + 1).astype(int)[:-1]
        low, high = np.minimum.reduceat(data, edges), np.maximum.reduceat(data, edges)
        data = np.stack([low, high], axis=1).reshape(-1)
        lags = np.repeat(lags[edges], 2)
    xs = (lags - extent[0]) / (extent[1] - extent[0]) * WIDTH
    return polyline(xs.tolist(), (middle - data * scale).tolist())


def round_values(low: float, high: float, most: int) -> list[float]:
    """Return round numbers from one to another, at most so many and one."""
    raw = max((high - low) / most, 1e-9)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(k * power for k in (1, 2, 5, 10) if k * power >= raw * (1 - 1e-9))
    begin, end = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 9) for k in range(begin, end + 1)]
