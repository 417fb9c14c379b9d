"""Merging segments whose traces were done in windows: pieces that touch are joined."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.container import create, datasets
from asdf_pipeline.container.codec import Encoding, encode
from asdf_pipeline.container.failures import writing
from asdf_pipeline.container.hdf5 import h5g, h5o, hard_links, is_hard_link, open_input
from asdf_pipeline.container.merge import copy_auxiliary, copy_document, copy_rest
from asdf_pipeline.container.names import STATIONXML
from asdf_pipeline.container.product import EncodedTrace, names
from asdf_pipeline.container.traces import offset
from asdf_pipeline.container.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from asdf_pipeline.container.traces import TraceHeader

TOUCH = 100
"""Nanoseconds by which a piece may start beside where the one before it ends: start
times that went through a function are rounded by it."""
_STATIONXML = STATIONXML.encode()


@dataclass(frozen=True, slots=True)
class _Piece:
    header: TraceHeader
    group: Any  # h5py.h5g.GroupID
    name: bytes


def merge_joined(
    segments: Sequence[Path],
    output: Path,
    encoding: Encoding,
    examine: Callable[[Path], None] = lambda _: None,
) -> None:
    """Merge files as `merge.merge` does, and join pieces that touch exactly.

    Pieces are of one trace if they agree in codes, tag, sampling rate, type of
    samples, ids and labels, and each starts within `TOUCH` ns of where the one
    before it ends. The joined trace has the first one's start and provenance id.
    Memory is bounded by one piece.

    Parameters
    ----------
    segments : sequence of pathlib.Path
        ASDF files.
    output : pathlib.Path
        Must not exist.
    encoding : Encoding
        How joined traces are stored.
    examine : callable
        Called with each file just before it is read; may raise.

    Raises
    ------
    VerificationError
        If a trace is in two files, or a document differs between them.
    WriteError
        If the output cannot be written.
    """
    with ExitStack() as stack, writing(output):
        writer = stack.enter_context(Writer.create(output))
        writer.reserve(sum(one.stat().st_size for one in segments if one.exists()))
        stations: dict[bytes, list[Any]] = {}
        for segment in segments:
            examine(segment)
            file = stack.enter_context(open_input(segment)).id
            copy_rest(writer.file_id, file, segment)
            copy_auxiliary(writer.file_id, segment)
            if is_hard_link(file, b"Waveforms"):
                waveforms = h5g.open(file, b"Waveforms")
                for station in hard_links(waveforms):
                    group = h5g.open(waveforms, station)
                    stations.setdefault(station, []).append((group, segment))
        target = h5g.open(writer.file_id, b"Waveforms")
        for station in sorted(stations):
            into = create.group(target, station)
            for group, segment in stations[station]:
                if is_hard_link(group, _STATIONXML):
                    copy_document(group, into, _STATIONXML, segment)
            pieces = _pieces(
                station.decode(), [group for group, _ in stations[station]]
            )
            _write_station(into, pieces, encoding)


def _pieces(station: str, groups: Iterable[Any]) -> Iterator[_Piece]:
    for group in groups:
        for name in hard_links(group):
            if name != _STATIONXML:
                dataset = datasets.open_dataset(group, name)
                header = datasets.read_header(dataset, name.decode(), station)
                yield _Piece(header, group, name)


def _write_station(into: Any, pieces: Iterable[_Piece], encoding: Encoding) -> None:
    by_tag: dict[str, list[list[_Piece]]] = {}
    for run in _runs(pieces):
        by_tag.setdefault(run[0].header.tag, []).append(run)
    for runs in by_tag.values():
        headers = [
            replace(run[0].header, npts=sum(piece.header.npts for piece in run))
            for run in runs
        ]
        for name, header, run in zip(names(headers), headers, runs, strict=True):
            if len(run) == 1:
                h5o.copy(run[0].group, run[0].name, into, name.encode())
            else:
                _write_joined(into, EncodedTrace(header, name, (), encoding, ""), run)


def _runs(pieces: Iterable[_Piece]) -> list[list[_Piece]]:
    """Return the pieces in runs that touch."""
    alike: dict[object, list[_Piece]] = {}
    for piece in pieces:
        header = piece.header
        key = replace(header, starttime=0, npts=0, provenance_id="")
        alike.setdefault(key, []).append(piece)
    runs: list[list[_Piece]] = []
    for same in alike.values():
        same.sort(key=lambda piece: (piece.header.starttime, piece.name))
        count = 0
        for piece in same:
            header = piece.header
            if count:
                first = runs[-1][0].header
                expected = first.starttime + offset(count, first.sampling_rate)
                if abs(header.starttime - expected) <= TOUCH:
                    runs[-1].append(piece)
                    count += header.npts
                    continue
            runs.append([piece])
            count = header.npts
    return runs


def _write_joined(into: Any, trace: EncodedTrace, run: Sequence[_Piece]) -> None:
    dataset = create.trace(into, trace)
    step = trace.encoding.chunk_length(trace.header.npts)
    exact = replace(trace.encoding, chunk=step)
    rest = np.empty(0, trace.header.dtype)
    position = 0
    for piece in run:
        opened = datasets.open_dataset(piece.group, piece.name)
        rest = np.concatenate((rest, datasets.read_samples(opened)))
        whole = rest.size // step * step
        for begin in range(0, whole, step):
            (chunk,) = encode(rest[begin : begin + step], exact)
            dataset.write_direct_chunk((position,), chunk)
            position += step
        rest = rest[whole:]
    if rest.size:
        padded = np.zeros(step, trace.header.dtype)
        padded[: rest.size] = rest
        (chunk,) = encode(padded, exact)
        dataset.write_direct_chunk((position,), chunk)
