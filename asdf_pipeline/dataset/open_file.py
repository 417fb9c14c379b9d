"""The file behind a data set: read through one handle, changed through another.

HDF5 wants no two handles of different kinds on one file, and reading must leave an
input alone. So the file is open for reading until something is changed; then the
editor stays open until something is read, for closing it after every trace would cost
time and room in the file. Several data sets on one file take turns.
"""

from __future__ import annotations

import logging
import os
import weakref
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from asdf_pipeline.dataset.appending import Tails
from asdf_pipeline.errors import (
    CallError,
    InputMissingError,
    OutputExistsError,
    WriteError,
)
from asdf_pipeline.text import size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from asdf_pipeline.container.codec import Encoding
    from asdf_pipeline.container.edit import Editor
    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.container.writer import Writer
    from asdf_pipeline.dataset.appending import Piece

log = logging.getLogger(__name__)

MODES = ("r", "r+", "a", "w", "x", "w-")
_WORTH_IT = 2**16  # unused bytes in a file of which a warning speaks
_IN_USE: weakref.WeakSet[OpenFile] = weakref.WeakSet()


class Source(Protocol):
    """What a station is read from: a data set's file, or a worker's open input."""

    path: Path
    limit_in_mb: float

    @property
    def reader(self) -> Reader:
        """The file, open for reading."""

    def names(self, station: str) -> set[str]:
        """Return what is there of a station: its traces, and ``"StationXML"``."""

    def delete(self, *paths: tuple[str, ...]) -> None:
        """Delete data sets or groups by their paths from the root down."""


class OpenFile:
    """One ASDF file, opened the way that is needed at the moment.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    mode : {"r", "r+", "a", "w", "x", "w-"}
        As for `h5py.File`.
    format_version : str or None
        Of a file that is created, and that what is added follows; None for the newest,
        or that of the file.
    limit_in_mb : float
        How much may be read by one access, in MiB.
    check_writing : callable
        Called before the file is created or opened for writing; raises if this
        process must not.

    Raises
    ------
    CallError
        If there is no such mode.
    InputMissingError
        If the file does not exist, with "r" and "r+".
    OutputExistsError
        If it exists, with "x".
    NotASDFError
        If it exists and is no ASDF file.
    """

    def __init__(
        self,
        path: Path,
        mode: str,
        format_version: str | None,
        limit_in_mb: float,
        check_writing: Callable[[], None],
    ) -> None:
        if mode not in MODES:
            msg = f"{path}: mode {mode!r} is none of {', '.join(MODES)}"
            raise CallError(msg)
        self.path = path
        self._real_path = path.resolve()
        self.mode = mode
        self.limit_in_mb = limit_in_mb
        self._check_writing = check_writing
        self._reader: Reader | None = None
        self._editor: Editor | None = None
        self._tails = Tails()
        self._deleted = False
        self.closed = False
        self._stations: set[str] | None = None
        self._names: dict[str, set[str]] = {}
        if mode in ("r", "r+") and not path.exists():
            msg = f"{path}: no such file"
            raise InputMissingError(msg)
        if mode in ("x", "w-") and path.exists():
            msg = f"{path} exists already: remove it, or open it with mode 'a'"
            raise OutputExistsError(msg)
        if mode == "w" or not path.exists():
            self._create(format_version)
        self.version_in_file = self.reader.format_version
        self.format_version = format_version or self.version_in_file
        _IN_USE.add(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as path and mode: the file is opened anew there.

        A file that this one created is one to be changed there.
        """
        self.flush()
        mode = self.mode if self.mode in ("r", "r+") else "a"
        return type(self), (
            self.path,
            mode,
            self.format_version,
            self.limit_in_mb,
            self._check_writing,
        )

    def _create(self, format_version: str | None) -> None:
        """Make an empty file; it appears when it is complete."""
        from asdf_pipeline.container.hdf5 import FORMAT_VERSIONS
        from asdf_pipeline.container.writer import Writer

        self._check_writing()
        self._take_turn()
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            version = format_version or FORMAT_VERSIONS[-1]
            Writer.create(part, format_version=version).close()
            # A link is replaced, never what it leads to: staged inputs are links.
            part.replace(self.path)
        finally:
            part.unlink(missing_ok=True)

    def refuse_closed(self) -> None:
        """Raise CallError if the data set was closed for good."""
        if self.closed:
            msg = f"{self.path}: the data set is closed; open it again"
            raise CallError(msg)

    @property
    def reader(self) -> Reader:
        """The file, open for reading; what was changed is in it."""
        from asdf_pipeline.container.reader import Reader

        self.refuse_closed()
        if self._editor is not None:
            self.release()
        if self._reader is None:
            for other in self._others():
                if other._editor is not None:
                    other.release()
            self._reader = Reader(self.path)
        return self._reader

    @property
    def editor(self) -> Editor:
        """The file, open to be changed; say afterwards what is there by `changed`.

        Raises
        ------
        CallError
            If the data set was opened with mode "r".
        WriteError
            If the file cannot be written, or is open elsewhere.
        """
        from asdf_pipeline.container.edit import Editor

        self.refuse_closed()
        if self._editor is None:
            if self.mode == "r":
                msg = (
                    f"{self.path} is open with mode 'r': open it with mode 'a' to "
                    "change it"
                )
                raise CallError(msg)
            self._check_writing()
            self.release()
            self._take_turn()
            self._editor = Editor.open(self.path, self.format_version)
        return self._editor

    @contextmanager
    def change(self) -> Iterator[Writer]:
        """Make one change of the file: all of it, or nothing of it.

        Yields
        ------
        Writer
            What adds to the file; `editor` deletes.
        """
        editor = self.editor
        with self._lost_if_it_fails():
            self._tails.flush(editor)
            with editor.change() as writer:
                yield writer

    @contextmanager
    def _lost_if_it_fails(self) -> Iterator[None]:
        """Forget the editor of a file that could not be written, and what was there."""
        try:
            yield
        except WriteError:
            self._editor = None
            self._tails.forget()
            self._stations = None
            self._names.clear()
            raise

    def append(self, station: str, pieces: Iterable[Piece], encoding: Encoding) -> None:
        """Append contiguous pieces of traces of a station; see `Tails.append`."""
        names = self.names(station)
        editor = self.editor
        with self._lost_if_it_fails():
            self._tails.append(editor, station, names, pieces, encoding)
        self.stations.add(station)
        self._names[station] = names

    @property
    def stations(self) -> set[str]:
        """The stations' names, ``"NET.STA"``."""
        self.refuse_closed()
        if self._stations is None:
            self._stations = set(self.reader.stations())
        return self._stations

    def names(self, station: str) -> set[str]:
        """Return what is there of a station: its traces, and ``"StationXML"``.

        Known without reopening the file for reading where it is being written.
        """
        if station not in self.stations:
            return set()
        if station not in self._names:
            self._names[station] = set(self.reader.contents(station))
        return self._names[station]

    def changed(self, station: str, names: Iterable[str]) -> None:
        """Remember what was added to a station: names as they are in the file."""
        here = self.names(station)
        self.stations.add(station)
        self._names[station] = here
        here.update(names)

    def delete(self, *paths: tuple[str, ...]) -> None:
        """Delete data sets or groups, all or none.

        Parameters
        ----------
        *paths : tuple of str
            Names from the root down.

        Raises
        ------
        StationMissingError
            If there is nothing of a path.
        """
        from asdf_pipeline.container.names import encoded

        with self.change():
            for path in paths:
                self.editor.delete(*map(encoded, path))
        self._deleted = True
        self._tails.forget()
        for path in paths:
            match path:
                case ("Waveforms", station):
                    self.stations.discard(station)
                    self._names.pop(station, None)
                case ("Waveforms", station, name):
                    self.names(station).discard(name)

    def release(self) -> None:
        """Close the handles; the next use opens the file again."""
        reader, self._reader = self._reader, None
        editor, self._editor = self._editor, None
        if reader is not None:
            reader.close()
        if editor is not None:
            with self._lost_if_it_fails():
                self._tails.flush(editor)
                self._tails.forget()
                editor.close()
            if self._deleted and editor.freed:
                log.log(
                    logging.WARNING if editor.freed >= _WORTH_IT else logging.INFO,
                    "%s: deleting left %s in it unused: "
                    "'asdf-pipeline repack %s' gives them back",
                    self.path,
                    size_text(editor.freed),
                    self.path,
                )
            self._deleted = False

    def flush(self) -> None:
        """Close the handles of all data sets on this file, which is complete then."""
        for one in (self, *self._others()):
            one.release()

    def _others(self) -> list[OpenFile]:
        """Return the other data sets on this file."""
        return [
            one
            for one in _IN_USE
            if one is not self and one._real_path == self._real_path
        ]

    def _take_turn(self) -> None:
        """Let the other data sets open the file anew, and look what is there, later."""
        for other in self._others():
            other.release()
            other._stations = None
            other._names.clear()

    def close(self) -> None:
        """Close the file for good."""
        self.release()
        self.closed = True
