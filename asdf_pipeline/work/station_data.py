"""One station's data, read when asked for: what functions of two stations get."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from asdf_pipeline.errors import StationMissingError
from asdf_pipeline.plan.selection import EVERYTHING
from asdf_pipeline.work.source import traces_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obspy import Inventory, Stream
    from obspy.core.event import Catalog

    from asdf_pipeline.container.reader import Reader, Wanted
    from asdf_pipeline.metadata.stationxml import Coordinates
    from asdf_pipeline.plan.selection import Selection
    from asdf_pipeline.work.source import TraceRead


class Streams(Mapping[str, "Stream"]):
    """A station's waveforms by tag, each read when it is first asked for.

    Attributes
    ----------
    read : list of TraceRead
        What was read so far.
    """

    def __init__(
        self,
        reader: Reader,
        station: str,
        times: tuple[int, int] | None,
        wanted: Wanted,
    ) -> None:
        self.read: list[TraceRead] = []
        self._streams: dict[str, Stream] = {}
        self._reader = reader
        self._station = station
        self._times = times
        self._wanted = wanted
        self._tags = tuple(reader.tags(station))

    def __getitem__(self, tag: str) -> Stream:
        """Return the waveforms of a tag.

        Raises
        ------
        StationMissingError
            If the station has none; it is a KeyError.
        """
        if tag not in self._tags:
            msg = (
                f"{self._reader.path}: station {self._station} has no waveforms with "
                f"tag {tag!r}; its tags: {', '.join(self._tags) or 'none'}"
            )
            raise StationMissingError(msg)
        if tag not in self._streams:
            stream = self._reader.stream(self._station, tag, self._times, self._wanted)
            self.read += traces_read(stream)
            self._streams[tag] = stream
        return self._streams[tag]

    def __iter__(self) -> Iterator[str]:
        """Yield the tags, sorted."""
        return iter(self._tags)

    def __len__(self) -> int:
        """Return the number of tags."""
        return len(self._tags)


class StationData:
    """One station's data: of two data sets that are compared, or of a pair's.

    Parameters
    ----------
    reader : Reader
        The open file.
    station : str
        ``"NET.STA"``.
    selection : Selection
        Which channels and times are read.
    tag : str
        The tag that the run reads, if it reads one.
    window : (int, int) or None
        The window that it is about.
    times : (int, int) or None
        First and last time that are read in place of the selection's.
    wanted : callable or None
        ``wanted(header)`` tells which traces are read, in place of the selection.

    Attributes
    ----------
    station : str
        ``"NET.STA"``.
    streams : mapping of str to obspy.Stream
        The waveforms by tag.
    window : (int, int) or None
        Start and end of the window in ns since 1970; None where there are none.
    reader : Reader
        The open file that all this is read from.
    """

    def __init__(
        self,
        reader: Reader,
        station: str,
        selection: Selection = EVERYTHING,
        *,
        tag: str = "",
        window: tuple[int, int] | None = None,
        times: tuple[int, int] | None = None,
        wanted: Wanted | None = None,
    ) -> None:
        self.reader = reader
        self.station = station
        self.window = window
        self._tag = tag
        self.streams = Streams(
            reader, station, times or selection.times, wanted or selection.has_trace
        )

    @property
    def stream(self) -> Stream:
        """The waveforms of the tag that the run reads, or of the only tag.

        Raises
        ------
        StationMissingError
            If the station has none, or several tags and the run reads them all; it
            is a KeyError.
        """
        return self.streams[self._tag or ", ".join(self.streams)]

    @cached_property
    def coordinates(self) -> Coordinates | None:
        """Latitude, longitude (degrees) and elevation (m); None if not known."""
        traces = [one for one in self.streams.read if one.npts]
        times = None
        if traces:
            times = min(one.start for one in traces), max(one.end for one in traces)
        return self.reader.coordinates(self.station, self.window or times)

    @cached_property
    def inventory(self) -> Inventory | None:
        """The station's metadata, None where there is no StationXML."""
        return self.reader.inventory(self.station, lazy=False)

    @cached_property
    def events(self) -> Catalog:
        """The data set's events; an empty catalog where there are none."""
        return self.reader.event_document().lend()

    def take_back(self) -> None:
        """See to it that a change of the events is not seen by the next station."""
        if "events" in vars(self):
            self.reader.event_document().take_back()

    def __repr__(self) -> str:
        """Return file, station and tags."""
        tags = ", ".join(self.streams) or "no waveforms"
        return f"StationData({self.reader.path}, {self.station}: {tags})"
