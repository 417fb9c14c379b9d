"""Reading an ASDF file: stations, traces, inventories."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from obspy import Inventory, Stream

from asdf_pipeline.container import datasets
from asdf_pipeline.container.hdf5 import has_member, reading
from asdf_pipeline.container.listing import Listing
from asdf_pipeline.container.names import STATIONXML, TraceName, encoded, time_range
from asdf_pipeline.container.traces import TraceHeader, samples_between, to_trace
from asdf_pipeline.errors import (
    StationMissingError,
    StationXMLError,
    TraceError,
)
from asdf_pipeline.metadata.inventory import LazyInventory, Source, parse_source
from asdf_pipeline.metadata.stationxml import (
    Coordinates,
    StationEpoch,
    coordinates_at,
    survey,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from asdf_pipeline.container.datasets import OpenDataset

Window = tuple[int, int]
Wanted = Callable[[TraceHeader], bool]
_BLOCK = 2**22  # samples


class Reader(Listing):
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
        super().__init__(path)
        self._cache_responses = cache_responses
        self._document: tuple[str, bytes | None] | None = None
        self._survey: tuple[str, tuple[StationEpoch, ...]] | None = None
        # First and last times of traces of which windows are read. By their headers,
        # as names may say other times; each is opened once, not for every window.
        self._spans: dict[tuple[str, str | None], np.ndarray[Any, Any]] = {}

    def headers(self, station: str, tag: str | None = None) -> list[TraceHeader]:
        """Return the headers of a station's traces, in the order of their names.

        Raises
        ------
        StationMissingError
            If there is no such station or tag.
        TraceError
            If one cannot be read; it names file, station and data set.
        """
        group = self._station(station)
        names = self._tagged(group, station, tag)
        return [self._opened(group, station, name)[0] for name in names]

    def header(self, station: str, name: str) -> TraceHeader:
        """Return the header of one data set; errors as of `trace`."""
        return self._by_name(station, name)[0]

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
        opened = self._by_name(station, name)
        return self._cut(station, name, opened, window)

    def _by_name(self, station: str, name: str) -> tuple[TraceHeader, OpenDataset]:
        group = self._station(station)
        with reading(self.path, f"the list of station {station}"):
            there = has_member(group, encoded(name))
        if not there:
            msg = f"{self.path}: station {station} has no data set {name!r}"
            raise StationMissingError(msg)
        return self._opened(group, station, name)

    def _opened(
        self, group: Any, station: str, name: str
    ) -> tuple[TraceHeader, OpenDataset]:
        """Return a data set's header and the open data set."""
        try:
            dataset = datasets.open_dataset(group, encoded(name))
            return datasets.read_header(dataset, name, station), dataset
        except TraceError as error:
            raise self._located(station, name, error) from error

    def _cut(
        self,
        station: str,
        name: str,
        opened: tuple[TraceHeader, OpenDataset],
        window: Window | None,
    ) -> tuple[TraceHeader, np.ndarray[Any, Any]]:
        """Return header and samples of what lies in a window."""
        header, dataset = opened
        begin, end = samples_between(header, window)
        samples = self._samples(station, name, dataset, begin, end)
        return header.cut(begin, end), samples

    def _samples(
        self, station: str, name: str, dataset: OpenDataset, begin: int, end: int
    ) -> np.ndarray[Any, Any]:
        try:
            return datasets.read_samples(dataset, begin, end)
        except TraceError as error:
            raise self._located(station, name, error) from error

    def _located(self, station: str, name: str, error: TraceError) -> TraceError:
        return TraceError(f"{self.path}: station {station}, data set {name}: {error}")

    def blocks(
        self, station: str, name: str
    ) -> tuple[TraceHeader, Iterator[np.ndarray[Any, Any]]]:
        """Return one data set's header, and its samples in arrays of bounded size.

        Raises as `trace` does, also while the arrays are read.
        """
        opened = self._by_name(station, name)
        ranges = range(0, opened[0].npts, _BLOCK)

        def read() -> Iterator[np.ndarray[Any, Any]]:
            for begin in ranges:
                end = min(begin + _BLOCK, opened[0].npts)
                yield self._samples(station, name, opened[1], begin, end)

        return opened[0], read()

    def traces(
        self,
        station: str,
        tag: str | None = None,
        window: Window | None = None,
        wanted: Wanted | None = None,
    ) -> Iterator[tuple[TraceHeader, np.ndarray[Any, Any]]]:
        """Yield a station's traces as headers and samples; see `stream`."""
        group = self._station(station)
        names = self._tagged(group, station, tag)
        known = self._spans.get((station, tag))
        if window is not None and known is not None:
            near = (known[:, 0] <= window[1]) & (known[:, 1] >= window[0])
            names = [names[index] for index in np.flatnonzero(near)]
        spans = []
        for name in names:
            opened = self._opened(group, station, name)
            spans.append((opened[0].starttime, opened[0].endtime))
            if wanted and not wanted(opened[0]):
                continue
            header, data = self._cut(station, name, opened, window)
            if header.npts or window is None:
                yield header, data
        if window is not None and known is None:
            self._spans[station, tag] = np.array(spans, np.int64).reshape(-1, 2)

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
        if self._document is None or self._document[0] != station:
            group = self._station(station)
            document = None
            with reading(self.path, f"the list of station {station}"):
                there = has_member(group, STATIONXML.encode())
            if there:
                try:
                    document = datasets.read_document(group, STATIONXML.encode())
                except TraceError as error:
                    msg = f"{self.path}: the StationXML of station {station} {error}"
                    raise StationXMLError(msg) from error
            self._document = (station, document)
        return self._document[1]

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
        epochs = self._epochs(station)
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

    def _epochs(self, station: str) -> tuple[StationEpoch, ...]:
        """Return a station's epochs, none where there is no StationXML."""
        if self._survey is None or self._survey[0] != station:
            document = self.stationxml(station)
            epochs: tuple[StationEpoch, ...] = ()
            try:
                if document is not None:
                    epochs = survey(document, station)
            except StationXMLError as error:
                msg = f"{self.path}: {error}"
                raise StationXMLError(msg) from error
            self._survey = (station, epochs)
        return self._survey[1]

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
        document = self.stationxml(station)
        if document is None:
            return None
        self._epochs(station)
        where = f"{self.path}: station {station}"
        source = Source(document, where, self._cache_responses)
        return LazyInventory(source) if lazy else parse_source(source)
