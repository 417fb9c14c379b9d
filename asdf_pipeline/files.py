"""Files as the disk has them: whole, durable, copied, checksummed; what goes wrong."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import xxhash

from asdf_pipeline.errors import SystemNotSupportedError, WriteError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS)
"""Errors of a file system that does not link a file."""
_BLOCK = 2 << 20  # bytes
_PIECE = 1 << 30  # bytes
_SYNC_FILE_RANGE_WRITE = 2  # sync_file_range(2)


def require_posix() -> None:
    """Raise `SystemNotSupportedError` on Windows, before a module is missing there."""
    if sys.platform == "win32":
        msg = (
            "asdf_pipeline runs on Linux and macOS; on Windows install it in the "
            "Windows Subsystem for Linux (WSL)"
        )
        raise SystemNotSupportedError(msg)


def system_call(name: str) -> Any:
    """Return a function of the C library, None where the system does not have it.

    Not by way of `os`: conda-forge's CPython, built against glibc 2.17, lacks
    ``copy_file_range`` and ``memfd_create`` where the system has them. What is
    returned keeps the types of its arguments and its result to this caller.
    """
    return getattr(ctypes.CDLL(None, use_errno=True), name, None)


@contextlib.contextmanager
def atomic_write(path: Path, *, durable: bool = False) -> Iterator[BinaryIO]:
    """Open a file that gets its name, and replaces another, once all is written.

    Parameters
    ----------
    durable : bool
        It must outlive the machine's death, too.

    Raises
    ------
    OSError
        If it cannot be written; what there was before is left alone then.
    """
    partial = path.with_name(f"{path.name}.part")
    try:
        with partial.open("wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def place_new(partial: Path, path: Path) -> bool:
    """Give a file that is written whole its name, unless something has it already.

    Parameters
    ----------
    partial : pathlib.Path
        The file, in the same directory.
    path : pathlib.Path
        The name.

    Returns
    -------
    bool
        False where there is a file of that name: it is left alone, and so is
        `partial`.

    Raises
    ------
    OSError
        If it cannot be named.
    """
    try:
        os.link(partial, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if os.path.lexists(path):  # the next best on a file system without links
            return False
        partial.replace(path)
        return True
    partial.unlink()
    return True


def sync(path: Path) -> None:
    """Make a file's content durable.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    try:
        with path.open("r+b") as file:
            os.fsync(file.fileno())
    except OSError as error:
        raise write_error(path, error) from error


def start_writeback(path: Path) -> None:
    """Have the disk begin to write what a file has new, so that `sync` is short.

    A hint: where the system does not know it, nothing happens.
    """
    with contextlib.suppress(OSError), path.open("rb") as file:
        _start_writeback(file)


def _start_writeback(file: BinaryIO) -> None:
    sync_file_range = system_call("sync_file_range")
    if sync_file_range is not None:
        whole = ctypes.c_int64(0)
        sync_file_range(file.fileno(), whole, whole, _SYNC_FILE_RANGE_WRITE)


def sync_directory(path: Path) -> None:
    """Make renames within a directory durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not on every mount
            raise
    finally:
        os.close(handle)


def identity(path: Path, by_inode: bool = False) -> str:
    """Return what tells a file from any other, and from itself once it is changed.

    Parameters
    ----------
    by_inode : bool
        The inode counts, not the path: for a file that is renamed. Its device does
        not, whose number differs between the hosts that mount a file system.

    Raises
    ------
    OSError
        If there is no such file.
    """
    stat = path.stat()
    name = stat.st_ino if by_inode else path.resolve()
    return f"{name} {stat.st_size} {stat.st_mtime_ns}"


def checksum(path: Path) -> str:
    """Return the XXH3-128 (hex) of a file's bytes.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    state = xxhash.xxh3_128()
    block = memoryview(bytearray(_BLOCK))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(block):
            state.update(block[:size])
    return str(state.hexdigest())


def copy_file(source: Path, target: Path) -> None:
    """Copy a file; where the file system can, the copy shares the bytes.

    The disk begins to write it: `sync` makes it durable.

    Raises
    ------
    WriteError
        If it cannot be read or written; nothing is left of the copy then.
    """
    try:
        with source.open("rb") as reading, target.open("wb") as copy:
            _copy(reading, copy)
            _start_writeback(copy)
    except OSError as error:
        with contextlib.suppress(OSError):
            target.unlink(missing_ok=True)
        raise write_error(target, error) from error


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    copy_file_range = system_call("copy_file_range")
    if copy_file_range is not None:
        copy_file_range.restype = ctypes.c_ssize_t
        files = source.fileno(), None, target.fileno(), None
        while copy_file_range(*files, ctypes.c_size_t(_PIECE), 0) > 0:
            pass
    # What the file system cannot do, or has no room for, the rest finds out.
    source.seek(target.seek(0, os.SEEK_END))
    shutil.copyfileobj(source, target, _BLOCK)
    target.flush()


def require_space(directory: Path, needed: int) -> None:
    """Raise `WriteError` if a directory's file system has less room than needed.

    Parameters
    ----------
    needed : int
        Bytes.
    """
    free = shutil.disk_usage(directory).free
    if free < needed:
        msg = (
            f"{directory}: {needed / 1e6:.3f} MB are needed, {free / 1e6:.3f} MB are "
            "free; make room and run the same command again"
        )
        raise WriteError(msg)


def write_error(path: Path, error: OSError) -> WriteError:
    """Return the one-line error for a file that could not be written.

    It promises nothing about work that is done: what has a work directory does.
    """
    remedy = ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "; make room and run the same command again"
    reason = error.strerror or str(error)
    return WriteError(f"{path}: cannot be written: {reason}{remedy}")
