"""Station metadata files to one StationXML document a station."""

from __future__ import annotations

import copy
import logging
import zlib
from functools import partial
from typing import TYPE_CHECKING

from obspy import UTCDateTime

from asdf_pipeline.errors import InputError, StationXMLError
from asdf_pipeline.metadata.stationxml import check_wellformed, isolate, merge
from asdf_pipeline.stage.files import Complaints, name_of, unpacked
from asdf_pipeline.stage.formats import read_file, warnings_as_lines
from asdf_pipeline.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from obspy import Inventory
    from obspy.core.inventory import Network

_LOGGER = logging.getLogger(__name__)
_UNKNOWN = UTCDateTime(0)
_BEFORE_XML = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"  # byte order marks and white space


def read_stations(files: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield each station's name and StationXML, sorted by name.

    What several files say about a station is merged. Documents are held packed
    until all files are read: a station's may be anywhere.

    Parameters
    ----------
    files : iterable of pathlib.Path
        StationXML, or another inventory format that ObsPy reads, packed or not.

    Raises
    ------
    InputError
        If files cannot be read, or what they say about stations cannot be kept.
    """
    complaints = Complaints()
    found: dict[str, list[tuple[str, bytes]]] = {}
    for path in files:
        with complaints.collected(), unpacked(path) as members:
            for member in members:
                source_name = name_of(path, member)
                for station, document in _split(member, source_name):
                    packed = zlib.compress(document, 1)
                    found.setdefault(station, []).append((source_name, packed))
    complaints.end()
    for station, documents in sorted(found.items()):
        parts: dict[bytes, str] = {}
        for source_name, packed in documents:
            parts.setdefault(zlib.decompress(packed), source_name)
        if len(parts) == 1:
            yield station, next(iter(parts))
            continue
        names = ", ".join(source_name for source_name, _ in documents)
        _LOGGER.info("%s: merged for station %s", names, station)
        warn = partial(_warn, station, list(parts.values()))
        try:
            yield station, merge(list(parts), station, warn)
        except StationXMLError as error:
            msg = f"{names}: cannot be merged for station {station}: {error}"
            raise InputError(msg) from error


def _warn(
    station: str, files: Sequence[str], channel: str, kept: int, other: int
) -> None:
    """Say that two files contradict each other."""
    _LOGGER.warning(
        "%s: station %s, channel %s: is described otherwise in %s, which is kept: "
        "leave one of them out",
        *(files[other], station, channel, files[kept]),
    )


def check_xml(path: Path, source_name: str) -> None:
    """Refuse damaged XML, and XML that would load other files or grow without end.

    Parameters
    ----------
    path : pathlib.Path
        Any file; nothing is said about one that is no XML.
    source_name : str
        How the error names it.

    Raises
    ------
    InputError
        If it is such XML.
    """
    content = path.read_bytes()
    if not content[:64].lstrip(_BEFORE_XML).startswith(b"<"):
        return
    try:
        check_wellformed(content)
    except StationXMLError as error:
        msg = f"{source_name}: {error}"
        raise InputError(msg) from error


def _split(path: Path, source_name: str) -> Iterator[tuple[str, bytes]]:
    """Yield each station of one file with a document of its own."""
    check_xml(path, source_name)
    began = UTCDateTime()
    inventory, name = read_file("inventory", path, source_name)
    if name != "STATIONXML":
        _forget_now(inventory, began)
    yield from documents_of(inventory, source_name)


def documents_of(inventory: Inventory, source_name: str) -> Iterator[tuple[str, bytes]]:
    """Yield each station of an inventory with a document of its own.

    Parameters
    ----------
    inventory : obspy.Inventory
        Of any number of stations.
    source_name : str
        Where it is from, for errors.

    Raises
    ------
    InputError
        If it holds no station, or one that cannot be written.
    """
    stations = _by_station(inventory)
    if not stations:
        msg = f"{source_name}: holds no station"
        raise InputError(msg)
    for name, part in sorted(stations.items()):
        try:
            with warnings_as_lines(source_name):
                document = isolate(part, name)
        except Exception as error:
            msg = (
                f"{source_name}: station {name} cannot be written as StationXML: "
                f"{one_line(error)}"
            )
            raise InputError(msg) from error
        yield name, document


def _forget_now(inventory: Inventory, began: UTCDateTime) -> None:
    """Take out the time of reading.

    ObsPy puts it where a format has no creation time, and the same file would have
    another digest each time it is staged.
    """
    if inventory.created >= began:
        inventory.created = _UNKNOWN
    for network in inventory:
        for station in network:
            if station.creation_date is not None and station.creation_date >= began:
                station.creation_date = None


def _by_station(inventory: Inventory) -> dict[str, Inventory]:
    """Return a part of the inventory for each station: its epochs, nothing copied."""
    parts: dict[str, Inventory] = {}
    for network in inventory:
        own: dict[str, Network] = {}
        for station in network:
            name = f"{network.code}.{station.code}"
            if name not in own:
                own[name] = copy.copy(network)
                own[name].stations = []
                if name not in parts:
                    parts[name] = copy.copy(inventory)
                    parts[name].networks = []
                parts[name].networks.append(own[name])
            own[name].stations.append(station)
    return parts
