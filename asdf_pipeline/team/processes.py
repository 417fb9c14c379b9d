"""The team of processes: forked workers that take turns on one segment.

The parent hands out units and the turn to write; it never opens an HDF5 file. Each
member has one pipe: its end of file is the member's death, and gives back the turn.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import time
from collections import deque
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, ClassVar

from asdf_pipeline.errors import WorkerDiedError
from asdf_pipeline.journal.ledger import NoUnit
from asdf_pipeline.team import alone
from asdf_pipeline.team.base import Job, Team
from asdf_pipeline.team.member import (
    BATCH_AGE,
    BATCH_SIZE,
    CameBack,
    Write,
    Wrote,
    describe_exit,
    run_member,
)
from asdf_pipeline.team.resources import available_cores
from asdf_pipeline.team.sealing import Sealer
from asdf_pipeline.team.stop import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.team.base import TeamOptions
    from asdf_pipeline.work.base import Work

log = logging.getLogger(__name__)

BACKLOG = 4
"""Times `BATCH_SIZE` at which a member waits for its turn rather than go on."""
SMALL_UNIT = 0.05
"""Seconds below which a unit is so short that the next one is sent ahead of time."""


def form(options: TeamOptions) -> Team:
    """Return the team of as many workers as are asked for.

    In a daemonic process it is the team of one, with a warning: Python lets such a
    process start none.
    """
    if multiprocessing.current_process().daemon:
        log.warning(
            "%s is daemonic, as multiprocessing's pools and dask start them, and may "
            "have no processes of its own: it works serially",
            multiprocessing.current_process().name,
        )
        return alone.form(options)
    return Processes(options.workers)


class Processes(Team):
    """Forked members, one unit in flight each, one writing at any time.

    Parameters
    ----------
    workers : int
        How many; -1 for as many as there are cores for this process.
    """

    name: ClassVar[str] = "multiprocessing"

    def __init__(self, workers: int = -1) -> None:
        self.size = available_cores() if workers < 1 else workers

    def run(self, work: Work, job: Job | None) -> None:
        """Do all units (see `Team.run`)."""
        assert job is not None
        work.preload()
        members = _Members(work, job)
        try:
            members.run(min(self.size, job.ledger.waiting))
        finally:
            members.kill_all()


@dataclass
class _Member:
    name: str
    process: Any  # multiprocessing's ForkProcess
    pipe: Connection
    assigned: deque[Unit] = field(default_factory=deque)  # it is at work on the first
    writing: bool = False
    batch: list[str] = field(default_factory=list)  # ids of units not yet written
    batch_size: int = 0
    batch_born: float = 0.0
    unit_seconds: float = 1.0  # of its last unit

    @property
    def idle(self) -> bool:
        return not self.assigned and not self.writing


@dataclass
class _SharedSegment:
    """The segment that the members share."""

    path: Path
    born: float
    size: int = 0
    unit_ids: list[str] = field(default_factory=list)


class _Members:
    """The members of one run, the segment that they share, and the turn to write."""

    def __init__(self, work: Work, job: Job) -> None:
        self.work = work
        self.job = job
        self.ledger = job.ledger
        # By name: Python 3.14 starts others by default, which could not take a function
        # that is a closure, nor run a script without an `if __name__` guard.
        self.context = multiprocessing.get_context("fork")
        self.members: list[_Member] = []
        self.started = 0
        self.idle_deaths = 0
        self.segment: _SharedSegment | None = None
        self.writer: _Member | None = None  # whose turn it is
        self.batch_size = BATCH_SIZE
        self.sealer = Sealer()

    def run(self, size: int) -> None:
        for _ in range(size):
            self.start_member()
        while not self.ledger.finished and not self.job.stop:
            self.assign()
            self.poll(0.5)
        if self.job.stop:
            self.finish_until(time.monotonic() + PATIENCE)

    # What is to be done next.

    def assign(self) -> None:
        """Assign units to idle members, and the turn to one that is due for it."""
        for member in self.members:
            # Between units only: a turn given to one at work would stop the others.
            if self.writer is None and member.idle and self.is_due(member):
                self.grant_turn(member)
            elif not member.writing:
                self.hand_out(member)
        if self.writer is None and all(m.idle for m in self.members):
            full = next((m for m in self.members if m.batch), None)
            if full is not None:
                self.grant_turn(full)
            else:
                self.seal()
        elif (
            self.writer is None
            and self.segment is not None
            and self.job.schedule.due(self.segment.born, self.segment.size)
        ):
            self.seal()

    def is_due(self, member: _Member) -> bool:
        """Return whether a member holds enough, or long enough, to write it."""
        if not member.batch:
            return False
        age = time.monotonic() - member.batch_born
        # Where units are long, what is done does not wait for the next one's end.
        old = max(age, member.unit_seconds) >= BATCH_AGE
        return old or member.batch_size >= self.batch_size

    def hand_out(self, member: _Member) -> None:
        """Send a member its next unit, unless it is to write first."""
        has_backlog = member.batch_size >= BACKLOG * self.batch_size
        if self.is_due(member) and (self.writer is None or has_backlog):
            return
        ahead = (
            member.unit_seconds < SMALL_UNIT
            and self.ledger.waiting > 4 * len(self.members)
            and self.batch_size > 0
        )
        while len(member.assigned) < (2 if ahead else 1):
            unit = self.ledger.take(member.name)
            if isinstance(unit, NoUnit):
                return
            member.assigned.append(unit)
            self.send(member, unit)

    def grant_turn(self, member: _Member) -> None:
        """Have a member write all it holds; no other writes until it reports."""
        create = self.segment is None
        if self.segment is None:
            self.segment = _SharedSegment(self.ledger.new_segment(), time.monotonic())
        self.writer = member
        member.writing = True
        self.send(member, Write(self.segment.path, create))

    def send(self, member: _Member, instruction: Unit | Write) -> None:
        with contextlib.suppress(OSError):  # it just died: its end of file comes next
            member.pipe.send(instruction)

    # What members report.

    def poll(self, seconds: float) -> None:
        """Handle the members' reports; wait at most so many seconds for one."""
        if self.sealer.busy:
            seconds = min(seconds, 0.01)
        by_pipe = {member.pipe: member for member in self.members}
        for pipe in wait(list(by_pipe), seconds):
            member = by_pipe[pipe]  # type: ignore[index]
            try:
                report = member.pipe.recv()
            except (EOFError, OSError):
                self.replace(member)
                continue
            if isinstance(report, BaseException):
                raise report
            self.handle(member, report)
        self.journal_sealed()
        self.job.tick()

    def handle(self, member: _Member, report: CameBack | Wrote) -> None:
        """Note a unit that came back, or the end of a turn."""
        if isinstance(report, Wrote):
            assert self.segment is not None
            self.ledger.wrote(self.segment.path.name, report.unit_ids)
            self.segment.unit_ids += report.unit_ids
            self.segment.size += report.size
            self.writer, member.writing = None, False
            member.batch, member.batch_size = [], 0
            return
        self.idle_deaths = 0
        member.assigned.popleft()
        member.unit_seconds = report.outcome.seconds
        self.ledger.came_back(member.name, report.outcome)
        if report.size:
            if not member.batch:
                member.batch_born = time.monotonic()
            member.batch.append(report.outcome.unit_id)
            member.batch_size += report.size

    # Sealing: the file is closed, so only its fsync and its renaming are left.

    def seal(self) -> None:
        """Begin to seal the shared segment; without one, journal what needs none."""
        if self.segment is not None:
            self.sealer.begin(self.segment.path, self.segment.unit_ids)
            self.segment = None
        elif not self.sealer.busy:
            self.ledger.journal_dataless()

    def journal_sealed(self, *, wait: bool = False) -> None:
        """Journal the segments that were sealed meanwhile."""
        for sealed, unit_ids in self.sealer.drain(wait=wait):
            self.ledger.seal(sealed, unit_ids)

    # Members come and go.

    def start_member(self) -> None:
        self.journal_sealed(wait=True)  # no fork beside a thread: see `Sealer.drain`
        self.started += 1
        name = f"worker {self.started}"
        ours, theirs = self.context.Pipe()
        others = [ours, *(member.pipe for member in self.members)]
        process = self.context.Process(
            target=run_member,
            args=(self.work, name, theirs, others),
            daemon=False,  # or the function could have no processes of its own
        )
        process.start()
        theirs.close()
        self.members.append(_Member(name, process, ours))

    def replace(self, member: _Member) -> None:
        """Take back what a member had that died, and start another one."""
        member.process.join()
        member.pipe.close()
        self.members.remove(member)
        how = describe_exit(member.process.exitcode)
        unit_id = member.assigned[0].id if member.assigned else None
        if self.writer is member:
            assert self.segment is not None
            self.ledger.abandon(self.segment.path.name)
            self.segment.path.unlink(missing_ok=True)
            self.segment = self.writer = None
            # One of the batch may have killed it: from now on each is written by
            # itself, so that the next death names it.
            self.batch_size = 0
            if len(member.batch) == 1:
                unit_id = member.batch[0]
        log.warning(
            "%s died (%s)%s", member.name, how, f" on {unit_id}" * bool(unit_id)
        )
        self.ledger.died(member.name, unit_id, how)
        if unit_id is None:
            self.idle_deaths += 1
            if self.idle_deaths > 3 + len(self.members):
                msg = f"workers die before they do anything: {how}"
                raise WorkerDiedError(msg)
        if not self.job.stop:
            self.start_member()

    def finish_until(self, deadline: float) -> None:
        """Write and seal what members have; who is not back by then is killed."""
        while time.monotonic() < deadline:
            if self.writer is None:
                full = next((m for m in self.members if m.batch and m.idle), None)
                if full is not None:
                    self.grant_turn(full)
                elif all(member.idle for member in self.members):
                    break
            self.poll(0.1)
        if self.writer is not None:
            self.members.remove(self.writer)
            self.writer.process.kill()
            self.writer.process.join()
            self.segment = None
        self.seal()
        self.journal_sealed(wait=True)

    def kill_all(self) -> None:
        """End all members; what they hold is lost."""
        for member in self.members:
            member.process.kill()
        for member in self.members:
            member.process.join()
            member.pipe.close()
