"""The page about pairs of stations: which were made, and what they look like."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import ASDFPipelineError
from asdf_pipeline.files import atomic_write
from asdf_pipeline.provenance.reading import read_runs
from asdf_pipeline.report import collect, words
from asdf_pipeline.report.page import distributions_of, map_of, render
from asdf_pipeline.report.pair_charts import CELLS, Record, matrix_chart, section_chart
from asdf_pipeline.report.svg import integer
from asdf_pipeline.text import size_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from asdf_pipeline.plan.outcome import Outcome

RECORDS = 80
"""Correlations in the record section, at most."""
ROWS = 300
"""Pairs in the table, at most."""
_CELLS_OF_ROWS = 9  # columns of the function's rows in the table


def write_pair_page(
    source: Path,
    output: Path | None,
    outcomes: Sequence[Outcome],
    page: Path,
    dataset: str,
) -> None:
    """Write the report of a run over pairs of stations.

    Its size and the time to make it are bounded: stations share rows of the matrix,
    the record section has one correlation for each stretch of distance, and the table
    is cut; the page says so.

    Parameters
    ----------
    source, output, page, dataset
        As for `asdf_pipeline.report.page.write_page`.
    outcomes : sequence of Outcome
        What became of each pair.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    outcomes = sorted(outcomes, key=lambda one: (one.members, one.input_tag))
    with ExitStack() as stack:
        reader = stack.enter_context(Reader(source))
        written = None if output is None else stack.enter_context(Reader(output))
        context = _gather(reader, written, outcomes)
    context |= {"dataset": dataset, "source": source, "output": output}
    text = render(context, "pairs.html", ["map.js"])
    with atomic_write(page) as file:
        file.write(text.encode(errors="replace"))


def _gather(
    source: Reader, output: Reader | None, outcomes: Sequence[Outcome]
) -> dict[str, Any]:
    """Return what the template shows."""
    stations = _stations(outcomes, source)
    shown_map = map_of(stations, [])
    runs = read_runs(output.provenance()) if output is not None else []
    table = sorted(outcomes, key=_in_table)[:ROWS]
    return {
        "noun": "pair",
        "outcomes": outcomes,
        "counts": collect.count(outcomes),
        "facts": _facts(outcomes, stations),
        "headline": words.headline(outcomes, "pair"),
        "map": shown_map,
        "without_coordinates": [s.name for s in stations if not s.has_coordinates],
        "matrix": _matrix([station.name for station in stations], outcomes),
        "section": None if output is None else _section(output, outcomes),
        "distributions": _distributions(outcomes),
        "failures": collect.gather_failures(outcomes),
        "named": ROWS,
        "table": table,
        "cells": list(dict.fromkeys(name for one in table for name in one.row or ()))[
            :_CELLS_OF_ROWS
        ],
        "run": runs[0] if runs else None,
        "data": {"map": shown_map and shown_map["data"]},
    }


def _stations(outcomes: Sequence[Outcome], source: Reader) -> list[collect.Station]:
    """Return the stations, each with the best of what became of its pairs."""
    best: dict[str, Outcome] = {}
    order = ("ok", "empty", "failed", "skipped")
    places: dict[str, tuple[float, float]] = {}
    for one in outcomes:
        theirs = [(one.latitude, one.longitude)]
        theirs += [(at and at[0], at and at[1]) for at in one.others_at]
        for name, (latitude, longitude) in zip(one.members, theirs, strict=False):
            if latitude is not None and longitude is not None:
                places[name] = (latitude, longitude)
        for name in one.members:
            known = best.get(name)
            if known is None or order.index(one.status) < order.index(known.status):
                best[name] = one
    return [
        collect.Station(name, best[name].status, *places.get(name, (None, None)))
        for name in sorted(best)
    ]


def _facts(
    outcomes: Sequence[Outcome], stations: Sequence[collect.Station]
) -> list[tuple[str, str]]:
    """Return the numbers of the summary: name and value."""
    written = [one for one in outcomes if one.status == "ok"]
    apart = [one.distance_in_km for one in outcomes if one.distance_in_km is not None]
    found = [
        ("Pairs", integer(len(outcomes))),
        ("Stations", integer(len(stations))),
        ("Arrays written", integer(sum(len(one.auxiliary) for one in written))),
        ("Size written", size_text(sum(one.bytes_out for one in written))),
    ]
    if apart:
        ends = f"{words.amount(min(apart))} to {words.amount(max(apart))} km"
        found.append(("Distances", ends))
    windows = [one.windows for one in written if one.windows]
    if windows:
        found.append(("Windows of a pair, median", integer(float(np.median(windows)))))
    seconds = sum(one.seconds for one in outcomes)
    found.append(("Processing time, all workers", words.duration(seconds)))
    return found


def _matrix(stations: Sequence[str], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    places = {name: k for k, name in enumerate(stations)}
    ends = np.array([[places[name] for name in one.members] for one in outcomes])
    status = np.array([one.status for one in outcomes])
    made, failed = status == "ok", status == "failed"
    label = (
        f"Matrix of {words.plural(len(stations), 'station')}: "
        f"{integer(made.sum())} of {words.plural(len(outcomes), 'pair')} made, "
        f"{integer(failed.sum())} failed."
    )
    chart = matrix_chart(stations, ends[:, 0], ends[:, 1], made, failed, label)
    return {"chart": chart, "each": -(-len(stations) // CELLS)}


def _section(output: Reader, outcomes: Sequence[Outcome]) -> dict[str, Any] | None:
    """Return the record section of the most common kind of correlation, or None."""
    located = [
        one
        for one in outcomes
        if one.status == "ok" and one.auxiliary and one.distance_in_km is not None
    ]
    kinds = Counter(_kind(path) for one in located for path in one.auxiliary)
    if not kinds:
        return None
    most = max(kinds.values())
    # Of what there is most, vertical components first: there surface waves are seen.
    kind = min((k for k in kinds if kinds[k] == most), key=lambda k: (k != "ZZ", k))
    having = [one for one in located if any(_kind(p) == kind for p in one.auxiliary)]
    records = []
    for one in _spread(having):
        path = next(path for path in one.auxiliary if _kind(path) == kind)
        record = _record(output, path, one.distance_in_km or 0.0)
        if record is not None:
            records.append(record)
    if not records:
        return None
    label = (
        f"Record section: {len(records)} correlations of components {kind} by "
        f"distance, lags from {records[0].first:g} to {records[0].last:g} s."
    )
    return {
        "chart": section_chart(records, label),
        "kind": kind,
        "shown": len(records),
        "of": len(having),
    }


def _kind(path: str) -> str:
    """Return the components that a correlation is of: ``"ZZ"`` of ``BHZ_BHZ``."""
    codes = [part for part in path.rpartition("/")[2].split("_") if len(part) == 3]
    return "".join(code[-1] for code in codes)


def _spread(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return so many pairs that their distances are spread evenly, nearest first."""
    ordered = sorted(outcomes, key=lambda one: (one.distance_in_km or 0, one.members))
    if len(ordered) <= RECORDS:
        return ordered
    distances = np.array([one.distance_in_km or 0.0 for one in ordered])
    wanted = np.linspace(distances[0], distances[-1], RECORDS)
    found = np.clip(np.searchsorted(distances, wanted), 0, len(ordered) - 1)
    return [ordered[k] for k in np.unique(found)]


def _record(output: Reader, path: str, distance: float) -> Record | None:
    """Return a correlation as it is drawn; None for what cannot be: it has no dt."""
    try:
        data, parameters = output.auxiliary(path)
        dt = float(parameters["dt"])
        first = float(parameters.get("first_lag", -(len(data) - 1) / 2 * dt))
    except (ASDFPipelineError, KeyError, TypeError, ValueError):
        return None
    usable = data.ndim == 1 and data.dtype.kind in "fiu" and len(data) > 1
    if not usable or not np.isfinite(data).all() or not (dt > 0 and math.isfinite(dt)):
        return None
    return Record(distance, first, dt, data)


def _distributions(outcomes: Sequence[Outcome]) -> list[Any]:
    apart = [one.distance_in_km or 0.0 for one in outcomes]
    seconds = [one.seconds for one in outcomes if one.status != "skipped"]
    return distributions_of(
        (
            ("Distance of a pair", apart, lambda km: f"{words.amount(km)} km"),
            ("Processing time of a pair", seconds, words.duration),
        )
    )


def _in_table(outcome: Outcome) -> tuple[int, float]:
    """Return by what the table is sorted: failures first, then the nearest."""
    rank = ("failed", "empty", "skipped", "ok").index(outcome.status)
    far = outcome.distance_in_km
    return rank, math.inf if far is None else far
