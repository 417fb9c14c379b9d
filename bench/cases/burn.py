"""A function that takes 100 ms of CPU a trace: what is added to its own cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.functions import BURN
from bench.inputs import Input
from bench.rows import Row, at_most
from bench.run import Run, alternate, both

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "A function that burns 100 ms of CPU a trace, 2 workers"
WORKERS = 2


def measure(effort: Effort) -> Iterator[Row]:
    """Yield rows for CPU and wall time, each in terms of the function's own."""
    source = Input(24 if effort.quick else 100, 168_001)
    own = source.traces * BURN
    usages = alternate(both(Run("", source, "burn")), effort.repeat)
    kinds = (
        ("CPU", "of the function's own", own, at_most(1.08)),
        ("wall", "of the ideal", own / WORKERS, at_most(1.08)),
    )
    for kind, meaning, ideal, goal in kinds:
        packages = [
            [getattr(usage, kind.lower()) / ideal for usage in column]
            for column in zip(*usages, strict=True)
        ]
        peer, ours = packages
        yield Row(
            f"{kind}, {source.stations} stations ({ideal:.0f} s)",
            meaning,
            sorted(peer)[len(peer) // 2],
            sorted(ours)[len(ours) // 2],
            sorted(ours)[len(ours) // 2],
            (min(ours), max(ours)),
            meaning,
            goal,
        )
