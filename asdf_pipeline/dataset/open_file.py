"""The file behind a data set: read through one handle, written through another.

HDF5 wants no two handles of different kinds on one file, and reading must leave an
input alone. So the file is open for reading until something is added; then the
handle for writing stays until something is read, for closing it after every trace
would cost time and room in the file. Several data sets on one file take turns.
"""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.errors import (
    CallError,
    InputMissingError,
    OutputExistsError,
    WriteError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.container.writer import Writer

MODES = ("r", "r+", "a", "w", "x", "w-")
_IN_USE: weakref.WeakSet[OpenFile] = weakref.WeakSet()


class OpenFile:
    """One ASDF file, opened the way that is needed at the moment.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    mode : {"r", "r+", "a", "w", "x", "w-"}
        As for `h5py.File`.
    format_version : str or None
        Of a file that is created; None for the newest.
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
        self._place = path.resolve()
        self.mode = mode
        self.limit_in_mb = limit_in_mb
        self._check_writing = check_writing
        self._reader: Reader | None = None
        self._writer: Writer | None = None
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
        self.format_version = self.reader.format_version
        _IN_USE.add(self)

    def _create(self, format_version: str | None) -> None:
        from asdf_pipeline.container.writer import Writer

        self._check_writing()
        self._take_turn()
        # A link is replaced, never what it leads to: staged inputs are links.
        self.path.unlink(missing_ok=True)
        if format_version is None:
            Writer.create(self.path).close()
        else:
            Writer.create(self.path, format_version=format_version).close()

    def refuse_closed(self) -> None:
        """Raise CallError if the data set was closed for good."""
        if self.closed:
            msg = f"{self.path}: the data set is closed; open it again"
            raise CallError(msg)

    @property
    def reader(self) -> Reader:
        """The file, open for reading."""
        from asdf_pipeline.container.reader import Reader

        self.refuse_closed()
        if self._writer is not None:
            self.release()
        if self._reader is None:
            for other in self._others():
                if other._writer is not None:
                    other.release()
            self._reader = Reader(self.path)
        return self._reader

    @property
    def writer(self) -> Writer:
        """The file, open for writing; say afterwards what is there by `changed`."""
        from asdf_pipeline.container.writer import Writer

        self.refuse_closed()
        if self._writer is None:
            if self.mode == "r":
                msg = f"{self.path} is open with mode 'r': open it with mode 'a' to add"
                raise CallError(msg)
            self._check_writing()
            self.release()
            self._take_turn()
            try:
                self._writer = Writer.reopen(self.path)
            except WriteError as error:
                if "already open" not in str(error):
                    raise
                msg = (
                    f"{self.path} is open elsewhere in this process: close that file "
                    "before adding"
                )
                raise WriteError(msg) from error
        return self._writer

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
        """Remember what was added to a station."""
        if self.format_version < "1.0.2":
            # The writer cuts the names: ask the file again.
            self._names.pop(station, None)
            self.stations.add(station)
            return
        here = self.names(station)
        self.stations.add(station)
        self._names[station] = here
        here.update(names)

    def release(self) -> None:
        """Close the handles; the next use opens the file again."""
        reader, self._reader = self._reader, None
        writer, self._writer = self._writer, None
        if reader is not None:
            reader.close()
        if writer is not None:
            writer.close()

    def flush(self) -> None:
        """Close the handles of all data sets on this file, which is complete then."""
        for one in (self, *self._others()):
            one.release()

    def _others(self) -> list[OpenFile]:
        """Return the other data sets on this file."""
        return [one for one in _IN_USE if one is not self and one._place == self._place]

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
