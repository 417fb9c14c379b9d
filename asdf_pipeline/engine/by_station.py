"""From the outcomes of units to those of stations: one a station and tag."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from asdf_pipeline.container.digest import array_digest, product_digest, stored_digests
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.plan.outcome import Outcome, join_outcomes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from asdf_pipeline.plan.units import Plan


def by_station(
    plan: Plan, outcomes: Iterable[Outcome], merged: Path | None
) -> Iterable[Outcome]:
    """Return one outcome a station and tag, sorted; those left out are ``skipped``.

    Parameters
    ----------
    plan : Plan
        The run's plan.
    outcomes : iterable of Outcome
        One a unit.
    merged : pathlib.Path or None
        The output before it is published; None if the run makes a table only. Where
        units were windows, events or channels, what stands in it, perhaps joined from
        several, is counted and digested here.
    """
    if not plan.joins:
        return outcomes
    parts = plan.divided or any(unit.window for unit in plan.units)
    if not plan.skipped and not parts:
        return outcomes
    if merged is not None and plan.divided:
        outcomes = _combined(outcomes, merged)
    done = [
        dataclasses.replace(o, window=None, event="", channel="", traces=())
        for o in outcomes
    ]
    skipped = [unit.outcome("skipped") for unit in plan.skipped]
    return sorted(done + skipped, key=lambda outcome: outcome.unit_id)


def _combined(outcomes: Iterable[Outcome], merged: Path) -> Iterator[Outcome]:
    by_station: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        by_station.setdefault((outcome.station, outcome.input_tag), []).append(outcome)
    with Reader(merged) as reader:
        for (station, _), windows in by_station.items():
            combined = join_outcomes(windows, "")
            written = combined.traces_out > 0
            digests = (
                [d for _, d in stored_digests(reader, station, combined.output_tag)]
                if written
                else []
            )
            digest = ""
            if written or combined.auxiliary:
                digest = product_digest(
                    digests,
                    reader.stationxml(station) if written else None,
                    [_array_digest(reader, path) for path in combined.auxiliary],
                )
            yield dataclasses.replace(combined, traces_out=len(digests), digest=digest)


def _array_digest(reader: Reader, path: str) -> str:
    array, parameters = reader.auxiliary(path)
    return array_digest(path, parameters, array)
