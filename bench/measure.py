"""Running a command in a fresh process and measuring it."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

EVERY = 0.05
"""Seconds between two looks at a process tree's memory."""


@dataclass(frozen=True)
class Usage:
    """What a command took.

    Attributes
    ----------
    wall : float
        Seconds.
    cpu : float
        Seconds of CPU, user and system, of the command and all its descendants.
    parent : float
        Peak resident memory of the first process in MB; 0 where it was not watched.
    tree : float
        Peak memory of the whole tree in MB, shared pages counted once (PSS); 0 where
        it was not watched.
    size : int
        Bytes of the output.
    """

    wall: float
    cpu: float
    parent: float = 0.0
    tree: float = 0.0
    size: int = 0


class CommandFailedError(RuntimeError):
    """The command failed or took too long."""


def _compiled() -> dict[str, str]:
    """Let Python keep compiled modules, wherever it may write."""
    return {
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": tempfile.gettempdir() + "/asdf-pipeline-bench",
    }


def measure(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
    time_limit: float = 600.0,
    watch: bool = False,
) -> Usage:
    """Run a command; return what it took.

    Parameters
    ----------
    log : pathlib.Path
        Where its output goes.
    environment : mapping, optional
        Added to this process's.
    time_limit : float
        Seconds after which it is killed with all it started.
    watch : bool
        Look at its memory, which costs some CPU.

    Raises
    ------
    CommandFailedError
        If it fails, or is killed for its time.
    """
    with log.open("w") as file:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **_compiled(), **(environment or {})},
            start_new_session=True,
        )
        late = threading.Event()

        def end() -> None:
            late.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(time_limit, end)
        timer.start()
        memory = _Memory(process.pid)
        if watch:
            memory.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        timer.cancel()
        memory.stop()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        how = f"killed after {time_limit:g} s" if late.is_set() else "failed"
        msg = f"{how}: {shlex.join(command)}; see {log}"
        raise CommandFailedError(msg)
    cpu = usage.ru_utime + usage.ru_stime
    return Usage(wall, cpu, memory.parent / 1e6, memory.tree / 1e6)


@dataclass
class _Memory:
    """Watches the memory of a process and its descendants."""

    pid: int
    parent: int = 0
    tree: int = 0
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(EVERY):
            with contextlib.suppress(psutil.Error):
                first = psutil.Process(self.pid)
                self.parent = max(self.parent, first.memory_info().rss)
                family = [first, *first.children(recursive=True)]
                self.tree = max(self.tree, sum(map(_proportional, family)))


def _proportional(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0  # it just ended
