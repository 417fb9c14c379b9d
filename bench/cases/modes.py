"""What each way to write the output costs: time, size, checksums."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from bench.inputs import Input
from bench.launch import parallel_python, under_mpi
from bench.rows import Row
from bench.run import OURS, Run, alternate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "Ways to write, identity, 2 workers or ranks"
RANKS = 2


def measure(effort: Effort) -> Iterator[Row]:
    """Yield the time and the size of each way, beside multiprocessing's."""
    source = Input(40 if effort.quick else 100, 168_001)
    plain = Run(OURS, source, "identity")
    ways = {"multiprocessing (compressed, checksums)": plain}
    python = parallel_python()
    for io, kept in (("segments", "compressed, checksums"), ("parallel", "neither")):
        options = {"backend": "mpi", "io": io}
        run = dataclasses.replace(plain, options=options, python=python)
        ways[f"MPI, io={io} ({kept})"] = under_mpi(run, RANKS)
    usages = alternate(list(ways.values()), effort.repeat)
    base = [each[0] for each in usages]
    for what, column in zip(ways, zip(*usages, strict=True), strict=True):
        times = [usage.wall for usage in column], [usage.wall for usage in base]
        yield Row.ratio(
            f"{what}: time", "s", times[1], times[0], "of multiprocessing's"
        )
        sizes = [u.size / 1e6 for u in column], [u.size / 1e6 for u in base]
        yield Row.ratio(
            f"{what}: size", "MB", sizes[1], sizes[0], "of multiprocessing's"
        )
