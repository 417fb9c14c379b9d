"""HDF5's mark on a file that it is open for writing: who left it, and clearing it.

A file of libver v110 has the mark in its superblock from when it is opened for writing
until it is closed. A writer that is killed leaves it there, and HDF5 then refuses to
open the file at all. What was in the file before is intact, as nothing refers to what
was being added. HDF5's own h5clear clears the mark, but comes with no wheel of h5py.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from asdf_pipeline.container.checksums import lookup3
from asdf_pipeline.container.file_lock import has_writer
from asdf_pipeline.errors import InputError, InputMissingError, NotASDFError, WriteError

if TYPE_CHECKING:
    from pathlib import Path

# The superblock, versions 2 and 3 (HDF5 file format specification 3.0, II.A): the
# signature, version, size of offsets, size of lengths, marks, four offsets, and the
# lookup3 checksum of all this.
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_VERSION, _OFFSET_SIZE, _MARKS = 8, 9, 11
_MARKED_VERSION = 3  # the first that has marks


def clear_writer_mark(path: Path, *, force: bool = False) -> bool:
    """Clear the mark that a killed writer left on a file.

    Parameters
    ----------
    path : pathlib.Path
        The file; it is changed in place, by 5 bytes.
    force : bool
        Clear it also where the file system has no locks, which would tell whether
        a writer lives.

    Returns
    -------
    bool
        Whether there was a mark.

    Raises
    ------
    InputMissingError, NotASDFError
        If there is no such file, or it is not HDF5.
    InputError
        If a writer may be alive.
    WriteError
        If the file cannot be written.
    """
    if not path.is_file():
        msg = f"{path}: no such file"
        raise InputMissingError(msg)
    try:
        writer = has_writer(path)
        with path.open("rb") as file:
            start, superblock = _superblock(file, path)
        if superblock[_VERSION] < _MARKED_VERSION or not superblock[_MARKS]:
            return False
        if writer or (writer is None and not force):
            raise _may_be_written(path, known=writer is not None)
        superblock[_MARKS] = 0
        superblock[-4:] = lookup3(superblock[:-4])
        with path.open("r+b") as file:
            file.seek(start)
            file.write(superblock)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        msg = f"{path}: cannot be repaired: {error.strerror}"
        raise WriteError(msg) from error
    return True


def _may_be_written(path: Path, *, known: bool) -> InputError:
    if known:
        return InputError(
            f"{path}: a program has it open for writing: close that first"
        )
    return InputError(
        f"{path}: its file system has no locks, which would tell whether a program "
        "writes it: see to it that none does, and give --force"
    )


def _superblock(file: BinaryIO, path: Path) -> tuple[int, bytearray]:
    """Return where the superblock starts, and its bytes."""
    size = os.fstat(file.fileno()).st_size
    start = 0
    while start < size:
        file.seek(start)
        head = file.read(12)
        if head.startswith(_SIGNATURE):
            break
        start = start * 2 or 512  # behind a block of the user's, of 512 bytes or more
    else:
        msg = f"{path}: not an HDF5 file"
        raise NotASDFError(msg)
    if head[_VERSION] < _MARKED_VERSION:
        return start, bytearray(head)
    superblock = bytearray(head + file.read(4 * head[_OFFSET_SIZE] + 4))
    if superblock[-4:] != lookup3(superblock[:-4]):
        msg = f"{path}: its first bytes are damaged; get another copy"
        raise NotASDFError(msg)
    return start, superblock
