"""Merging sealed segments into one file, without decoding anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asdf_pipeline.container import auxiliary, create
from asdf_pipeline.container.copying import copy_object
from asdf_pipeline.container.datasets import read_document
from asdf_pipeline.container.failures import writing
from asdf_pipeline.container.hdf5 import (
    FORMAT_VERSIONS,
    h5g,
    h5i,
    h5o,
    has_member,
    members_of,
    open_group,
    open_input,
    reading,
)
from asdf_pipeline.container.names import STATIONXML, decoded, encoded
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_STATIONXML = STATIONXML.encode()
_AUXILIARY = b"AuxiliaryData"
OBJECTS_PER_OPENING = 1000
"""Stations, or arrays, that are copied before the source is opened anew: HDF5 keeps
35 kB for each object that was opened, until the file is closed."""


def merge(
    segments: Sequence[Path],
    output: Path,
    examine: Callable[[Path], None] = lambda _: None,
    quakeml: bytes | None = None,
    format_version: str = FORMAT_VERSIONS[-1],
) -> None:
    """Merge files into a new one by copying HDF5 objects.

    Whole stations where the station is new, else single data sets. StationXML,
    QuakeML and provenance documents may be in several files; they are taken once.

    Parameters
    ----------
    segments : sequence of pathlib.Path
        ASDF files.
    output : pathlib.Path
        Must not exist.
    examine : callable
        Called with each file just before it is read; may raise.
    quakeml : bytes or None
        The output's events, where they are not those that all files have.
    format_version : str
        ASDF version that the output claims.

    Raises
    ------
    OutputExistsError
        If there is such a file.
    VerificationError
        If a trace or auxiliary data is in two files, or a document differs between
        them.
    InputError
        If a segment cannot be read.
    WriteError
        If the output cannot be written.
    """
    with (
        Writer.create(output, quakeml, format_version) as writer,
        writing(output),
    ):
        _copy_all(writer, segments, examine, events=quakeml is None)


def extend(
    output: Path,
    segments: Sequence[Path],
    examine: Callable[[Path], None] = lambda _: None,
) -> None:
    """Merge files into one that exists, as `merge` does into a new one.

    What is in the output already is not copied, which saves 0.2 ms a station. The
    output is lost where an error is raised: the caller makes it of a copy.

    Raises
    ------
    VerificationError, InputError, WriteError
        See `merge`.
    """
    with Writer.reopen(output) as writer, writing(output):
        _copy_all(writer, segments, examine, events=True)


def _copy_all(
    writer: Writer,
    segments: Sequence[Path],
    examine: Callable[[Path], None],
    *,
    events: bool,
) -> None:
    sizes = [one.stat().st_size for one in (writer.path, *segments) if one.exists()]
    # HDF5 1.10 crashes where the disk is full halfway through copying an object.
    writer.reserve(sum(sizes))
    target = writer.file_id
    for segment in segments:
        examine(segment)
        with open_input(segment) as file:
            copy_documents(target, file.id, segment, events=events)
            stations = stations_of(file.id, segment)
        copy_auxiliary(target, segment)
        for begin in range(0, len(stations), OBJECTS_PER_OPENING):
            batch = stations[begin : begin + OBJECTS_PER_OPENING]
            with open_input(segment) as file:
                source = file.id
                _copy_members(
                    target, source, b"Waveforms", batch, _copy_station, segment
                )


def stations_of(source: Any, segment: Path) -> list[bytes]:
    """Return the names of the stations in an open file.

    Raises
    ------
    InputError
        If they cannot be listed, or one is a link.
    """
    with reading(segment, "the list of stations"):
        group = open_group(source, b"Waveforms", segment)
        return [] if group is None else members_of(group)


def copy_documents(
    target: Any, source: Any, segment: Path, *, events: bool = True
) -> None:
    """Copy the QuakeML and provenance documents of a file.

    Parameters
    ----------
    target, source : h5py.h5f.FileID
        The open files.
    segment : pathlib.Path
        The source's name.
    events : bool
        Whether QuakeML is one of them.
    """
    if events and has_member(source, b"QuakeML"):
        copy_document(source, target, b"QuakeML", segment)
    name = b"Provenance"
    group = open_group(source, name, segment)
    if group is not None:
        with reading(segment, "the list of provenance documents"):
            members = members_of(group)
        _copy_members(target, source, name, members, copy_document, segment)


def auxiliary_size(path: Path) -> int:
    """Return how many bytes a file's auxiliary data takes."""
    with open_input(path) as file:
        group = open_group(file.id, _AUXILIARY, path)
        return 0 if group is None else auxiliary.stored_size(group)


def copy_auxiliary(target: Any, source: Path) -> None:
    """Copy all auxiliary data of a file.

    Parameters
    ----------
    target : h5py.h5f.FileID
        The file to copy it to.
    source : pathlib.Path
        The file that has it.

    Raises
    ------
    VerificationError
        If the target has something of the same path.
    """
    with open_input(source) as file:
        group = open_group(file.id, _AUXILIARY, source)
        with reading(source, "the list of auxiliary data"):
            found = [] if group is None else auxiliary.paths(group)
    into = h5g.open(target, _AUXILIARY) if found else None
    for begin in range(0, len(found), OBJECTS_PER_OPENING):
        with open_input(source) as file:
            group = h5g.open(file.id, _AUXILIARY)
            for path in found[begin : begin + OBJECTS_PER_OPENING]:
                _copy_array(group, into, encoded(path), source)


def _copy_array(source: Any, target: Any, path: bytes, segment: Path) -> None:
    *parents, name = path.split(b"/")
    into = target
    for part in parents:
        if not into.links.exists(part):
            into = create.group(into, part)
            continue
        into = h5o.open(into, part)
        if not isinstance(into, h5g.GroupID):
            raise _duplicate_error(segment, target, path)
    if into.links.exists(name):
        raise _duplicate_error(segment, into, name)
    copy_object(source, path, into, name)


def _copy_members(
    target: Any,
    source: Any,
    name: bytes,
    members: Sequence[bytes],
    copy: Callable[[Any, Any, bytes, Path], None],
    segment: Path,
) -> None:
    """Copy members of a group; `copy` is called for those that the target has."""
    group, into = h5g.open(source, name), h5g.open(target, name)
    for member in members:
        if into.links.exists(member):
            copy(group, into, member, segment)
        else:
            copy_object(group, member, into)


def _copy_station(source: Any, target: Any, station: bytes, segment: Path) -> None:
    """Copy the data sets of a station that the target has already."""
    group, into = h5g.open(source, station), h5g.open(target, station)
    for name in members_of(group):
        if name == _STATIONXML:
            copy_document(group, into, name, segment)
        elif into.links.exists(name):
            raise _duplicate_error(segment, into, name)
        else:
            copy_object(group, name, into)


def copy_document(source: Any, target: Any, name: bytes, segment: Path) -> None:
    """Copy a document; raise VerificationError where the target has another."""
    if not target.links.exists(name):
        copy_object(source, name, target)
    elif read_document(source, name) != read_document(target, name):
        msg = f"{segment}: {name.decode()} differs from that in another file"
        raise VerificationError(msg)


def _duplicate_error(segment: Path, group: Any, name: bytes) -> VerificationError:
    path = decoded(h5i.get_name(group) + b"/" + name)
    return VerificationError(f"{segment}: {path} is in another file too")
