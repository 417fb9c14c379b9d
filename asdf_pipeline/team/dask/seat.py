"""A worker of a Dask cluster: what it lacks, and the member that does its batches.

The member is a process beside the worker. So a function that takes its process down
takes that alone, and how it ended is known; it is called in a main thread, in modules
loaded for this run; and the worker goes on answering the scheduler, whatever it does.
"""

from __future__ import annotations

import os
import platform
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asdf_pipeline._version import __version__
from asdf_pipeline.errors import BackendError
from asdf_pipeline.team.batches import Report, do_batch
from asdf_pipeline.team.spawned import SpawnedMember

if TYPE_CHECKING:
    from asdf_pipeline.team.batches import Batch
    from asdf_pipeline.team.spawned import Start

IDLE = 60.0
"""Seconds after which a member without work is ended: its run may be gone."""
GO_ON, HAND_IN, END = 0, 1, 2
_SAME_PYTHON = platform.python_version_tuple()[:2]


@dataclass(frozen=True)
class Needs:
    """What a run needs of a worker.

    Attributes
    ----------
    run : str
        Eight hexadecimal digits that no other run has.
    paths : tuple of str
        Files and folders that it must see.
    version : str
        The version of this package.
    python : tuple of str
        The version of Python, without the last number.
    """

    run: str
    paths: tuple[str, ...]
    version: str = __version__
    python: tuple[str, ...] = _SAME_PYTHON


def lacks(needs: Needs, dask_worker: Any) -> str:
    """Return what makes a worker unfit for a run; empty if nothing does.

    Parameters
    ----------
    dask_worker : distributed.Worker
        The worker; Dask passes it by this name.
    """
    name = f"the {_name(dask_worker)}"
    if needs.version != __version__:
        return (
            f"{name} has asdf_pipeline {__version__}, and this is {needs.version}: "
            "install the same for both"
        )
    if needs.python != _SAME_PYTHON:
        return (
            f"{name} runs Python {'.'.join(_SAME_PYTHON)}, and this is "
            f"{'.'.join(needs.python)}: install the same for both"
        )
    threads = dask_worker.state.nthreads
    if threads != 1:
        return (
            f"{name} has {threads} threads: start workers with one each (dask worker "
            f"--nworkers {threads} --nthreads 1)"
        )
    unseen = [path for path in needs.paths if not os.path.exists(path)]  # noqa: PTH110
    if unseen:
        return (
            f"{name} does not see {unseen[0]}: the input, the output and the working "
            "directory must be on a file system that the workers share"
        )
    return ""


def do(start: Start, needs: Needs, batch: Batch) -> Report:
    """Do a batch on the worker that calls this (see `do_batch`)."""
    from distributed import get_worker

    worker = get_worker()
    seat = _seats.setdefault(worker.address, _Seat())
    return seat.do(worker, worker.get_current_task(), start, needs, batch)


def instruct(run: str, what: int) -> None:
    """Have all seats of this process hand in what is done of a run, or end it."""
    _instructions[run] = what
    if what == END:
        for seat in list(_seats.values()):
            seat.leave_run(run)


class _Seat:
    """The place of one worker's member."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._run = ""
        self._member: SpawnedMember | None = None
        self._timer: threading.Timer | None = None

    def do(
        self, worker: Any, key: str, start: Start, needs: Needs, batch: Batch
    ) -> Report:
        """Do a batch by this seat's member, which is started if there is none."""

        def find_member() -> SpawnedMember:
            if self._run != needs.run:
                self._dismiss()
            if self._member is None or not self._member.is_alive:
                self._run = needs.run
                self._member = SpawnedMember(start, _name(worker))
            return self._member

        def meanwhile() -> int:
            return max(_instructions.get(needs.run, GO_ON), _asked_of(worker, key))

        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._run != needs.run and (problem := lacks(needs, worker)):
                return Report(error=BackendError(problem))
            if meanwhile():
                return Report()
            report = do_batch(batch, find_member, meanwhile)
            self._timer = threading.Timer(IDLE, self.leave_run, [needs.run])
            self._timer.daemon = True
            self._timer.start()
            return report

    def leave_run(self, run: str) -> None:
        """End the member of a run, unless it is at work."""
        if self._run == run and self._lock.acquire(blocking=False):
            try:
                self._dismiss()
            finally:
                self._lock.release()

    def _dismiss(self) -> None:
        if self._member is not None:
            self._member.kill()
        self._member, self._run = None, ""


_seats: dict[str, _Seat] = {}  # by the worker's address: one process may have several
_instructions: dict[str, int] = {}  # by run


def _asked_of(worker: Any, key: str) -> int:
    """Return what the worker's own state asks of a task: go on, hand in, or end."""
    status = worker.status.name
    if status == "closing_gracefully":
        return HAND_IN
    task = worker.state.tasks.get(key)
    # Cancelled: the run's own process is gone, or has given it up.
    gone = task is None or task.state == "cancelled"
    return END if gone or status not in ("running", "paused") else GO_ON


def _name(worker: Any) -> str:
    return f"Dask worker {worker.name} on {socket.gethostname()}"
