"""Errors of writing with HDF5: one line each, space reserved, lost files given up."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import resource
import tempfile
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

from asdf_pipeline import files
from asdf_pipeline.container.hdf5 import HDF5_ERRORS, reason
from asdf_pipeline.errors import ASDFPipelineError, WriteError
from asdf_pipeline.files import system_call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise what h5py raises inside the block as a `WriteError` that names the file."""
    try:
        yield
    except ASDFPipelineError:
        raise
    except HDF5_ERRORS as error:
        raise write_error(path, error) from error


def write_error(path: Path, error: BaseException) -> WriteError:
    """Return what h5py raised as a `WriteError`, with its errno where HDF5 says one.

    HDF5 gives the number of the system's error in its text alone.
    """
    number = getattr(error, "errno", None)
    found = re.search(r"errno = (\d+)", str(error))
    if number is None and found:
        number = int(found[1])
    result = files.write_error(path, OSError(number, reason(error)))
    result.errno = number
    return result


def reserve_space(handle: int, size: int) -> None:
    """Allocate disk space for so many bytes of an open file.

    By fallocate(2) itself: where a file system has none (NFS before 4.2, older
    Lustre), `os.posix_fallocate` would write into every block instead. Nothing is
    done there.

    Raises
    ------
    OSError
        If there is not that much space.
    """
    fallocate = system_call("fallocate")
    if fallocate is None:
        return
    arguments = ctypes.c_int(handle), 0, ctypes.c_int64(0), ctypes.c_int64(size)
    if fallocate(*arguments) and (number := ctypes.get_errno()) in _NO_SPACE:
        raise OSError(number, os.strerror(number))


def abandon(file: Any) -> None:
    """Close a file that can no longer be written, without a second error.

    To be called where the error of writing is being raised; what is in HDF5's cache
    is lost, and the file on disk with it. HDF5 1.10 (1.10.8 is what Debian 12 has)
    crashes where it cannot write while it closes a file, at once or when the process
    ends: so the file's descriptor is pointed at memory first.
    """
    # Under a limit of file sizes (ulimit -f), the memory counts as a file.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
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
    """Return an open file without a name, in memory where the system can."""
    memfd_create = system_call("memfd_create")
    handle = -1 if memfd_create is None else memfd_create(b"lost", 0)
    if handle >= 0:
        return os.fdopen(handle, "wb")
    with suppress(OSError):  # the disk of the usual directory may be the full one
        return tempfile.TemporaryFile(dir="/dev/shm")  # noqa: S108
    return tempfile.TemporaryFile()
