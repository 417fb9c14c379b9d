"""Merging sealed segments into one file, without decoding anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.datasets import read_document
from asdf_pipeline.container.failures import writing
from asdf_pipeline.container.hdf5 import (
    h5d,
    h5g,
    h5i,
    h5o,
    hard_links,
    is_hard_link,
    open_input,
)
from asdf_pipeline.container.names import STATIONXML, decoded
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_STATIONXML = STATIONXML.encode()
# Stations copied before the source is opened anew: HDF5 keeps 35 kB for each.
_BATCH = 1000


def merge(
    segments: Sequence[Path],
    output: Path,
    examine: Callable[[Path], None] = lambda _: None,
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

    Raises
    ------
    OutputExistsError
        If there is such a file.
    VerificationError
        If a trace is in two files, or a document differs between them.
    InputError
        If a segment cannot be read.
    WriteError
        If the output cannot be written.
    """
    with Writer.create(output) as writer, writing(output):
        # Without room HDF5 1.10 crashes halfway through copying an object.
        writer.reserve(sum(one.stat().st_size for one in segments if one.exists()))
        target = writer.file_id
        for segment in segments:
            examine(segment)
            with open_input(segment) as file:
                copy_rest(target, file.id, segment)
                stations = _stations(file.id)
            for begin in range(0, len(stations), _BATCH):
                batch = stations[begin : begin + _BATCH]
                with open_input(segment) as file:
                    source = file.id
                    _copy_members(
                        target, source, b"Waveforms", batch, _copy_station, segment
                    )


def _stations(source: Any) -> list[bytes]:
    if not is_hard_link(source, b"Waveforms"):
        return []
    waveforms = h5g.open(source, b"Waveforms")
    return hard_links(waveforms)


def copy_rest(target: Any, source: Any, segment: Path) -> None:
    """Copy all that a file holds beside waveforms and StationXML.

    Parameters
    ----------
    target, source : h5py.h5f.FileID
        The open files.
    segment : pathlib.Path
        The source's name.
    """
    if is_hard_link(source, b"QuakeML"):
        copy_document(source, target, b"QuakeML", segment)
    for name, copy in (
        (b"Provenance", copy_document),
        (b"AuxiliaryData", _copy_auxiliary),
    ):
        if is_hard_link(source, name):
            members = hard_links(h5g.open(source, name))
            _copy_members(target, source, name, members, copy, segment)


def _copy_members(
    target: Any,
    source: Any,
    name: bytes,
    members: Sequence[bytes],
    copy: Callable[[Any, Any, bytes, Path], None],
    segment: Path,
) -> None:
    """Copy members of a group; `copy` does what is there already."""
    group, into = h5g.open(source, name), h5g.open(target, name)
    for member in members:
        if into.links.exists(member):
            copy(group, into, member, segment)
        else:
            h5o.copy(group, member, into, member)


def _copy_station(source: Any, target: Any, station: bytes, segment: Path) -> None:
    """Copy the data sets of a station that is there already."""
    group, into = h5g.open(source, station), h5g.open(target, station)
    for name in hard_links(group):
        if name == _STATIONXML:
            copy_document(group, into, name, segment)
        elif into.links.exists(name):
            raise _twice(segment, into, name)
        else:
            h5o.copy(group, name, into, name)


def _copy_auxiliary(source: Any, target: Any, name: bytes, segment: Path) -> None:
    """Copy what is below a group that is there already."""
    group, into = h5o.open(source, name), h5o.open(target, name)
    if isinstance(group, h5d.DatasetID) or isinstance(into, h5d.DatasetID):
        raise _twice(segment, target, name)
    for member in hard_links(group):
        if into.links.exists(member):
            _copy_auxiliary(group, into, member, segment)
        else:
            h5o.copy(group, member, into, member)


def copy_document(source: Any, target: Any, name: bytes, segment: Path) -> None:
    """Copy a document, or see that the one that is there is the same."""
    if not target.links.exists(name):
        h5o.copy(source, name, target, name)
    elif read_document(source, name) != read_document(target, name):
        msg = f"{segment}: {name.decode()} differs from that in another segment"
        raise VerificationError(msg)


def _twice(segment: Path, group: Any, name: bytes) -> VerificationError:
    path = decoded(h5i.get_name(group) + b"/" + name)
    return VerificationError(f"{segment}: {path} is in another segment too")
