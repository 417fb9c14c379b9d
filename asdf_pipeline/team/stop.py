"""How a run is told to stop: SIGINT and SIGTERM, and within how long it does."""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import StoppedError, StopUnitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

PATIENCE = 4.0
"""Seconds that units in progress get to end once a stop is asked for."""


SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether a signal asked the run to stop.

    Parameters
    ----------
    alone : bool
        Whether nobody else waits for this process: then a second Ctrl-C ends what
        it does by `StopUnitError`, and a function that goes on after its first one
        gets more of them. Else a second Ctrl-C ends the process.

    Attributes
    ----------
    signum : int
        The signal's number, 0 while none came.
    is_interruptible : bool
        Whether a signal ends what is at work.
    """

    def __init__(self, *, alone: bool = False) -> None:
        self.signum = 0
        self._alone = alone
        self.is_interruptible = False
        self._listening = False
        self._insisting = False
        self._asked_again = False
        self._on_stop: Callable[[], object] = lambda: None

    def __bool__(self) -> bool:
        """Tell whether a signal came."""
        return self.signum != 0

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal end the enclosed code by `StopUnitError`."""
        if self:
            raise StopUnitError
        _release_children_of_units()
        self.is_interruptible = True
        try:
            yield
        finally:
            self.is_interruptible = False

    def comes_too_late(self) -> None:
        """Let a stop that comes from now on change nothing."""
        self._on_stop = lambda: None

    def ask(self, signum: int = signal.SIGTERM) -> None:
        """Stop as if this signal had come; from any thread."""
        if self:
            return
        if self._listening:
            # The signal itself: it also ends a sleep within the user's function.
            _send_to_main_thread(signum)
        else:
            self.signum = signum
            self._on_stop()

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if not self.signum:
            self.signum = signum
            self._on_stop()
            if self._alone:
                threading.Thread(target=self._insist, daemon=True).start()
        elif self._insisting:
            self._insisting = False
        elif signum == signal.SIGINT:  # asked twice: at once
            if self._asked_again or not self._alone:
                os._exit(128 + signum)
            self._asked_again = True
            raise StopUnitError
        if self.is_interruptible:
            raise StopUnitError

    def _insist(self) -> None:
        """Ask again while a unit is at work, whose function may have caught it."""
        end = time.monotonic() + 2 * PATIENCE
        while time.monotonic() < end:
            time.sleep(0.5)
            if not (self.is_interruptible and self._listening):
                return
            self._insisting = True
            _send_to_main_thread(self.signum)
        sys.stderr.write("the function does not let go: what is not sealed is lost\n")
        os._exit(128 + self.signum)

    @contextmanager
    def listening(self, on_stop: Callable[[], None] | None = None) -> Iterator[None]:
        """Handle SIGINT and SIGTERM while the enclosed code runs.

        Only the main thread can; in another one this does nothing.

        Parameters
        ----------
        on_stop : callable, optional
            Called at once when the first signal comes.
        """
        if on_stop is not None:
            self._on_stop = on_stop
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = [signal.signal(signum, self._handle) for signum in SIGNALS]
        unraisable = sys.unraisablehook
        sys.unraisablehook = lambda lost: _drop_stop(lost, unraisable)
        self._listening = True
        try:
            yield
        finally:
            self._listening = False
            sys.unraisablehook = unraisable
            for signum, action in zip(SIGNALS, before, strict=True):
                signal.signal(signum, action)

    def raise_if_asked(self, work_directory: object) -> None:
        """Raise `StoppedError` if a signal came."""
        if self.signum:
            name = signal.Signals(self.signum).name
            # Asked again, this process may have ended before its work was sealed.
            kept = "what was sealed" if self._asked_again else "what is done"
            msg = (
                f"stopped by {name}; {kept} is kept in {work_directory}, "
                "the same command goes on from there"
            )
            raise StoppedError(msg, self.signum)


def release_children(are_ours: Callable[[], bool]) -> None:
    """Let processes that are forked from here on handle signals as any do.

    A `multiprocessing.Pool` ends its workers by SIGTERM, which may come before they
    can handle it: it is blocked, and waits, until they do.

    Parameters
    ----------
    are_ours : callable
        Whether the handlers that a child inherits now are this process's own.
    """

    def switch(how: int) -> None:
        if are_ours():
            signal.pthread_sigmask(how, SIGNALS)

    def release() -> None:
        if are_ours():
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    os.register_at_fork(
        before=lambda: switch(signal.SIG_BLOCK),
        after_in_parent=lambda: switch(signal.SIG_UNBLOCK),
        after_in_child=release,
    )


@functools.cache  # what is registered stays
def _release_children_of_units() -> None:
    release_children(_is_at_work)


def _is_at_work() -> bool:
    stop = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return isinstance(stop, Stop) and stop.is_interruptible


def _send_to_main_thread(signum: int) -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signum)


def _drop_stop(lost: Any, otherwise: Callable[[Any], object]) -> None:
    """Say nothing of a stop that came while Python was freeing something.

    There it cannot be raised; the unit goes on to its end, and the run stops then.
    """
    if not isinstance(lost.exc_value, StopUnitError):
        otherwise(lost)
