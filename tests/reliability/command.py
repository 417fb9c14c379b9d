"""The real command, many times over: forked from a server that has it loaded.

A start of the command takes a second, nearly all of it imports. Here a server does
those once; each run is a process of its own, in a session of its own, which ends as
any other does, HDF5's own clean-up at exit included.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.reliability.preload"])
COMPLAINT = "asdf-pipeline: error: "


@dataclass(frozen=True)
class Ended:
    """How a run of the command ended.

    Attributes
    ----------
    code : int
        Exit code; negative for the signal that killed it.
    out, err : str
        What it printed.
    seconds : float
        How long it took.
    """

    code: int
    out: str
    err: str
    seconds: float

    @property
    def complaints(self) -> list[str]:
        """The error lines that the command itself printed."""
        lines = self.err.splitlines()
        return [
            line.removeprefix(COMPLAINT) for line in lines if line.startswith(COMPLAINT)
        ]

    @property
    def is_clear(self) -> bool:
        """Whether it ended by itself, and with one line where it ended in error."""
        if "Traceback" in self.err or "please report" in self.err or self.code < 0:
            return False
        return self.code == 0 or len(self.complaints) == 1


class Running:
    """A run of the command that has begun.

    Parameters
    ----------
    arguments : objects
        Of the command; anything with a text form.
    cwd : pathlib.Path
        Where it runs.
    stderr : pathlib.Path, optional
        Where its standard error goes; default: a file beside the others.
    main : callable, optional
        Another function than the command's ``main`` to be called with the arguments.
    """

    def __init__(
        self,
        *arguments: object,
        cwd: Path,
        stderr: Path | None = None,
        main: Callable[[list[str]], int] | None = None,
    ) -> None:
        number = next(_numbers)
        self._out = cwd / f".out-{os.getpid()}-{number}"
        self._err = stderr or cwd / f".err-{os.getpid()}-{number}"
        self._began = time.monotonic()
        self.process: Any = _SERVER.Process(
            target=_run,
            args=([str(a) for a in arguments], str(cwd), self._out, self._err, main),
        )
        self.process.start()

    @property
    def pid(self) -> int:
        """The process's number, and its group's."""
        return int(self.process.pid)

    def wait_for(self, what: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until something is so while the run goes on."""
        deadline = time.monotonic() + seconds
        while not what():
            assert self.process.is_alive(), self.wait().err
            assert time.monotonic() < deadline, f"{what} did not come"
            time.sleep(0.005)

    def wait(self, timeout: float = 120) -> Ended:
        """Return how it ended.

        Raises
        ------
        TimeoutError
            If it did not; all of it is killed then.
        """
        self.process.join(timeout)
        if self.process.exitcode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.process.join()
            msg = f"the command hangs: {self._read(self._err)}"
            raise TimeoutError(msg)
        seconds = time.monotonic() - self._began
        ended = Ended(
            self.process.exitcode, self._read(self._out), self._read(self._err), seconds
        )
        for path in (self._out, self._err):
            if path.is_file():  # and not /dev/full
                path.unlink()
        return ended

    @staticmethod
    def _read(path: Path) -> str:
        if not path.is_file():
            return ""
        return path.read_text(encoding="utf-8", errors="replace")


def command(
    *arguments: object, cwd: Path, timeout: float = 120, stderr: Path | None = None
) -> Ended:
    """Run the command and return how it ended."""
    return Running(*arguments, cwd=cwd, stderr=stderr).wait(timeout)


def _count() -> Iterator[int]:
    number = 0
    while True:
        yield (number := number + 1)


_numbers = _count()


def _run(
    arguments: list[str],
    cwd: str,
    out: Path,
    err: Path,
    main: Callable[[list[str]], int] | None,
) -> None:
    os.setsid()
    for number, path in ((1, out), (2, err)):
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(target, number)
        os.close(target)
    for signum in (signal.SIGINT, signal.SIGTERM):  # the server ignores them
        signal.signal(signum, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    sys.path.insert(0, cwd)
    if main is None:
        from asdf_pipeline.cli import main
    try:
        code = main(arguments)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    ctypes.CDLL(None).exit(code)  # unlike os._exit: libraries clean up
