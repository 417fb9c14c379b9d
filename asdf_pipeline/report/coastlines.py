"""Coastlines and borders for maps, from packaged data.

The data are Natural Earth's, scale 1:50 million, version 4.1.0, in the public domain
(naturalearthdata.com); ``docs/make_coastlines.py`` made the file. It holds, after
gzip: the number of coasts and of borders (uint32), the number of points of each
(uint16), then the longitudes and the latitudes of all points as differences (int16)
in steps of 1/90 degree, all little-endian. Coasts are closed rings. Nothing is cut
at the date line: longitudes may go beyond 180.
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

Points = np.ndarray[Any, np.dtype[np.float64]]

STEPS_PER_DEGREE = 90
_POLE = -89.5


@cache
def lines() -> tuple[list[Points], list[Points]]:
    """Return coasts and borders.

    Returns
    -------
    list of numpy.ndarray, list of numpy.ndarray
        Each of shape (points, 2): longitude and latitude in degrees.
    """
    data = gzip.decompress(
        files("asdf_pipeline.report").joinpath("coastlines.bin.gz").read_bytes()
    )
    coasts, borders = np.frombuffer(data, "<u4", 2).tolist()
    sizes = np.frombuffer(data, "<u2", coasts + borders, 8)
    total = int(sizes.sum(dtype=np.int64))
    steps = np.frombuffer(data, "<i2", 2 * total, 8 + 2 * len(sizes))
    pieces = np.split(steps.reshape(2, total).T, np.cumsum(sizes)[:-1])
    points = [np.cumsum(piece, axis=0) / STEPS_PER_DEGREE for piece in pieces]
    return points[:coasts], points[coasts:]


def land(box: tuple[float, float, float, float]) -> Iterator[Points]:
    """Yield the land within a box as polygons.

    Parameters
    ----------
    box : (float, float, float, float)
        West, south, east, north in degrees; longitudes may go beyond 180.
    """
    for ring in _shifted(lines()[0], box):
        clipped = _clip(ring, box)
        if len(clipped) > 2:
            yield clipped


def shores(box: tuple[float, float, float, float]) -> Iterator[Points]:
    """Yield the coasts within a box as lines, without the seam at the south pole."""
    for ring in _shifted(lines()[0], box):
        pole = ring[:, 1] < _POLE
        yield from _runs(ring, box, pole[:-1] | pole[1:])


def borders(box: tuple[float, float, float, float]) -> Iterator[Points]:
    """Yield the borders between countries within a box as lines."""
    for line in _shifted(lines()[1], box):
        yield from _runs(line, box, np.zeros(len(line) - 1, bool))


def _shifted(
    shapes: list[Points], box: tuple[float, float, float, float]
) -> Iterator[Points]:
    """Yield the lines that touch a box, moved by whole turns to where it is."""
    west, south, east, north = box
    for shape in shapes:
        low, high = shape.min(axis=0), shape.max(axis=0)
        if high[1] < south or low[1] > north:
            continue
        for turn in (-360.0, 0.0, 360.0):
            if low[0] + turn <= east and high[0] + turn >= west:
                yield shape + (turn, 0.0)


def _runs(
    line: Points, box: tuple[float, float, float, float], dropped: Any
) -> Iterator[Points]:
    """Yield a line's pieces of segments that may touch a box and are not dropped."""
    west, south, east, north = box
    low = np.minimum(line[:-1], line[1:])
    high = np.maximum(line[:-1], line[1:])
    near = (low[:, 0] <= east) & (high[:, 0] >= west)
    near &= (low[:, 1] <= north) & (high[:, 1] >= south)
    kept = np.concatenate(([False], near & ~dropped, [False]))
    edges = np.flatnonzero(kept[1:] != kept[:-1]).tolist()
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        yield line[begin : end + 1]


def _clip(ring: Points, box: tuple[float, float, float, float]) -> Points:
    """Return what of a polygon lies in a box (Sutherland and Hodgman, 1974)."""
    west, south, east, north = box
    sides = ((0, west, 1), (0, east, -1), (1, south, 1), (1, north, -1))
    for axis, bound, sign in sides:
        if len(ring) < 3:
            return ring
        inside = sign * (ring[:, axis] - bound) >= 0
        if inside.all():
            continue
        after = np.roll(ring, -1, axis=0)
        crosses = inside != np.roll(inside, -1)
        step = np.where(crosses, after[:, axis] - ring[:, axis], 1.0)
        share = (bound - ring[:, axis]) / step
        met = ring + share[:, None] * (after - ring)
        # Each point that is inside, then where the edge behind it crosses the bound.
        pairs = np.stack([ring, met], axis=1).reshape(-1, 2)
        ring = pairs[np.stack([inside, crosses], axis=1).reshape(-1)]
    return ring
