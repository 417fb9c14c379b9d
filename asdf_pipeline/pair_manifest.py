"""From the outcomes of pairs to tables: ``pairs.csv``, and its timings.

As the station manifest (`manifest`), a table of content only: two runs over the same
data compare with ``diff``. After the columns that every table has come those of the
rows that the function returned, such as the lags of a correlation's peaks.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from asdf_pipeline.manifest import format_time, write_table
from asdf_pipeline.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from asdf_pipeline.plan.outcome import Outcome

PAIR_COLUMNS = {
    "dataset": "str",
    "network": "str",
    "station": "str",
    "other_network": "str",
    "other_station": "str",
    "latitude": "float64",
    "longitude": "float64",
    "other_latitude": "float64",
    "other_longitude": "float64",
    "distance_in_km": "float64",
    "azimuth": "float64",
    "back_azimuth": "float64",
    "input_tag": "str",
    "status": "str",
    "windows": "int64",
    "arrays": "int64",
    "traces_in": "int64",
    "samples_in": "int64",
    "start": "str",
    "end": "str",
    "sampling_rates": "str",
    "channels": "str",
    "error_type": "str",
    "error_message": "str",
    "digest": "str",
}
"""Columns of every table of pairs; those of the function's rows come after them."""
PAIR_TIMING_COLUMNS = {
    "dataset": "str",
    "network": "str",
    "station": "str",
    "other_network": "str",
    "other_station": "str",
    "input_tag": "str",
    "seconds": "float64",
    "attempts": "int64",
    "worker": "str",
    "bytes_out": "int64",
}


def are_pairs(outcomes: Sequence[Outcome]) -> bool:
    """Return whether outcomes are of pairs of stations, and not of stations."""
    return bool(outcomes) and len(outcomes[0].members) == 2


def pair_columns(outcomes: Iterable[Outcome]) -> list[str]:
    """Return the columns of a table of pairs, those of the rows in the order found.

    A row's column that has the name of another is called ``row_NAME``.
    """
    own = dict.fromkeys(name for one in outcomes for name in one.row or ())
    return [*PAIR_COLUMNS, *map(_apart, own)]


def write_pairs(outcomes: Sequence[Outcome], dataset: str, path: Path) -> None:
    """Write the table of pairs as CSV, whole or not at all.

    Parameters
    ----------
    outcomes : sequence of Outcome
        One of each pair.
    dataset : str
        The data set's name, the same in every row.
    path : pathlib.Path
        The file to write.
    """
    ordered = _ordered(outcomes)
    columns = pair_columns(ordered)
    write_table(_rows(ordered, columns, dataset), columns, path)


def pair_table(outcomes: Sequence[Outcome], dataset: str) -> pd.DataFrame:
    """Return the table of pairs as a DataFrame."""
    import pandas as pd

    ordered = _ordered(outcomes)
    columns = pair_columns(ordered)
    rows = list(_rows(ordered, columns, dataset))
    return pd.DataFrame(
        {
            name: pd.Series([row[name] for row in rows], dtype=PAIR_COLUMNS.get(name))
            for name in columns
        }
    )


def write_pair_timings(outcomes: Sequence[Outcome], dataset: str, path: Path) -> None:
    """Write what depends on the run: seconds, attempts, worker, bytes of each pair."""
    rows = (_codes(one, dataset) | _timing(one) for one in _ordered(outcomes))
    write_table(rows, PAIR_TIMING_COLUMNS, path)


def _ordered(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return sorted(outcomes, key=operator.attrgetter("members", "input_tag"))


def _apart(name: str) -> str:
    return f"row_{name}" if name in PAIR_COLUMNS else name


def _rows(
    outcomes: Iterable[Outcome], columns: Iterable[str], dataset: str
) -> Iterator[dict[str, Any]]:
    """Yield a table's rows: half a million of them are not in memory at once."""
    empty = dict.fromkeys(columns)
    for one in outcomes:
        row = empty | _codes(one, dataset) | _row(one)
        yield row | {_apart(name): cell for name, cell in (one.row or {}).items()}


def _codes(outcome: Outcome, dataset: str) -> dict[str, Any]:
    (network, _, station), (other_network, _, other) = (
        member.partition(".") for member in outcome.members
    )
    return {
        "dataset": dataset,
        "network": network,
        "station": station,
        "other_network": other_network,
        "other_station": other,
        "input_tag": outcome.input_tag,
    }


def _row(outcome: Outcome) -> dict[str, Any]:
    other = outcome.others_at[0] if outcome.others_at else None
    return {
        "latitude": outcome.latitude,
        "longitude": outcome.longitude,
        "other_latitude": None if other is None else other[0],
        "other_longitude": None if other is None else other[1],
        "distance_in_km": outcome.distance_in_km,
        "azimuth": outcome.azimuth,
        "back_azimuth": outcome.back_azimuth,
        "status": outcome.status,
        "windows": outcome.windows,
        "arrays": len(outcome.auxiliary),
        "traces_in": outcome.traces_in,
        "samples_in": outcome.samples_in,
        "start": format_time(outcome.start),
        "end": format_time(outcome.end),
        "sampling_rates": " ".join(repr(float(r)) for r in outcome.sampling_rates),
        "channels": " ".join(outcome.channels),
        "error_type": one_line(outcome.error_type),
        "error_message": one_line(outcome.error_message),
        "digest": outcome.digest,
    }


def _timing(outcome: Outcome) -> dict[str, Any]:
    return {
        "seconds": outcome.seconds,
        "attempts": outcome.attempts,
        "worker": outcome.worker,
        "bytes_out": outcome.bytes_out,
    }
