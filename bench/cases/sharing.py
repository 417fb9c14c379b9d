"""Stations that take 1 to 100 times as long as each other: does every rank work on."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from bench.functions import seconds_asleep
from bench.inputs import Input
from bench.launch import parallel_python, under_mpi
from bench.rows import Row, at_most
from bench.run import OURS, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "MPI, 3 ranks, stations that take 1 to 100 times as long as each other"
RANKS = 3
# Open MPI 5 takes the loopback interface only where it is named.
_TCP = {"OMPI_MCA_btl": "tcp,self", "OMPI_MCA_btl_tcp_if_include": "lo"}
LINKS = {"shared memory": {}, "TCP": _TCP}


def measure(effort: Effort) -> Iterator[Row]:
    """Yield the wall time in terms of the ideal, for both links and ways to write."""
    source = Input(45 if effort.quick else 140, 2_000, ("BHZ",))
    naps = [seconds_asleep(index) for index in range(source.stations)]
    ideal = max(sum(naps) / RANKS, max(naps))
    python = parallel_python()
    for io in ("segments", "parallel"):
        plain = under_mpi(Run(OURS, source, "sleep", {"io": io}, python), RANKS)
        for link, environment in LINKS.items():
            run = dataclasses.replace(
                plain, environment={**plain.environment, **environment}
            )
            walls = [run().wall for _ in range(effort.repeat)]
            yield Row.ratio(
                f"wall, io={io}, {link}, against the ideal",
                "s",
                [ideal] * len(walls),
                walls,
                "of the ideal",
                at_most(1.15),
            )
