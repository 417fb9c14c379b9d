"""`ASDFDataSet`: an ASDF file behind the names that users of pyasdf know."""

from __future__ import annotations

import warnings
import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from asdf_pipeline.container.names import check_tag
from asdf_pipeline.dataset import adding, coerce, options, pyasdf
from asdf_pipeline.dataset.comparing import Comparable
from asdf_pipeline.dataset.open_file import OpenFile
from asdf_pipeline.errors import ASDFWarning, NotOfferedError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from obspy import Catalog

    from asdf_pipeline.engine import RunReport
    from asdf_pipeline.plan.selection import Selection, Windows


class ASDFDataSet(Comparable):
    """An ASDF file: read it, add to it, process it.

    An existing file is opened for writing only when something is added; until then
    nothing about it changes, whatever the mode.

    Parameters
    ----------
    filename : path-like
        The file.
    compression : str or None
        One of pyasdf's choices. None: what is added is not compressed. All others
        mean this package's own: shuffled, deflated fast, checksummed.
    shuffle : bool
        Accepted for pyasdf's sake; it follows `compression`.
    debug : bool
        Accepted for pyasdf's sake.
    mpi : bool or None
        Whether `process` runs under MPI; None: where a launcher started more than
        one rank. False on one rank of several lets that rank add to the file.
    mode : {"r", "r+", "a", "w", "x"}
        As for `h5py.File`: read; read and add; the same, or create; create in place
        of what is there; create what is not there.
    single_item_read_limit_in_mb : float
        How much one access such as ``ds.waveforms.NET_STA.tag`` may read, in MiB;
        measured in files larger than it.
    format_version : str or None
        ASDF version of a new file, ``"1.0.0"`` to ``"1.0.3"``; None for the newest.

    Attributes
    ----------
    waveforms : Stations
        The stations.
    auxiliary_data : AuxiliaryData
        Auxiliary data, to read.
    provenance : Provenance
        Provenance documents, to read.

    Raises
    ------
    CallError
        If `compression`, `mode` or `format_version` is unknown.
    InputMissingError
        If the file does not exist, with mode "r" or "r+".
    NotASDFError
        If it is not HDF5, or no ASDF file.
    OutputExistsError
        If it exists, with mode "x".
    """

    def __init__(
        self,
        filename: str | os.PathLike[str],
        compression: str | None = "gzip-3",
        shuffle: bool = True,
        debug: bool = False,
        mpi: bool | None = None,
        mode: str = "a",
        single_item_read_limit_in_mb: float = 4096.0,
        format_version: str | None = None,
    ) -> None:
        path = Path(filename).absolute()
        self._encoding = options.choose_encoding(path, compression)
        options.check_format_version(path, format_version)
        self.debug = debug
        self._mpi = mpi
        super().__init__(
            OpenFile(
                path,
                mode,
                format_version,
                single_item_read_limit_in_mb,
                partial(options.refuse_several_ranks, path, mpi),
            )
        )
        # No __del__: it would run too late for HDF5 when Python ends. Nothing that
        # `open_file` holds may lead back here, or the data set lives for ever.
        weakref.finalize(self, self.open_file.release)
        vain = options.without_effect(
            compression, shuffle, debug, format_version, self.asdf_format_version
        )
        if vain:
            msg = f"{path}: without effect here: {vain}"
            warnings.warn(msg, ASDFWarning, stacklevel=2)

    def __enter__(self) -> Self:
        """Return the data set; leaving the context closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Literal[False]:
        """Close the file."""
        self.close()
        return False

    def __delattr__(self, name: str) -> None:
        """Raise NotOfferedError: nothing is deleted from a file."""
        if name == "events":
            entry = pyasdf.DATA_SET["del ds.events"]
            raise NotOfferedError(entry.note)
        object.__delattr__(self, name)

    @property
    def mpi(self) -> options.MPI | Literal[False]:
        """Communicator, rank, size and module under MPI; False without."""
        return options.describe_mpi(self._mpi)

    # Events.

    @property
    def events(self) -> Catalog:
        """The events; a Catalog of its own each time.

        Raises
        ------
        InputError
            If the file's QuakeML is damaged.
        """
        return self.open_file.reader.events()

    @events.setter
    def events(self, event: Any) -> None:
        """Replace the events by an Event or a Catalog."""
        from obspy import Catalog
        from obspy.core.event import Event

        if not isinstance(event, (Catalog, Event)):
            msg = f"events: expected an ObsPy Catalog or Event, not {type(event)}"
            raise TypeError(msg)
        adding.replace_events(self.open_file, coerce.as_catalog(event))

    def add_quakeml(self, event: Any) -> None:
        """Add events to those in the file.

        Parameters
        ----------
        event : path-like, obspy.Catalog or obspy.core.event.Event
            The events, or a QuakeML file of them.

        Raises
        ------
        CallError
            If one of them is there already; then none is added.
        InputError
            If the file cannot be read.
        """
        adding.add_events(self.open_file, coerce.as_catalog(event))

    # Waveforms.

    def add_waveforms(
        self,
        waveform: Any,
        tag: str,
        event_id: Any = None,
        origin_id: Any = None,
        magnitude_id: Any = None,
        focal_mechanism_id: Any = None,
        provenance_id: str | None = None,
        labels: Any = None,
    ) -> None:
        """Add traces: all of them, or none where one cannot be added.

        Parameters
        ----------
        waveform : obspy.Stream, obspy.Trace, or what `obspy.read` takes
            The traces. Masked ones are split, empty ones left out.
        tag : str
            Letters a-z, digits and single underscores.
        event_id, origin_id, magnitude_id, focal_mechanism_id : optional
            What the traces belong to: ObsPy's object, a ResourceIdentifier, a string
            or several of them. None: what the trace itself says
            (``trace.stats.asdf``).
        provenance_id : str, optional
            Qualified name of a provenance record: ``"{namespace_uri}id"``.
        labels : list of str, optional
            Free labels without commas.

        Warns
        -----
        ASDFWarning
            If a trace is there already with the same samples; it is left out.

        Raises
        ------
        TagError, CallError
            If the tag, an id or a label is not valid.
        InputError
            If a file cannot be read.
        TraceError
            If a trace has a type of samples or a code that an ASDF file cannot hold,
            or is there already with other samples.
        """
        tag = check_tag(tag.strip())
        annotations = {
            "event_ids": coerce.resource_ids(event_id, "event_id"),
            "origin_ids": coerce.resource_ids(origin_id, "origin_id"),
            "magnitude_ids": coerce.resource_ids(magnitude_id, "magnitude_id"),
            "focal_mechanism_ids": coerce.resource_ids(
                focal_mechanism_id, "focal_mechanism_id"
            ),
            "provenance_id": coerce.checked_provenance_id(provenance_id),
            "labels": coerce.checked_labels(labels) or None,
        }
        stream = coerce.without_repeats(coerce.as_stream(waveform))
        traces = coerce.annotated(stream, annotations)
        adding.add_traces(self.open_file, traces, tag, self._encoding)

    def add_stationxml(self, stationxml: Any) -> None:
        """Add station metadata: split by station, merged with what is there.

        Parameters
        ----------
        stationxml : path-like or obspy.Inventory
            The metadata, or a StationXML file of it.

        Raises
        ------
        InputError
            If the file cannot be read, or a station cannot be written.
        """
        adding.add_stationxml(self.open_file, coerce.as_stationxml(stationxml))

    def add_auxiliary_data(
        self,
        data: Any,
        data_type: str,
        path: str,
        parameters: Mapping[str, Any],
        provenance_id: str | None = None,
    ) -> None:
        """Add an array that is neither waveforms nor metadata.

        Parameters
        ----------
        data : numpy.ndarray
            Numbers, booleans or fixed-length bytes, of any shape but ().
        data_type : str
            What kind of data it is: the first part of its path.
        path : str
            The rest of its path; with slashes for groups within groups.
        parameters : mapping
            What else is to be said of it: numbers, texts, arrays of these.
        provenance_id : str, optional
            Qualified name of a provenance record: ``"{namespace_uri}id"``.

        Raises
        ------
        AuxiliaryError
            If the path is not valid or taken, or the array or a parameter is of a
            type that cannot be written.
        """
        record = coerce.checked_provenance_id(provenance_id) or ""
        where = f"{data_type}/{path.strip('/')}"
        adding.add_array(
            self.open_file, where, (data, parameters), self._encoding, record
        )

    # Processing.

    def process(
        self,
        process_function: Callable[..., Any],
        output_filename: str | os.PathLike[str],
        tag_map: Mapping[str, str],
        traceback_limit: int = 3,
        cpu_count: int = -1,
        *,
        parameters: Mapping[str, Any] | None = None,
        backend: str = "auto",
        io: str = "auto",
        max_failures: int | str | None = None,
        work_dir: str | os.PathLike[str] | None = None,
        progress: str = "auto",
        selection: Selection | None = None,
        windows: Windows | None = None,
        no_events: bool = False,
        copy_auxiliary: bool = False,
    ) -> RunReport:
        """Apply a function to every station and tag, in parallel, into a new file.

        What failed is named on the way and in the report. Killed, the same call goes
        on from its work directory.

        Parameters
        ----------
        process_function : callable
            ``function(stream, inventory)``: returns a Stream, a Trace or a `Result`
            to write, or None. The inventory is None where there is no StationXML.
        output_filename : path-like
            The new file; it must not exist.
        tag_map : mapping of str to str
            Input tag to output tag; traces with other tags are not read.
        traceback_limit : int
            Levels of traceback shown of an error in the function.
        cpu_count : int
            Workers, except under MPI; -1 for one a core that this process may use.
        parameters : mapping, optional
            Keyword arguments for the function.
        backend : {"auto", "serial", "multiprocessing", "mpi"}
            Who does the work; auto: MPI where a launcher started more than one rank.
        io : {"auto", "parallel", "segments"}
            How MPI ranks write: into one file by parallel HDF5, or each its own.
        max_failures : int or str, optional
            How many stations may fail, a number or a percentage; None: any.
        work_dir : path-like, optional
            Where unfinished work is kept, ``<output>.work`` by default.
        progress : {"auto", "bar", "lines", "none"}
            What is shown meanwhile.
        selection, windows : Selection, Windows, optional
            What of the file is to be done, how long traces are cut and joined again;
            see `asdf_pipeline.plan.selection`.
        no_events : bool
            Whether events, such as damaged ones, are left alone: the output has none,
            and the function gets none.
        copy_auxiliary : bool
            Whether the file's auxiliary data is copied to the output.

        Returns
        -------
        RunReport
            Counts, outcomes, failures.

        Raises
        ------
        OutputExistsError, TagError, FunctionError
            If the output exists, the tag map is malformed, no tag in the file matches,
            or the function cannot be called as above; before any work.
        ProcessingFailedError
            If more failed than `max_failures`.
        """
        from asdf_pipeline.engine import ProcessTask, run
        from asdf_pipeline.plan.selection import Selection

        self.open_file.refuse_closed()
        task = ProcessTask(
            input=self.filename,
            output=Path(output_filename),
            function=process_function,
            tag_map=tag_map,
            parameters=parameters,
            backend=self._backend(backend),
            workers=cpu_count,
            io=io,
            max_failures=max_failures,
            traceback_limit=traceback_limit,
            work_dir=None if work_dir is None else Path(work_dir),
            progress=progress,
            selection=selection or Selection(),
            windows=windows,
            encoding=self._encoding,
            no_events=no_events,
            copy_auxiliary=copy_auxiliary,
        )
        # Workers are forked: no HDF5 handle of ours may be open then. The next
        # access opens the file again, also after an error.
        self.flush()
        return run(task)
