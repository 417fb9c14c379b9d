"""Station metadata files to one StationXML document a station."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from asdf_pipeline.container.stationxml import check_wellformed, isolate, merge
from asdf_pipeline.errors import InputError, StationXMLError
from asdf_pipeline.stage.files import unpacked
from asdf_pipeline.stage.formats import read_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

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
        If a file cannot be read, or what it says about a station cannot be kept.
    """
    found: dict[str, list[tuple[str, bytes]]] = {}
    for path in files:
        with unpacked(path) as members:
            for member in members:
                shown = str(path) if member == path else f"{path}, {member.name}"
                for station, document in _split(member, shown):
                    packed = zlib.compress(document, 1)
                    found.setdefault(station, []).append((shown, packed))
    for station, documents in sorted(found.items()):
        parts = [zlib.decompress(packed) for _, packed in documents]
        if len(parts) == 1:
            yield station, parts[0]
            continue
        try:
            yield station, merge(parts, station)
        except StationXMLError as error:
            names = ", ".join(shown for shown, _ in documents)
            msg = f"{names}: cannot be merged for station {station}: {error}"
            raise InputError(msg) from error


def check_xml(path: Path, shown: str) -> None:
    """Refuse damaged XML, and XML that would load other files or grow without end.

    Parameters
    ----------
    path : pathlib.Path
        Any file; nothing is said about one that is no XML.
    shown : str
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
        msg = f"{shown}: {error}"
        raise InputError(msg) from error


def _split(path: Path, shown: str) -> Iterator[tuple[str, bytes]]:
    """Yield each station of one file with a document of its own."""
    check_xml(path, shown)
    inventory, _ = read_file("inventory", path, shown)
    names = {
        f"{network.code}.{station.code}" for network in inventory for station in network
    }
    if not names:
        msg = f"{shown}: holds no station"
        raise InputError(msg)
    for name in sorted(names):
        try:
            document = isolate(inventory, name)
        except Exception as error:
            line = " ".join(str(error).split()) or type(error).__name__
            msg = f"{shown}: station {name} cannot be written as StationXML: {line}"
            raise InputError(msg) from error
        yield name, document
