"""A function that returns what it gets: all cost is the package's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.inputs import Input
from bench.rows import Row, at_least, at_most
from bench.run import Run, alternate, both

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "Identity, 2 workers"
SAMPLES = 168_001


def measure(effort: Effort) -> Iterator[Row]:
    """Yield rows for the marginal cost, the whole run, CPU and size."""
    few, many = (20, 60) if effort.quick else (40, 200)
    runs = [
        run
        for stations in (few, many)
        for run in both(Run("", Input(stations, SAMPLES), "identity"))
    ]
    usages = alternate(runs, effort.repeat)
    each = many - few
    yield Row.ratio(
        f"one station more (slope from {few} to {many} stations)",
        "ms",
        [(peer.wall - start.wall) / each * 1e3 for start, _, peer, _ in usages],
        [(ours.wall - start.wall) / each * 1e3 for _, start, _, ours in usages],
        "times faster",
        at_least(3.5),
        faster=True,
    )
    yield Row.usages(
        f"whole run, {many} stations",
        [peer for _, _, peer, _ in usages],
        [ours for _, _, _, ours in usages],
        at_least(2.5),
    )
    yield Row.ratio(
        f"size of the file, {many} stations",
        "MB",
        [peer.size / 1e6 for _, _, peer, _ in usages],
        [ours.size / 1e6 for _, _, _, ours in usages],
        "of pyasdf's",
        at_most(0.92),
    )
