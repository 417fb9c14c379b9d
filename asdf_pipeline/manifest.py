"""From outcomes to tables: the station manifest and the timings.

A manifest has one row for each station and input tag, sorted, and holds content only:
two runs over the same data compare with ``diff``. What depends on the run stands in
the timings. Lists inside a cell are joined by spaces, times are UTC with nanoseconds,
floating-point numbers are written so that they read back exactly.

Rows are plain dicts, which the command writes as they are: pandas is imported where a
DataFrame is asked for, since its import takes longer than the manifest of a small file.
"""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xxhash

from asdf_pipeline.errors import InputError, InputMissingError
from asdf_pipeline.files import atomic_write
from asdf_pipeline.plan.outcome import SUBJECTS, join_outcomes
from asdf_pipeline.text import one_line
from asdf_pipeline.times import iso_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from asdf_pipeline.plan.outcome import Outcome

STATION_COLUMNS = {
    "dataset": "str",
    "network": "str",
    "station": "str",
    "latitude": "float64",
    "longitude": "float64",
    "elevation_in_m": "float64",
    "input_tag": "str",
    "output_tag": "str",
    "status": "str",
    "traces_in": "int64",
    "traces_out": "int64",
    "samples_in": "int64",
    "samples_out": "int64",
    "start": "str",
    "end": "str",
    "sampling_rates": "str",
    "channels": "str",
    "error_type": "str",
    "error_message": "str",
    "digest": "str",
}
TIMING_COLUMNS = {
    "dataset": "str",
    "network": "str",
    "station": "str",
    "input_tag": "str",
    "seconds": "float64",
    "attempts": "int64",
    "worker": "str",
    "bytes_out": "int64",
}
_KEY = ["dataset", "network", "station", "input_tag"]


def station_rows(outcomes: Iterable[Outcome], dataset: str) -> list[dict[str, Any]]:
    """Return the station manifest of one data set, row by row.

    Parameters
    ----------
    outcomes : iterable of Outcome
        Of all units; the windows of a station and tag become one row (see
        `join_outcomes`), the digest that of the windows' sorted digests.
    dataset : str
        The data set's name, the same in every row.

    Returns
    -------
    list of dict
        Keys `STATION_COLUMNS`, one row for each station and input tag, sorted.
    """
    return _sorted(_station_row(one, dataset) for one in _by_station(outcomes))


def timings_rows(outcomes: Iterable[Outcome], dataset: str) -> list[dict[str, Any]]:
    """Return what depends on the run: seconds, attempts, worker, bytes.

    Parameters
    ----------
    outcomes : iterable of Outcome
        Of all units; of several windows, seconds and bytes are added, attempts are
        those of the window that took most.
    dataset : str
        The data set's name, the same in every row.

    Returns
    -------
    list of dict
        Keys `TIMING_COLUMNS`, one row for each station and input tag, sorted.
    """
    return _sorted(_timing_row(one, dataset) for one in _by_station(outcomes))


def station_table(outcomes: Iterable[Outcome], dataset: str) -> pd.DataFrame:
    """Return `station_rows` as a DataFrame with the columns `STATION_COLUMNS`."""
    import pandas as pd

    rows = station_rows(outcomes, dataset)
    return pd.DataFrame(
        {
            name: pd.Series([row[name] for row in rows], dtype=kind)
            for name, kind in STATION_COLUMNS.items()
        }
    )


def row_table(outcomes: Iterable[Outcome]) -> pd.DataFrame:
    """Return the rows that functions of two stations returned, sorted by station.

    Parameters
    ----------
    outcomes : iterable of Outcome
        Of all units; those without a row are left out.

    Returns
    -------
    pandas.DataFrame
        Column ``station``, of pairs also ``other_station``, of gathers ``event`` or
        ``start`` and ``end`` instead; then those of the rows in the order in which they
        first appear; what a row lacks is missing.
    """
    import pandas as pd

    found = [(one.subject, one.row) for one in outcomes if one.row is not None]
    found.sort(key=lambda one: [one[0].get(name, "") for name in SUBJECTS])
    heads = [name for name in SUBJECTS if any(name in one for one, _ in found)]
    names = dict.fromkeys(name for _, row in found for name in row)
    return pd.DataFrame(
        {
            head: pd.Series([one.get(head, "") for one, _ in found], dtype="str")
            for head in heads or SUBJECTS[:1]
        }
        | {name: pd.Series([row.get(name) for _, row in found]) for name in names}
    )


def write_table(
    rows: Iterable[Mapping[Any, Any]], columns: Iterable[str], path: Path
) -> None:
    """Write rows as CSV, whole or not at all.

    The same rows give the same bytes on every machine.

    Parameters
    ----------
    rows : iterable of mapping
        A cell by column; None and NaN leave it empty.
    columns : iterable of str
        In the order in which they are written.
    path : pathlib.Path
        The file to write.
    """
    columns = list(columns)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    with atomic_write(path) as file:
        # Messages, and names in damaged files, may hold what UTF-8 has no form for.
        file.write(text.getvalue().encode("utf-8", "backslashreplace"))


def read_manifest(path: Path | str) -> pd.DataFrame:
    """Return the manifest that `write_table` wrote.

    Network ``NA`` stays text, and numbers are read back exactly.

    Raises
    ------
    InputError
        If the file is missing (`InputMissingError`) or no manifest.
    """
    import pandas as pd

    path = Path(path)
    if not path.is_file():
        msg = f"{path}: no such manifest"
        raise InputMissingError(msg)
    try:
        table: pd.DataFrame = pd.read_csv(
            path,
            dtype={
                name: kind
                for name, kind in STATION_COLUMNS.items()
                if kind != "float64"
            },
            # pandas' own conversion is not exact in all of its versions.
            converters={
                name: _read_number
                for name, kind in STATION_COLUMNS.items()
                if kind == "float64"
            },
            keep_default_na=False,
        )
    except ValueError as error:
        msg = f"{path}: not a station manifest: {one_line(error)}"
        raise InputError(msg) from None
    if list(table.columns) != list(STATION_COLUMNS):
        msg = (
            f"{path}: not a station manifest: its columns are not "
            "those that 'asdf-pipeline manifest' writes"
        )
        raise InputError(msg)
    return table


def join_manifests(paths: Sequence[Path], output: Path) -> pd.DataFrame:
    """Write the manifests of several data sets as one, sorted, and return it.

    Raises
    ------
    InputError
        If one is missing or no manifest, or if two have a row for the same
        station and tag of a data set with the same name.
    """
    import pandas as pd

    tables = []
    for path in paths:
        table = read_manifest(path)
        tables.append(table.assign(_from=str(path)))
    joined = pd.concat(tables, ignore_index=True).sort_values(_KEY, kind="stable")
    twice = joined[joined.duplicated(_KEY, keep=False)]
    if len(twice):
        row = twice.iloc[0]
        files = " and ".join(twice["_from"].iloc[:2])
        msg = (
            f"{files}: both have data set {row['dataset']}, station "
            f"{row['network']}.{row['station']}, tag {row['input_tag']}: "
            "give each data set a name of its own"
        )
        raise InputError(msg)
    manifest = joined[list(STATION_COLUMNS)]
    write_table(manifest.to_dict("records"), STATION_COLUMNS, output)
    return manifest


def format_time(ns: int | None) -> str:
    """Return a time in ns since 1970 as ``YYYY-MM-DDTHH:MM:SS.fffffffffZ``.

    None gives an empty cell.
    """
    return "" if ns is None else f"{iso_text(ns, fraction=True)}Z"


def _by_station(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return one outcome for each station and tag."""
    stations: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        key = (outcome.station, outcome.input_tag)
        stations.setdefault(key, []).append(outcome)
    return [
        join_outcomes(windows, _joint_digest(one.digest for one in windows))
        for windows in stations.values()
    ]


def _station_row(outcome: Outcome, dataset: str) -> dict[str, Any]:
    network, _, station = outcome.station.partition(".")
    return {
        "dataset": dataset,
        "network": network,
        "station": station,
        "latitude": outcome.latitude,
        "longitude": outcome.longitude,
        "elevation_in_m": outcome.elevation_in_m,
        "input_tag": outcome.input_tag,
        "output_tag": outcome.output_tag,
        "status": outcome.status,
        "traces_in": outcome.traces_in,
        "traces_out": outcome.traces_out,
        "samples_in": outcome.samples_in,
        "samples_out": outcome.samples_out,
        "start": format_time(outcome.start),
        "end": format_time(outcome.end),
        "sampling_rates": " ".join(repr(float(r)) for r in outcome.sampling_rates),
        "channels": " ".join(outcome.channels),
        "error_type": one_line(outcome.error_type),
        "error_message": one_line(outcome.error_message),
        "digest": outcome.digest,
    }


def _timing_row(outcome: Outcome, dataset: str) -> dict[str, Any]:
    network, _, station = outcome.station.partition(".")
    return {
        "dataset": dataset,
        "network": network,
        "station": station,
        "input_tag": outcome.input_tag,
        "seconds": outcome.seconds,
        "attempts": outcome.attempts,
        "worker": outcome.worker,
        "bytes_out": outcome.bytes_out,
    }


def _sorted(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: tuple(row[name] for name in _KEY))


def _cell(value: Any) -> Any:
    """Return what the CSV writer is to write; it leaves None empty."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _read_number(cell: str) -> float:
    return float(cell) if cell else math.nan


def _joint_digest(digests: Iterable[str]) -> str:
    """Return the one digest, or that of several, whatever their order."""
    found = sorted(filter(None, digests))
    if len(found) < 2:
        return "".join(found)
    return xxhash.xxh3_128_hexdigest("\n".join(found).encode())
