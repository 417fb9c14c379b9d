"""Pairs of stations: what one costs, of few stations and of many."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from bench.inputs import Input
from bench.rows import Row, at_most
from bench.run import OURS, Run, alternate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "Pairs of stations of 500 samples, correlated, 2 workers"


def measure(effort: Effort) -> Iterator[Row]:
    """Yield rows for the CPU time of a pair, of few stations and of many."""
    few, many = 100, 300 if effort.quick else 1_000
    options = {"cpu_count": 2, "prepare": "spectra", "progress": "lines"}
    none = Run(OURS, _short(2), "correlate", options, time_limit=3600)
    runs = [none, *(dataclasses.replace(none, input=_short(n)) for n in (few, many))]
    usages = alternate(runs, 1)
    # Start-up is no cost of a pair.
    yield Row.ratio(
        f"CPU a pair, {_pairs(few):,} pairs of {few} stations and {_pairs(many):,} of "
        f"{many:,}",
        "ms",
        [(less.cpu - start.cpu) / _pairs(few) * 1e3 for start, less, _ in usages],
        [(more.cpu - start.cpu) / _pairs(many) * 1e3 for start, _, more in usages],
        f"of that at {few}",
        at_most(1.3),
    )


def _pairs(stations: int) -> int:
    return stations * (stations - 1) // 2


def _short(stations: int) -> Input:
    return Input(stations, 500, ("BHZ",), response=False, maker=OURS)
