"""The team of one: this process does everything, one unit after the other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from asdf_pipeline.errors import StopUnitError
from asdf_pipeline.journal.ledger import NoUnit
from asdf_pipeline.team.base import Job, Segment, Team, WorkerLedger
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
    size = 1

    def run(self, work: Work, job: Job | None) -> None:
        """Do all units (see `Team.run`)."""
        assert job is not None
        with one_thread(), work.begin("worker 1") as worker:
            work_through(worker, job.ledger, job.schedule, job.stop)


def work_through(
    worker: Worker, ledger: WorkerLedger, schedule: SealSchedule, stop: Stop
) -> None:
    """Do units until all are sealed, or a stop is asked for; write own segments."""
    segment: Segment | None = None
    while not stop:
        unit = ledger.take(worker.name)
        if unit is NoUnit.END:
            return
        if isinstance(unit, NoUnit):
            _seal(segment, ledger)
            segment = None
            continue
        began = time.monotonic()
        try:
            with stop.interruptible():
                outcome, product = worker.attempt(unit)
        except StopUnitError:
            break
        ledger.came_back(worker.name, outcome)
        if product is not None:
            if segment is None:
                segment = Segment(ledger.new_segment(), worker.quakeml(), began)
            segment.write(unit.id, product)
        if segment is not None and schedule.due(segment.born, segment.size):
            _seal(segment, ledger)
            segment = None
    _seal(segment, ledger)


def _seal(segment: Segment | None, ledger: WorkerLedger) -> None:
    if segment is None:
        ledger.journal_dataless()
    else:
        ledger.seal(*segment.seal())
