"""Staging day files: beside pyasdf, and beside reading them alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.commands import STAGED, Commands, peer, stage
from bench.folders import DAY, Folder
from bench.rows import Row, at_least, at_most
from bench.run import OURS, PEER, alternate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "Staging day files (miniSEED, Steim 2, 10 Hz), 2 workers"
RATE = 10.0


def measure(effort: Effort) -> Iterator[Row]:
    """Yield a row for each peer."""
    stations, days = (8, 5) if effort.quick else (20, 10)
    shape = Folder(stations, int(DAY * RATE), ("BHZ",), days, RATE)
    folder = shape.path
    runs = [
        Commands(PEER, [peer("add", str(folder), str(STAGED))]),
        Commands("read", [peer("read", str(folder))]),
        Commands(OURS, [stage(folder)]),
    ]
    added, read, staged = zip(*alternate(runs, effort.repeat), strict=True)
    files = f"{stations * days} files"
    yield Row.usages(f"{files}, beside add_waveforms", added, staged, at_least(2))
    yield Row.ratio(
        f"CPU, {files}, beside obspy.read alone",
        "s",
        [usage.cpu for usage in read],
        [usage.cpu for usage in staged],
        "of its CPU",
        at_most(1.3),
    )
