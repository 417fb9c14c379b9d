"""Comparing two data sets: a function for every station that both have."""

from __future__ import annotations

import base64
import functools
import pickle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.codec import COMPRESSED, Encoding
from asdf_pipeline.dataset.open_file import OpenFile
from asdf_pipeline.dataset.reading import Readable
from asdf_pipeline.dataset.station import Station
from asdf_pipeline.function.result import Result

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.engine import RunReport
    from asdf_pipeline.plan.selection import Selection
    from asdf_pipeline.work.station_data import StationData

_PICKLED = "pickled"


class Comparable(Readable):
    """The part of a data set that compares it with another."""

    _encoding: Encoding = COMPRESSED
    _mpi: bool | None = None

    def process_two_files(
        self,
        other: Readable | str | os.PathLike[str],
        function: Callable[..., Any],
        output_filename: str | os.PathLike[str] | None = None,
        tag: str = "compared",
        traceback_limit: int = 3,
        cpu_count: int = -1,
        *,
        table_filename: str | os.PathLike[str] | None = None,
        parameters: Mapping[str, Any] | None = None,
        backend: str = "auto",
        io: str = "auto",
        max_failures: int | str | None = None,
        work_dir: str | os.PathLike[str] | None = None,
        progress: str = "auto",
        selection: Selection | None = None,
        no_events: bool = False,
        copy_auxiliary: bool = False,
    ) -> RunReport:
        """Apply a function to every station that two data sets have in common.

        Killed, the same call goes on from its work directory, where an output, a
        table or a work directory is named.

        Parameters
        ----------
        other : ASDFDataSet or path-like
            The other data set.
        function : callable
            ``function(a, b)``, each a `work.station_data.StationData`: ``station``,
            ``streams`` (by tag, read when asked for), ``inventory``, ``events``; `a`
            of this data set, `b` of the other. It returns a row of the table (a
            mapping, a number or a text), a Stream or Trace, a `Result`, or None.
        output_filename : path-like, optional
            The new file for waveforms and auxiliary data; it must not exist.
        tag : str
            Tag of the waveforms written.
        traceback_limit, cpu_count, parameters, backend, io, max_failures, progress
            As for `ASDFDataSet.process`.
        table_filename : path-like, optional
            Where the table is written as CSV; it must not exist where it is all that
            is made.
        work_dir : path-like, optional
            Where unfinished work is kept; by default named after output or table.
        selection : Selection, optional
            What of both files is to be done.
        no_events : bool
            Whether events, such as damaged ones, are left alone: the output has none,
            and the function gets none.
        copy_auxiliary : bool
            Whether this data set's auxiliary data is copied to the output.

        Returns
        -------
        RunReport
            Its ``table`` has the rows: a `pandas.DataFrame`, sorted by station.

        Raises
        ------
        OutputExistsError
            If the output exists; before any work.
        CallError
            If the data sets have no station in common.
        FunctionError
            If the function cannot be called as above.
        ProcessingFailedError
            If more failed than `max_failures`.
        """
        from asdf_pipeline.engine import ProcessTask, run
        from asdf_pipeline.plan.units import EVERYTHING

        self.open_file.refuse_closed()
        if isinstance(other, Readable):
            other.open_file.refuse_closed()
            other.flush()
            other = other.filename
        other = Path(other)
        # Workers are forked: no HDF5 handle of ours may be open then.
        self.flush()
        with TemporaryDirectory() as folder:
            table = None if table_filename is None else Path(table_filename)
            if table is None and output_filename is None:
                table = Path(folder) / "table.csv"
            return run(
                ProcessTask(
                    input=self.filename,
                    output=None if output_filename is None else Path(output_filename),
                    function=function,
                    tag=tag,
                    parameters=parameters,
                    backend=self._backend(backend),
                    workers=cpu_count,
                    io=io,
                    max_failures=max_failures,
                    traceback_limit=traceback_limit,
                    work_dir=None if work_dir is None else Path(work_dir),
                    progress=progress,
                    selection=selection or EVERYTHING,
                    encoding=self._encoding,
                    no_events=no_events,
                    copy_auxiliary=copy_auxiliary,
                    other=other,
                    table=table,
                )
            )

    def process_two_files_without_parallel_output(
        self,
        other_ds: Readable,
        process_function: Callable[[Station, Station], Any],
        traceback_limit: int = 3,
        cpu_count: int = -1,
        *,
        backend: str = "auto",
        progress: str = "auto",
    ) -> dict[str, Any]:
        """Apply a function to every station in common; return what it returned.

        Parameters
        ----------
        other_ds : ASDFDataSet
            The other data set.
        process_function : callable
            ``function(station, other_station)`` gets the two as ``ds.waveforms`` has
            them; what it returns must be picklable.
        traceback_limit, cpu_count, backend, progress
            As for `ASDFDataSet.process`.

        Returns
        -------
        dict of str to object
            By station, ``"NET.STA"``, without those for which the function raised an
            exception. Empty on MPI ranks other than 0.
        """
        function = functools.partial(
            _call_with_stations,
            process_function=process_function,
            limits=(self.open_file.limit_in_mb, other_ds.open_file.limit_in_mb),
        )
        report = self.process_two_files(
            other_ds,
            function,
            traceback_limit=traceback_limit,
            cpu_count=cpu_count,
            backend=backend,
            progress=progress,
        )
        return {
            outcome.station: pickle.loads(base64.b85decode(outcome.row[_PICKLED]))
            for outcome in report.outcomes
            if outcome.row is not None
        }

    def _backend(self, backend: str) -> str:
        """Return the backend that the data set's option `mpi` makes of "auto"."""
        if backend == "auto" and self._mpi is not None:
            return "mpi" if self._mpi else "multiprocessing"
        return backend


def _call_with_stations(
    a: StationData,
    b: StationData,
    process_function: Callable[[Station, Station], Any],
    limits: tuple[float, float],
) -> Result:
    """Call a function written for pyasdf's stations; its result becomes a row."""
    stations = (
        Station(_Lent(data.reader, limit), data.station)
        for data, limit in zip((a, b), limits, strict=True)
    )
    result = pickle.dumps(process_function(*stations))
    return Result(row={_PICKLED: base64.b85encode(result).decode()})


class _Lent(OpenFile):
    """A worker's open input as the file behind a station."""

    def __init__(self, reader: Reader, limit_in_mb: float) -> None:
        self.path = reader.path
        self.mode = "r"
        self.limit_in_mb = limit_in_mb
        self.format_version = reader.format_version
        self.closed = False
        self._reader = reader
        self._writer = None
        self._stations = None
        self._names = {}

    def names(self, station: str) -> set[str]:
        """Return what is there of a station, without listing all the others."""
        if station not in self._names:
            self._names[station] = set(self.reader.contents(station))
        return self._names[station]
