"""When a file cannot be written: one line that names it, and no crash."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import resource
import tempfile
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

from asdf_pipeline.container.hdf5 import HDF5_ERRORS, reason
from asdf_pipeline.errors import ASDFPipelineError, WriteError
from asdf_pipeline.files import system_call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what HDF5 raises into one line that names the file."""
    try:
        yield
    except ASDFPipelineError:
        raise
    except HDF5_ERRORS as error:
        raise write_error(path, error) from error


def write_error(path: Path, error: BaseException) -> WriteError:
    """Return what HDF5 raised as a `WriteError` with errno, where it is known."""
    number = getattr(error, "errno", None)
    found = re.search(r"errno = (\d+)", str(error))
    if number is None and found:
        number = int(found[1])
    remedy = ""
    if number in (errno.ENOSPC, errno.EDQUOT):
        remedy = "; make room and run the same command again"
    result = WriteError(f"{path}: cannot be written: {reason(error)}{remedy}")
    result.errno = number
    return result


def take_room(handle: int, size: int) -> None:
    """Take room on the disk for so many bytes of an open file.

    By fallocate(2) itself: where a file system has none (NFS before 4.2, older
    Lustre), `os.posix_fallocate` would write into every block instead.

    Raises
    ------
    OSError
        If there is not that much room.
    """
    fallocate = system_call("fallocate")
    if fallocate is None:
        return
    arguments = ctypes.c_int(handle), 0, ctypes.c_int64(0), ctypes.c_int64(size)
    if fallocate(*arguments) and (number := ctypes.get_errno()) in NO_ROOM:
        raise OSError(number, os.strerror(number))


def abandon(file: Any) -> None:
    """Close a file that can no longer be written; the error is under way.

    HDF5 1.10 crashes where it cannot write while it closes a file, at once or when
    the process ends. What it still has to write goes to memory: the file is lost.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)  # memory counts as a file
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        with _memory() as sink:
            os.dup2(sink.fileno(), file.get_vfd_handle())
        file.close()
    except HDF5_ERRORS:
        file.locked = True  # h5py would try again and print a traceback
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _memory() -> IO[bytes]:
    """Return a file without a name, in memory where the system has that."""
    memfd_create = system_call("memfd_create")
    handle = -1 if memfd_create is None else memfd_create(b"lost", 0)
    if handle >= 0:
        return os.fdopen(handle, "wb")
    with suppress(OSError):  # the disk of the usual directory may be the full one
        return tempfile.TemporaryFile(dir="/dev/shm")  # noqa: S108
    return tempfile.TemporaryFile()
