"""From sealed segments to the file under its final name: merge, check, rename."""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from typing import TYPE_CHECKING

from asdf_pipeline.container.join import merge_joined
from asdf_pipeline.container.merge import merge
from asdf_pipeline.container.names import tag_of
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import OutputExistsError, VerificationError
from asdf_pipeline.journal.segments import (
    check_room,
    seal,
    sync_directory,
    write_error,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from asdf_pipeline.container.codec import Encoding
    from asdf_pipeline.journal.workdir import WorkDirectory
    from asdf_pipeline.outcome import Outcome


def publish(merged: Path, output: Path) -> None:
    """Give a merged file that was checked its final name.

    Raises
    ------
    WriteError
        If it cannot be moved there.
    OutputExistsError
        If the output came to exist meanwhile.
    """
    refuse_existing(output)
    try:
        _move(merged, output)
    except OSError as error:
        raise write_error(output, error) from error


def refuse_existing(output: Path) -> None:
    """Raise `OutputExistsError` if there is such a file."""
    if output.exists() or output.is_symlink():
        msg = f"{output}: the output exists already; remove it or name another one"
        raise OutputExistsError(msg)


def merge_segments(
    directory: WorkDirectory, quakeml: bytes | None, joined: Encoding | None
) -> Path:
    """Return one file that holds what all sealed segments hold.

    Parameters
    ----------
    quakeml : bytes or None
        The events, for a file without any segment.
    joined : Encoding or None
        How traces that were done in windows are stored once their pieces are
        joined; None: nothing is to be joined.

    Raises
    ------
    VerificationError
        If a trace is in two segments.
    WriteError
        If there is no room, or the file cannot be written.
    """
    segments = [directory.path / sealed.name for sealed in directory.sealed]
    if not segments:  # nothing was written: still a valid file, with the events
        part = directory.new_segment()
        Writer.create(part, quakeml=quakeml).close()
        return directory.path / seal(part).name
    if len(segments) == 1 and joined is None:
        return segments[0]
    check_room(directory.path, sum(sealed.size for sealed in directory.sealed))
    merged = directory.path / "merged.h5.part"
    merged.unlink(missing_ok=True)
    if joined is None:
        merge(segments, merged)
    else:
        merge_joined(segments, merged, joined)
    try:
        with merged.open("r+b") as file:
            os.fsync(file.fileno())
    except OSError as error:
        raise write_error(merged, error) from error
    return merged


def add_documents(merged: Path, documents: Mapping[str, bytes]) -> Path:
    """Write provenance documents into the merged file, just before it is published.

    A run with one segment has no merged file. The segment is sealed, and stays as
    it is whatever happens here: its bytes are copied, which is twice as quick as
    merging, and costs nothing where the file system can share them.

    Parameters
    ----------
    merged : pathlib.Path
        What `merge_segments` returned, checked.
    documents : mapping of str to bytes
        By name.

    Returns
    -------
    pathlib.Path
        The file with the documents.

    Raises
    ------
    WriteError
        If there is no room, or the file cannot be written.
    """
    if not documents:
        return merged
    part = merged.with_name("merged.h5.part")
    try:
        if merged != part:
            check_room(merged.parent, merged.stat().st_size)
            _copy(merged, part)
        with Writer.reopen(part) as writer:
            for name, document in documents.items():
                writer.write_provenance(name, document)
        with part.open("r+b") as file:
            os.fsync(file.fileno())
    except OSError as error:
        raise write_error(part, error) from error
    return part


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("wb") as writing:
        left = source.stat().st_size
        try:
            while left:
                left -= os.copy_file_range(reading.fileno(), writing.fileno(), left)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
            shutil.copyfileobj(reading, writing, 1 << 22)


def _move(path: Path, output: Path) -> None:
    if path.stat().st_dev != output.parent.stat().st_dev:
        near = output.with_name(f".{output.name}.part")
        _copy(path, near)
        with near.open("r+b") as file:
            os.fsync(file.fileno())
        path = near
    path.replace(output)
    sync_directory(output.parent)


def check(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Hold a file against the outcomes: traces and samples of every station and tag.

    Raises
    ------
    VerificationError
        Naming the first station that differs.
    """
    traces: Counter[tuple[str, str]] = Counter()
    samples: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        if outcome.traces_out:
            key = (outcome.station, outcome.output_tag)
            traces[key] += outcome.traces_out
            samples[key] += outcome.samples_out
    with Reader(path) as reader:
        for station in reader.stations():
            found = Counter(tag_of(name) for name in reader.names(station))
            sizes = reader.samples_by_tag(station)
            for tag, count in found.items():
                key = (station, tag)
                if (traces.pop(key, 0), samples.pop(key, 0)) != (count, sizes[tag]):
                    _differs(path, station, tag)
    for station, tag in traces:
        _differs(path, station, tag)


def _differs(path: Path, station: str, tag: str) -> None:
    msg = (
        f"{path}: station {station}, tag {tag}: what was written is not what the "
        "outcomes say; nothing is published (please report this)"
    )
    raise VerificationError(msg)
