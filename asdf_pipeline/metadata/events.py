"""Events from a QuakeML document: all of them, parsed once, or the one wanted."""

from __future__ import annotations

import copy
import io
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

import obspy
from obspy import UTCDateTime
from obspy.core.event import Catalog, ResourceIdentifier
from obspy.core.util import AttribDict

from asdf_pipeline.errors import InputError, StationXMLError
from asdf_pipeline.metadata.stationxml import check_wellformed, trimmed
from asdf_pipeline.text import named_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from obspy.core.event import Event

_EVENT = re.compile(rb"<(?:\w+:)?event[\s>]")


def count_events(document: bytes | None) -> int:
    """Return how many events a QuakeML document has, without parsing it."""
    return len(_EVENT.findall(document or b""))


def check_quakeml(document: bytes | None, where: str) -> None:
    """Check that a QuakeML document, if there is one, is well-formed.

    Raises
    ------
    InputError
        If it is not, or declares entities.
    """
    document = trimmed(document or b"")
    if not document:
        return
    try:
        check_wellformed(document)
    except StationXMLError as error:
        msg = f"{where}: the QuakeML document cannot be used: {error}"
        raise InputError(msg) from error


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
    check_quakeml(document, where)
    if not document:
        return Catalog()
    try:
        return obspy.read_events(io.BytesIO(document), format="QUAKEML")
    except Exception as error:  # ObsPy raises whatever its readers happen to
        if b"eventParameters" in document and not count_events(document):
            return Catalog()  # without events; ObsPy does not read these
        msg = f"{where}: the QuakeML document cannot be parsed ({named_line(error)})"
        raise InputError(msg) from error


@dataclass
class EventDocument:
    """A QuakeML document that is parsed once a process, and no more than is needed.

    ObsPy takes more than a millisecond to parse an event, and half of that to copy
    one: a catalogue of thousands, copied for every station, costs more than all else.

    Attributes
    ----------
    document : bytes
        QuakeML, or nothing.
    where : str
        The file, for messages.
    """

    document: bytes
    where: str
    _lent: _Snapshot | None = field(default=None, init=False)
    _changed: bool = field(default=False, init=False)

    @cached_property
    def shared(self) -> Catalog:
        """The events: one object for all, which nobody may change.

        Raises
        ------
        InputError
            As of `parse_events`.
        """
        return parse_events(self.document, self.where)

    def lend(self) -> Catalog:
        """Return the events for a function that may do with them what it likes.

        They are the shared ones, until a function is found to have changed them:
        whoever calls this calls `take_back` when the function has returned.
        """
        if self._changed:
            return copy.deepcopy(self.shared)
        if self._lent is None:
            self._lent = _Snapshot(self.shared)
        return self.shared

    def take_back(self) -> None:
        """See to it that no change of events that were lent is seen by anyone else."""
        if self._lent is not None and not self._lent.holds():
            # The function does it again for the next station: copies from now on.
            self._lent, self._changed = None, True
            del self.shared

    def event(self, identifiers: Collection[str]) -> Event | None:
        """Return the first event that has one of these ids, the caller's own, or None.

        Raises
        ------
        InputError
            As of `parse_events`.
        """
        spans = self._spans
        wanted = [one for one in identifiers if one in spans]
        if not wanted:
            return None
        begin, end = min(spans[one] for one in wanted)
        first, last = min(spans.values())[0], max(spans.values())[1]
        alone = self._text[:first] + self._text[begin:end] + self._text[last:]
        return next(iter(parse_events(alone, self.where)), None)

    @cached_property
    def _text(self) -> bytes:
        return trimmed(self.document)

    @cached_property
    def _spans(self) -> dict[str, tuple[int, int]]:
        """Return where in the document each event is, by its id."""
        check_quakeml(self._text, self.where)
        return dict(_find_events(self._text)) if self._text else {}


def _find_events(document: bytes) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the id of each event, with where its element begins and ends."""
    parser = expat.ParserCreate()
    depth = 0
    here: tuple[str, int] | None = None
    found: list[tuple[str, int, int]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, here
        depth += 1
        if depth == 3 and name.rpartition(":")[2] == "event":
            here = attributes.get("publicID", ""), parser.CurrentByteIndex

    def end(_: str) -> None:
        nonlocal depth, here
        if depth == 3 and here is not None:
            found.append((*here, parser.CurrentByteIndex))
            here = None
        depth -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(document, True)
    for identifier, begin, last in found:
        # Of an element without content expat names the byte after it.
        empty = document[last - 2 : last] == b"/>"
        yield identifier, (begin, last if empty else document.index(b">", last) + 1)


class _Snapshot:
    """What a catalogue held, by which a change of it is noticed.

    Every attribute and list is compared with what it was: by identity first, which
    takes 20 ms for 1,500 events.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._slots: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._lists: list[tuple[list[Any], list[Any]]] = []
        self._values: list[tuple[Any, str, Any]] = []
        found: list[Any] = [catalog]
        while found:
            one = found.pop()
            if isinstance(one, Catalog | AttribDict):
                self._slots.append((vars(one), dict(vars(one))))
                found += vars(one).values()
            elif isinstance(one, list):
                self._lists.append((one, list(one)))
                found += one
            elif isinstance(one, ResourceIdentifier):
                self._values.append((one, "id", one.id))
            elif isinstance(one, UTCDateTime):
                self._values.append((one, "ns", one.ns))

    def holds(self) -> bool:
        """Return whether all is as it was."""
        return (
            all(now == before for now, before in self._slots)
            and all(now == before for now, before in self._lists)
            and all(getattr(one, name) == was for one, name, was in self._values)
        )
