"""Staging an ASDF file: checked and linked, not copied."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import CallError, InputError, OutputExistsError
from asdf_pipeline.text import plural

_LOGGER = logging.getLogger(__name__)


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
        "%s: linked to %s: %s, tags %s",
        output,
        target,
        plural(stations, "station"),
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
