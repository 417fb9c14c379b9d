"""StationXML documents: well-formed, of which station, and where that is.

What comes from a file is first looked at by expat only. A document type declaration
is refused, and with it every entity: nothing is expanded, and nothing outside the
document is ever read.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from xml.parsers import expat

from asdf_pipeline.errors import InputError, StationXMLError
from asdf_pipeline.times import utc_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BEFORE_XML = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"  # byte order marks and white space

Coordinates = tuple[float, float, float]
_COORDINATES = ("Latitude", "Longitude", "Elevation")

# In the start tag of a network or station, in every encoding but UTF-16; beginning with
# a literal, which `re` looks for ten times as fast.
_OUTER = re.compile(rb"Network[\s>/]"), re.compile(rb"Station[\s>/]")


def trimmed(document: bytes) -> bytes:
    """Return a document without white space and NULs around it.

    pyasdf's files may have them; in UTF-16 a NUL is half of a character.
    """
    if document[:2] in (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<"):
        return document
    return document.strip(b" \t\r\n\0")


def _parser() -> Any:
    """Return an expat parser that refuses document types and entities."""
    parser: Any = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_: Any) -> None:
        msg = "it declares a document type or entities, which are never resolved"
        raise StationXMLError(msg)

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    return parser


def _parse(parser: Any, pieces: Iterable[tuple[bytes | memoryview, bool]]) -> None:
    try:
        for piece, is_last in pieces:
            parser.Parse(piece, is_last)
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
    _parse(_parser(), [(trimmed(document), True)])


def check_xml(content: bytes, source_name: str) -> bool:
    """Return whether a file is XML, and refuse it if it is damaged XML.

    ObsPy's parsers would load other files for it, or grow without end.

    Parameters
    ----------
    content : bytes
        The file's.
    source_name : str
        How the error names it.

    Raises
    ------
    InputError
        If it is not well-formed, or declares entities.
    """
    if not content[:64].lstrip(_BEFORE_XML).startswith(b"<"):
        return False
    try:
        check_wellformed(content)
    except StationXMLError as error:
        msg = f"{source_name}: {error}"
        raise InputError(msg) from error
    return True


class StationEpoch(NamedTuple):
    """Where a station was, and when.

    Attributes
    ----------
    start, end : int
        In ns since 1970; far away where the document does not say.
    coordinates : (float, float, float) or None
        Latitude and longitude in degrees, elevation in m; None where the document
        does not say.
    """

    start: int
    end: int
    coordinates: Coordinates | None


class _StationSearch:
    """Reads a station's epochs and lets expat go on without calling Python in between.

    The channels' responses are nearly all of a document: 1 ms for 270 kB this way. So
    handlers are set where the tag of a network or station begins, and taken away once
    all is known of it; where these tags are not found before parsing, they stay.
    """

    def __init__(self, parser: Any, station: str) -> None:
        self.epochs: list[StationEpoch] = []
        self._parser = parser
        self._wanted = station
        self._network = ""
        self._attributes: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._path: list[str] | None = None  # within the station, while it is read
        self._always = False
        parser.buffer_text = True

    def pieces(self, document: bytes) -> Iterator[tuple[memoryview, bool]]:
        """Yield a document in pieces, each for the parser before the next."""
        whole = memoryview(document)
        starts = {
            document.rfind(b"<", 0, match.start())
            for pattern in _OUTER
            for match in pattern.finditer(document)
        }
        self._always = not starts
        for begin, end in itertools.pairwise([*sorted({0, *starts}), len(document)]):
            if self._path is None:
                self._parser.StartElementHandler = self._seek
            yield whole[begin:end], end == len(document)

    def _seek(self, name: str, attributes: dict[str, str]) -> None:
        """Look for the next station."""
        tag = name.rpartition(" ")[2]
        if tag not in ("Network", "Station"):
            return
        self._handle(self._seek if self._always else None)
        code = attributes.get("code", "").strip()
        if tag == "Network":
            self._network = code
        elif f"{self._network}.{code}" == self._wanted:
            self._attributes, self._values, self._path = attributes, {}, []
            self._handle(self._start, self._end, self._text)

    def _handle(self, start: Any, end: Any = None, text: Any = None) -> None:
        self._parser.StartElementHandler = start
        self._parser.EndElementHandler = end
        self._parser.CharacterDataHandler = text

    def _start(self, name: str, _: dict[str, str]) -> None:
        if self._path is not None:
            self._path.append(name.rpartition(" ")[2])

    def _text(self, text: str) -> None:
        if self._path is not None and len(self._path) == 1:
            self._values[self._path[0]] = self._values.get(self._path[0], "") + text

    def _end(self, _: str) -> None:
        """Leave the station at its end, or once all is known of where it is."""
        path = self._path
        if path and (path.pop() != "Elevation" or path):
            return
        self._path = None
        found: tuple[float, ...] | None = None
        # What is no number, ObsPy will say, when the inventory is touched.
        with contextlib.suppress(KeyError, ValueError):
            found = tuple(float(self._values[name]) for name in _COORDINATES)
        if found is None or not all(map(math.isfinite, found)):
            found = None  # NaN is a number to XML Schema, but no place
        start = _time(self._attributes.get("startDate"), -sys.maxsize)
        end = _time(self._attributes.get("endDate"), sys.maxsize)
        self.epochs.append(StationEpoch(start, end, cast("Coordinates | None", found)))
        self._handle(self._seek if self._always else None)


def _time(text: str | None, default: int) -> int:
    """Return the time in an attribute in ns since 1970, by default another."""
    try:
        return default if text is None else utc_ns(text)
    except (TypeError, ValueError):
        return default


def survey(document: bytes, station: str) -> tuple[StationEpoch, ...]:
    """Check a StationXML document and return the station's epochs.

    Parameters
    ----------
    document : bytes
        The document; white space and NULs around it are allowed.
    station : str
        ``"NET.STA"`` that it must hold.

    Returns
    -------
    tuple of StationEpoch
        At least one, in the order of the document.

    Raises
    ------
    StationXMLError
        If it is not well-formed, declares entities, or is of another station.
    """
    parser = _parser()
    search = _StationSearch(parser, station)
    try:
        _parse(parser, search.pieces(trimmed(document)))
    except StationXMLError as error:
        msg = f"the StationXML of station {station} cannot be used: {error}"
        raise StationXMLError(msg) from error
    if not search.epochs:
        msg = f"the StationXML of station {station} does not hold that station"
        raise StationXMLError(msg)
    return tuple(search.epochs)


def coordinates_at(
    epochs: Iterable[StationEpoch], times: tuple[int, int] | None = None
) -> Coordinates | None:
    """Return where a station is, or was at a time.

    Parameters
    ----------
    epochs : iterable of StationEpoch
        What `survey` returned.
    times : (int, int), optional
        First and last time of its waveforms, in ns since 1970.

    Returns
    -------
    (float, float, float) or None
        The coordinates of the newest epoch of those that the times touch; where they
        touch none, or are not known, of the newest of all. None where the document
        does not say.
    """
    known = sorted(epoch for epoch in epochs if epoch.coordinates is not None)
    if times is not None:
        first, last = times
        touched = [one for one in known if one.start <= last and one.end >= first]
        known = touched or known
    return known[-1].coordinates if known else None
