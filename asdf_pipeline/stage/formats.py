"""Reading one file with ObsPy: which format it is in, and one clear line if none.

ObsPy's own detection tries to unpickle what it does not know, which would run code
from a data file; it loses members of damaged archives without a word; and it takes
brackets in a file's name for a pattern. So the format is found here.
"""

from __future__ import annotations

import glob
import logging
import warnings
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import obspy
from obspy.core.util.base import ENTRY_POINTS, buffered_load_entry_point

from asdf_pipeline.errors import InputError
from asdf_pipeline.stage.records import cut_in_first_record
from asdf_pipeline.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Kind = Literal["waveform", "inventory", "event"]

_LOGGER = logging.getLogger(__name__)
_MOST_WARNINGS = 5  # of one file; a damaged one can give one a record
_UNSAFE = frozenset({"PICKLE"})
_READERS: dict[str, Callable[..., Any]] = {
    "inventory": obspy.read_inventory,
    "event": obspy.read_events,
}


def find_format(kind: Kind, path: Path) -> str | None:
    """Return ObsPy's name of the file's format, None if it knows none for it.

    Parameters
    ----------
    kind : {"waveform", "inventory", "event"}
        What the file should hold.
    path : pathlib.Path
        The file.
    """
    for name in ENTRY_POINTS[kind]:
        if name in _UNSAFE:
            continue
        is_format = _detection(kind, name)
        try:
            if is_format is not None and is_format(str(path)):
                return str(name)
        except Exception as error:  # noqa: BLE001 - some look too trustingly
            _LOGGER.debug("%s: is it %s? %s", path, name, error)
    return None


@cache
def _detection(kind: Kind, name: str) -> Callable[[str], bool] | None:
    """Return a format's detection; None, with a warning, if its plugin is broken."""
    package = ENTRY_POINTS[kind][name].dist.name
    try:
        found: Callable[[str], bool] = buffered_load_entry_point(
            package, f"obspy.plugin.{kind}.{name}", "isFormat"
        )
    except Exception as error:  # noqa: BLE001 - any package may declare a plugin
        _LOGGER.warning(
            "the %s format %s of the package %s is passed over, for its ObsPy plugin "
            "cannot be loaded (%s): repair or remove the package",
            *(kind, name, package, one_line(error)),
        )
        return None
    return found


@cache
def _waveform_reader(name: str) -> Callable[..., obspy.Stream]:
    """Return what `obspy.read` reads a format by.

    `obspy.read` itself (1.5) looks the package's name up in its metadata each time,
    which takes 1 ms.
    """
    package = ENTRY_POINTS["waveform"][name].dist.name
    reader: Callable[..., obspy.Stream] = buffered_load_entry_point(
        package, f"obspy.plugin.waveform.{name}", "readFormat"
    )
    return reader


def _read_waveforms(path: Path, name: str, **options: Any) -> obspy.Stream:
    """Return what `obspy.read` reads of a file."""
    stream = _waveform_reader(name)(str(path), **{"headonly": False, **options})
    if not stream:
        msg = f"Cannot open file/files: {path}"  # as ObsPy says
        raise ValueError(msg)
    for trace in stream:
        trace.stats._format = name
    return stream


def read_file(
    kind: Kind, path: Path, source_name: str, *, quiet: bool = False, **options: Any
) -> tuple[Any, str]:
    """Return what ObsPy reads from a file, and the format's name.

    Parameters
    ----------
    kind : {"waveform", "inventory", "event"}
        What the file should hold.
    path : pathlib.Path
        The file.
    source_name : str
        How log lines and errors name it; for a member of an archive not its path.
    quiet : bool
        Whether ObsPy's warnings are dropped, for a file that is read again later.
    options
        More for ObsPy's reader: ``headonly=True``.

    Returns
    -------
    obspy.Stream, obspy.Inventory or obspy.Catalog
        What it holds.
    str
        ObsPy's name of the format: ``"MSEED"``.

    Raises
    ------
    InputError
        If it is in no format that ObsPy reads, or damaged.
    """
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:  # ObsPy's detection would say that it knows no such format
        msg = f"{source_name}: cannot be read: {error.strerror or one_line(error)}"
        raise InputError(msg) from error
    if empty:
        msg = f"{source_name}: the file is empty (0 bytes)"
        raise InputError(msg)
    with warnings_as_lines(source_name, quiet=quiet):
        name = find_format(kind, path)
        if name is None:
            msg = f"{source_name}: in no {kind} format that ObsPy reads"
            raise InputError(msg)
        try:
            if kind == "waveform":
                return _read_waveforms(path, name, **options), name
            content = _READERS[kind](
                glob.escape(str(path)), format=name, check_compression=False, **options
            )
        except Exception as error:
            msg = f"{source_name}: cannot be read as {name}: {one_line(error)}"
            if name == "MSEED" and (there := cut_in_first_record(path)):
                msg = f"{source_name}: ends inside its first record ({there})"
            raise InputError(msg) from error
    return content, name


@contextmanager
def warnings_as_lines(source_name: str, *, quiet: bool = False) -> Iterator[None]:
    """Turn the block's warnings into log lines that name the file, each once.

    Parameters
    ----------
    source_name : str
        How the lines name the file.
    quiet : bool
        Whether nothing is logged.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    if quiet:
        return
    said = list(dict.fromkeys(one_line(one.message) for one in caught))
    for message in said[:_MOST_WARNINGS]:
        _LOGGER.warning("%s: %s", source_name, message)
    if len(said) > _MOST_WARNINGS:
        more = len(said) - _MOST_WARNINGS
        _LOGGER.warning("%s: and %d more warnings", source_name, more)
