"""Station metadata files to one StationXML document a station."""

from __future__ import annotations

import logging
import zlib
from typing import TYPE_CHECKING

from obspy import UTCDateTime

from asdf_pipeline.errors import InputError, StationXMLError
from asdf_pipeline.metadata.inventory import parse
from asdf_pipeline.metadata.merge import merge
from asdf_pipeline.metadata.split import split
from asdf_pipeline.metadata.stationxml import check_xml
from asdf_pipeline.metadata.write import to_stationxml
from asdf_pipeline.stage.ahead import Downloads
from asdf_pipeline.stage.files import InputErrors, name_of, unpacked
from asdf_pipeline.stage.formats import find_format, read_file, warnings_as_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from obspy import Inventory

    from asdf_pipeline.metadata.split import StationDocument
    from asdf_pipeline.stage.remote import Place

_LOGGER = logging.getLogger(__name__)
_UNKNOWN = UTCDateTime(0)


def read_stations(files: Sequence[Place]) -> Iterator[tuple[str, bytes]]:
    """Yield each station's name and StationXML, sorted by name.

    What several files say about a station is merged. Documents are held packed
    until all files are read: a station's may be anywhere.

    Parameters
    ----------
    files : sequence of pathlib.Path or RemoteFile
        StationXML, or another inventory format that ObsPy reads, packed or not.

    Raises
    ------
    InputError
        If files cannot be read, or what they say about stations cannot be kept.
    """
    errors = InputErrors()
    found: dict[str, list[tuple[str, bytes]]] = {}
    with Downloads.of(files) as downloads:
        for place in files:
            with errors.collected(), unpacked(place, downloads) as members:
                for member in members:
                    source_name = name_of(place, member)
                    for station, document in _split(member, source_name):
                        packed = zlib.compress(document, 1)
                        found.setdefault(station, []).append((source_name, packed))
    errors.raise_collected()
    for station, documents in sorted(found.items()):
        parts: dict[bytes, str] = {}
        for source_name, packed in documents:
            parts.setdefault(zlib.decompress(packed), source_name)
        if len(parts) == 1:
            yield station, next(iter(parts))
            continue
        names = ", ".join(source_name for source_name, _ in documents)
        _LOGGER.info("%s: merged for station %s", names, station)
        merged = merge([(name, document) for document, name in parts.items()], station)
        yield station, _logged(merged)


def _logged(own: StationDocument) -> bytes:
    """Return a station's document; what became of it otherwise goes to the log."""
    for line in own.warnings:
        _LOGGER.warning(line)
    for line in own.remarks:
        _LOGGER.info(line)
    return own.document


def _split(path: Path, source_name: str) -> Iterator[tuple[str, bytes]]:
    """Yield each station of one file with a document of its own."""
    check_xml(path.read_bytes(), source_name)
    if find_format("inventory", path) == "STATIONXML":
        yield from documents_of(path.read_bytes(), source_name)
        return
    began = UTCDateTime()
    inventory, form = read_file("inventory", path, source_name)
    _forget_now(inventory, began)
    if form == "RESP":
        _say_no_coordinates(inventory, source_name)
    try:
        with warnings_as_lines(source_name):
            document = to_stationxml(inventory)
    except StationXMLError as error:
        msg = f"{source_name}: {error}"
        raise InputError(msg) from error
    yield from documents_of(document, source_name)


def documents_of(document: bytes, source_name: str) -> Iterator[tuple[str, bytes]]:
    """Yield each station of a StationXML document with a document of its own.

    What the log should know of them (channels described twice) goes there.

    Parameters
    ----------
    document : bytes
        Of any number of stations.
    source_name : str
        Where it is from, for errors and log lines.

    Raises
    ------
    InputError
        If it holds no station, or what ObsPy cannot read: station and element are
        named.
    """
    with warnings_as_lines(source_name):
        parse(document, source_name, cache_responses=False, quiet=False)
    stations = split(document, source_name)
    if not stations:
        msg = f"{source_name}: holds no station"
        raise InputError(msg)
    for name, own in stations.items():
        yield name, _logged(own)


def _say_no_coordinates(inventory: Inventory, source_name: str) -> None:
    """Warn that RESP holds no coordinates, for which ObsPy (1.5) writes zeros."""
    names = sorted(f"{net.code}.{sta.code}" for net in inventory for sta in net)
    _LOGGER.warning(
        "%s: station %s: a RESP file holds no coordinates: they are 0 N, 0 E, 0 m: "
        "where they matter, give StationXML or dataless SEED in its place",
        *(source_name, ", ".join(dict.fromkeys(names))),
    )


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
