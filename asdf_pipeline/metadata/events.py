"""Events from a QuakeML document."""

from __future__ import annotations

import io

import obspy
from obspy.core.event import Catalog

from asdf_pipeline.errors import InputError, StationXMLError
from asdf_pipeline.metadata.stationxml import check_wellformed, trimmed
from asdf_pipeline.text import named_line


def parse_events(document: bytes, where: str) -> Catalog:
    """Return the events of a QuakeML document.

    Parameters
    ----------
    document : bytes
        QuakeML, or nothing.
    where : str
        The file, for messages.

    Raises
    ------
    InputError
        If it is not well-formed, declares entities, or ObsPy cannot parse it.
    """
    document = trimmed(document)
    if not document:
        return Catalog()
    try:
        check_wellformed(document)
    except StationXMLError as error:
        msg = f"{where}: the QuakeML document cannot be used: {error}"
        raise InputError(msg) from error
    try:
        return obspy.read_events(io.BytesIO(document), format="QUAKEML")
    except Exception as error:  # ObsPy raises whatever its readers happen to
        if b"eventParameters" in document and b"<event" not in document.replace(
            b"<eventParameters", b""
        ):
            return Catalog()  # without events; ObsPy does not read these
        msg = f"{where}: the QuakeML document cannot be parsed ({named_line(error)})"
        raise InputError(msg) from error
