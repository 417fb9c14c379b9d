"""Putting the parts into one ASDF file, or linking one that exists."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.container.names import is_tag
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import CallError, InputError, OutputExistsError, TagError
from asdf_pipeline.stage.events import read_quakeml
from asdf_pipeline.stage.files import find_files
from asdf_pipeline.stage.metadata import read_stations
from asdf_pipeline.stage.waveforms import Claims, write_waveforms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LOGGER = logging.getLogger(__name__)


def stage(
    waveforms: Iterable[str],
    stations: Iterable[str],
    events: Iterable[str],
    tag: str,
    output: Path | str,
) -> None:
    """Put waveforms, station metadata and events into one new ASDF file.

    Files are read one after the other: memory holds one waveform file at a time.
    The output is written beside its place and moved there when it is complete.

    Parameters
    ----------
    waveforms, stations, events : iterable of str
        Patterns of files (see `files.find_files`) in any format that ObsPy reads.
    tag : str
        The tag of the waveforms, such as ``"raw_recording"``.
    output : pathlib.Path or str
        The new file.

    Raises
    ------
    OutputExistsError
        If the output exists.
    TagError
        If the tag is not valid.
    InputMissingError
        If a pattern matches no file.
    InputError
        If a file cannot be read or kept, or two files contradict each other.
    """
    output = Path(output)
    if not is_tag(tag):
        msg = (
            f"tag {tag!r} is not valid: "
            "only a-z, 0-9 and single underscores, and not 'stationxml'"
        )
        raise TagError(msg)
    _check_output(output)
    waveform_files = find_files(waveforms, "waveforms")
    station_files = find_files(stations, "stations")
    event_files = find_files(events, "events")
    if not waveform_files:
        msg = "no waveforms were named: nothing to stage"
        raise CallError(msg)
    quakeml, event_count = read_quakeml(event_files)
    with _partial(output) as partial:
        claims = Claims()
        while True:
            with Writer.create(partial, quakeml) as writer:
                write_waveforms(writer, waveform_files, tag, claims)
                if claims.complete:
                    if not claims.traces:
                        msg = f"{waveform_files[0]}: holds no waveforms"
                        raise InputError(msg)
                    described = 0
                    for station, document in read_stations(station_files):
                        writer.write_stationxml(station, document)
                        described += 1
                    break
            partial.unlink()
            claims = Claims(claims.crowded)
        _publish(partial, output)
    _LOGGER.info(
        "%s: %d traces with %d samples of %d stations from %d files, "
        "metadata of %d stations, %d events",
        output,
        claims.traces,
        claims.samples,
        len(claims.stations),
        len(waveform_files),
        described,
        event_count,
    )


def stage_asdf(asdf: Path | str, output: Path | str) -> None:
    """Check an existing ASDF file and link it to its place: no data is copied.

    Parameters
    ----------
    asdf : pathlib.Path or str
        The file; it is neither changed nor moved.
    output : pathlib.Path or str
        Becomes a symbolic link to it, or a hard link where the file system has no
        symbolic ones.

    Raises
    ------
    OutputExistsError
        If the output exists.
    InputError
        If the file is missing, no ASDF file, or holds no waveforms.
    """
    asdf, output = Path(asdf), Path(output)
    _check_output(output)
    with Reader(asdf) as reader:
        tags = {
            tag
            for station in reader.stations()
            for tag in reader.samples_by_tag(station)
        }
        stations = len(reader.stations())
    if not tags:
        msg = f"{asdf}: holds no waveforms: nothing to process"
        raise InputError(msg)
    target = asdf.resolve()
    try:
        output.symlink_to(target)
    except FileExistsError:
        raise _exists(output) from None
    except (OSError, NotImplementedError):
        output.hardlink_to(target)
    _LOGGER.info(
        "%s: linked to %s: %d stations, tags %s",
        output,
        target,
        stations,
        ", ".join(sorted(tags)),
    )


def _check_output(output: Path) -> None:
    if os.path.lexists(output):
        raise _exists(output)
    if not output.parent.is_dir():
        msg = f"{output}: there is no directory {output.parent}"
        raise CallError(msg)


def _exists(output: Path) -> OutputExistsError:
    msg = f"{output}: exists already and is never overwritten: move it away first"
    return OutputExistsError(msg)


@contextmanager
def _partial(output: Path) -> Iterator[Path]:
    """Yield a path beside the output, in a private directory gone after the block."""
    directory = output.with_name(f".{output.name}.{secrets.token_hex(6)}.part")
    try:  # from before it is made: a signal may come at any time
        directory.mkdir(mode=0o700)
        yield directory / output.name
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _publish(partial: Path, output: Path) -> None:
    """Move the complete file to its place, so that a crash leaves all or nothing."""
    _fsync(partial, os.O_RDWR)
    if os.path.lexists(output):
        raise _exists(output)
    partial.replace(output)
    _fsync(output.parent, os.O_RDONLY | os.O_DIRECTORY)


def _fsync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
