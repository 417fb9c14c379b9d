"""Other patterns than a function of each station: pairs of stations, gathers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.dataset import checks
from asdf_pipeline.dataset.comparing import table_path
from asdf_pipeline.plan.pair_selection import MEAN, PREPARE_MEMORY, TILE
from asdf_pipeline.plan.units import GATHERED

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from asdf_pipeline.container.codec import Encoding
    from asdf_pipeline.dataset.open_file import OpenFile
    from asdf_pipeline.engine import RunReport
    from asdf_pipeline.plan.selection import Selection, Windows


class Patterns:
    """What `ASDFDataSet` does that is not station by station."""

    open_file: OpenFile
    _encoding: Encoding
    _mpi: bool | None

    def flush(self) -> None:
        """Close the file until the next access (see `ASDFDataSet.flush`)."""
        raise NotImplementedError

    def _backend(self, backend: str) -> str:
        """Return the backend that the data set's option `mpi` makes of "auto"."""
        if backend == "auto" and self._mpi is not None:
            return "mpi" if self._mpi else "multiprocessing"
        return backend

    def process_pairs(
        self,
        function: Callable[..., Any],
        output_filename: str | os.PathLike[str] | None = None,
        tag: str | None = None,
        traceback_limit: int = 3,
        cpu_count: int = -1,
        *,
        prepare: Callable[..., Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        max_distance: float | None = None,
        min_distance: float | None = None,
        networks: str = "all",
        autocorrelations: bool = False,
        components: str | tuple[str, ...] = "all",
        windows: Windows | None = None,
        stack: str | Callable[..., Any] | None = MEAN,
        tile: int = TILE,
        prepare_memory_in_mb: float = PREPARE_MEMORY,
        table_filename: str | os.PathLike[str] | None = None,
        backend: str = "auto",
        scheduler: Any = None,
        io: str = "auto",
        max_failures: int | str | None = None,
        work_dir: str | os.PathLike[str] | None = None,
        progress: str = "auto",
        selection: Selection | None = None,
        no_events: bool = False,
        copy_auxiliary: bool = False,
    ) -> RunReport:
        """Apply a function to every pair of stations, in parallel, into a new file.

        The two stations are in the order of their names. Pairs are handed out in
        tiles, so that what `prepare` makes of a station serves many of its pairs: of S
        stations it is called about S^2 / (2 T) times, T the stations on a tile's side.

        Parameters
        ----------
        function : callable
            ``function(a, b)``: each a `StationData`, whose ``stream`` has the
            waveforms; with `prepare` what that returned of each. An argument ``pair``
            gets a `Pair`: names, distance, azimuths, window. It returns a `Result`
            with auxiliary data, a row of the table (a mapping, a number or a text), or
            None.
        output_filename : path-like, optional
            The new file for auxiliary data; it must not exist.
        tag : str, optional
            Which waveforms are read; may be left out where there is only one tag.
        traceback_limit, cpu_count, backend, scheduler, io, progress
            As for `ASDFDataSet.process`.
        prepare : callable, optional
            ``prepare(station)``, of a `StationData` (of one window): returns whatever
            `function` is to get in its place, arrays or anything else; None leaves the
            station out (in this window). Default: the attribute ``prepare`` of the
            function, if it has one.
        parameters : mapping, optional
            Keyword arguments: each of the two functions gets those that it takes.
        max_distance, min_distance : float, optional
            Only pairs so near or so far, in km, by the stations' coordinates.
        networks : {"all", "same", "different"}
            Only pairs of one network, or of two.
        autocorrelations : bool
            Whether each station makes a pair with itself, too.
        components : str or tuple of str
            Which channels belong together: ``"all"``, ``"same"``, or two letters each,
            such as ``"ZZ"``. Others are not read, and `Pair.combines` tells.
        windows : Windows, optional
            The function is called for each window in which both have samples.
        stack : {"mean"}, callable or None
            What becomes of the windows of a pair: the mean of each array, made by the
            function's attribute ``stack``, if it has one; what
            ``stack(windows)`` returns, which gets an iterator over the function's
            results; None: all are written, each under a path of its own. How many
            there were stands in the parameter ``number_of_windows``.
        tile : int
            Stations on a side of a tile; the result does not depend on it.
        prepare_memory_in_mb : float
            How much of what was prepared each worker keeps, in MiB; less means that
            more is prepared again.
        table_filename : path-like, optional
            Where the table is written as CSV; it must not exist where it is all that
            is made.
        max_failures : int or str, optional
            How many pairs may fail, a number or a percentage; None: any.
        work_dir : path-like, optional
            Where unfinished work is kept; by default named after output or table.
        selection : Selection, optional
            Which stations, channels and times are read.
        no_events : bool
            Whether events, such as damaged ones, are left alone: the output has none.
        copy_auxiliary : bool
            Whether the file's auxiliary data is copied to the output.

        Returns
        -------
        RunReport
            An outcome for each pair: its ``members``, ``distance_in_km``, ``azimuth``,
            ``back_azimuth``, ``windows`` and status.

        Raises
        ------
        OutputExistsError, TagError, FunctionError
            If the output exists, no station has the tag, or a function cannot be
            called as above; before any work.
        CallError
            If no pair is left to do.
        ProcessingFailedError
            If more failed than `max_failures`.
        """
        from asdf_pipeline.engine import PairTask, run
        from asdf_pipeline.plan.pair_selection import PairSelection
        from asdf_pipeline.plan.selection import EVERYTHING, Selection, Windows

        self.open_file.refuse_closed()
        checks.check_kinds(
            selection=(selection, Selection),
            windows=(windows, Windows),
            cpu_count=(cpu_count, int),
            traceback_limit=(traceback_limit, int),
        )
        pairs = PairSelection(
            max_distance, min_distance, networks, autocorrelations, components, tile
        )
        # Workers are forked: no HDF5 handle of ours may be open then.
        self.flush()
        with table_path(table_filename, output_filename) as table:
            return run(
                PairTask(
                    input=self.open_file.path,
                    output=None if output_filename is None else Path(output_filename),
                    function=function,
                    tag=tag,
                    pairs=pairs,
                    prepare=prepare,
                    prepare_memory_in_mb=prepare_memory_in_mb,
                    stack=stack,
                    windows=windows,
                    parameters=parameters,
                    backend=self._backend(backend),
                    workers=cpu_count,
                    scheduler=scheduler,
                    io=io,
                    max_failures=max_failures,
                    traceback_limit=traceback_limit,
                    work_dir=None if work_dir is None else Path(work_dir),
                    progress=progress,
                    selection=selection or EVERYTHING,
                    encoding=self._encoding,
                    no_events=no_events,
                    copy_auxiliary=copy_auxiliary,
                    table=table,
                )
            )

    def process_gathers(
        self,
        function: Callable[..., Any],
        output_filename: str | os.PathLike[str] | None = None,
        tag: str | None = None,
        output_tag: str = GATHERED,
        traceback_limit: int = 3,
        cpu_count: int = -1,
        *,
        parameters: Mapping[str, Any] | None = None,
        windows: Windows | None = None,
        table_filename: str | os.PathLike[str] | None = None,
        backend: str = "auto",
        scheduler: Any = None,
        io: str = "auto",
        max_failures: int | str | None = None,
        work_dir: str | os.PathLike[str] | None = None,
        progress: str = "auto",
        selection: Selection | None = None,
        no_events: bool = False,
        copy_auxiliary: bool = False,
    ) -> RunReport:
        """Apply a function to all stations of each event, in parallel, into a new file.

        Parameters
        ----------
        function : callable
            ``function(gather)``, a `Gather`: ``event``, ``stations``, and
            ``gather["NET.STA"]``, a `StationData` that is read when it is touched. It
            returns a Stream with traces of any of these stations, a `Result`, a row of
            the table (a mapping, a number or a text), or None.
        output_filename : path-like, optional
            The new file for waveforms and auxiliary data; it must not exist.
        tag : str, optional
            Which waveforms belong to gathers; None for those of all tags.
        output_tag : str
            Tag of the waveforms written.
        traceback_limit, cpu_count, parameters, backend, scheduler, io, progress
            As for `ASDFDataSet.process`.
        windows : Windows, optional
            There is a gather for each window in which stations have samples. None: for
            each event, of the traces that belong to it by their ``event_ids``; others
            are left out.
        table_filename : path-like, optional
            Where the table is written as CSV; it must not exist where it is all that
            is made.
        max_failures : int or str, optional
            How many gathers may fail, a number or a percentage; None: any.
        work_dir : path-like, optional
            Where unfinished work is kept; by default named after output or table.
        selection : Selection, optional
            Which stations, channels and times are read.
        no_events : bool
            Whether events, such as damaged ones, are left alone: the output has none.
        copy_auxiliary : bool
            Whether the file's auxiliary data is copied to the output.

        Returns
        -------
        RunReport
            An outcome for each gather: its ``event`` or ``window``, the stations that
            were touched (``gathered``) and those that were written (``written``). Its
            ``table`` has the rows.

        Raises
        ------
        OutputExistsError, TagError, FunctionError
            If the output exists, no station has the tag, or the function cannot be
            called as above; before any work.
        CallError
            If no trace belongs to an event, or the selection leaves no gather.
        ProcessingFailedError
            If more failed than `max_failures`.
        """
        from asdf_pipeline.engine import GatherTask, run
        from asdf_pipeline.plan.selection import EVERYTHING, Selection, Windows

        self.open_file.refuse_closed()
        checks.check_kinds(
            selection=(selection, Selection),
            windows=(windows, Windows),
            cpu_count=(cpu_count, int),
            traceback_limit=(traceback_limit, int),
        )
        # Workers are forked: no HDF5 handle of ours may be open then.
        self.flush()
        with table_path(table_filename, output_filename) as table:
            return run(
                GatherTask(
                    input=self.open_file.path,
                    output=None if output_filename is None else Path(output_filename),
                    function=function,
                    tag=tag,
                    output_tag=output_tag,
                    windows=windows,
                    parameters=parameters,
                    backend=self._backend(backend),
                    workers=cpu_count,
                    scheduler=scheduler,
                    io=io,
                    max_failures=max_failures,
                    traceback_limit=traceback_limit,
                    work_dir=None if work_dir is None else Path(work_dir),
                    progress=progress,
                    selection=selection or EVERYTHING,
                    encoding=self._encoding,
                    no_events=no_events,
                    copy_auxiliary=copy_auxiliary,
                    table=table,
                )
            )
