"""How a run is told to stop: SIGINT and SIGTERM, and within how long it does."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from asdf_pipeline.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

PATIENCE = 4.0
"""Seconds that units in progress get to end once a stop is asked for."""


class StopUnitError(BaseException):
    """Raised inside the user's function, which must not catch it, to end the unit."""


class Stop:
    """Whether a signal asked the run to stop.

    Attributes
    ----------
    signum : int
        The signal's number, 0 while none came.
    """

    def __init__(self) -> None:
        self.signum = 0
        self._interruptible = False
        self._listening = False
        self._first: Callable[[], None] = lambda: None

    def __bool__(self) -> bool:
        """Tell whether a signal came."""
        return self.signum != 0

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal end the enclosed code by `StopUnitError`."""
        if self:
            raise StopUnitError
        self._interruptible = True
        try:
            yield
        finally:
            self._interruptible = False

    def ask(self, signum: int = signal.SIGTERM) -> None:
        """Stop as if this signal had come; from any thread."""
        if self:
            return
        if self._listening:
            # The signal itself: it also ends a sleep within the user's function.
            signal.pthread_kill(threading.main_thread().ident or 0, signum)
        else:
            self.signum = signum
            self._first()

    def _hear(self, signum: int, frame: FrameType | None) -> None:
        if self.signum:
            if signum == signal.SIGINT:  # asked twice: at once
                os._exit(128 + signum)
            return
        self.signum = signum
        self._first()
        if self._interruptible:
            self._interruptible = False
            raise StopUnitError

    @contextmanager
    def listening(self, first: Callable[[], None]) -> Iterator[None]:
        """Hear SIGINT and SIGTERM while the enclosed code runs.

        Only the main thread can; in another one this does nothing.

        Parameters
        ----------
        first : callable
            Called at once when the first signal comes.
        """
        self._first = first
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        signals = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(signum, self._hear) for signum in signals]
        self._listening = True
        try:
            yield
        finally:
            self._listening = False
            for signum, action in zip(signals, before, strict=True):
                signal.signal(signum, action)

    def raise_if_asked(self, work_directory: object) -> None:
        """Raise `StoppedError` if a signal came."""
        if self.signum:
            name = signal.Signals(self.signum).name
            msg = (
                f"stopped by {name}; what is done is kept in {work_directory}, "
                "the same command goes on from there"
            )
            raise StoppedError(msg, self.signum)
