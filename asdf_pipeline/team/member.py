"""A member of the processes team: a forked worker that follows instructions.

It is connected with the parent by one pipe: an instruction comes, a report goes. It
writes only when instructed to, so that one process writes at any time; and it ends when
the pipe does, so that none outlives the parent.
"""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import ASDFPipelineError
from asdf_pipeline.files import start_writeback, system_call
from asdf_pipeline.team.resources import keep_memory, one_thread
from asdf_pipeline.team.stop import SIGNALS, release_children

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path
    from types import FrameType

    from asdf_pipeline.container.encoded import Product
    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.work.base import Work, Worker

BATCH_SIZE = 4 << 20
"""Bytes that a member holds before it asks for its turn: reopening costs 0.2 ms."""
BATCH_AGE = 0.5
"""Seconds that a member holds data before it asks for its turn."""


def describe_exit(code: int | None) -> str:
    """Return how a process ended: ``"SIGSEGV"``, ``"exit code 3"``.

    Parameters
    ----------
    code : int or None
        As of `multiprocessing.Process.exitcode`: negative for a signal.
    """
    if code is not None and code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"


@dataclass(frozen=True, slots=True)
class Write:
    """The turn to write: all that the member holds goes into this segment."""

    segment: Path
    create: bool


@dataclass(frozen=True, slots=True)
class CameBack:
    """A unit is computed; its data waits for the turn."""

    outcome: Outcome
    size: int


@dataclass(frozen=True, slots=True)
class Wrote:
    """The turn is given back: these units are in the segment now."""

    segment: Path
    unit_ids: list[str]
    size: int


def run_member(
    work: Work, name: str, pipe: Connection, others: Sequence[Connection]
) -> None:
    """Follow the instructions on the pipe until it ends.

    Parameters
    ----------
    pipe : Connection
        The member's end.
    others : sequence of Connection
        The parent's ends, inherited by the fork. They are closed: while one is open
        here, the death of the member at its other end is no end of file.
    """
    for other in others:
        other.close()
    _die_with_parent()
    keep_memory()
    # The parent gets the terminal's Ctrl-C too, and decides. A handler, not SIG_IGN,
    # which the function's own subprocesses would inherit.
    for signum in SIGNALS:
        signal.signal(signum, _ignore)
    release_children(lambda: signal.getsignal(signal.SIGTERM) is _ignore)
    # A child that held it would hide this process's death.
    os.register_at_fork(after_in_child=pipe.close)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            with one_thread(), work.begin(name) as worker:
                _follow(worker, pipe)
        except ASDFPipelineError as error:
            pipe.send(error)


def _ignore(_signum: int, _frame: FrameType | None) -> None:
    pass


def _die_with_parent() -> None:
    """Ask for SIGKILL when the parent dies: nothing could use what is computed then."""
    prctl = system_call("prctl")
    if prctl is not None:  # else the pipe ends: after this unit there is no other
        pr_set_pdeathsig = 1  # prctl(2)
        prctl(pr_set_pdeathsig, signal.SIGKILL)


def _follow(worker: Worker, pipe: Connection) -> None:
    batch: list[tuple[str, Product]] = []
    while True:
        instruction: Unit | Write = pipe.recv()
        if isinstance(instruction, Write):
            pipe.send(_write(instruction, batch, worker))
            start_writeback(instruction.segment)
            batch = []
            continue
        outcome, product = worker.attempt(instruction)
        size = 0
        if product is not None:
            batch.append((instruction.id, product))
            size = product.nbytes
        pipe.send(CameBack(outcome, size))


def _write(turn: Write, batch: list[tuple[str, Product]], worker: Worker) -> Wrote:
    # Opened anew for each turn: two handles on one HDF5 file in two processes lose data
    # without an error, even if they write one after the other (HDF5 1.10 to 2.0).
    if turn.create:
        writer = Writer.create(turn.segment, quakeml=worker.quakeml())
    else:
        writer = Writer.reopen(turn.segment)
    with writer:
        for _, product in batch:
            writer.write(product)
    unit_ids = [unit_id for unit_id, _ in batch]
    return Wrote(turn.segment, unit_ids, sum(product.nbytes for _, product in batch))
