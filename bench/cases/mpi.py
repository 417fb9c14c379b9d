"""Many small stations under MPI, where pyasdf mostly waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.inputs import Input
from bench.launch import parallel_python, under_mpi
from bench.measure import CommandFailedError, Usage
from bench.rows import Row, at_least
from bench.run import OURS, PEER, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "MPI, 3 ranks, identity, small stations"
RANKS = 3
TIME_LIMIT = 90.0
"""Seconds; pyasdf may hang under MPI, and then counts as if it had ended now."""


def measure(effort: Effort) -> Iterator[Row]:
    """Yield a row for each way to write."""
    stations = 300 if effort.quick else 1_000
    source = Input(stations, 2_000, ("BHZ",))
    parallel = parallel_python()  # pyasdf has no other way
    run = Run(PEER, source, "identity", {}, parallel, time_limit=TIME_LIMIT)
    peer, bound = _bounded(under_mpi(run, RANKS))
    for io in ("parallel", "segments"):
        own = under_mpi(Run(OURS, source, "identity", {"io": io}, parallel), RANKS)
        ours = [own() for _ in range(effort.repeat)]
        yield Row.usages(
            f"{stations:,} stations of 2,000 samples, io={io}{bound}",
            [peer] * len(ours),
            ours,
            at_least(12),
        )


def _bounded(run: Run) -> tuple[Usage, str]:
    try:
        return run(), ""
    except CommandFailedError as error:
        if not str(error).startswith("killed"):
            raise
        return Usage(TIME_LIMIT, 0.0), f" (pyasdf killed after {TIME_LIMIT:.0f} s)"
