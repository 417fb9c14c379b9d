"""Tracebacks of the user's function: kept whole, and shortened where they are shown."""

from __future__ import annotations

import re
import sysconfig
import traceback
from pathlib import Path

from asdf_pipeline.errors import ASDFPipelineError

_ROOM = str(Path(__file__).parent)
_PACKAGE = str(Path(__file__).parent.parent)
_STANDARD = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
_FRAME = re.compile(r'^  File "(.+)", line \d+', re.MULTILINE)
_INSTALLED = re.compile(r"(.*[/\\](?:site|dist)-packages[/\\][^/\\]+)")


def whole_traceback(error: BaseException) -> str:
    """Return an error with all levels of its traceback, from the function's own on.

    An error of this package that was raised in it, perhaps by way of the standard
    library (a context manager, a cached property), says itself what is wrong: it is
    one line.
    """
    trace = error.__traceback__
    # Our own frames say nothing to the function's author.
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_ROOM):
        trace = trace.tb_next
    files = {frame.f_code.co_filename for frame, _ in traceback.walk_tb(trace)}
    if isinstance(error, ASDFPipelineError) and all(
        name.startswith(_PACKAGE) or _is_standard(name) for name in files
    ):
        return f"{type(error).__name__}: {error}"
    lines = traceback.format_exception(type(error), error, trace)
    return "".join(lines).rstrip()


def shortened(text: str, levels: int) -> str:
    """Return a traceback with the user's own levels, and the innermost ones.

    Parameters
    ----------
    text : str
        What `whole_traceback` returned.
    levels : int
        How many of the innermost are shown whosever they are.
    """
    frames = list(_FRAME.finditer(text))
    if not frames:
        return text
    own = [_is_users(frame[1]) for frame in frames]
    if not any(own):  # the function is in an installed package
        home = _home(frames[0][1])
        own = [home == _home(frame[1]) for frame in frames]
    shown = text[: frames[0].start()]
    left_out = 0
    for number, frame in enumerate(frames):
        following = number + 1
        end = frames[following].start() if following < len(frames) else len(text)
        lines = text[frame.start() : end].splitlines(keepends=True)
        # What is not indented is no level: the error itself, or another one's start.
        level = sum(1 for _ in _indented(lines))
        if own[number] or following > len(frames) - levels:
            shown += _gap(left_out) + "".join(lines[:level])
            left_out = 0
        else:
            left_out += 1
        if level < len(lines):
            shown += _gap(left_out) + "".join(lines[level:])
            left_out = 0
    return shown


def _indented(lines: list[str]) -> list[str]:
    for number, line in enumerate(lines):
        if not line.startswith("  "):
            return lines[:number]
    return lines


def _gap(levels: int) -> str:
    if not levels:
        return ""
    return f"  [{levels} level{'s' * (levels != 1)} of libraries left out]\n"


def _is_users(path: str) -> bool:
    """Return whether a file is of the user's, and not of a library."""
    library = path.startswith((_PACKAGE, *_STANDARD)) or not Path(path).is_absolute()
    return not library and not _INSTALLED.match(path)


def _is_standard(path: str) -> bool:
    """Return whether a file is of Python's standard library."""
    return path.startswith(_STANDARD) and not _INSTALLED.match(path)


def _home(path: str) -> str:
    """Return where the installed package is that a file belongs to."""
    found = _INSTALLED.match(path)
    return found[1] if found else str(Path(path).parent)
