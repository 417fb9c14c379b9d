"""StationXML documents: well-formed, of which station, where; split and merged.

What comes from a file is first looked at by expat only. A document type declaration
is refused, and with it every entity: nothing is expanded, and nothing outside the
document is ever read.
"""

from __future__ import annotations

import copy
import io
import math
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

import obspy
from obspy import Inventory

from asdf_pipeline.errors import StationXMLError
from asdf_pipeline.text import named_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Coordinates = tuple[float, float, float]


def trimmed(document: bytes) -> bytes:
    """Return a document without white space and NULs around it.

    pyasdf's files may have them; in UTF-16 a NUL is half of a character.
    """
    if document[:2] in (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<"):
        return document
    return document.strip(b" \t\r\n\0")


def _parser() -> Any:
    parser: Any = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_: Any) -> None:
        msg = "it declares a document type or entities, which are never resolved"
        raise StationXMLError(msg)

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    return parser


def _parse(parser: Any, document: bytes) -> None:
    try:
        parser.Parse(trimmed(document), True)
    except (expat.ExpatError, LookupError) as error:
        msg = f"not well-formed XML ({error})"
        raise StationXMLError(msg) from error


def check_wellformed(document: bytes) -> None:
    """Check that a document is well-formed XML without entities of its own.

    Raises
    ------
    StationXMLError
        If not.
    """
    _parse(_parser(), document)


class _StationSearch:
    """Reads the codes and coordinates of the first station, then steps aside.

    After that expat goes on without calling Python: 1 ms for 270 kB.
    """

    def __init__(self, parser: Any, station: str) -> None:
        self.found = False
        self.coordinates: Coordinates | None = None
        self._parser = parser
        self._wanted = station
        self._network = ""
        self._path: list[str] = []
        self._values: dict[str, str] = {}
        self._here = False
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.buffer_text = True

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        self._path.append(tag)
        if len(self._path) == 2 and tag == "Network":
            self._network = attributes.get("code", "").strip()
        elif len(self._path) == 3 and tag == "Station":
            code = attributes.get("code", "").strip()
            self._here = f"{self._network}.{code}" == self._wanted
            self._values = {}
            self.found |= self._here

    def _text(self, text: str) -> None:
        if self._here and len(self._path) == 4:
            self._values[self._path[-1]] = self._values.get(self._path[-1], "") + text

    def _end(self, name: str) -> None:
        path = self._path
        path.pop()
        if not self._here:
            return
        if len(path) == 2 or (
            len(path) == 3 and name.rpartition(" ")[2] == "Elevation"
        ):
            self._here = False
            try:
                place = (
                    float(self._values["Latitude"]),
                    float(self._values["Longitude"]),
                    float(self._values["Elevation"]),
                )
            except (KeyError, ValueError):
                return  # ObsPy will say what is wrong, when it is touched
            if not all(map(math.isfinite, place)):
                return  # NaN is a number to XML Schema, but no place
            self.coordinates = place
            parser = self._parser
            parser.StartElementHandler = None
            parser.EndElementHandler = None
            parser.CharacterDataHandler = None


def survey(document: bytes, station: str) -> Coordinates | None:
    """Check a StationXML document and return the station's coordinates.

    Parameters
    ----------
    document : bytes
        The document; white space and NULs around it are allowed.
    station : str
        ``"NET.STA"`` that it must hold.

    Returns
    -------
    (float, float, float) or None
        Latitude and longitude in degrees, elevation in m; None where the document
        does not say.

    Raises
    ------
    StationXMLError
        If it is not well-formed, declares entities, or is of another station.
    """
    parser = _parser()
    search = _StationSearch(parser, station)
    try:
        _parse(parser, document)
    except StationXMLError as error:
        msg = f"the StationXML of station {station} cannot be used: {error}"
        raise StationXMLError(msg) from error
    if not search.found:
        msg = f"the StationXML of station {station} does not hold that station"
        raise StationXMLError(msg)
    return search.coordinates


def isolate(inventory: Inventory, station: str) -> bytes:
    """Return one station of an inventory as a StationXML document.

    Parameters
    ----------
    inventory : obspy.Inventory
        Of any number of stations; not changed.
    station : str
        ``"NET.STA"``.

    Raises
    ------
    StationXMLError
        If the inventory does not hold it.
    """
    return _written(_only([inventory], station))


def _ignore(channel: str, kept: int, other: int) -> None:
    """Take no notice of a contradiction."""


def merge(
    documents: Sequence[bytes],
    station: str,
    notice: Callable[[str, int, int], None] = _ignore,
) -> bytes:
    """Return one StationXML document that holds what several say about a station.

    Epochs of the station with the same start and place become one, which lasts as
    long as any of them; of a channel that several have (location, code, start and
    end), the first counts.

    Parameters
    ----------
    documents : sequence of bytes
        StationXML documents.
    station : str
        ``"NET.STA"``.
    notice : callable
        Called with a channel and its epoch, in words, where two documents contradict
        each other, and with their numbers: first that of the one that counts.

    Raises
    ------
    StationXMLError
        If one cannot be parsed, or none holds the station.
    """
    inventories = []
    for document in documents:
        check_wellformed(document)
        try:
            buffer = io.BytesIO(trimmed(document))
            inventories.append(obspy.read_inventory(buffer, format="STATIONXML"))
        except Exception as error:  # ObsPy raises whatever its readers happen to
            reason = named_line(error)
            msg = f"a StationXML of station {station} cannot be parsed ({reason})"
            raise StationXMLError(msg) from error
    return _written(_only(inventories, station, notice))


def _written(inventory: Inventory) -> bytes:
    buffer = io.BytesIO()
    inventory.write(buffer, format="STATIONXML")
    return buffer.getvalue()


def _only(
    inventories: Sequence[Inventory],
    station: str,
    notice: Callable[[str, int, int], None] = _ignore,
) -> Inventory:
    """Return an inventory of one station; what it shares with others is copied."""
    network_code, _, station_code = station.partition(".")
    networks: dict[Any, Any] = {}
    found: dict[Any, list[tuple[int, Any]]] = {}
    for number, network in (
        (n, one) for n, inventory in enumerate(inventories) for one in inventory
    ):
        stations = [(number, one) for one in network if one.code == station_code]
        if network.code != network_code or not stations:
            continue
        key = str(network.start_date)
        if key not in networks:
            networks[key] = copy.copy(network)
        _last_as_long(networks[key], network)
        found.setdefault(key, []).extend(stations)
    if not networks:
        msg = f"the inventory does not hold station {station}"
        raise StationXMLError(msg)
    for key, network in networks.items():
        network.stations = _merged_epochs(found[key], notice)
        if network.selected_number_of_stations is not None:
            network.selected_number_of_stations = len(network.stations)
    first = inventories[0]
    # Not the time of now: the same inputs give the same document.
    return Inventory(
        list(networks.values()),
        source=first.source,
        sender=first.sender,
        created=max(inventory.created for inventory in inventories),
        module=first.module,
        module_uri=first.module_uri,
    )


def _last_as_long(kept: Any, other: Any) -> None:
    """Move the end of an epoch to that of another of the same start, if it is later."""
    if kept.end_date is not None and (
        other.end_date is None or other.end_date > kept.end_date
    ):
        kept.end_date = other.end_date


def _merged_epochs(
    stations: Iterable[tuple[int, Any]], notice: Callable[[str, int, int], None]
) -> list[Any]:
    """Return the epochs of a station; each is given with its document's number."""
    epochs: dict[Any, Any] = {}
    channels: dict[Any, dict[tuple[str, ...], tuple[int, Any]]] = {}
    for number, station in stations:
        place = (station.latitude, station.longitude, station.elevation)
        key = (str(station.start_date), *map(float, place))
        if key not in epochs:
            epochs[key] = copy.copy(station)
            epochs[key].channels = []
        _last_as_long(epochs[key], station)
        there = dict(channels.setdefault(key, {}))
        for channel in station.channels:
            name = _channel_key(channel)
            if name not in there:
                epochs[key].channels.append(channel)
                channels[key][name] = number, channel
            elif there[name][1] != channel:
                words = "{}.{} from {} to {}".format(*name)
                notice(words, there[name][0], number)
    for station in epochs.values():
        if station.selected_number_of_channels is not None:
            station.selected_number_of_channels = len(station.channels)
    return list(epochs.values())


def _channel_key(channel: Any) -> tuple[str, ...]:
    dates = (str(channel.start_date), str(channel.end_date))
    return (channel.location_code, channel.code, *dates)
