"""Asking a server again that does not answer, with pauses that grow."""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING, TypeVar

from asdf_pipeline.errors import InputError
from asdf_pipeline.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

_LOGGER = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")

ATTEMPTS = 5
"""How often a server is asked before it counts as one that does not answer."""
PAUSE = 1.0
"""Seconds, more or less by half, before it is asked again; twice as long each time."""


def persist(
    ask: Callable[[], _Answer], source_name: str, again: Callable[[Exception], bool]
) -> _Answer:
    """Return a server's answer; ask again where that may help.

    Parameters
    ----------
    ask : callable
        Asks once.
    source_name : str
        What is asked for, for errors and log lines.
    again : callable
        Tells of an error whether it may pass; any other is raised as it is.

    Raises
    ------
    InputError
        If there was no answer, `ATTEMPTS` times.
    """
    pause = PAUSE
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return ask()
        except Exception as error:
            if not again(error):
                raise
            trouble = one_line(error) or type(error).__name__
            if attempt == ATTEMPTS:
                msg = f"{source_name}: {trouble} (asked {ATTEMPTS} times)"
                raise InputError(msg) from error
        # Not all workers at once: the server may have said that it is too much.
        seconds = pause * random.uniform(0.5, 1.5)
        _LOGGER.warning("%s: %s: asking again in %.1f s", source_name, trouble, seconds)
        time.sleep(seconds)
        pause *= 2
    raise AssertionError
