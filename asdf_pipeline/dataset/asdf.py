"""`ASDFDataSet`: an ASDF file behind the names that users of pyasdf know."""

from __future__ import annotations

import os
import uuid
import warnings
import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.names import STATIONXML, check_tag, tag_of
from asdf_pipeline.dataset import adding, checks, coerce, comparing, display, options
from asdf_pipeline.dataset.auxiliary import AuxiliaryData
from asdf_pipeline.dataset.exporting import Exports
from asdf_pipeline.dataset.open_file import OpenFile
from asdf_pipeline.dataset.provenance import Provenance
from asdf_pipeline.dataset.query import Condition, Query, QueryFilter
from asdf_pipeline.dataset.stations import Stations, select
from asdf_pipeline.errors import ASDFAttributeError, ASDFWarning, InputError
from asdf_pipeline.metadata.events import count_events
from asdf_pipeline.text import callers_level, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from obspy import Catalog, Inventory, Stream, UTCDateTime

    from asdf_pipeline.dataset.station import Station
    from asdf_pipeline.engine import RunReport
    from asdf_pipeline.plan.selection import Selection, Windows

# Each time, not once a line of code; whoever has another filter for it keeps that.
warnings.simplefilter("always", ASDFWarning, append=True)


class ASDFDataSet(Exports):
    """An ASDF file: read it, add to it, process it.

    An existing file is opened for writing only when something is changed; until then
    nothing about it changes, whatever the mode. A process that is killed leaves the
    file as it was after one of the last calls, at most a second before; `flush` and
    `close` make it complete. A data set can be pickled, as joblib and dask do: it
    travels as path and mode.

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
        As for `h5py.File`: read; read and change; the same, or create; create in
        place of what is there; create what is not there.
    single_item_read_limit_in_mb : float
        How much one access such as ``ds.waveforms.NET_STA.tag`` may read, in MiB;
        measured in files larger than it.
    format_version : str or None
        ASDF version, ``"1.0.0"`` to ``"1.0.3"``, of a new file; of one that is there,
        the version that what is added follows. None for the newest, or the file's.

    Attributes
    ----------
    waveforms : Stations
        The stations.
    auxiliary_data : AuxiliaryData
        The auxiliary data.
    provenance : Provenance
        The provenance documents.
    q : Query
        What `ifilter` can ask about.

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

    Examples
    --------
    >>> import obspy
    >>> from asdf_pipeline import ASDFDataSet
    >>> with ASDFDataSet("example.h5") as ds:
    ...     ds.add_waveforms(obspy.read(), tag="raw_recording")
    ...     ds.add_stationxml(obspy.read_inventory())
    ...     print(ds.waveforms.list())
    ['BW.RJOB', 'GR.FUR', 'GR.WET']

    >>> with ASDFDataSet("example.h5", mode="r") as ds:
    ...     st = ds.waveforms.BW_RJOB.raw_recording
    ...     for station in ds.ifilter(ds.q.latitude > 47):
    ...         tags = station.get_waveform_tags()
    ...         print(tags, station.coordinates["elevation_in_m"])
    ['raw_recording'] 860.0
    >>> len(st)
    3
    """

    q = Query()

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
        self._arguments = (compression, shuffle, debug, mpi)
        self.debug = debug
        self._mpi = mpi
        self.open_file = OpenFile(
            path,
            mode,
            format_version,
            single_item_read_limit_in_mb,
            partial(options.refuse_several_ranks, path, mpi),
        )
        self.waveforms = Stations(self.open_file)
        self.auxiliary_data = AuxiliaryData(self.open_file, self._encoding)
        self.provenance = Provenance(self.open_file)
        # No __del__: it would run too late for HDF5 when Python ends. Nothing that
        # `open_file` holds may lead back here, or the data set lives for ever.
        weakref.finalize(self, self.open_file.release)
        for text in options.warnings_about(
            path, compression, shuffle, debug, format_version, self.open_file
        ):
            warnings.warn(text, ASDFWarning, stacklevel=callers_level())

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as path and mode; the file is opened anew there."""
        file = self.open_file
        _, arguments = file.__reduce__()
        _, mode, *_ = arguments
        forced = file.format_version != file.version_in_file
        version = file.format_version if forced else None
        limit = self.single_item_read_limit_in_mb
        return type(self), (self.filename, *self._arguments, mode, limit, version)

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
        """Delete the events; nothing else of a data set is an attribute to delete.

        Raises
        ------
        AttributeError
            If it is another attribute.
        StationMissingError
            If there are no events.
        """
        if name != "events":
            getattr(self, name)
            msg = f"Attribute {name!r} cannot be deleted."
            raise ASDFAttributeError(msg)
        self.open_file.delete(("QuakeML",))

    @property
    def mpi(self) -> options.MPI | Literal[False]:
        """Communicator, rank, size and module under MPI; False without."""
        return options.describe_mpi(self._mpi)

    def close(self) -> None:
        """Close the file; what was added is complete on disk then."""
        self.open_file.close()

    def flush(self) -> None:
        """Complete the file on disk; the next use opens it again."""
        self.open_file.flush()

    def __getattr__(self, name: str) -> Any:
        """Raise AttributeError, but for ``__del__``, by which scripts close a data set.

        Python itself looks for that in the class, and finds none.
        """
        if name == "__del__":
            return self.close
        msg = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise ASDFAttributeError(msg)

    def __eq__(self, other: object) -> bool:
        """Return whether both files have the same content (by its digest)."""
        if not isinstance(other, ASDFDataSet):
            return NotImplemented
        self.flush()
        other.flush()
        return file_digest(self.filename) == file_digest(other.filename)

    __hash__ = None  # type: ignore[assignment]

    # What the file is.

    @property
    def filename(self) -> str:
        """The file's absolute path."""
        return str(self.open_file.path)

    @property
    def filesize(self) -> int:
        """The file's size in bytes."""
        return self.open_file.path.stat().st_size

    @property
    def pretty_filesize(self) -> str:
        """The file's size as people read it, such as ``"1.4 MB"``."""
        return size_text(self.filesize)

    @property
    def asdf_format_version(self) -> str:
        """The ASDF version that what is added follows."""
        return self.open_file.format_version

    @property
    def asdf_format_version_in_file(self) -> str:
        """The ASDF version that the file claims."""
        return self.open_file.version_in_file

    @property
    def single_item_read_limit_in_mb(self) -> float:
        """How much one access may read, in MiB."""
        return self.open_file.limit_in_mb

    @single_item_read_limit_in_mb.setter
    def single_item_read_limit_in_mb(self, limit: float) -> None:
        self.open_file.limit_in_mb = limit

    @property
    def waveform_tags(self) -> set[str]:
        """All tags in the file."""
        return {
            tag_of(name)
            for station in self.open_file.stations
            for name in self.open_file.names(station)
            if name != STATIONXML
        }

    def get_data_for_tag(
        self, station_name: str, tag: str
    ) -> tuple[Stream, Inventory | None]:
        """Return a station's traces with a tag, and its StationXML or None."""
        station = self.waveforms[station_name]
        has_xml = STATIONXML in station.list()
        return station[tag], station[STATIONXML] if has_xml else None

    def get_waveforms(
        self,
        network: str,
        station: str,
        location: str,
        channel: str,
        starttime: UTCDateTime,
        endtime: UTCDateTime,
        tag: str,
        automerge: bool = True,
        *,
        nearest_sample: bool | None = None,
    ) -> Stream:
        """Return traces between two times; only these samples are read.

        A time that misses a sample by no more than half a microsecond, as floats of
        seconds do, means that sample.

        Parameters
        ----------
        network, station, location, channel, tag : str
            Codes and tag, wildcards and lists with commas allowed.
        starttime, endtime : obspy.UTCDateTime
            First and last time.
        automerge : bool
            Join traces of which one goes on exactly where the other ends.
        nearest_sample : bool, optional
            Which sample stands for a time between two: True, the nearest; False, the
            inner one; both as in `obspy.Trace.slice`. By default, as in pyasdf, the
            outer one: the last before the start, the first after the end.
        """
        from obspy import Stream

        q = self.q
        stream = Stream()
        for one in self.ifilter(
            q.network == network,
            q.station == station,
            q.location == location,
            q.channel == channel,
            q.tag == tag,
            q.starttime <= endtime + 1e-6,  # UTCDateTime compares microseconds
            q.endtime >= starttime - 1e-6,
        ):
            for its_tag in one.get_waveform_tags():
                stream += one.get_item(
                    its_tag, starttime, endtime, nearest_sample=nearest_sample
                )
        if automerge:
            stream.merge(method=-1)
        return stream

    def ifilter(self, *conditions: Condition) -> Iterator[Station]:
        """Yield the stations, and of each the traces, that meet all conditions.

        Parameters
        ----------
        *conditions : Condition
            Comparisons of ``ASDFDataSet.q``: ``ds.q.network == "B?"``; see
            `asdf_pipeline.dataset.query`.
        """
        return select(self.open_file, QueryFilter(conditions))

    def get_all_coordinates(self) -> dict[str, dict[str, float]]:
        """Return the coordinates of all stations that have a StationXML.

        A station that moved is where it was in the times of its waveforms. One whose
        StationXML is damaged, or does not say, is left out with an ASDFWarning.
        """
        found = {}
        for station in self.waveforms:
            if STATIONXML not in station:
                continue
            try:
                found[station._station_name] = station.coordinates
            except InputError as error:
                text = f"{error}: left out"
                warnings.warn(text, ASDFWarning, stacklevel=callers_level())
        return found

    def get_provenance_document(self, document_name: str) -> Any:
        """Return a provenance document (`prov.model.ProvDocument`)."""
        return self.provenance[document_name]

    def validate(self) -> None:
        """Print which stations lack a StationXML, and which lack waveforms."""
        good = bare = silent = 0
        for station in self.waveforms:
            has_waveforms = bool(station.get_waveform_tags())
            has_metadata = STATIONXML in station
            good += has_waveforms and has_metadata
            if not has_metadata:
                bare += 1
                print(
                    "No station information available for station "
                    f"'{station._station_name}'"
                )
            elif not has_waveforms:
                silent += 1
                print(f"Station with no waveforms: '{station._station_name}'")
        print(
            f"\nChecked {len(self.waveforms)} station(s):\n"
            f"\t{bare} station(s) have no available station information\n"
            f"\t{silent} station(s) with no waveforms\n"
            f"\t{good} good station(s)"
        )

    # How it shows itself.

    def __str__(self) -> str:
        """Return a summary."""
        if self.open_file.closed:
            return f"ASDF file '{self.filename}' (closed)"
        events, kinds = self._count_events(), self.auxiliary_data.list()
        lines = [
            f"ASDF file [format version: {self.asdf_format_version_in_file}]: "
            f"'{os.path.relpath(self.filename)}' ({self.pretty_filesize})",
            f"Contains {events} event(s)",
            f"Contains waveform data from {len(self.waveforms)} station(s).",
        ]
        if kinds:
            lines.append(
                f"Contains {len(kinds)} type(s) of auxiliary data: {', '.join(kinds)}"
            )
        if documents := self.provenance.list():
            lines.append(
                f"Contains {len(documents)} provenance document(s): "
                f"{', '.join(documents)}"
            )
        return "\n\t".join(lines)

    __repr__ = __str__

    def _count_events(self) -> int:
        return count_events(self.open_file.reader.quakeml())

    def _repr_html_(self) -> str:
        """Return a summary for notebooks, with the first stations."""
        facts = [
            ("Format version", self.asdf_format_version_in_file),
            ("Size", self.pretty_filesize),
            ("Events", str(self._count_events())),
            ("Stations", str(len(self.waveforms))),
        ]
        if kinds := self.auxiliary_data.list():
            facts.append(("Auxiliary data", ", ".join(kinds)))
        if documents := self.provenance.list():
            facts.append(("Provenance documents", ", ".join(documents)))
        names = self.waveforms.list()
        stations = (self.waveforms[name] for name in names[: display.SHOWN])
        rows = [
            (one._station_name, one.get_waveform_tags(), STATIONXML in one)
            for one in stations
        ]
        return display.data_set_html(
            self.filename, facts, rows, more=len(names) - len(rows)
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print a summary in IPython."""
        printer.text(str(self))

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

    def add_quakeml(self, event: Any, *, replace: bool = False) -> None:
        """Add events to those in the file.

        Parameters
        ----------
        event : path-like, obspy.Catalog or obspy.core.event.Event
            The events, or a QuakeML file of them.
        replace : bool
            Whether an event that is there with the same resource id is replaced.

        Raises
        ------
        CallError
            If one of them is there already, without `replace`; then none is added.
        InputError
            If the file cannot be read.
        """
        adding.add_events(self.open_file, coerce.as_catalog(event), replacing=replace)

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
        *,
        replace: bool = False,
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
        replace : bool
            Whether a trace that is there with the same channel, times and tag is
            replaced.

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
            or is there already with other samples, without `replace`.
        """
        tag = check_tag(tag.strip())
        annotations = {
            "event_ids": checks.resource_ids(event_id, "event_id"),
            "origin_ids": checks.resource_ids(origin_id, "origin_id"),
            "magnitude_ids": checks.resource_ids(magnitude_id, "magnitude_id"),
            "focal_mechanism_ids": checks.resource_ids(
                focal_mechanism_id, "focal_mechanism_id"
            ),
            "provenance_id": checks.checked_provenance_id(provenance_id),
            "labels": checks.checked_labels(labels) or None,
        }
        stream = coerce.without_repeats(coerce.as_stream(waveform))
        traces = coerce.annotated(stream, annotations)
        adding.add_traces(
            self.open_file, traces, tag, self._encoding, replacing=replace
        )

    def append_waveforms(self, waveform: Any, tag: str) -> None:
        """Add traces behind those that they go on, which become longer.

        A trace goes on another of its channel, tag, sampling rate and type of samples
        if it starts one sample after that one's end, within half a microsecond. The
        ids and labels of the longer trace stay. Any other becomes a trace of its own,
        ready to grow. Many small pieces are cheap: what is appended is written
        together, at most a second later, when something is read, and by `flush`.

        Parameters
        ----------
        waveform : obspy.Stream, obspy.Trace, or what `obspy.read` takes
            The traces, appended in the order of their start times. Masked ones are
            split, empty ones left out.
        tag : str
            Letters a-z, digits and single underscores.

        Raises
        ------
        TagError
            If the tag is not valid.
        InputError
            If a file cannot be read.
        TraceError
            If a trace has a type of samples or a code that an ASDF file cannot hold.
        """
        tag = check_tag(tag.strip())
        stream = sorted(
            coerce.as_stream(waveform), key=lambda trace: trace.stats.starttime.ns
        )
        adding.append_traces(self.open_file, stream, tag, self._encoding)

    def add_stationxml(self, stationxml: Any, *, replace: bool = False) -> None:
        """Add station metadata: split by station, merged with what is there.

        Parameters
        ----------
        stationxml : path-like or obspy.Inventory
            The metadata, or a StationXML file of it.
        replace : bool
            Whether it stands in place of what is there of its stations.

        Raises
        ------
        InputError
            If the file cannot be read, or a station cannot be written.
        """
        adding.add_stationxml(
            self.open_file, coerce.as_stationxml(stationxml), replacing=replace
        )

    def add_auxiliary_data(
        self,
        data: Any,
        data_type: str,
        path: str,
        parameters: Mapping[str, Any],
        provenance_id: str | None = None,
        *,
        replace: bool = False,
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
        replace : bool
            Whether an array of that path that is there is replaced.

        Warns
        -----
        ASDFWarning
            If the same array with the same parameters is there already; it is not
            added again.

        Raises
        ------
        AuxiliaryError
            If the path is not valid, or taken without `replace`, or the array or a
            parameter is of a type that cannot be written.
        """
        record = checks.checked_provenance_id(provenance_id) or ""
        where = checks.checked_auxiliary_path(data_type, path, self.asdf_format_version)
        adding.add_array(
            self.open_file,
            where,
            (data, parameters),
            self._encoding,
            record,
            replacing=replace,
        )

    def add_auxiliary_data_file(
        self,
        filename_or_object: Any,
        path: str,
        parameters: Mapping[str, Any] | None = None,
        provenance_id: str | None = None,
        *,
        replace: bool = False,
    ) -> None:
        """Add a file, of any kind, as auxiliary data of type Files.

        ``ds.auxiliary_data.Files[path].file`` gives its bytes back.

        Parameters
        ----------
        filename_or_object : path-like or file object
            The file, or one that is open to be read as bytes.
        path, parameters, provenance_id, replace
            As for `add_auxiliary_data`.

        Raises
        ------
        InputMissingError
            If there is no such file.
        AuxiliaryError
            As of `add_auxiliary_data`.
        """
        content = np.frombuffer(coerce.as_bytes(filename_or_object), np.int8)
        self.add_auxiliary_data(
            content, "Files", path, parameters or {}, provenance_id, replace=replace
        )

    # Provenance.

    def add_provenance_document(self, document: Any, name: str | None = None) -> None:
        """Add a provenance document, or replace the one of its name.

        Parameters
        ----------
        document : prov.model.ProvDocument, path-like or file object
            A file may be of any format that the package prov reads.
        name : str, optional
            Its name in the file; by default one that no other has.

        Raises
        ------
        CallError
            If the name is not valid in the file's ASDF version.
        InputError
            If a file cannot be read.
        """
        self.provenance[name or str(uuid.uuid4()).replace("-", "_")] = document

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
        scheduler: Any = None,
        io: str = "auto",
        max_failures: int | str | None = None,
        work_dir: str | os.PathLike[str] | None = None,
        progress: str = "auto",
        selection: Selection | None = None,
        windows: Windows | None = None,
        by: str | None = None,
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
            Innermost levels of traceback shown of an error in the function, beside
            those of the user's own files; outcomes keep all.
        cpu_count : int
            Workers, except under MPI and of a Dask cluster that is there; -1 for one
            a core that this process may use.
        parameters : mapping, optional
            Keyword arguments for the function.
        backend : {"auto", "serial", "multiprocessing", "mpi", "dask"}
            Who does the work; auto: Dask where a scheduler is given, MPI where a
            launcher started more than one rank.
        scheduler : str, path-like, distributed.Client or cluster, optional
            Which Dask cluster: its scheduler's address or file, a client, the cluster
            itself. None: that of the client that this process has, or of Dask's
            configuration, else workers on this machine.
        io : {"auto", "parallel", "segments"}
            How MPI ranks write: into one file by parallel HDF5, or each its own.
        max_failures : int or str, optional
            How many stations may fail, a number or a percentage, for the output to be
            published; None, the default: any number (the command's default is 0).
        work_dir : path-like, optional
            Where unfinished work is kept, ``<output>.work`` by default.
        progress : {"auto", "bar", "lines", "none"}
            What is shown meanwhile.
        selection, windows : Selection, Windows, optional
            What of the file is to be done, how long traces are cut and joined again;
            see `asdf_pipeline.Selection` and `asdf_pipeline.Windows`.
        by : {"station", "event", "channel"}, optional
            What the function is called with: all traces of a station and tag, those of
            each event in turn (others are left out), or those of each channel, so that
            few stations keep many cores busy. Default: stations, but events where the
            function has an argument ``event``.
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
        from asdf_pipeline.plan.selection import Selection, Windows

        self.open_file.refuse_closed()
        checks.check_kinds(
            selection=(selection, Selection),
            windows=(windows, Windows),
            cpu_count=(cpu_count, int),
            traceback_limit=(traceback_limit, int),
        )
        task = ProcessTask(
            input=self.filename,
            output=Path(output_filename),
            function=process_function,
            tag_map=tag_map,
            parameters=parameters,
            backend=self._backend(backend),
            workers=cpu_count,
            scheduler=scheduler,
            io=io,
            max_failures=max_failures,
            traceback_limit=traceback_limit,
            work_dir=None if work_dir is None else Path(work_dir),
            progress=progress,
            selection=selection or Selection(),
            windows=windows,
            by=by,
            encoding=self._encoding,
            no_events=no_events,
            copy_auxiliary=copy_auxiliary,
        )
        # Workers are forked: no HDF5 handle of ours may be open then. The next
        # access opens the file again, also after an error.
        self.flush()
        return run(task)

    def process_two_files(
        self,
        other: ASDFDataSet | str | os.PathLike[str],
        function: Callable[..., Any],
        output_filename: str | os.PathLike[str] | None = None,
        tag: str = "compared",
        traceback_limit: int = 3,
        cpu_count: int = -1,
        *,
        table_filename: str | os.PathLike[str] | None = None,
        parameters: Mapping[str, Any] | None = None,
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
        """Apply a function to every station that two data sets have in common.

        Killed, the same call goes on from its work directory, where an output, a
        table or a work directory is named.

        Parameters
        ----------
        other : ASDFDataSet or path-like
            The other data set.
        function : callable
            ``function(a, b)``, each a `StationData`: ``station``,
            ``streams`` (by tag, read when asked for), ``inventory``, ``events``; ``a``
            of this data set, ``b`` of the other. It returns a row of the table (a
            mapping, a number or a text), a Stream or Trace, a `Result`, or None.
        output_filename : path-like, optional
            The new file for waveforms and auxiliary data; it must not exist.
        tag : str
            Tag of the waveforms written.
        traceback_limit, cpu_count, parameters, backend, scheduler
            As for `ASDFDataSet.process`.
        io, max_failures, progress
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
        from asdf_pipeline.engine import ComparisonTask, run
        from asdf_pipeline.plan.selection import EVERYTHING, Selection

        self.open_file.refuse_closed()
        checks.check_kinds(
            selection=(selection, Selection),
            cpu_count=(cpu_count, int),
            traceback_limit=(traceback_limit, int),
        )
        if isinstance(other, ASDFDataSet):
            other.open_file.refuse_closed()
            other.flush()
            other = other.filename
        # Workers are forked: no HDF5 handle of ours may be open then.
        self.flush()
        with comparing.table_path(table_filename, output_filename) as table:
            return run(
                ComparisonTask(
                    input=self.filename,
                    output=None if output_filename is None else Path(output_filename),
                    function=function,
                    tag=tag,
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
                    other=Path(other),
                    table=table,
                )
            )

    def process_two_files_without_parallel_output(
        self,
        other_ds: ASDFDataSet,
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
        limits = (self.open_file.limit_in_mb, other_ds.open_file.limit_in_mb)
        report = self.process_two_files(
            other_ds,
            partial(comparing.call, process_function=process_function, limits=limits),
            traceback_limit=traceback_limit,
            cpu_count=cpu_count,
            backend=backend,
            progress=progress,
        )
        return comparing.results(report)
