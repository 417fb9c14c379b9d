"""Response removal, the example of pyasdf's documentation; every gain its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.inputs import Input
from bench.rows import Row, at_least
from bench.run import Run, alternate, both

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "Response removal, 2 workers"
# ObsPy pads 168,001 samples to 8 x 42,001, a prime: slow FFTs that no cache saves.
LENGTHS = {168_000: at_least(4), 168_001: at_least(3)}


def measure(effort: Effort) -> Iterator[Row]:
    """Yield a row for each length."""
    stations = 24 if effort.quick else 100
    for samples, goal in LENGTHS.items():
        run = Run("", Input(stations, samples), "remove_response")
        usages = alternate(both(run), effort.repeat)
        yield Row.ratio(
            f"{stations} stations, 3 x {samples:,} samples",
            "s",
            [peer.wall for peer, _ in usages],
            [ours.wall for _, ours in usages],
            "times faster",
            goal,
            faster=True,
        )
