"""The team of one: this process does everything, one unit after the other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from asdf_pipeline.errors import StopUnitError
from asdf_pipeline.team.base import Accounts, Job, Segment, Team
from asdf_pipeline.team.resources import one_thread

if TYPE_CHECKING:
    from asdf_pipeline.journal.segments import SealSchedule
    from asdf_pipeline.team.base import TeamOptions
    from asdf_pipeline.team.stop import Stop
    from asdf_pipeline.work.base import Work, Worker


def form(_options: TeamOptions) -> Alone:
    """Return the team: always this process alone."""
    return Alone()


class Alone(Team):
    """Does every unit in this process, into one segment after the other."""

    name: ClassVar[str] = "serial"

    def __init__(self) -> None:
        self.size = 1

    def run(self, work: Work, job: Job | None) -> None:
        """Do all units (see `Team.run`)."""
        assert job is not None
        with one_thread(), work.begin("worker 1") as worker:
            work_through(worker, job.ledger, job.schedule, job.stop)


def work_through(
    worker: Worker, accounts: Accounts, schedule: SealSchedule, stop: Stop
) -> None:
    """Take units until the accounts are finished; write them to own segments."""
    segment: Segment | None = None
    while not stop:
        unit = accounts.take(worker.name)
        if unit is None:
            if segment is not None:
                accounts.seal(*segment.seal())
                segment = None
            else:
                accounts.seal(None, ())
            if accounts.finished:
                return
            continue
        began = time.monotonic()
        try:
            with stop.interruptible():
                outcome, product = worker.attempt(unit)
        except StopUnitError:
            break
        accounts.came_back(worker.name, outcome)
        if product is not None:
            if segment is None:
                segment = Segment(accounts.new_segment(), worker.quakeml(), began)
            segment.write(unit.id, product)
        if segment is not None and schedule.due(segment.born, segment.size):
            accounts.seal(*segment.seal())
            segment = None
    if segment is not None:
        accounts.seal(*segment.seal())
    else:
        accounts.seal(None, ())
