"""Appending to traces: many small pieces, written together.

A piece goes behind the trace of its channel, tag, sampling rate and type that ends one
sample before it. Pieces are kept until a commit is due or a chunk is full, for each
write encodes the trace's last chunk anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.container import append
from asdf_pipeline.container.names import STATIONXML, TraceName, name_in
from asdf_pipeline.container.traces import offset
from asdf_pipeline.dataset.coerce import warn_repeated
from asdf_pipeline.errors import TraceError
from asdf_pipeline.times import SECOND, TOLERANCE, iso_ns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asdf_pipeline.container.codec import Encoding
    from asdf_pipeline.container.edit import Editor
    from asdf_pipeline.container.traces import TraceHeader

Piece = tuple["TraceHeader", np.ndarray[Any, Any]]
# Channel and tag, and the second in which a trace ends.
Key = tuple[str, str, int]


@dataclass(slots=True)
class Tail:
    """A trace that pieces are appended to.

    Attributes
    ----------
    station : str
        ``"NET.STA"``.
    stored : str
        Name of its data set in the file.
    name : str
        Name that the data set will have with the pieces.
    header : TraceHeader
        With the pieces.
    pieces : list of numpy.ndarray
        What is not in the file yet.
    """

    station: str
    stored: str
    name: str
    header: TraceHeader
    encoding: Encoding
    pieces: list[np.ndarray[Any, Any]] = field(default_factory=list)
    waiting: int = 0  # samples in `pieces`


class Tails:
    """The traces of one file that pieces are appended to."""

    def __init__(self) -> None:
        self._ends: dict[Key, list[Tail]] = {}
        self._unread: dict[Key, list[str]] = {}  # data sets not looked into yet
        self._listed: set[str] = set()  # stations whose data sets are in these two
        self._waiting: dict[int, Tail] = {}

    def append(
        self,
        editor: Editor,
        station: str,
        names: set[str],
        pieces: Iterable[Piece],
        encoding: Encoding,
    ) -> None:
        """Append contiguous pieces of traces of one station.

        Parameters
        ----------
        editor : Editor
            The open file.
        station : str
            ``"NET.STA"``.
        names : set of str
            What is there of it; brought up to date.
        pieces : iterable of (TraceHeader, numpy.ndarray)
            In the order in which they are appended.
        encoding : Encoding
            How a new trace is stored.

        Raises
        ------
        TraceError
            If a trace would get the name of another.

        Warns
        -----
        ASDFWarning
            If a piece is there already as a trace of its own; it is left out.
        """
        self._list(station, names)
        full = False
        for header, data in pieces:
            tail = self._tail(editor, station, header, encoding)
            if tail is not None:
                self._extend(editor, tail, names, (header, data))
                full = full or tail.waiting >= encoding.chunk
            elif not self._repeats(editor, station, names, (header, data)):
                self._start(editor, station, names, (header, data), encoding)
        if full or editor.due:
            self.flush(editor)
            editor.commit_if_due()

    def _list(self, station: str, names: set[str]) -> None:
        """Note where the station's traces end, by their names."""
        if station in self._listed:
            return
        self._listed.add(station)
        for name in names - {STATIONXML}:
            try:
                parts = TraceName.parse(name)
                second = iso_ns(parts.end) // SECOND
            except (TraceError, ValueError):
                continue  # of no form that has an end: nothing is appended to it
            codes = name.partition("__")[0]
            self._unread.setdefault((codes, parts.tag, second), []).append(name)

    def _tail(
        self, editor: Editor, station: str, header: TraceHeader, encoding: Encoding
    ) -> Tail | None:
        """Return the trace that a piece goes on, or None."""
        # The trace ends about one sample before the piece starts.
        end = header.starttime - offset(1, header.sampling_rate)
        seconds = {(end - TOLERANCE) // SECOND, (end + TOLERANCE) // SECOND}
        for second in sorted(seconds):
            key = (header.id, header.tag, second)
            for name in self._unread.pop(key, ()):
                try:
                    there = append.header_of(editor.file_id, station, name)
                except TraceError:
                    continue  # damaged: nothing goes on it
                self._note(Tail(station, name, name, there, encoding))
            for tail in self._ends.get(key, ()):
                if _goes_on(tail.header, header):
                    return tail
        return None

    def _note(self, tail: Tail) -> None:
        self._ends.setdefault(_key(tail.header), []).append(tail)

    def _start(
        self,
        editor: Editor,
        station: str,
        names: set[str],
        piece: Piece,
        encoding: Encoding,
    ) -> None:
        """Create the trace of a piece that goes on no other."""
        header, data = piece
        name = _free_name(editor, header, names)
        with editor.change(commit=False) as writer:
            append.start(writer.station(station), name, header, data, encoding)
        names.add(name)
        self._note(Tail(station, name, name, header, encoding))

    def _repeats(
        self, editor: Editor, station: str, names: set[str], piece: Piece
    ) -> bool:
        """Return whether a piece is there already as a trace of its own; warn then."""
        header, data = piece
        for fraction in (False, True):
            name = name_in(editor.writer.format_version, header.name(fraction=fraction))
            if name in names:
                self.flush(editor)
                if append.is_stored(editor.file_id, station, name, header, data):
                    warn_repeated(name)
                    return True
        return False

    def _extend(
        self, editor: Editor, tail: Tail, names: set[str], piece: Piece
    ) -> None:
        """Let a piece wait to be written behind its trace."""
        header, data = piece
        grown = replace(tail.header, npts=tail.header.npts + header.npts)
        name = _free_name(editor, grown, names, tail.name)
        names.discard(tail.name)
        names.add(name)
        self._ends[_key(tail.header)].remove(tail)
        tail.name, tail.header = name, grown
        tail.pieces.append(data)
        tail.waiting += data.size
        self._note(tail)
        self._waiting[id(tail)] = tail

    def flush(self, editor: Editor) -> None:
        """Write the pieces that wait; no commit.

        Parameters
        ----------
        editor : Editor
            The open file.
        """
        waiting, self._waiting = self._waiting, {}
        for tail in waiting.values():
            with editor.change(commit=False):
                append.extend(
                    append.station_group(editor.file_id, tail.station),
                    tail.stored,
                    tail.name,
                    np.concatenate(tail.pieces),
                    tail.encoding,
                )
            tail.stored, tail.pieces, tail.waiting = tail.name, [], 0

    def forget(self) -> None:
        """Forget what is in the file, which others may change from now on."""
        self._ends.clear()
        self._unread.clear()
        self._listed.clear()
        self._waiting.clear()


def _key(header: TraceHeader) -> Key:
    return header.id, header.tag, header.endtime // SECOND


def _goes_on(there: TraceHeader, piece: TraceHeader) -> bool:
    """Return whether a piece starts one sample after a trace ends, and is of its kind.

    Its start may miss that time by half a microsecond, as times that formats or floats
    have rounded do. The trace's samples keep the times that follow from its own start,
    so nothing adds up.
    """
    expected = there.starttime + offset(there.npts, there.sampling_rate)
    return (
        abs(piece.starttime - expected) <= TOLERANCE
        and piece.sampling_rate == there.sampling_rate
        and piece.dtype.str[1:] == there.dtype.str[1:]
    )


def _free_name(
    editor: Editor, header: TraceHeader, names: set[str], own: str = ""
) -> str:
    """Return a name for a data set that no other has; it may keep its own.

    Raises
    ------
    TraceError
        If the one with nine digits of fraction is taken, too.
    """
    for fraction in (False, True):
        name = name_in(editor.writer.format_version, header.name(fraction=fraction))
        if name == own or name not in names:
            return name
    msg = (
        f"{editor.path}: {name} is there already, but does not end where this piece "
        "starts; nothing was appended: delete it first"
    )
    raise TraceError(msg)
