"""SIGTERM as an exception, so that what is cleaned up on Ctrl-C is cleaned up too.

Both signals are ignored once all is done: a stop that comes too late changes nothing.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from asdf_pipeline.errors import StoppedError
from asdf_pipeline.team.launcher import launched_ranks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn


@contextmanager
def terminable(message: str) -> Iterator[None]:
    """Let SIGTERM end the enclosed code; once that is done, ignore it and SIGINT.

    The command ends then: it must not say that it was stopped when its output stands.
    A rank of an MPI job waits within MPI, where no exception would reach it: there,
    nothing is changed.

    Parameters
    ----------
    message : str
        What the error says beside the signal's name: what became of the work.

    Raises
    ------
    StoppedError
        When the signal came.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or launched_ranks() > 1:
        yield
        return
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, signal.SIG_IGN)
    except _TerminatedError:
        signal.signal(signal.SIGTERM, before)
        msg = f"stopped by SIGTERM; {message}"
        raise StoppedError(msg, signal.SIGTERM) from None
    except BaseException:
        signal.signal(signal.SIGTERM, before)
        raise


class _TerminatedError(BaseException):
    """SIGTERM came; no Exception, so that nothing on the way takes it for its own."""


def _stop(_signum: int, _frame: object) -> NoReturn:
    raise _TerminatedError
