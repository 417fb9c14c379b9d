"""Response removal, the example of pyasdf's documentation; every gain its own."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from bench.inputs import Input
from bench.rows import Row, at_least
from bench.run import Run, alternate, both

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "Response removal, 2 workers"
STEP = "asdf_pipeline.steps:remove_response"
# ObsPy pads 168,001 samples to 8 x 42,001, a prime: slow FFTs that no cache saves.
LENGTHS = {168_000: at_least(6.5), 168_001: at_least(4)}
BY_STEP = at_least(10)


def measure(effort: Effort) -> Iterator[Row]:
    """Yield two rows for each length: the function unchanged, and the step."""
    stations = 24 if effort.quick else 100
    for samples, goal in LENGTHS.items():
        peer, unchanged = both(Run("", Input(stations, samples), "remove_response"))
        step = dataclasses.replace(unchanged, function=STEP)
        usages = alternate([peer, unchanged, step], effort.repeat)
        theirs, ours, by_step = zip(*usages, strict=True)
        what = f"{stations} stations, 3 x {samples:,} samples"
        yield Row.usages(what, theirs, ours, goal)
        yield Row.usages(
            f"{what}, by the step remove_response", theirs, by_step, BY_STEP
        )
