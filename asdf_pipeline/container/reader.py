"""Reading an ASDF file: stations, traces, inventories.

ObsPy is imported when waveforms or metadata are asked for: counting what is in a file,
as `manifest` does, takes less time than importing it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from asdf_pipeline.container import auxiliary
from asdf_pipeline.container.documents import Documents
from asdf_pipeline.container.hdf5 import (
    has_member,
    open_group,
    open_input,
    reading,
    version_of,
)
from asdf_pipeline.container.names import TraceName, encoded, tag_of, time_range
from asdf_pipeline.container.open_trace import OpenTrace, Window
from asdf_pipeline.container.station_metadata import StationMetadata
from asdf_pipeline.container.stations import Stations
from asdf_pipeline.container.traces import TraceHeader, to_trace
from asdf_pipeline.errors import StationMissingError, TraceError
from asdf_pipeline.metadata.stationxml import Coordinates, coordinates_at

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterator

    from obspy import Inventory, Stream
    from obspy.core.event import Catalog, Event

    from asdf_pipeline.metadata.events import EventDocument

Wanted = Callable[[TraceHeader], bool]


class Reader:
    """An ASDF file, open to be read; the file is never touched.

    Parameters
    ----------
    path : path-like
        The file.
    cache_responses : bool
        Inventories carry Responses that keep evaluations (the same numbers,
        sooner).

    Attributes
    ----------
    path : pathlib.Path
        The file.
    format_version : str
        ``"1.0.0"`` to ``"1.0.3"``.

    Raises
    ------
    InputMissingError
        If there is no such file.
    NotASDFError
        If it is not HDF5, not ASDF, of an unknown version, or damaged as a whole.
    """

    def __init__(
        self, path: str | os.PathLike[str], cache_responses: bool = True
    ) -> None:
        self.path = Path(path)
        self._file = open_input(self.path)
        self._root = self._file.id
        self.format_version = version_of(self._root, self.path)
        self._documents = Documents(self._root, self.path)
        self._stations = Stations(self._root, self.path)
        self._cache_responses = cache_responses
        self._last: StationMetadata | None = None  # of the station asked for last
        # First and last times of traces of which windows are read. By their headers,
        # as names may say other times; each is opened once, not for every window.
        self._spans: dict[tuple[str, str | None], np.ndarray[Any, Any]] = {}

    def __enter__(self) -> Self:
        """Return the reader."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; may be called again."""
        self._file.close()

    def stations(self) -> list[str]:
        """Return the names ``"NET.STA"`` of all stations, sorted.

        What is not a group is no station. A name of another form is: its traces
        exist, and fail when they are read. So does a link.

        Raises
        ------
        InputError
            If they cannot be listed.
        """
        return self._stations.names()

    def __contains__(self, station: str) -> bool:
        """Return whether the file has a station."""
        return station in self._stations

    def contents(self, station: str) -> list[str]:
        """Return the names of a station's data sets, StationXML included, sorted."""
        return self._stations.contents(self._stations.group(station), station)

    def names(self, station: str) -> list[str]:
        """Return the names of a station's waveform data sets, sorted."""
        return self._stations.traces(self._stations.group(station), station)

    def tags(self, station: str) -> list[str]:
        """Return a station's tags, sorted."""
        return sorted(set(map(tag_of, self.names(station))))

    def samples_by_tag(self, station: str) -> dict[str, int]:
        """Return the number of samples a station has of each tag, sorted by tag.

        What cannot be opened counts as empty here, and fails when it is read.
        """
        return {tag: sum(sizes) for tag, sizes in self.sizes_by_tag(station).items()}

    def sizes_by_tag(self, station: str) -> dict[str, list[int]]:
        """Return the number of samples of each trace, by tag, sorted by name.

        What cannot be opened counts as empty here, and fails when it is read.
        """
        return self._stations.sizes_by_tag(station)

    def headers(self, station: str, tag: str | None = None) -> list[TraceHeader]:
        """Return the headers of a station's traces, in the order of their names.

        Raises
        ------
        StationMissingError
            If there is no such station or tag.
        TraceError
            If one cannot be read; it names file, station and data set.
        """
        return [trace.header for trace in self._open_all(station, tag)]

    def header(self, station: str, name: str) -> TraceHeader:
        """Return the header of one data set; errors as of `trace`."""
        return self._open(station, name).header

    def trace(
        self, station: str, name: str, window: Window | None = None
    ) -> tuple[TraceHeader, np.ndarray[Any, Any]]:
        """Return one data set's header and samples; see `stream` for the window.

        Raises
        ------
        StationMissingError
            If there is no such station or data set.
        TraceError
            If it cannot be read; it names file, station and data set.
        """
        return self._open(station, name).cut(window)

    def _open(self, station: str, name: str) -> OpenTrace:
        group = self._stations.group(station)
        with reading(self.path, f"the list of station {station}"):
            there = has_member(group, encoded(name))
        if not there:
            msg = f"{self.path}: station {station} has no data set {name!r}"
            raise StationMissingError(msg)
        return OpenTrace(group, self.path, station, name)

    def _open_all(
        self, station: str, tag: str | None, window: Window | None = None
    ) -> Iterator[OpenTrace]:
        """Yield a station's traces, but for those known to be outside the window."""
        group = self._stations.group(station)
        names = self._stations.traces(group, station, tag)
        known = self._spans.get((station, tag))
        if window is not None and known is not None:
            near = (known[:, 0] <= window[1]) & (known[:, 1] >= window[0])
            names = [names[index] for index in np.flatnonzero(near)]
        spans = []
        for name in names:
            trace = OpenTrace(group, self.path, station, name)
            spans.append((trace.header.starttime, trace.header.endtime))
            yield trace
        if window is not None and known is None:
            self._spans[station, tag] = np.array(spans, np.int64).reshape(-1, 2)

    def blocks(
        self, station: str, name: str
    ) -> tuple[TraceHeader, Iterator[np.ndarray[Any, Any]]]:
        """Return one data set's header, and its samples in arrays of bounded size.

        Raises as `trace` does, also while the arrays are read.
        """
        trace = self._open(station, name)
        return trace.header, trace.blocks()

    def traces(
        self,
        station: str,
        tag: str | None = None,
        window: Window | None = None,
        wanted: Wanted | None = None,
    ) -> Iterator[tuple[TraceHeader, np.ndarray[Any, Any]]]:
        """Yield a station's traces as headers and samples; see `stream`."""
        for trace in self._open_all(station, tag, window):
            if wanted and not wanted(trace.header):
                continue
            header, data = trace.cut(window)
            if header.npts or window is None:
                yield header, data

    def stream(
        self,
        station: str,
        tag: str,
        window: Window | None = None,
        wanted: Wanted | None = None,
    ) -> Stream:
        """Return the waveforms of a station and tag.

        Parameters
        ----------
        station : str
            ``"NET.STA"``.
        tag : str
            Tag.
        window : (int, int) or None
            First and last time in ns since 1970, both included; only the chunks that
            hold them are read, and traces without samples there left out.
        wanted : callable or None
            ``wanted(header)`` tells which traces are read.

        Returns
        -------
        obspy.Stream
            In the order of the data sets' names; with ``stats.asdf`` as in pyasdf.

        Raises
        ------
        StationMissingError
            If there is no such station or tag.
        TraceError
            If a trace cannot be read; it names file, station and data set.
        """
        from obspy import Stream

        return Stream(
            [
                to_trace(header, data, self.format_version)
                for header, data in self.traces(station, tag, window, wanted)
            ]
        )

    def stationxml(self, station: str) -> bytes | None:
        """Return a station's StationXML, byte for byte, or None.

        Raises
        ------
        StationXMLError
            If it cannot be read.
        """
        return self._metadata(station).document

    def _metadata(self, station: str) -> StationMetadata:
        if self._last is None or self._last.station != station:
            group = self._stations.group(station)
            self._last = StationMetadata(group, self.path, station)
        return self._last

    def coordinates(
        self, station: str, times: tuple[int, int] | None = None
    ) -> Coordinates | None:
        """Return a station's latitude, longitude (degrees) and elevation (m).

        Parameters
        ----------
        station : str
            ``"NET.STA"``.
        times : (int, int), optional
            First and last time that is of interest, in ns since 1970; of a station
            that moved, the newest epoch that they touch counts. Where not said: those
            of its waveforms.

        Returns
        -------
        (float, float, float) or None
            None where there is no StationXML, or it does not say.

        Raises
        ------
        StationXMLError
            If the document is damaged or of another station.
        """
        epochs = self._metadata(station).epochs
        if len(epochs) > 1 and times is None:
            times = self._span_of(station)
        return coordinates_at(epochs, times)

    def _span_of(self, station: str) -> tuple[int, int] | None:
        """Return first and last time of a station's waveforms, as their names say."""
        spans = []
        for name in self.names(station):
            try:
                parts = TraceName.parse(name)
                spans += [*time_range(parts.start), *time_range(parts.end)]
            except TraceError:
                continue  # it fails when it is read
        return (min(spans), max(spans)) if spans else None

    def inventory(self, station: str, lazy: bool = True) -> Inventory | None:
        """Return a station's inventory, a new one at each call, or None.

        Whether the document is well-formed and of the station is checked now.

        Parameters
        ----------
        station : str
            ``"NET.STA"``.
        lazy : bool
            Parse it when the inventory is first touched: for a function that may never
            look at it. Whoever asks for it by name gets it parsed, and its errors.

        Raises
        ------
        StationXMLError
            If it is damaged or of another station; at first touch, if ObsPy cannot
            parse it.
        """
        return self._metadata(station).inventory(
            cache_responses=self._cache_responses, lazy=lazy
        )

    def quakeml(self) -> bytes | None:
        """Return the QuakeML document, byte for byte, or None."""
        return self._documents.quakeml()

    def events(self) -> Catalog:
        """Return the events, the caller's own; an empty catalog where there are none.

        Raises
        ------
        InputError
            If the document is damaged.
        """
        return self._documents.events()

    def shared_events(self) -> Catalog:
        """Return the events, parsed once, for those who only read them."""
        return self._documents.shared_events()

    def event_document(self) -> EventDocument:
        """Return the events' document, the same until the file has another."""
        return self._documents.event_document()

    def ignore_events(self) -> None:
        """From here on, be a file without events."""
        self._documents.ignore_events()

    def event(self, identifiers: Collection[str]) -> Event | None:
        """Return the first event that has one of these ids, the caller's own."""
        return self._documents.event(identifiers)

    def provenance(self) -> dict[str, bytes]:
        """Return all provenance documents, byte for byte, by name."""
        return self._documents.provenance()

    def stated_digest(self, name: str | None = None) -> str | None:
        """Return the digest that a document's writer put beside it, or None."""
        return self._documents.stated_digest(name)

    def _auxiliary(self) -> Any:
        return open_group(self._root, b"AuxiliaryData", self.path)

    def auxiliary_paths(self) -> list[str]:
        """Return the paths of all auxiliary data, sorted.

        Raises
        ------
        InputError
            If a list of them is damaged.
        """
        group = self._auxiliary()
        with reading(self.path, "the list of auxiliary data"):
            return [] if group is None else auxiliary.paths(group)

    def auxiliary_members(self, path: str = "") -> dict[str, bool]:
        """Return the names in a group of auxiliary data; True for what is a group.

        Parameters
        ----------
        path : str
            Of the group below ``/AuxiliaryData``; empty for that itself.

        Raises
        ------
        StationMissingError
            If there is no such group.
        InputError
            If its list is damaged.
        """
        group = self._auxiliary()
        with reading(self.path, "the list of auxiliary data"):
            return auxiliary.members(group, path, str(self.path))

    def auxiliary(self, path: str) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
        """Return the array and the parameters of auxiliary data.

        Raises
        ------
        StationMissingError
            If there is none of that path.
        InputError
            If it cannot be read.
        """
        return auxiliary.read(self._auxiliary(), path, str(self.path))
