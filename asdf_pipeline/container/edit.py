"""Changing an ASDF file that people keep: adding, replacing, deleting.

A process that is killed leaves the file as it was after one of the last calls; see
`overlay`. An engine's segments need none of this: they are written once, and count when
they are sealed.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from asdf_pipeline.container import create
from asdf_pipeline.container.failures import write_error, writing
from asdf_pipeline.container.file_lock import lock_to_write
from asdf_pipeline.container.hdf5 import (
    HDF5_ERRORS,
    h5d,
    h5f,
    h5fd,
    h5g,
    h5py,
    has_member,
    is_open_here,
    reason,
    version_of,
)
from asdf_pipeline.container.overlay import Overlay
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import (
    InputMissingError,
    NotASDFError,
    StationMissingError,
    WriteError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

_INTERVAL = 1.0
"""Seconds between two commits while calls follow each other; each costs 0.3 ms and
what HDF5 keeps in memory, while a kill loses the calls since the last."""
_HELD = 2**25  # bytes in memory for which a commit does not wait


class Editor:
    """An ASDF file that one process changes; made by `open`.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    writer : Writer
        What adds to it. Use it within `change` only.
    freed : int
        Bytes that deleting left unused in the file, as far as is known.
    """

    def __init__(self, path: Path, file: Any, overlay: Overlay, version: str) -> None:
        self.path = path
        self.writer = Writer(path, file, version, give_up=lambda _: overlay.discard())
        self.freed = 0
        self._file = file
        self._overlay = overlay
        self._committed = time.monotonic()
        self._changes = 0  # since then

    @classmethod
    def open(cls, path: Path, format_version: str | None = None) -> Self:
        """Open a file to change it.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        format_version : str or None
            Version of the format that what is added follows; None for the file's.

        Raises
        ------
        InputMissingError, NotASDFError
            If it is no ASDF file.
        WriteError
            If it cannot be opened for writing, or is open elsewhere.
        """
        overlay = _overlay(path)
        file = None
        try:
            file = _opened(path, overlay)
            version = version_of(file, path)
            with writing(path):
                for name in (b"Waveforms", b"AuxiliaryData", b"Provenance"):
                    if not has_member(file, name):
                        create.group(file, name)
                return cls(path, file, overlay, format_version or version)
        except BaseException:
            overlay.discard()
            if file is not None:
                file.close()
            overlay.close()
            raise

    @property
    def file_id(self) -> Any:
        """The open file (h5py.h5f.FileID)."""
        return self._file

    @property
    def due(self) -> bool:
        """Whether changes have waited long enough for a commit."""
        waited = time.monotonic() - self._committed
        return waited > _INTERVAL or self._overlay.held > _HELD

    def commit_if_due(self) -> None:
        """Commit where it is due; see `commit`."""
        if self.due:
            self.commit()

    @contextmanager
    def change(self, *, commit: bool = True) -> Iterator[Writer]:
        """Make one change: all of it becomes part of the file, or nothing of it.

        Parameters
        ----------
        commit : bool
            Whether the change may be committed at its end; it is where that is due.

        Yields
        ------
        Writer
            What adds to the file.

        Raises
        ------
        WriteError
            If the file cannot be written. It is as after an earlier change then, and
            this editor is of no more use.
        """
        if self._file is None:
            msg = f"{self.path}: closed, or lost after an earlier error"
            raise WriteError(msg)
        try:
            with writing(self.path):
                yield self.writer
        except WriteError as error:
            raise self._given_up(error) from error
        self._changes += 1
        if commit:
            self.commit_if_due()

    def commit(self) -> None:
        """Make all changes so far part of the file on the disk.

        Raises
        ------
        WriteError
            See `change`.
        """
        try:
            with writing(self.path):
                h5f.flush(self._file)
                self._overlay.commit()
        except WriteError as error:
            raise self._given_up(error) from error
        self._committed, self._changes = time.monotonic(), 0

    def _given_up(self, error: WriteError) -> WriteError:
        """Return the error of a file that cannot be written, and close the file."""
        lost = ""
        if self._changes:
            lost = f"; the last {self._changes} change(s) before are not in it either"
        self._overlay.discard()
        self._close()
        whole_error = WriteError(f"{error}{lost}")
        whole_error.errno = error.errno
        return whole_error

    def discard(self) -> None:
        """Close the file as it was after the last commit."""
        if self._file is not None:
            self._overlay.discard()
            self._close()

    def close(self) -> None:
        """Commit and close the file; may be called again.

        Raises
        ------
        WriteError
            See `change`.
        """
        if self._file is None:
            return
        self.commit()
        if self.freed:
            self.freed = min(self.freed, self._file.get_freespace())
        # HDF5 gives back room at the file's end only when it closes the file.
        self._close(keep=True)

    def _close(self, *, keep: bool = False) -> None:
        file, self._file = self._file, None
        del self.writer  # and its handles within the file
        try:
            with writing(self.path):
                file.close()
                if keep:
                    self._overlay.commit()
        finally:
            self._overlay.close()

    # Deleting. HDF5 uses what it frees again until the file is closed, not after.

    def _group(self, path: tuple[bytes, ...]) -> Any:
        """Return a group by its path below the root, or None."""
        group: Any = self._file
        for name in path:
            if not has_member(group, name):
                return None
            group = h5g.open(group, name)
        return group

    def delete(self, *path: bytes) -> None:
        """Delete a data set, or a group and all that is in it.

        Parameters
        ----------
        *path : bytes
            Names from the root down. What is no group on the way, or not there at
            the end, is an error.

        Raises
        ------
        StationMissingError
            If there is nothing of that path.
        WriteError
            See `change`.
        """
        try:
            parent = self._group(path[:-1])
            there = parent is not None and parent.links.exists(path[-1])
        except HDF5_ERRORS as error:
            raise write_error(self.path, error) from error
        if not there:
            name = b"/".join(path).decode(errors="replace")
            msg = f"{self.path}: there is no {name} to delete"
            raise StationMissingError(msg)
        before = self._file.get_freespace()
        parent.unlink(path[-1])
        self.freed += max(0, self._file.get_freespace() - before)

    def overwrite(self, path: tuple[bytes, ...], data: np.ndarray[Any, Any]) -> bool:
        """Write an array in place of one that has the same shape and type.

        Returns
        -------
        bool
            False where the array that is there has another, and stays.
        """
        dataset = h5py.Dataset(h5d.open(self._group(path[:-1]), path[-1]))
        if dataset.shape != data.shape or dataset.dtype != data.dtype:
            return False
        dataset[...] = data
        return True


def _overlay(path: Path) -> Overlay:
    """Open a file, locked as HDF5 locks it, where the file system can."""
    path = path.resolve()
    if is_open_here(path):
        msg = (
            f"{path} is open elsewhere in this process: close it there before "
            "changing it here"
        )
        raise WriteError(msg)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError as error:
        msg = f"{path}: no such file"
        raise InputMissingError(msg) from error
    except OSError as error:
        raise write_error(path, error) from error
    if not lock_to_write(descriptor):
        os.close(descriptor)
        msg = f"{path} is open elsewhere: close it there before changing it here"
        raise WriteError(msg)
    return Overlay(descriptor)


def _opened(path: Path, overlay: Overlay) -> Any:
    properties = create.access_list().copy()
    properties.set_fileobj_driver(h5fd.fileobj_driver, overlay)
    try:
        return h5f.open(os.fsencode(path), h5f.ACC_RDWR, properties)
    except HDF5_ERRORS as error:
        if "signature not found" in str(error):
            msg = f"{path}: not an HDF5 file"
            raise NotASDFError(msg) from error
        msg = f"{path}: cannot be opened to be changed: {reason(error)}"
        raise WriteError(msg) from error
    finally:
        # Alive when Python ends, it would be freed after h5py: a crash.
        del properties
