"""What each way to write the output costs: time, size, checksums."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from bench.inputs import Input
from bench.launch import NotMeasuredError, parallel_python, under_mpi
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
    segments = dataclasses.replace(plain, options={"backend": "mpi", "io": "segments"})
    ways["MPI, io=segments (compressed, checksums)"] = under_mpi(segments, RANKS)
    missing = None
    try:
        parallel = dataclasses.replace(
            plain,
            options={"backend": "mpi", "io": "parallel"},
            python=parallel_python(),
        )
        ways["MPI, io=parallel (neither)"] = under_mpi(parallel, RANKS)
    except NotMeasuredError as error:
        missing = error
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
    if missing is not None:
        raise missing
