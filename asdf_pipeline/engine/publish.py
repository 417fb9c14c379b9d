"""From sealed segments to the file under its final name: merge, check, rename."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.container.codec import COMPRESSED
from asdf_pipeline.container.join import merge_joined
from asdf_pipeline.container.merge import auxiliary_size, copy_auxiliary, extend
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import CallError, OutputExistsError, VerificationError
from asdf_pipeline.files import (
    copy_file,
    require_space,
    sync,
    sync_directory,
    write_error,
)
from asdf_pipeline.journal.segments import is_intact
from asdf_pipeline.manifest import write_table
from asdf_pipeline.plan.agreement import first_difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from asdf_pipeline.container.codec import Encoding
    from asdf_pipeline.engine.assignment import Assignment
    from asdf_pipeline.journal.segments import Sealed
    from asdf_pipeline.journal.workdir import WorkDirectory
    from asdf_pipeline.plan.outcome import Outcome

MERGED = "merged.h5.part"


def check_target_paths(task: Assignment) -> None:
    """Refuse paths under which a run could not publish, before any work.

    Raises
    ------
    CallError
        If a directory is missing, or one file would replace another.
    """
    known = {os.path.realpath(path): path for path in (*task.inputs, task.target)}
    table = None if task.output_path is None else task.table_path
    beside = {"the outcomes": task.outcomes, "the table": table}
    paths = [task.target]
    for what, named in beside.items():
        if named is None:
            continue
        path = Path(named).absolute()
        other = known.setdefault(os.path.realpath(path), path)
        if other is not path:
            msg = f"{named}: {what} would replace {other.name}"
            raise CallError(msg)
        if path.is_dir():
            msg = f"{named}: is a directory; name a file for {what}"
            raise CallError(msg)
        paths.append(path)
    directory = os.path.realpath(task.directory)
    for path in paths:
        if os.path.realpath(path.parent) == directory:
            msg = f"{path}: lies in the work directory, which is deleted in the end"
            raise CallError(msg)
        if not path.parent.is_dir():
            msg = f"{path}: there is no directory {path.parent}"
            raise CallError(msg)


def publish(file: Path, output: Path) -> None:
    """Give a file that was checked its final name.

    Parameters
    ----------
    file : pathlib.Path
        On the output's file system (see `on_file_system_of`): only there is renaming
        it one step, so that no reader gets half a file.

    Raises
    ------
    WriteError
        If it cannot be renamed.
    """
    try:
        file.replace(output)
        sync_directory(output.parent)
    except OSError as error:
        raise write_error(output, error) from error


def on_file_system_of(output: Path, file: Path) -> Path:
    """Return the file, or a durable copy beside the output where its disk is another.

    Raises
    ------
    WriteError
        If it cannot be copied.
    """
    if file.stat().st_dev == output.parent.stat().st_dev:
        return file
    copy = output.with_name(f".{output.name}.part")
    require_space(copy.parent, file.stat().st_size)
    copy_file(file, copy)
    sync(copy)
    return copy


def write_rows(table: pd.DataFrame, path: Path) -> Path:
    """Write a table that is published as CSV, whole or not at all; return its path.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    try:
        cells = table.astype(object).where(table.notna(), None)
        write_table(cells.to_dict("records"), table.columns, path)
    except OSError as error:
        raise write_error(path, error) from error
    return path


def refuse_existing(output: Path) -> None:
    """Raise `OutputExistsError` if there is such a file."""
    if output.exists() or output.is_symlink():
        msg = f"{output}: the output exists already; remove it or name another one"
        raise OutputExistsError(msg)


def merge_segments(
    directory: WorkDirectory,
    quakeml: bytes | None,
    joined: Encoding | None,
    renamed: bool,
) -> Path:
    """Return one file that holds what all sealed segments hold: the only one, or new.

    Parameters
    ----------
    quakeml : bytes or None
        The events, for a file without any segment.
    joined : Encoding or None
        How traces that were done in windows are stored once their pieces are
        joined; None: nothing is to be joined.
    renamed : bool
        Whether traces get their names only now (see `Layout.renamed`).

    Raises
    ------
    VerificationError
        If a segment was changed, or a trace is in two.
    WriteError
        If there is no room, or the file cannot be written.
    """
    merged = directory.path / MERGED
    merged.unlink(missing_ok=True)
    if not directory.sealed:  # nothing was written: still a valid file, with the events
        Writer.create(merged, quakeml=quakeml).close()
        return merged
    segments = {directory.path / sealed.name: sealed for sealed in directory.sealed}
    anew = joined is not None or renamed
    if len(segments) == 1 and not anew:
        return next(iter(segments))

    def examine(segment: Path) -> None:
        if not is_intact(segment, segments[segment]):
            raise _changed(segment)

    require_space(directory.path, sum(sealed.size for sealed in directory.sealed))
    if not anew:
        first = max(segments, key=lambda segment: segments[segment].size)
        _copy(first, segments[first], merged)
        extend(merged, [one for one in segments if one != first], examine)
    else:
        merge_joined(
            list(segments),
            merged,
            joined or COMPRESSED,
            examine,
            join=joined is not None,
        )
    return merged


def _copy(segment: Path, sealed: Sealed, target: Path) -> None:
    """Copy a segment, as it was sealed."""
    if segment.exists():
        copy_file(segment, target)
    if not is_intact(target, sealed):
        raise _changed(segment)


def _changed(segment: Path) -> VerificationError:
    return VerificationError(
        f"{segment}: missing, or changed since it was sealed; nothing is published, "
        "and the same command does its stations again"
    )


def durable_file(directory: WorkDirectory, merged: Path, *, modified: bool) -> Path:
    """Return a durable file with what was merged, which may be modified if it must be.

    That is the merged file, or a copy of it where it is a sealed segment: nothing that
    fails from here on may cost what is sealed. HDF5 is not called, so that this may
    run beside what reads the merged file.

    Parameters
    ----------
    merged : pathlib.Path
        What `merge_segments` returned.
    modified : bool
        Whether anything is to be written to the file.

    Raises
    ------
    VerificationError
        If the segment was changed.
    WriteError
        If there is no room, or the file cannot be written.
    """
    part = merged.with_name(MERGED)
    if merged == part:
        sync(part)
        return part
    (sealed,) = directory.sealed
    if not modified:
        if not is_intact(merged, sealed):
            raise _changed(merged)
        return merged
    require_space(merged.parent, sealed.size)
    _copy(merged, sealed, part)
    sync(part)
    return part


def write_provenance_and_auxiliary(
    part: Path, documents: Mapping[str, bytes], auxiliary: Path | None = None
) -> None:
    """Write into the merged file what no unit wrote, and make it durable.

    Parameters
    ----------
    part : pathlib.Path
        What `durable_file` returned.
    documents : mapping of str to bytes
        Provenance, by name.
    auxiliary : pathlib.Path or None
        A file whose auxiliary data is copied.

    Raises
    ------
    WriteError
        If there is no room, or the file cannot be written.
    """
    if not documents and auxiliary is None:
        return
    require_space(part.parent, sum(map(len, documents.values())))
    with Writer.reopen(part) as writer:
        for name, document in documents.items():
            writer.write_provenance(name, document)
        if auxiliary is not None:
            # Without room HDF5 1.10 crashes halfway through H5Ocopy.
            writer.reserve(part.stat().st_size + auxiliary_size(auxiliary))
            copy_auxiliary(writer.file_id, auxiliary)
    sync(part)


def check(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Raise `VerificationError` if a file is not what the outcomes say."""
    difference = first_difference(path, outcomes)
    if difference is not None:
        msg = f"{path}: {difference}; nothing is published (please report this)"
        raise VerificationError(msg)
