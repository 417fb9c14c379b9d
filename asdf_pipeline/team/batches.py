"""A batch: units that a member far away does in one go, into a segment of their own.

Who has no pipe to the process that keeps the ledger gets several units at once, and
hands in what became of them together with the sealed segment that holds their data.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asdf_pipeline.errors import ASDFPipelineError, WorkerDiedError
from asdf_pipeline.journal.in_flight import BatchFlight
from asdf_pipeline.journal.segments import MAXIMUM_SIZE, Sealed, make_durable
from asdf_pipeline.plan.units import parts_of
from asdf_pipeline.team.member import BATCH_AGE, BATCH_SIZE, CameBack, Write
from asdf_pipeline.team.spawned import MemberDiedError
from asdf_pipeline.team.stop import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.team.spawned import SpawnedMember

GROWTH = 4
"""Times by which a batch may have more units than the one before."""


@dataclass(frozen=True)
class Batch:
    """Units for one member, and where it puts what it makes of them.

    Attributes
    ----------
    name : str
        Who has the units, in the ledger.
    units : tuple of Unit
        What to do.
    part : pathlib.Path
        The segment, which does not exist yet.
    flight : pathlib.Path
        The record of what is in flight, which does not exist yet.
    seconds : float
        Time after which what is done is handed in, and the rest given back.
    alone : bool
        Whether its unit is a suspect.
    """

    name: str
    units: tuple[Unit, ...]
    part: Path
    flight: Path
    seconds: float
    alone: bool = False

    def unit_with(self, part_id: str) -> str:
        """Return the id of the unit that has a part, or is it."""
        return next(
            unit.id
            for unit in self.units
            if part_id in [part.id for part in parts_of(unit)]
        )


@dataclass
class Report:
    """What became of a batch.

    Attributes
    ----------
    outcomes : list of Outcome
        Of the units that are done; the others are to be done by somebody else.
    sealed : Sealed or None
        The segment, durable, that holds their data; it has no sealed name yet.
    unit_ids : list of str
        The units whose data it holds.
    died : str
        How the member died; empty if it did not.
    died_on : str
        The unit that it died of; empty where that is not known.
    unstarted : str
        Why the member could not be started; empty if it was. Nothing was begun then.
    error : ASDFPipelineError or None
        Why nobody can go on.
    seconds : float
        Time that it took.
    is_repeated : bool
        Whether the batch was begun before, by a worker that was lost: nothing of it
        was done here.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    sealed: Sealed | None = None
    unit_ids: list[str] = field(default_factory=list)
    died: str = ""
    died_on: str = ""
    unstarted: str = ""
    error: ASDFPipelineError | None = None
    seconds: float = 0.0
    is_repeated: bool = False


class Sizes:
    """How many units a batch should have: those of one seal interval, fewer at the end.

    Attributes
    ----------
    cut : set of str
        Units of which one took its worker down, but not which: each is a batch.
    """

    def __init__(self) -> None:
        self.cut: set[str] = set()
        self._size = 1

    def next(self, waiting: int, workers: int) -> int:
        """Return how many units the next batch is to have.

        Parameters
        ----------
        waiting : int
            Units that nobody has.
        workers : int
            Who could do them.
        """
        if self.cut:
            return 1
        return max(1, min(self._size, -(-waiting // (2 * max(1, workers)))))

    def learn(self, batch: Batch, report: Report) -> None:
        """Take note of how long a batch took."""
        done = len(report.outcomes)
        if done:
            fitting = int(batch.seconds * done / max(report.seconds, 1e-3))
            self._size = max(1, min(fitting, GROWTH * max(self._size, done)))


class HandInError(Exception):
    """Raised while a member is at work: what is done so far is to be handed in."""


def do_batch(
    batch: Batch, find_member: Callable[[], SpawnedMember], meanwhile: Callable[[], int]
) -> Report:
    """Have a member do the units of a batch; return what became of them.

    Parameters
    ----------
    batch : Batch
        What to do, and where.
    find_member : callable
        Returns the member, alive.
    meanwhile : callable
        Called several times a second; returns 0 to go on, 1 to hand in what is done
        as soon as the unit at work came back, within `PATIENCE`, 2 to end at once.
    """
    began = time.monotonic()
    report = Report()
    try:
        with BatchFlight(batch.flight) as flight:
            _Doing(batch, flight, report, meanwhile).run(find_member)
    except FileExistsError:
        return Report(is_repeated=True)
    except ASDFPipelineError as error:
        report.error = error
    report.seconds = time.monotonic() - began
    return report


class _Doing:
    """A batch that is being done."""

    def __init__(
        self,
        batch: Batch,
        flight: BatchFlight,
        report: Report,
        meanwhile: Callable[[], int],
    ) -> None:
        self.batch = batch
        self.flight = flight
        self.report = report
        self.meanwhile = meanwhile
        self.asked_at: float | None = None  # to hand in
        self.held: list[Outcome] = []  # of units whose data is not yet written
        self.held_size = self.size = 0
        self.held_since = 0.0

    def run(self, find_member: Callable[[], SpawnedMember]) -> None:
        """Do it."""
        try:
            member = find_member()
        except WorkerDiedError as error:  # somebody killed it, or memory is short
            self.report.unstarted = str(error)
            return
        try:
            self.do_units(member)
            self.write(member)
        except HandInError:
            member.kill()
        except MemberDiedError as error:
            self.report.died = str(error)
        if self.report.unit_ids:
            self.report.sealed = make_durable(self.batch.part)

    def do_units(self, member: SpawnedMember) -> None:
        """Do unit after unit until there is no other, or it is time to hand in."""
        began = time.monotonic()
        for unit in self.batch.units:
            ids = [part.id for part in parts_of(unit)]
            self.flight.begun(*ids, alone=self.batch.alone)
            self.report.died_on = unit.id
            try:
                came_back = member.ask(unit, self.look_up)
            except HandInError:
                self.flight.stopped(*ids)
                raise
            assert isinstance(came_back, CameBack)
            self.report.died_on = ""
            self.flight.back(*ids)
            self.keep(came_back)
            now = time.monotonic()
            old = now - self.held_since >= BATCH_AGE
            if self.held and (old or self.held_size >= BATCH_SIZE):
                self.write(member)
            late = now - began >= self.batch.seconds or self.size >= MAXIMUM_SIZE
            if late or self.asked_at is not None or self.meanwhile():
                return

    def keep(self, came_back: CameBack) -> None:
        """Take note of a unit; its data, if it has any, is with the member."""
        if not came_back.size:
            self.report.outcomes.append(came_back.outcome)
            return
        if not self.held:
            self.held_since = time.monotonic()
        self.held.append(came_back.outcome)
        self.held_size += came_back.size

    def write(self, member: SpawnedMember) -> None:
        """Have the member write what it holds."""
        if not self.held:
            return
        report = self.report
        turn = Write(self.batch.part, create=not report.unit_ids)
        try:
            member.ask(turn, self.look_up)
        except (HandInError, MemberDiedError):
            # What it wrote before is in a file that may be damaged now. Of several
            # units, one may have killed it: each is a batch the next time.
            if len(self.held) == 1:
                report.died_on = self.held[0].unit_id
            report.outcomes = [one for one in report.outcomes if not one.has_data]
            report.unit_ids = []
            raise
        report.outcomes += self.held
        report.unit_ids += [outcome.unit_id for outcome in self.held]
        self.size += self.held_size
        self.held, self.held_size = [], 0

    def look_up(self) -> None:
        """Look whether it is time to hand in; for a member at work, by an error."""
        wanted = self.meanwhile()
        if not wanted:
            return
        if self.asked_at is None:
            self.asked_at = time.monotonic()
        if wanted > 1 or time.monotonic() - self.asked_at >= PATIENCE:
            raise HandInError
