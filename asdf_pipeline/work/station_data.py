"""What a function that compares two data sets gets of each: one station's data."""

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

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.plan.selection import Selection
    from asdf_pipeline.work.source import TraceRead


class Streams(Mapping[str, "Stream"]):
    """A station's waveforms by tag, each read when it is first asked for.

    Attributes
    ----------
    read : list of TraceRead
        What was read so far.
    """

    def __init__(self, reader: Reader, station: str, selection: Selection) -> None:
        self.read: list[TraceRead] = []
        self._streams: dict[str, Stream] = {}
        self._reader = reader
        self._station = station
        self._selection = selection
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
            wanted, times = self._selection.has_trace, self._selection.times
            stream = self._reader.stream(self._station, tag, times, wanted)
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
    """One station of one of two data sets that are compared.

    Attributes
    ----------
    station : str
        ``"NET.STA"``.
    streams : mapping of str to obspy.Stream
        The waveforms by tag.
    reader : Reader
        The open file that all this is read from.
    """

    def __init__(
        self, reader: Reader, station: str, selection: Selection = EVERYTHING
    ) -> None:
        self.reader = reader
        self.station = station
        self.streams = Streams(reader, station, selection)

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
