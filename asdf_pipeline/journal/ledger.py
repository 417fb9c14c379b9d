"""The ledger: who has which unit and what became of it. Units are counted here only.

A unit is waiting, out (with a worker), held (computed, its data with a worker or in
an unsealed segment), or done (sealed and journaled). It counts by its last state:
an outcome is ignored that comes from anyone but the worker that has the unit.

A unit that has parts (a tile of pairs) is handed out, computed and sealed as one, but
counted, journaled and tried again by its parts: what an earlier run left of it is a
smaller one, and where its worker dies its parts are handed out one by one, for none of
them is known to be the one that kills.
"""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from asdf_pipeline.errors import WorkerDiedError
from asdf_pipeline.journal.path_owners import PathOwners, TraceOwners
from asdf_pipeline.plan.outcome import Outcome
from asdf_pipeline.plan.units import parts_of, tile_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from asdf_pipeline.journal.segments import Sealed
    from asdf_pipeline.journal.workdir import WorkDirectory
    from asdf_pipeline.plan.units import Plan, Unit

ATTEMPTS = 2
"""A unit that took its worker down this often is failed."""
NO_DATA_AGE = 1.0
"""Seconds after which what needs no segment is journaled: a comparison that makes a
table only has no segments to be sealed."""


class NoUnit(Enum):
    """Why `Ledger.take` gives no unit, and what its worker is to do instead."""

    SEAL = "none can be had now: seal what you have and ask again"
    WRITE = "write what you have together with all other ranks, and ask again"
    END = "every unit is sealed"


@dataclass(slots=True)
class _Held:
    worker: str
    unit: Unit
    lines: dict[str, bytes]  # an outcome's, of each part
    has_data: bool
    segment: str = ""


class Ledger:
    """Hands out units and keeps account of them.

    Parameters
    ----------
    plan : Plan
        All units.
    directory : WorkDirectory
        Its journal says what is done already; failed units are tried again.
    on_outcome : callable
        Called with each outcome as it is computed.
    path_owners : PathOwners, optional
        Which paths of auxiliary data are taken from the start.

    Raises
    ------
    AuxiliaryError
        Here, or when a unit comes back, if two units write the same auxiliary data:
        what the output held would depend on their order.
    TraceError
        The same of traces of two events.
    """

    def __init__(
        self,
        plan: Plan,
        directory: WorkDirectory,
        on_outcome: Callable[[Outcome], None],
        path_owners: PathOwners | None = None,
    ) -> None:
        self.directory = directory
        self.total = plan.total
        self.counts: dict[str, int] = {}
        self.bytes_out = 0
        self._on_outcome = on_outcome
        self._path_owners = path_owners or PathOwners()
        self._trace_owners = TraceOwners()
        self._out: dict[str, tuple[str, Unit]] = {}
        self._held: dict[str, _Held] = {}
        self._dataless: dict[str, None] = {}  # those held that need no segment, by age
        self._deaths: dict[str, int] = {}
        self._began = self._sealed = time.monotonic()
        suspects = set(directory.in_flight.suspects)
        killers = set(directory.in_flight.killers)
        planned = {part.id for unit in plan.units for part in parts_of(unit)}
        done = self._take_over(planned, suspects)
        self.resumed = len(done)
        apart = done | suspects | killers
        self._waiting = deque(_without(plan.units, apart) if apart else plan.units)
        self._suspects: deque[Unit] = deque()
        if not suspects and not killers:
            return
        for unit in plan.units:
            for part in parts_of(unit):
                if part.id in killers - done:
                    directory.in_flight.back(part.id)
                    self._fail(
                        part,
                        "the job",
                        "the job died twice while it was at work "
                        "on this unit, the second time on nothing else",
                    )
                elif part.id in suspects - done:
                    self._suspects.append(part)

    def _take_over(self, planned: set[str], suspects: set[str]) -> set[str]:
        """Count what earlier runs did; forget what failed, for it is tried again."""
        done = set()
        for unit_id, line in list(self.directory.lines.items()):
            outcome = Outcome.from_json(line)
            if unit_id not in planned or outcome.status == "failed":
                del self.directory.lines[unit_id]
                if outcome.error_type == WorkerDiedError.__name__:
                    suspects.add(unit_id)
                continue
            done.add(unit_id)
            self._count(outcome)
        return done

    @property
    def done(self) -> int:
        """Units that are sealed."""
        return len(self.directory.lines)

    @property
    def computed(self) -> int:
        """Units that have an outcome, sealed or not."""
        return sum(self.counts.values())

    @property
    def waiting(self) -> int:
        """Units that no worker has, and that are not computed."""
        return len(self._waiting) + len(self._suspects)

    @property
    def in_doubt(self) -> bool:
        """Whether what is left to be taken are suspects, each of them alone."""
        return not self._waiting

    @property
    def finished(self) -> bool:
        """Whether every unit is done."""
        return self.done >= self.total

    @property
    def seconds(self) -> float:
        """Seconds since this run began."""
        return time.monotonic() - self._began

    def take(self, worker: str, *, begins: bool = True) -> Unit | NoUnit:
        """Give a unit to a worker, or say what it is to do as it gets none.

        Suspects come when all others are sealed, one at a time.

        Parameters
        ----------
        worker : str
            Who has it from now on.
        begins : bool
            Whether it is at work on it at once. Of a batch, who does it notes in a
            `BatchFlight` which unit is at work.
        """
        alone = self.in_doubt
        if self._waiting:
            unit = self._waiting.popleft()
        elif self._suspects and not self._out and not self._held:
            unit = self._suspects.popleft()
        else:
            return NoUnit.END if self.finished else NoUnit.SEAL
        if begins:
            self.directory.in_flight.begun(*_ids(unit), alone=alone)
        self._out[unit.id] = (worker, unit)
        return unit

    def new_segment(self, run: str = "") -> Path:
        """Return the path of a new segment (see `WorkDirectory.new_segment`)."""
        return self.directory.new_segment(run)

    def came_back(self, worker: str, outcome: Outcome) -> None:
        """Note a unit's outcome; its data, if any, is still with the worker."""
        unit_id = outcome.unit_id
        if self._out.get(unit_id, ("", None))[0] != worker:
            return  # another worker got it meanwhile
        _, unit = self._out.pop(unit_id)
        self.directory.in_flight.back(*_ids(unit))
        deaths = self._deaths.get(unit_id, 0)
        if deaths:
            outcome = dataclasses.replace(outcome, attempts=deaths + 1)
        self._keep(worker, unit, outcome)

    def _keep(self, worker: str, unit: Unit, outcome: Outcome) -> None:
        parts = outcome.parts or (outcome,)
        lines = {part.unit_id: part.to_json().encode() for part in parts}
        self._held[unit.id] = _Held(worker, unit, lines, outcome.has_data)
        if not outcome.has_data:
            self._dataless[unit.id] = None
        for part in parts:
            self._count(part)
            self._on_outcome(part)
        if not outcome.has_data and time.monotonic() - self._sealed >= NO_DATA_AGE:
            self.journal_dataless()

    def _count(self, outcome: Outcome, sign: int = 1) -> None:
        self.counts[outcome.status] = self.counts.get(outcome.status, 0) + sign
        self.bytes_out += sign * outcome.bytes_out
        if sign > 0:
            self._trace_owners.take(outcome)
        else:
            self._trace_owners.give_back(outcome)
        for path in outcome.auxiliary:
            if sign > 0:
                self._path_owners.take(path, outcome.unit_id)
            else:
                self._path_owners.give_back(path)

    def wrote(self, segment: str, unit_ids: Iterable[str]) -> None:
        """Note that units' data went into an unsealed segment."""
        for unit_id in unit_ids:
            if unit_id in self._held:
                self._held[unit_id].segment = segment

    def seal(self, sealed: Sealed, unit_ids: Iterable[str]) -> None:
        """Journal a sealed segment, its units, and all that need no segment."""
        self._journal(sealed, unit_ids)

    def journal_dataless(self) -> None:
        """Journal the units that need no segment: nothing was written for them."""
        self._journal(None, ())

    def _journal(self, sealed: Sealed | None, unit_ids: Iterable[str]) -> None:
        ready = [unit_id for unit_id in unit_ids if unit_id in self._held]
        ready += self._dataless
        if sealed is None and not ready:
            return
        lines: dict[str, bytes] = {}
        for unit_id in ready:
            lines |= self._held[unit_id].lines
        self.directory.record(sealed, lines)
        self._sealed = time.monotonic()
        for unit_id in ready:
            self._held.pop(unit_id, None)
        self._dataless = {}

    def stopped(self, worker: str) -> None:
        """Note that a worker was told to stop: what it has is no suspect."""
        for owner, unit in self._out.values():
            if owner == worker:
                self.directory.in_flight.stopped(*_ids(unit))

    def abandon(self, segment: str) -> None:
        """Take back all units whose data was in a segment that is lost."""
        self._take_back(lambda held: held.segment == segment)

    def give_back(self, worker: str) -> None:
        """Take back what a worker has not done; it costs no unit an attempt."""
        self.died(worker, None, "")

    def died(self, worker: str, unit_id: str | None, how: str) -> None:
        """Take back what a dead worker had.

        Parameters
        ----------
        unit_id : str or None
            The unit that it was on, which this costs one attempt.
        how : str
            ``"SIGSEGV"``, ``"exit code 3"``.
        """
        mine = [
            unit
            for unit in (entry.unit for entry in self._held.values())
            if unit.id == unit_id
        ]
        self._take_back(lambda held: held.worker == worker and not held.segment)
        for other, (owner, unit) in list(self._out.items()):
            if owner != worker:
                continue
            del self._out[other]
            self.directory.in_flight.back(*_ids(unit))
            if other == unit_id:
                mine = [unit]
            else:
                self._waiting.appendleft(unit)
        for unit in mine:
            if unit in self._waiting:
                self._waiting.remove(unit)
            if unit.parts:  # which of them it was on is not known
                self._waiting.extend(unit.parts)
                continue
            self._deaths[unit.id] = self._deaths.get(unit.id, 0) + 1
            if self._deaths[unit.id] >= ATTEMPTS:
                self._fail(unit, worker, f"the worker died on it: {how}")
            else:
                self._waiting.append(unit)  # last, so that it costs others least

    def _take_back(self, lost: Callable[[_Held], bool]) -> None:
        for unit_id, held in list(self._held.items()):
            if held.has_data and lost(held):
                del self._held[unit_id]
                for line in held.lines.values():
                    self._count(Outcome.from_json(line), -1)
                self._waiting.appendleft(held.unit)

    def _fail(self, unit: Unit, worker: str, message: str) -> None:
        outcome = unit.outcome(
            "failed",
            error_type=WorkerDiedError.__name__,
            error_message=message,
            attempts=ATTEMPTS,
            worker=worker,
        )
        self._keep(worker, unit, outcome)


def _ids(unit: Unit) -> list[str]:
    """Return the ids of a unit's parts, or its own."""
    return [part.id for part in parts_of(unit)]


def _without(units: Iterable[Unit], apart: set[str]) -> Iterator[Unit]:
    """Yield units, but for the parts that are done or that come by themselves."""
    for unit in units:
        left = tuple(part for part in parts_of(unit) if part.id not in apart)
        if len(left) == len(parts_of(unit)):
            yield unit
        elif left:
            yield tile_of(left)
