"""Merging segments of a run in windows: traces that follow on each other are joined."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from asdf_pipeline.container import create, datasets
from asdf_pipeline.container.codec import Encoding, encode
from asdf_pipeline.container.copying import copy_object
from asdf_pipeline.container.encoded import EncodedTrace
from asdf_pipeline.container.failures import writing
from asdf_pipeline.container.hdf5 import h5g, has_member, members_of, open_input
from asdf_pipeline.container.merge import (
    copy_auxiliary,
    copy_document,
    copy_documents,
    stations_of,
)
from asdf_pipeline.container.names import STATIONXML
from asdf_pipeline.container.product import names
from asdf_pipeline.container.traces import offset
from asdf_pipeline.container.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from asdf_pipeline.container.traces import TraceHeader

JOIN_TOLERANCE = 100
"""Nanoseconds by which a piece may start before or after the end of the one before it:
start times that went through a function are rounded, by up to so much."""
MAX_OPEN_FILES = 50
"""Segments that are open at one time, at most: a run of days has thousands, and a
process may have 1,024 files open on most systems."""
STATIONS_PER_OPENING = 1000
"""Stations after which segments are opened anew: see `merge.OBJECTS_PER_OPENING`."""
_STATIONXML = STATIONXML.encode()


@dataclass(frozen=True, slots=True)
class _Piece:
    header: TraceHeader
    segment: Path
    name: bytes


class _StationGroups:
    """The groups of one station at a time in many segments, of which few are open.

    Used as a context manager, which closes the segments.
    """

    def __init__(self) -> None:
        self._files: OrderedDict[Path, Any] = OrderedDict()
        self._groups: dict[Path, Any] = {}  # of the station that `station` names
        self.station = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def select_station(self, station: bytes) -> None:
        """Set the station whose groups `of` returns."""
        self.station = station
        self._groups.clear()

    def of(self, segment: Path) -> Any:
        """Return the station's group in a segment."""
        if segment not in self._groups:
            while len(self._files) >= MAX_OPEN_FILES and segment not in self._files:
                oldest, file = self._files.popitem(last=False)
                self._groups.pop(oldest, None)
                file.close()
            if segment not in self._files:
                self._files[segment] = open_input(segment)
            waveforms = h5g.open(self._files[segment].id, b"Waveforms")
            self._groups[segment] = h5g.open(waveforms, self.station)
        self._files.move_to_end(segment)
        return self._groups[segment]

    def close(self) -> None:
        """Close all segments."""
        self._groups.clear()
        while self._files:
            self._files.popitem()[1].close()


def merge_joined(
    segments: Sequence[Path],
    output: Path,
    encoding: Encoding,
    examine: Callable[[Path], None] = lambda _: None,
    *,
    join: bool = True,
) -> None:
    """Merge files as `merge.merge` does, and join pieces that touch exactly.

    Traces are named anew: with seconds, where no other needs the same name.

    Pieces are of one trace if they agree in codes, tag, sampling rate, type of
    samples, ids and labels, and each starts within `JOIN_TOLERANCE` ns of where the
    one before it ends. The joined trace has the first one's start and provenance id.
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
    join : bool
        Whether pieces are joined; else they are named anew only.

    Raises
    ------
    TraceError
        If two traces have one name.
    VerificationError
        If a document differs between them.
    WriteError
        If the output cannot be written.
    """
    with writing(output), Writer.create(output) as writer, _StationGroups() as groups:
        writer.reserve(sum(one.stat().st_size for one in segments if one.exists()))
        stations: dict[bytes, list[Path]] = {}
        for segment in segments:
            examine(segment)
            with open_input(segment) as file:
                copy_documents(writer.file_id, file.id, segment)
                for station in stations_of(file.id, segment):
                    stations.setdefault(station, []).append(segment)
            copy_auxiliary(writer.file_id, segment)
        target = h5g.open(writer.file_id, b"Waveforms")
        for number, station in enumerate(sorted(stations), 1):
            groups.select_station(station)
            into = create.group(target, station)
            for segment in stations[station]:
                group = groups.of(segment)
                if has_member(group, _STATIONXML):
                    copy_document(group, into, _STATIONXML, segment)
            pieces = _pieces(groups, stations[station])
            runs = _runs(pieces) if join else [[piece] for piece in pieces]
            _write_station(into, runs, groups, encoding)
            if number % STATIONS_PER_OPENING == 0:
                groups.close()


def _pieces(groups: _StationGroups, segments: Iterable[Path]) -> Iterator[_Piece]:
    for segment in segments:
        group = groups.of(segment)
        for name in members_of(group):
            if name != _STATIONXML:
                dataset = datasets.open_dataset(group, name)
                header = datasets.read_header(
                    dataset, name.decode(), groups.station.decode()
                )
                yield _Piece(header, segment, name)


def _write_station(
    into: Any,
    all_runs: Iterable[list[_Piece]],
    groups: _StationGroups,
    encoding: Encoding,
) -> None:
    by_tag: dict[str, list[list[_Piece]]] = {}
    for run in all_runs:
        by_tag.setdefault(run[0].header.tag, []).append(run)
    for runs in by_tag.values():
        headers = [
            replace(run[0].header, npts=sum(piece.header.npts for piece in run))
            for run in runs
        ]
        for name, header, run in zip(names(headers), headers, runs, strict=True):
            if len(run) == 1:
                (only,) = run
                copy_object(groups.of(only.segment), only.name, into, name.encode())
            else:
                dataset = create.trace(into, EncodedTrace(header, name, (), encoding))
                _write_joined(dataset, header, encoding, _samples(groups, run))


def _runs(pieces: Iterable[_Piece]) -> list[list[_Piece]]:
    """Return the pieces in runs: in each, every piece follows on the one before."""
    alike: dict[object, list[_Piece]] = {}
    for piece in pieces:
        header = piece.header
        key = replace(header, starttime=0, npts=0, provenance_id="")
        alike.setdefault(key, []).append(piece)
    return [run for same in alike.values() for run in _runs_of(same)]


def _runs_of(pieces: list[_Piece]) -> list[list[_Piece]]:
    """Return the runs of pieces that differ in nothing but their times."""
    pieces.sort(key=lambda piece: (piece.header.starttime, piece.name))
    runs: list[list[_Piece]] = []
    open_runs: list[tuple[int, int, list[_Piece]]] = []  # with samples and end so far
    for piece in pieces:
        header = piece.header
        # Several are open at once where traces overlap.
        open_runs = [
            one for one in open_runs if one[1] >= header.starttime - JOIN_TOLERANCE
        ]
        touched = next(
            (
                one
                for one in open_runs
                if abs(one[1] - header.starttime) <= JOIN_TOLERANCE
            ),
            None,
        )
        count = 0
        run: list[_Piece] = []
        if touched is None:
            runs.append(run)
        else:
            open_runs.remove(touched)
            count, _, run = touched
        run.append(piece)
        count += header.npts
        first = run[0].header
        end = first.starttime + offset(count, first.sampling_rate)
        open_runs.append((count, end, run))
    return runs


def _samples(
    groups: _StationGroups, run: Sequence[_Piece]
) -> Iterator[np.ndarray[Any, np.dtype[Any]]]:
    """Yield the samples of each piece of a run."""
    for piece in run:
        opened = datasets.open_dataset(groups.of(piece.segment), piece.name)
        yield datasets.read_samples(opened)


def _write_joined(
    dataset: Any,
    header: TraceHeader,
    encoding: Encoding,
    pieces: Iterable[np.ndarray[Any, np.dtype[Any]]],
) -> None:
    step = encoding.chunk_length(header.npts)
    exact = replace(encoding, chunk=step)
    rest = np.empty(0, header.dtype)
    position = 0
    for samples in pieces:
        rest = np.concatenate((rest, samples), dtype=header.dtype)  # its byte order
        whole = rest.size // step * step
        for begin in range(0, whole, step):
            (chunk,) = encode(rest[begin : begin + step], exact)
            dataset.write_direct_chunk((position,), chunk)
            position += step
        rest = rest[whole:]
    if rest.size:
        padded = np.zeros(step, header.dtype)
        padded[: rest.size] = rest
        (chunk,) = encode(padded, exact)
        dataset.write_direct_chunk((position,), chunk)
