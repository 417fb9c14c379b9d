"""Make the coastlines and borders that the report's map is drawn with.

The data are Natural Earth's (naturalearthdata.com, public domain), scale 1:50
million, version 4.1.0, as the npm package world-atlas 2.0.2 carries them in TopoJSON:

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python docs/make_coastlines.py package asdf_pipeline/report/coastlines.bin.gz

The file's form is described in `asdf_pipeline.report.coastlines`, which reads it.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.report.coastlines import STEPS_PER_DEGREE

if TYPE_CHECKING:
    from collections.abc import Iterator

    Points = np.ndarray[Any, Any]


def read_arcs(topology: dict[str, Any]) -> list[Points]:
    """Return a topology's arcs as longitudes and latitudes in degrees."""
    scale = topology["transform"]["scale"]
    translate = topology["transform"]["translate"]
    return [
        np.cumsum(np.array(arc), axis=0) * scale + translate for arc in topology["arcs"]
    ]


def rings_of(geometry: dict[str, Any]) -> Iterator[list[int]]:
    """Yield the rings of a geometry as indices of arcs, ~index for one reversed."""
    if geometry["type"] == "GeometryCollection":
        for member in geometry["geometries"]:
            yield from rings_of(member)
    elif geometry["type"] == "Polygon":
        yield from geometry["arcs"]
    elif geometry["type"] == "MultiPolygon":
        for polygon in geometry["arcs"]:
            yield from polygon


def join(ring: list[int], arcs: list[Points]) -> Points:
    """Return the points of a ring, whole where it crosses the date line."""
    pieces = [arcs[index] if index >= 0 else arcs[~index][::-1] for index in ring]
    points = unwrap(np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])]))
    first, last = points[0, 0], points[-1, 0]
    if abs(last - first) > 180:  # around the pole: closed along it
        points = np.concatenate([points, [[last, -90], [first, -90], points[0]]])
    return points


def unwrap(line: Points) -> Points:
    """Return a line whose longitudes do not jump; they may go beyond 180."""
    line = line.copy()
    line[:, 0] = np.unwrap(line[:, 0], period=360)
    return line


def shared(topology: dict[str, Any]) -> list[int]:
    """Return the arcs that two countries share."""
    uses = Counter(
        index if index >= 0 else ~index
        for country in topology["objects"]["countries"]["geometries"]
        for ring in rings_of(country)
        for index in ring
    )
    return [index for index, count in uses.items() if count > 1]


def coarse(line: Points) -> Points:
    """Return a line in whole steps, without points that repeat."""
    steps = np.rint(line * STEPS_PER_DEGREE).astype(np.int16)
    moved = np.any(np.diff(steps, axis=0) != 0, axis=1)
    return steps[np.concatenate(([True], moved))]


def main(folder: str, target: str) -> None:
    """Write the file."""
    land = json.loads(Path(folder, "land-50m.json").read_text())
    countries = json.loads(Path(folder, "countries-50m.json").read_text())
    land_arcs, country_arcs = read_arcs(land), read_arcs(countries)
    coasts = [
        coarse(join(ring, land_arcs)) for ring in rings_of(land["objects"]["land"])
    ]
    coasts = [ring for ring in coasts if len(ring) > 3]
    borders = [coarse(unwrap(country_arcs[index])) for index in shared(countries)]
    lines = [*coasts, *borders]
    steps = np.concatenate(
        [np.diff(line, axis=0, prepend=np.zeros((1, 2), np.int16)) for line in lines]
    )
    data = b"".join(
        np.asarray(part, kind).tobytes()
        for part, kind in (
            ((len(coasts), len(borders)), "<u4"),
            ([len(line) for line in lines], "<u2"),
            (steps[:, 0], "<i2"),
            (steps[:, 1], "<i2"),
        )
    )
    Path(target).write_bytes(gzip.compress(data, 9, mtime=0))
    print(f"{len(coasts)} coasts, {len(borders)} borders, {len(steps)} points")


if __name__ == "__main__":
    main(*sys.argv[1:])
