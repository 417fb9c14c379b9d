"""Many stations, and large ones: what grows with the size of the data set."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from bench.inputs import Input
from bench.rows import Row, at_most
from bench.run import OURS, Run, alternate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "Scale, identity, 2 workers"


def measure(effort: Effort) -> Iterator[Row]:
    """Yield rows for time a station, the parent's memory and the tree's."""
    yield from _small_stations(effort)
    yield from _large_stations(effort)


def _small_stations(effort: Effort) -> Iterator[Row]:
    few, many = 2_000, 10_000 if effort.quick else 100_000
    none = Run(OURS, _small(1), "identity")
    runs = [none, *(dataclasses.replace(none, input=_small(n)) for n in (few, many))]
    usages = alternate(runs, effort.repeat)
    # Start-up is no cost of a station: 1 s would be a third of the run at 2,000.
    yield Row.ratio(
        f"cost a station, {few:,} and {many:,} stations of 500 samples",
        "ms",
        [(less.wall - start.wall) / few * 1e3 for start, less, _ in usages],
        [(more.wall - start.wall) / many * 1e3 for start, _, more in usages],
        f"of that at {few:,}",
        at_most(1.3),
    )
    usage = dataclasses.replace(runs[-1], watch=True)()
    yield Row.value(
        f"the parent's peak memory, {many:,} stations",
        "MB",
        [usage.parent],
        at_most(300),
    )


def _large_stations(effort: Effort) -> Iterator[Row]:
    counts = (40, 100) if effort.quick else (100, 400)
    runs = [
        Run(OURS, Input(stations, 168_001), "identity", watch=True)
        for stations in counts
    ]
    usages = alternate(runs, 1 if effort.quick else 2)
    yield Row.ratio(
        f"peak memory of the tree, {counts[0]} and {counts[1]} large stations",
        "MB",
        [less.tree for less, _ in usages],
        [more.tree for _, more in usages],
        f"of that at {counts[0]}",
        at_most(1.15),
    )


def _small(stations: int) -> Input:
    return Input(stations, 500, ("BHZ",), response=False, maker=OURS)
