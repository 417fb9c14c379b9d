"""A Dask cluster of this machine for tests: a scheduler and workers, each a process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

import psutil

if TYPE_CHECKING:
    import random
    from pathlib import Path

# Whoever loses the scheduler gives it up soon.
ENVIRONMENT = {
    **os.environ,
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
    "PYTHONWARNINGS": "default",
}


class Cluster:
    """A scheduler and workers with their nannies; a context manager.

    Parameters
    ----------
    folder : pathlib.Path
        Where the scheduler's file and the logs are, and where workers are at home.
    workers : int
        How many.
    options : str
        Further options of ``dask worker``.
    """

    def __init__(self, folder: Path, workers: int = 2, *options: str) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.options = options or ("--nthreads", "1")
        self.number = workers
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self.mend()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_all()

    def mend(self) -> None:
        """Start what does not run."""
        if self.scheduler is None or self.scheduler.poll() is not None:
            self.kill_all()
            self.file.unlink(missing_ok=True)
            self.scheduler = self._start(
                "scheduler", "--port", "0", "--scheduler-file", str(self.file)
            )
            deadline = time.monotonic() + 60
            while not self.file.exists() or not self.file.stat().st_size:
                assert time.monotonic() < deadline, "no scheduler came up"
                time.sleep(0.02)
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < self.number:
            self.add_worker(*self.options)

    def add_worker(self, *options: str, cwd: Path | None = None) -> None:
        """Start one more worker."""
        place = ("--scheduler-file", str(self.file), "--no-dashboard")
        self.workers.append(self._start("worker", *place, *options, cwd=cwd))

    def _start(self, *words: str, cwd: Path | None = None) -> subprocess.Popen[bytes]:
        with (self.folder / f"{words[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "dask", *words],
                cwd=cwd or self.folder,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def address(self) -> str:
        """The scheduler's address."""
        return str(json.loads(self.file.read_text())["address"])

    def kill_scheduler(self) -> None:
        """Kill the scheduler alone."""
        assert self.scheduler is not None
        self.scheduler.kill()
        self.scheduler.wait()

    def kill_worker(self, rng: random.Random) -> None:
        """Kill a nanny, a worker, or the member beside one."""
        processes = [one for worker in self.workers for one in tree(worker.pid)]
        if processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                rng.choice(processes).kill()

    def kill_all(self) -> None:
        """Kill everything."""
        started = [*self.workers, *([self.scheduler] if self.scheduler else [])]
        for one in started:
            for process in tree(one.pid):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGKILL)
            one.wait()
        self.workers = []


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all that it started; nothing if it is gone."""
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
