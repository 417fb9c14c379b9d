"""Text for people: an error on one line, numbers with their nouns, sizes."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PACKAGE = f"{Path(__file__).parent}/"


def callers_level() -> int:
    """Return the `stacklevel` with which a warning names the line of the user's.

    It is that of the first caller outside this package, for a call of `warnings.warn`
    beside this one.
    """
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    return level


def kind_of(value: object) -> str:
    """Return the name of a value's type with its article: ``"an int"``."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeioAEIO' else 'a'} {name}"


def one_line(said: object) -> str:
    """Return a message on one line, without control characters.

    Parameters
    ----------
    said : object
        An error, a warning or a text. An error without a message gives the name of
        its class.
    """
    line = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", str(said)).split())
    return line or (type(said).__name__ if isinstance(said, BaseException) else "")


def named_line(error: BaseException) -> str:
    """Return an error on one line: ``"ValueError: what is wrong"``."""
    name, line = type(error).__name__, one_line(error)
    return line if line == name else f"{name}: {line}"


def plural(
    number: int,
    one: str,
    many: str | None = None,
    say: Callable[[int], str] = str,
) -> str:
    """Return a number with its noun: ``"1 unit"``, ``"2 units"``.

    Parameters
    ----------
    many : str, optional
        The noun's plural; by default with an ``s``.
    say : callable
        Writes the number.
    """
    return f"{say(number)} {one if number == 1 else many or f'{one}s'}"


def size_text(value: float) -> str:
    """Return a size in bytes as people read it: ``"1.4 MB"``."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.3g} {unit}"
