"""``ds.waveforms``: the stations of a data set."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, TypeAlias

from asdf_pipeline.container.names import STATIONXML, TraceName, tag_of
from asdf_pipeline.dataset.query import COORDINATES, FROM_HEADER
from asdf_pipeline.dataset.station import Station
from asdf_pipeline.dataset.view import View
from asdf_pipeline.errors import ASDFWarning, StationMissingError, StationXMLError
from asdf_pipeline.text import callers_level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asdf_pipeline.dataset.open_file import OpenFile
    from asdf_pipeline.dataset.query import QueryFilter
    from asdf_pipeline.metadata.stationxml import Coordinates

# Spelt out here, as the class's method `list` hides the built-in one.
Names: TypeAlias = list[str]


class Stations(View):
    """All stations of a data set, as items (``["NET.STA"]``) and attributes.

    Parameters
    ----------
    open_file : OpenFile
        The data set's file.
    """

    _open_file: OpenFile

    def list(self) -> Names:
        """Return the stations' names, sorted."""
        return sorted(self._open_file.stations)

    def _find(self, item: str) -> str | None:
        """Return the name of a station that goes by it, or by an attribute's name."""
        stations = self._open_file.stations
        if item in stations:
            return item
        dotted = item.replace("_", ".", 1)
        if dotted in stations:
            return dotted
        for station in self.list():
            if station.replace(".", "_") == item:
                return station
        return None

    def _known(self, item: str) -> str:
        """Return the name of a station, as `_find`, or raise StationMissingError."""
        station = self._find(item)
        if station is None:
            msg = (
                f"{self._open_file.path}: no station {item!r}; see ds.waveforms.list()"
            )
            raise StationMissingError(msg)
        return station

    def __getitem__(self, item: str) -> Station:
        """Return a station.

        Raises
        ------
        StationMissingError
            If it is not in the file.
        """
        return Station(self._open_file, self._known(item))

    def __delitem__(self, item: str) -> None:
        """Delete a station: all its waveforms, and its StationXML.

        Raises
        ------
        StationMissingError
            If it is not in the file.
        """
        self._open_file.delete(("Waveforms", self._known(item)))

    def __contains__(self, item: object) -> bool:
        """Return whether the station is in the file."""
        return isinstance(item, str) and self._find(item) is not None

    def __iter__(self) -> Iterator[Station]:
        """Yield the stations, sorted by name."""
        for station in self.list():
            yield self[station]

    def __len__(self) -> int:
        """Return how many stations there are."""
        return len(self._open_file.stations)

    def __dir__(self) -> Names:
        """Return the stations' attributes, for tab completion."""
        return [name.replace(".", "_") for name in self.list()]

    def __str__(self) -> str:
        """Return the stations' names."""
        return f"{len(self)} station(s):\n\t" + "\n\t".join(self.list())


def select(open_file: OpenFile, query: QueryFilter) -> Iterator[Station]:
    """Yield the stations that a query takes, each with the traces that it takes."""
    for station in sorted(open_file.stations):
        if not query.takes_station(station):
            continue
        if query.asks(COORDINATES) and not query.takes_coordinates(
            _coordinates(open_file, station)
        ):
            continue
        names = [name for name in open_file.names(station) if name != STATIONXML]
        names = [name for name in names if query.takes_tag(tag_of(name))]
        if query.asks(("location", "channel")):
            names = [name for name in names if query.takes_codes(TraceName.parse(name))]
        if query.asks(FROM_HEADER):
            names = [
                name
                for name in names
                if query.takes_header(open_file.reader.header(station, name))
            ]
        if names:
            yield Station(open_file, station, frozenset(names))


def _coordinates(open_file: OpenFile, station: str) -> Coordinates | None:
    """Return where a station is; None, and a warning, where its StationXML is damaged.

    One bad station must not end a query of all.
    """
    try:
        return open_file.reader.coordinates(station)
    except StationXMLError as error:
        msg = f"{error}: taken as a station without coordinates"
        warnings.warn(msg, ASDFWarning, stacklevel=callers_level())
        return None
