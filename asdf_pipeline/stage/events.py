"""Event files to the one QuakeML document of an ASDF file."""

from __future__ import annotations

import io
import logging
import re
from typing import TYPE_CHECKING

import obspy
import xxhash
from obspy import UTCDateTime
from obspy.core.event import Catalog

from asdf_pipeline.errors import InputError
from asdf_pipeline.metadata.stationxml import check_xml
from asdf_pipeline.stage.ahead import Downloads
from asdf_pipeline.stage.files import InputErrors, name_of, unpacked
from asdf_pipeline.stage.formats import read_file, warnings_as_lines
from asdf_pipeline.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from obspy.core.event import Event

    from asdf_pipeline.stage.remote import Place

_LOGGER = logging.getLogger(__name__)
_QUAKEML = "QUAKEML"
_CREATED = re.compile(rb"<creationTime>([^<]*)</creationTime>")
_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def read_quakeml(files: Sequence[Place]) -> tuple[bytes | None, int]:
    """Return the events of all files as one QuakeML document, and their number.

    A single QuakeML file is kept byte for byte. An event in several files (the
    same resource id, the same content) is counted once.

    Parameters
    ----------
    files : sequence of pathlib.Path or RemoteFile
        QuakeML, or another event format that ObsPy reads, packed or not.

    Returns
    -------
    bytes or None
        The document; None if there are no files.
    int
        The number of events.

    Raises
    ------
    InputError
        If files cannot be read, or two hold different events under one
        resource id.
    """
    documents = []
    errors = InputErrors()
    with Downloads.of(files) as downloads:
        for place in files:
            with errors.collected():
                documents += _read(place, downloads)
    errors.raise_collected()
    return join(documents)


def join(documents: Sequence[tuple[str, Catalog, bytes]]) -> tuple[bytes | None, int]:
    """Return the events of documents as one, and their number (see `read_quakeml`).

    Parameters
    ----------
    documents : sequence of (str, obspy.Catalog, bytes)
        How errors name it, its events, and the document itself.

    Raises
    ------
    InputError
        If two hold different events under one resource id.
    """
    if not documents:
        return None, 0
    if len(documents) == 1:
        _, catalog, content = documents[0]
        return content, len(catalog)
    events: dict[str, tuple[Event, str]] = {}
    for source_name, catalog, _ in documents:
        for event in catalog:
            name = str(event.resource_id)
            if name not in events:
                events[name] = (event, source_name)
                continue
            known, other = events[name]
            if known != event:
                msg = (
                    f"{other} and {source_name}: both hold the event {name}, "
                    "with different content: leave one of them out"
                )
                raise InputError(msg)
            _LOGGER.info(
                "%s: event %s is in %s too: counted once", source_name, name, other
            )
    joined = Catalog(
        [event for event, _ in events.values()],
        resource_id=f"smi:local/asdf_pipeline/{_digest(sorted(events))}",
    )
    return _to_quakeml(joined), len(joined)


def _read(place: Place, downloads: Downloads) -> list[tuple[str, Catalog, bytes]]:
    """Return name, catalog and QuakeML of a file, or of each member of an archive."""
    documents = []
    with unpacked(place, downloads) as members:
        for member in members:
            source_name = name_of(place, member)
            check_xml(member.read_bytes(), source_name)
            began = UTCDateTime()
            catalog, name = read_file("event", member, source_name)
            content = member.read_bytes()
            if name != _QUAKEML:
                content = _convert(catalog, content, source_name, began)
                catalog = obspy.read_events(io.BytesIO(content), format=_QUAKEML)
            documents.append((source_name, catalog, content))
    return documents


def _convert(
    catalog: Catalog, source: bytes, source_name: str, began: UTCDateTime
) -> bytes:
    """Return QuakeML that is the same every time for the same source.

    Formats without resource ids get random ones from ObsPy, some without creation
    times the time of reading; staged twice, the file would have two digests.
    """
    try:
        with warnings_as_lines(source_name):
            content = _to_quakeml(catalog)
    except Exception as error:
        msg = (
            f"{source_name}: its events cannot be written as QuakeML: {one_line(error)}"
        )
        raise InputError(msg) from error
    digest = xxhash.xxh3_128_hexdigest(source)
    made_up = dict.fromkeys(uuid for uuid in _UUID.findall(content))
    stable = {
        uuid: f"{digest}-{number}".encode()
        for number, uuid in enumerate(made_up)
        if uuid not in source
    }
    content = _UUID.sub(lambda match: stable.get(match[0], match[0]), content)
    return _CREATED.sub(
        lambda match: b"" if UTCDateTime(match[1].decode()) >= began else match[0],
        content,
    )


def _to_quakeml(catalog: Catalog) -> bytes:
    content = io.BytesIO()
    catalog.write(content, format=_QUAKEML)
    return content.getvalue()


def _digest(names: Iterable[str]) -> str:
    return xxhash.xxh3_128_hexdigest("\n".join(names).encode())
