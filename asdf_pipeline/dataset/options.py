"""What the options of a data set mean here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from asdf_pipeline.container.codec import COMPRESSED, Encoding
from asdf_pipeline.container.hdf5 import FORMAT_VERSIONS
from asdf_pipeline.errors import BackendError, CallError
from asdf_pipeline.team.launcher import running_ranks, world

if TYPE_CHECKING:
    from pathlib import Path

    from asdf_pipeline.dataset.open_file import OpenFile

# Those of pyasdf; what is not compressed is chunked and checksummed all the same.
COMPRESSIONS = (
    None,
    "lzf",
    *(f"gzip-{level}" for level in range(10)),
    "szip-ec-8",
    "szip-ec-10",
    "szip-nn-8",
    "szip-nn-10",
)
UNCOMPRESSED = Encoding(level=None, shuffle=False, fletcher32=True)


class MPI(NamedTuple):
    """What ``ds.mpi`` says under MPI: communicator, rank, size, mpi4py's module."""

    comm: Any
    rank: int
    size: int
    MPI: Any


def choose_encoding(path: Path, compression: str | None) -> Encoding:
    """Return how data are stored with pyasdf's option `compression`.

    Raises
    ------
    CallError
        If pyasdf has no such choice.
    """
    if compression not in COMPRESSIONS:
        choices = ", ".join(str(choice) for choice in COMPRESSIONS)
        msg = f"{path}: compression {compression!r} is none of {choices}"
        raise CallError(msg)
    return UNCOMPRESSED if compression is None else COMPRESSED


def check_format_version(path: Path, format_version: str | None) -> None:
    """Check the version that a new file is to have; None for the newest.

    Raises
    ------
    CallError
        If there is no such version.
    """
    if format_version is not None and format_version not in FORMAT_VERSIONS:
        versions = ", ".join(FORMAT_VERSIONS)
        msg = (
            f"ASDF version '{format_version}' is not supported. Supported versions: "
            f"{versions}"
        )
        raise CallError(msg)


def warnings_about(
    path: Path,
    compression: str | None,
    shuffle: bool,
    debug: bool,
    format_version: str | None,
    file: OpenFile,
) -> list[str]:
    """Return what is to be said of options that mean little here; often nothing."""
    vain = []
    if compression not in ("gzip-3", None):
        vain.append(f"compression={compression!r} (compressed as always)")
    if not shuffle and compression is not None:
        vain.append("shuffle=False (shuffled all the same)")
    if debug:
        vain.append("debug=True (see the logger 'asdf_pipeline')")
    found = [f"{path}: without effect here: {', '.join(vain)}"] if vain else []
    if format_version not in (None, file.version_in_file):
        found.append(
            f"You are forcing ASDF version {format_version} but the version of the "
            f"file is {file.version_in_file}. Please proceed with caution as other "
            "tools might not be able to read the file again."
        )
    return found


def refuse_several_ranks(path: Path, wanted: bool | None) -> None:
    """Refuse that several ranks write one file; `wanted` is the option `mpi`.

    Raises
    ------
    BackendError
        If several run, and this one does not say that it alone writes.
    """
    ranks = running_ranks()
    if wanted is not False and ranks > 1:
        msg = (
            f"{path}: {ranks} MPI ranks would write it: add on one rank only, opening "
            "it there with mpi=False, or use ds.process()"
        )
        raise BackendError(msg)


def describe_mpi(wanted: bool | None) -> MPI | Literal[False]:
    """Return what ``ds.mpi`` says; `wanted` is the option `mpi`."""
    if wanted is False or (wanted is None and running_ranks() == 1):
        return False
    module = world()
    comm = module.COMM_WORLD
    return MPI(comm, comm.rank, comm.size, module)
