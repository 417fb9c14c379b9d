"""The one module that imports h5py: files opened to read, names listed, errors."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.container.file_lock import has_writer, wait_for_writer
from asdf_pipeline.errors import (
    ASDFPipelineError,
    InputError,
    InputMissingError,
    NotASDFError,
)
from asdf_pipeline.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

FORMAT_VERSIONS = ("1.0.0", "1.0.1", "1.0.2", "1.0.3")


def _import_h5py() -> Any:
    """Import h5py without starting MPI.

    h5py built with MPI imports ``mpi4py.MPI``, whose import calls MPI_Init: teams
    of forked processes must not fork after that, and a Slurm step without MPI dies
    of it. A team that wants MPI imports ``mpi4py.MPI`` first.
    """
    if {"mpi4py.MPI", "h5py"} & set(sys.modules) or not importlib.util.find_spec(
        "mpi4py"
    ):
        return importlib.import_module("h5py")
    rc = importlib.import_module("mpi4py").rc
    before = rc.initialize
    rc.initialize = False
    try:
        return importlib.import_module("h5py")
    finally:
        if "mpi4py.MPI" not in sys.modules:  # a later import of it starts MPI as ever
            rc.initialize = before


h5py = _import_h5py()
h5a: Any = h5py.h5a
h5d: Any = h5py.h5d
h5f: Any = h5py.h5f
h5fd: Any = h5py.h5fd
h5g: Any = h5py.h5g
h5i: Any = h5py.h5i
h5l: Any = h5py.h5l
h5o: Any = h5py.h5o
h5p: Any = h5py.h5p
h5s: Any = h5py.h5s
h5t: Any = h5py.h5t

# What h5py raises for errors inside HDF5: it chooses the class by HDF5's error number.
HDF5_ERRORS = (OSError, RuntimeError, ValueError, KeyError, TypeError)


def reason(error: BaseException) -> str:
    """Return the text of an error of h5py's, on one line.

    The system's words alone where there are some; HDF5 adds addresses and sizes.
    """
    # The last argument: an OSError has its errno before the text.
    text = str(error.args[-1] if error.args else error)
    system = re.search(r"error message = '([^']*)'", text)
    return system[1] if system else one_line(text)


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Raise what h5py raises inside the block as an `InputError`.

    It names the file, and what in it was being read.
    """
    try:
        yield
    except ASDFPipelineError:
        raise
    except HDF5_ERRORS as error:
        msg = f"{path}: {what} cannot be read: {reason(error)}"
        raise InputError(msg) from error


def open_input(path: str | os.PathLike[str]) -> Any:
    """Open an ASDF file to read; the file is never touched.

    Returns
    -------
    h5py.File
        Without HDF5's file locking, which fails on some network file systems. The last
        commit of a writer that was killed is waited for; while one lives, a warning is
        logged.

    Raises
    ------
    InputMissingError
        If there is no such file.
    NotASDFError
        If it is not HDF5, damaged as a whole, or HDF5 but not ASDF.
    """
    path = Path(path)
    if not path.exists():
        msg = f"{path}: no such file"
        raise InputMissingError(msg)
    if not path.is_file():
        msg = f"{path}: not a regular file"
        raise NotASDFError(msg)
    try:
        file = _open_to_read(path)
    except HDF5_ERRORS as error:
        raise NotASDFError(_open_error_text(path, error)) from error
    try:
        version_of(file.id, path)
    except NotASDFError:
        file.close()
        raise
    bound_metadata_cache(file.id)
    return file


def bound_metadata_cache(owner: Any) -> None:
    """Keep HDF5's cache of a file's metadata small: 256 KiB as stored, 3 MB in memory.

    It would grow to 32 MiB, 300 in memory, when 100,000 stations are visited once
    each, and gain nothing. It still makes room for a single larger object, as the
    table of so many stations is in files of older formats.

    Parameters
    ----------
    owner : h5py.h5f.FileID or h5py.h5p.PropFAID
        The open file, or the properties with which files are opened.
    """
    config = owner.get_mdc_config()
    config.set_initial_size = True
    config.initial_size = config.min_size = 1 << 18
    config.incr_mode = config.decr_mode = 0  # no growing; flash_incr_mode stays
    owner.set_mdc_config(config)


def is_open_here(path: Path) -> bool:
    """Return whether this process has a file open through HDF5."""
    files = h5f.get_obj_ids(h5f.OBJ_ALL, h5f.OBJ_FILE)
    real = os.path.realpath(path)
    return any(
        os.path.realpath(os.fsdecode(h5f.get_name(one))) == real for one in files
    )


def _open_to_read(path: Path) -> Any:
    if has_writer(path) and not is_open_here(path) and wait_for_writer(path):
        log.warning(
            "%s: another program is changing it: what is read may be half of a change",
            path,
        )
    try:
        return h5py.File(path, "r", locking=False)
    except HDF5_ERRORS as error:
        if "locking flag" not in str(error):
            raise
        # The file is open in this process already, by h5py or pyasdf. HDF5 then shares
        # the open file, and refuses another setting of locking than the first had.
        return h5py.File(path, "r")


def _open_error_text(path: Path, error: BaseException) -> str:
    text = str(error)
    if "signature not found" in text:
        return f"{path}: not an HDF5 file"
    if "truncated" in text:
        return f"{path}: truncated; get a complete copy"
    if is_marked(error):
        return marked_message(path)
    return f"{path}: cannot be opened: {reason(error)}"


def is_marked(error: BaseException) -> bool:
    """Return whether HDF5 refused a file that is marked as open for writing."""
    return "already open for write" in str(error)


def marked_message(path: Path) -> str:
    """Return why a file that is marked as open for writing is so, and the remedy."""
    if has_writer(path):
        return (
            f"{path}: another program has it open for writing: wait, or close it there"
        )
    return f"{path}: its writer was killed: run 'asdf-pipeline repair {path}'"


def version_of(file: Any, path: str | os.PathLike[str]) -> str:
    """Return the ASDF version of an open file (low-level file id).

    Raises
    ------
    NotASDFError
        If the root attributes ``file_format`` and ``file_format_version`` are
        missing or not those of a supported version.
    """
    texts = []
    for name in (b"file_format", b"file_format_version"):
        try:
            texts.append(attribute_text(file, name))
        except HDF5_ERRORS as error:
            msg = f"{path}: HDF5, but not ASDF: no root attribute {name.decode()!r}"
            raise NotASDFError(msg) from error
    if texts[0] != "ASDF":
        msg = f"{path}: HDF5, but not ASDF: the file format is {texts[0]!r}"
        raise NotASDFError(msg)
    if texts[1] not in FORMAT_VERSIONS:
        msg = (
            f"{path}: ASDF version {texts[1]!r} is not supported: "
            f"only {', '.join(FORMAT_VERSIONS)}"
        )
        raise NotASDFError(msg)
    return texts[1]


def attribute_text(owner: Any, name: bytes) -> str:
    """Return a string attribute: fixed or variable length, ASCII or UTF-8.

    Raises
    ------
    KeyError, TypeError, ValueError, OSError, RuntimeError
        If there is no such attribute, it is no scalar string, or is damaged.
    """
    attribute = h5a.open(owner, name)
    kind = attribute.get_type()
    if (
        kind.get_class() != h5t.STRING
        or attribute.get_space().get_simple_extent_npoints() != 1
    ):
        msg = f"attribute {name.decode()!r} is not a string"
        raise TypeError(msg)
    value = np.empty(attribute.shape, dtype=attribute.dtype)
    attribute.read(value)
    raw = value.reshape(-1)[0]
    return bytes(raw or b"").rstrip(b"\0").decode("utf-8")


def members_of(group: Any) -> list[bytes]:
    """Return the names of the objects in a group, sorted.

    Raises
    ------
    ValueError
        If one is a link that is not followed.
    """
    names: list[bytes] = []
    links: list[bytes] = []

    def note(name: bytes, link: Any) -> None:
        (names if link.type == h5l.TYPE_HARD else links).append(name)

    group.links.iterate(note, info=True)
    if links:
        raise _not_followed(group, links[0])
    return names


def names_in(group: Any) -> list[bytes]:
    """Return all names in a group, sorted; also of links that are not followed."""
    names: list[bytes] = []
    group.links.iterate(names.append)
    return names


def has_member(group: Any, name: bytes) -> bool:
    """Return whether a group has a member of that name (no path) in the file itself.

    Soft and external links are not followed: they could lead in a circle or out of
    the file, and no writer of ASDF makes any. What they lead to is not passed over.

    Raises
    ------
    ValueError
        If the name is such a link's.
    """
    if name in (b"", b".") or b"/" in name or b"\0" in name:
        return False
    if not group.links.exists(name):
        return False
    if group.links.get_info(name).type != h5l.TYPE_HARD:
        raise _not_followed(group, name)
    return True


def open_group(root: Any, name: bytes, path: Path) -> Any:
    """Return a group of a file's root, or None where it has none of that name.

    Raises
    ------
    InputError
        If it cannot be opened; it names the file, `path`.
    """
    with reading(path, f"/{name.decode()}"):
        return h5g.open(root, name) if has_member(root, name) else None


def _not_followed(group: Any, name: bytes) -> ValueError:
    """Return the error of a link: where it is, and where it leads."""
    kind = group.links.get_info(name).type
    path = b"/".join(((h5i.get_name(group) or b"").rstrip(b"/"), name)).decode(
        errors="replace"
    )
    where, remedy = "elsewhere", "copy what it leads to into this file"
    if kind == h5l.TYPE_SOFT:
        where = group.links.get_val(name).decode(errors="replace")
    elif kind == h5l.TYPE_EXTERNAL:
        where = b" in ".join(group.links.get_val(name)[::-1]).decode(errors="replace")
        remedy = "use that file, or join such files with 'asdf-pipeline merge'"
    return ValueError(
        f"{path} is a link to {where}, and links are not followed: {remedy}"
    )
