"""The team of processes: forked workers that take turns on one segment.

The parent hands out units and the turn to write; it never opens an HDF5 file. Each
member has one pipe: its end of file is the member's death, and gives back the turn.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import time
from collections import deque
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, ClassVar

from asdf_pipeline.errors import WorkerDiedError
from asdf_pipeline.team import alone
from asdf_pipeline.team.base import Job, Team
from asdf_pipeline.team.member import CameBack, Write, Wrote, be_member
from asdf_pipeline.team.resources import available_cores
from asdf_pipeline.team.sealing import Sealer
from asdf_pipeline.team.stop import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.team.base import TeamOptions
    from asdf_pipeline.work.base import Work

log = logging.getLogger(__name__)

BATCH_SIZE = 4 << 20
"""Bytes that a member holds before it asks for its turn: reopening costs 0.2 ms."""
BATCH_AGE = 0.5
"""Seconds that a member holds data before it asks for its turn."""
CROWDED = 4
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
        shift = _Shift(work, job)
        try:
            shift.run(min(self.size, job.ledger.waiting))
        finally:
            shift.dismiss()


@dataclass
class _Member:
    name: str
    process: Any  # multiprocessing's ForkProcess
    pipe: Connection
    given: deque[Unit] = field(default_factory=deque)  # the first one is at work
    writing: bool = False
    batch: list[str] = field(default_factory=list)  # ids of units not yet written
    batch_size: int = 0
    batch_born: float = 0.0
    pace: float = 1.0  # seconds of the last unit

    @property
    def idle(self) -> bool:
        return not self.given and not self.writing


@dataclass
class _Shared:
    """The segment that the members share."""

    path: Path
    born: float
    size: int = 0
    unit_ids: list[str] = field(default_factory=list)


class _Shift:
    """One run of the team: the members, the shared segment, the turn."""

    def __init__(self, work: Work, job: Job) -> None:
        self.work = work
        self.job = job
        self.ledger = job.ledger
        self.context = multiprocessing.get_context("fork")
        self.members: list[_Member] = []
        self.hired = 0
        self.idle_deaths = 0
        self.segment: _Shared | None = None
        self.writer: _Member | None = None  # whose turn it is
        self.batch_size = BATCH_SIZE
        self.sealer = Sealer()

    def run(self, size: int) -> None:
        for _ in range(size):
            self.hire()
        while not self.ledger.finished and not self.job.stop:
            self.direct()
            self.listen(0.5)
        if self.job.stop:
            self.wind_up(time.monotonic() + PATIENCE)

    # What is to be done next.

    def direct(self) -> None:
        """Give work to whoever has none, the turn to whoever is due for it."""
        for member in self.members:
            # Between units only: a turn given to one at work would stop the others.
            if self.writer is None and member.idle and self.is_due(member):
                self.grant(member)
            elif not member.writing:
                self.hand_out(member)
        if self.writer is None and all(m.idle for m in self.members):
            full = next((m for m in self.members if m.batch), None)
            if full is not None:
                self.grant(full)
            else:
                self.seal()
        elif (
            self.writer is None
            and self.segment is not None
            and self.job.schedule.due(self.segment.born, self.segment.size)
        ):
            self.seal()

    def is_due(self, member: _Member) -> bool:
        if not member.batch:
            return False
        age = time.monotonic() - member.batch_born
        # Where units are long, what is done does not wait for the next one's end.
        old = max(age, member.pace) >= BATCH_AGE
        return old or member.batch_size >= self.batch_size

    def hand_out(self, member: _Member) -> None:
        crowded = member.batch_size >= CROWDED * self.batch_size
        if self.is_due(member) and (self.writer is None or crowded):
            return
        ahead = (
            member.pace < SMALL_UNIT
            and self.ledger.waiting > 4 * len(self.members)
            and self.batch_size > 0
        )
        while len(member.given) < (2 if ahead else 1):
            unit = self.ledger.take(member.name)
            if unit is None:
                return
            member.given.append(unit)
            self.tell(member, unit)

    def grant(self, member: _Member) -> None:
        create = self.segment is None
        if self.segment is None:
            self.segment = _Shared(self.ledger.new_segment(), time.monotonic())
        self.writer = member
        member.writing = True
        self.tell(member, Write(self.segment.path, create))

    def tell(self, member: _Member, what: Unit | Write) -> None:
        with contextlib.suppress(OSError):  # it just died: its end of file will tell
            member.pipe.send(what)

    # What is heard.

    def listen(self, seconds: float) -> None:
        """Hear what members say, within so many seconds."""
        if self.sealer.busy:
            seconds = min(seconds, 0.01)
        by_pipe = {member.pipe: member for member in self.members}
        for pipe in wait(list(by_pipe), seconds):
            member = by_pipe[pipe]  # type: ignore[index]
            try:
                news = member.pipe.recv()
            except (EOFError, OSError):
                self.bury(member)
                continue
            if isinstance(news, BaseException):
                raise news
            self.hear(member, news)
        self.hear_sealed()
        self.job.tick()

    def hear(self, member: _Member, news: CameBack | Wrote) -> None:
        if isinstance(news, Wrote):
            assert self.segment is not None
            self.ledger.wrote(self.segment.path.name, news.unit_ids)
            self.segment.unit_ids += news.unit_ids
            self.segment.size += news.size
            self.writer, member.writing = None, False
            member.batch, member.batch_size = [], 0
            return
        self.idle_deaths = 0
        member.given.popleft()
        member.pace = news.outcome.seconds
        self.ledger.came_back(member.name, news.outcome)
        if news.size:
            if not member.batch:
                member.batch_born = time.monotonic()
            member.batch.append(news.outcome.unit_id)
            member.batch_size += news.size

    # Sealing: the file is closed, so only its fsync and its renaming are left.

    def seal(self) -> None:
        if self.segment is not None:
            self.sealer.begin(self.segment.path, self.segment.unit_ids)
            self.segment = None
        elif not self.sealer.busy:
            self.ledger.seal(None)

    def hear_sealed(self, *, wait: bool = False) -> None:
        for sealed, unit_ids in self.sealer.told(wait=wait):
            self.ledger.seal(sealed, unit_ids)

    # Members come and go.

    def hire(self) -> None:
        self.hear_sealed(wait=True)  # no fork beside a thread
        self.hired += 1
        name = f"worker {self.hired}"
        ours, theirs = self.context.Pipe()
        others = [ours, *(member.pipe for member in self.members)]
        process = self.context.Process(
            target=be_member,
            args=(self.work, name, theirs, others),
            daemon=False,  # or the function could have no processes of its own
        )
        process.start()
        theirs.close()
        self.members.append(_Member(name, process, ours))

    def bury(self, member: _Member) -> None:
        """Account for a member that died, and hire another one."""
        member.process.join()
        member.pipe.close()
        self.members.remove(member)
        how = _how(member.process.exitcode)
        unit_id = member.given[0].id if member.given else None
        if self.writer is member:
            assert self.segment is not None
            self.ledger.abandon(self.segment.path.name)
            self.segment.path.unlink(missing_ok=True)
            self.segment = self.writer = None
            # One of the batch may have killed it: from now on each is written alone.
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
            self.hire()

    def wind_up(self, deadline: float) -> None:
        """Write and seal what there is; whoever is not back in time is killed."""
        while time.monotonic() < deadline:
            if self.writer is None:
                full = next((m for m in self.members if m.batch and m.idle), None)
                if full is not None:
                    self.grant(full)
                elif all(member.idle for member in self.members):
                    break
            self.listen(0.1)
        if self.writer is not None:
            self.members.remove(self.writer)
            self.writer.process.kill()
            self.writer.process.join()
            self.segment = None
        self.seal()
        self.hear_sealed(wait=True)

    def dismiss(self) -> None:
        for member in self.members:
            member.process.kill()
        for member in self.members:
            member.process.join()
            member.pipe.close()


def _how(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        try:
            return signal.Signals(-exitcode).name
        except ValueError:
            return f"signal {-exitcode}"
    return f"exit code {exitcode}"
