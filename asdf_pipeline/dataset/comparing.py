"""Comparing two data sets by a function that is written for pyasdf's stations."""

from __future__ import annotations

import base64
import pickle
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from asdf_pipeline.dataset.station import Station
from asdf_pipeline.errors import CallError
from asdf_pipeline.function.result import Result

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.engine import RunReport
    from asdf_pipeline.work.station_data import StationData

_PICKLED = "pickled"


@contextmanager
def table_path(
    table: str | os.PathLike[str] | None, output: str | os.PathLike[str] | None
) -> Iterator[Path | None]:
    """Yield where a comparison's table goes; None where it makes an output alone.

    Where neither is named the table goes to a directory that is removed at the end.
    """
    if table is not None or output is not None:
        yield None if table is None else Path(table)
        return
    with TemporaryDirectory() as folder:
        yield Path(folder) / "table.csv"


def call(
    a: StationData,
    b: StationData,
    process_function: Callable[[Station, Station], Any],
    limits: tuple[float, float],
) -> Result:
    """Call a function written for pyasdf's stations; its result becomes a row.

    Parameters
    ----------
    a, b : StationData
        The station in both data sets.
    process_function : callable
        Gets both as ``ds.waveforms`` has them.
    limits : (float, float)
        How much one access may read of each, in MiB.
    """
    stations = (
        Station(_WorkerInput(data.reader, limit), data.station)
        for data, limit in zip((a, b), limits, strict=True)
    )
    result = pickle.dumps(process_function(*stations))
    return Result(row={_PICKLED: base64.b85encode(result).decode()})


def results(report: RunReport) -> dict[str, Any]:
    """Return what the function returned, by station, of a run that used `call`."""
    return {
        outcome.station: pickle.loads(base64.b85decode(outcome.row[_PICKLED]))
        for outcome in report.outcomes
        if outcome.row is not None
    }


class _WorkerInput:
    """A worker's open input as the file behind a station, to be read only."""

    def __init__(self, reader: Reader, limit_in_mb: float) -> None:
        self.path = reader.path
        self.limit_in_mb = limit_in_mb
        self.reader = reader
        self._names: dict[str, set[str]] = {}

    def names(self, station: str) -> set[str]:
        """Return what is there of a station, without listing all the others."""
        if station not in self._names:
            self._names[station] = set(self.reader.contents(station))
        return self._names[station]

    def delete(self, *paths: tuple[str, ...]) -> None:
        """Raise CallError: a function does not change its inputs."""
        msg = f"{self.path}: a function that compares two files cannot change them"
        raise CallError(msg)
