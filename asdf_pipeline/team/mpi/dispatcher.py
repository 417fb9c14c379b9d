"""Rank 0 hands the units out: who requests work, and what is replied.

A rank's worker sends a `Report` and gets a `Reply`; rank 0's own worker does too,
without a message. A request is replied to once there is a reply, so that no rank
requests over and over.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from asdf_pipeline.errors import ASDFPipelineError
from asdf_pipeline.journal.ledger import NoUnit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from asdf_pipeline.journal.segments import Sealed
    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.team.base import Job

SHARE_AHEAD = 4
"""A rank gets, ahead of need, at most its share of the waiting units over this."""
LATE = 0.1
"""Seconds between two looks at the requests after which replies are late: a function
holds the interpreter (the GIL) on rank 0. Ranks then get their whole share ahead."""
MEMORY = 30.0
"""Seconds for which replies count as late once one was."""
UNITS_BETWEEN_ROUNDS = 10
"""Mean units that a rank does between two rounds of writing, at most: waiting for the
last rank costs about half of one."""
MEAN_LIFE = 86400.0
"""Seconds between two failures of a job of many ranks. Where units are long, ranks
write after fewer: the square root of this over a unit's length (Young, 1974)."""
HELD_AT_MOST = 256 << 20
"""Bytes that a rank may hold before all ranks write what they hold."""

State = Literal["at work", "idle", "sealed"]
STATES: tuple[State, ...] = ("idle", "sealed", "at work")  # who has nothing comes first
Order = Literal["", "seal", "write", "end", "stop", "leave"]


@dataclass(frozen=True, slots=True)
class Request:
    """A worker requests units.

    Attributes
    ----------
    want : int
        How many at most.
    state : {"at work", "idle", "sealed"}
        ``at work``: it has a unit still; ``idle``: it has none; ``sealed``: it has
        none, and sealed what it had as there was none.
    """

    want: int
    state: State


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker reports to rank 0.

    Attributes
    ----------
    outcomes : sequence of Outcome
        Of units that came back.
    seals : sequence of (Sealed, list of str)
        Segments it sealed, and the ids of their units.
    request : Request or None
        Takes the place of its last one.
    segment : bool
        It needs the name of a new segment.
    signum : int
        A signal that asked it to stop, or 0.
    stops : bool
        It was told to stop, and lives.
    ended : bool
        It takes no more units.
    left : bool
        This is its last report.
    error : ASDFPipelineError or None
        What ended its work.
    """

    outcomes: Sequence[Outcome] = ()
    seals: Sequence[tuple[Sealed, list[str]]] = ()
    request: Request | None = None
    segment: bool = False
    signum: int = 0
    stops: bool = False
    ended: bool = False
    left: bool = False
    error: ASDFPipelineError | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What rank 0 replies to a worker, or orders without a request.

    Attributes
    ----------
    units : sequence of Unit
        To be done by it.
    segment : pathlib.Path or None
        Name of a new segment.
    order : str
        ``seal``: there is no unit for now, seal what you have and request again;
        ``write``: write together with all ranks; ``end``: all is sealed; ``stop``: end
        your unit and seal; ``leave``: the last reply of a run.
    """

    units: Sequence[Unit] = ()
    segment: Path | None = None
    order: Order = ""


@dataclass
class _Round:
    """What the ranks hold since they last wrote, and the age of the shared segment."""

    ordered: bool = False
    seal: bool = False
    units: int = 0
    seconds: float = 0.0
    born: float = 0.0
    size: int = 0
    by_rank: Counter[int] = field(default_factory=Counter)


class Dispatcher:
    """Replies to the workers' requests from the ledger; several threads may use it.

    Parameters
    ----------
    job : Job
        The run's ledger, and when to stop or seal.
    names : sequence of str
        The workers' names, by rank.
    together : bool
        Whether the ranks write together, rather than each its own segments.
    serves_only : bool
        Whether rank 0 does no units.
    """

    def __init__(
        self,
        job: Job,
        names: Sequence[str],
        *,
        together: bool,
        serves_only: bool = False,
    ) -> None:
        self.job = job
        self.ledger = job.ledger
        self.names = names
        self.error: ASDFPipelineError | None = None
        self.ended: set[int] = set()
        self.left: set[int] = set()
        self._together = together
        self._serves_only = serves_only
        self._lock = threading.RLock()
        self._requests: dict[State, dict[int, Request]] = {
            state: {} for state in STATES
        }
        self._round = _Round(born=time.monotonic())
        self._replies: list[tuple[int, Reply]] = []  # to be sent, in this order
        self._changed = True
        self._looked = time.monotonic()
        self._late = float("-inf")

    @contextmanager
    def _accounting(self) -> Iterator[None]:
        """Hold the lock; an error of the journal ends the run, not only this thread."""
        with self._lock:
            try:
                yield
            except ASDFPipelineError as error:
                self.fail(error)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Have all reports that are handled within the block journaled by one fsync."""
        with self._accounting(), self.ledger.directory.synced_once():
            yield

    def fail(self, error: ASDFPipelineError) -> None:
        """End the run by an error; the first one counts."""
        with self._lock:
            self.error = self.error or error
        self.job.stop.ask()

    def handle(self, rank: int, report: Report) -> None:
        """Note what a worker reports, and what it requests."""
        with self._accounting():
            self._changed = True
            for outcome in report.outcomes:
                self._came_back(rank, outcome)
            for sealed, unit_ids in report.seals:
                self.ledger.seal(sealed, unit_ids)
            if report.request is not None:
                self._forget(rank)
                self._requests[report.request.state][rank] = report.request
            if report.stops:
                self.ledger.stopped(self.names[rank])
            if report.segment:
                self._reply(rank, Reply(segment=self.ledger.new_segment()))
        if report.error is not None:
            self.fail(report.error)
        elif report.signum:
            self.job.stop.ask(report.signum)
        if report.ended:
            self.ended.add(rank)
        if report.left:
            with self._lock:
                self.left.add(rank)
                self._forget(rank)
                self._reply(rank, Reply(order="leave"))

    def _forget(self, rank: int) -> None:
        """Forget what a rank requested last."""
        for requests in self._requests.values():
            requests.pop(rank, None)

    def _came_back(self, rank: int, outcome: Outcome) -> None:
        before = self.ledger.computed
        self.ledger.came_back(self.names[rank], outcome)
        if self.ledger.computed > before:
            self._round.units += 1
            self._round.seconds += outcome.seconds
            self._round.size += outcome.bytes_out
            self._round.by_rank[rank] += outcome.bytes_out

    def tick(self) -> None:
        """Show progress."""
        with self._accounting():
            self.job.tick()

    def drain(self) -> list[tuple[int, Reply]]:
        """Return (rank, reply) for every reply there is now, to be delivered."""
        now = time.monotonic()
        if now - self._looked > LATE:
            self._late = now
        self._looked = now
        with self._accounting():
            if self._changed and not self.job.stop:
                self._changed = False
                self._reply_to_all()
        with self._lock:
            replies, self._replies = self._replies, []
        return replies

    def _reply_to_all(self) -> None:
        if self._together:
            self._order_round()
        if self._round.ordered:
            return
        if not self.ledger.waiting and (
            self._requests["idle"] or self._requests["sealed"]
        ):
            self.ledger.journal_dataless()
        for state, requests in self._requests.items():
            # Most requests wait, of thousands of ranks: they are not looked through.
            for rank in list(requests) if self._can_reply(state) else ():
                if not self._can_reply(state):
                    break
                reply = self._find_reply(rank, requests[rank])
                if reply is not None:
                    del requests[rank]
                    self._reply(rank, reply)
        if self._together:
            self._order_last_round()

    def pass_stop_on(self) -> None:
        """Tell all ranks that rank 0 was told to stop; those that live answer."""
        with self._accounting():
            self.ledger.stopped(self.names[0])
            for rank in range(1, len(self.names)):
                if rank not in self.left:
                    self._reply(rank, Reply(order="stop"))

    def _reply(self, rank: int, reply: Reply) -> None:
        self._replies.append((rank, reply))

    def _can_reply(self, state: State) -> bool:
        """Tell whether a request of a rank in this state may get a reply now."""
        if state == "at work":
            return self._ahead() > 0
        if self.ledger.waiting or self.ledger.finished:
            return True
        return state == "idle" and not self._together

    def _ahead(self) -> int:
        """Return how many units a rank may have ahead of need, at most."""
        late = time.monotonic() - self._late < MEMORY
        share = self.ledger.waiting // len(self.names)
        return share if late else share // SHARE_AHEAD

    def _find_reply(self, rank: int, request: Request) -> Reply | None:
        """Return the reply that can be given now, None if the request has to wait."""
        count = min(request.want, self._ahead())
        if request.state != "at work":
            count = max(1, count)
        if rank == 0 and self._serves_only:
            count = 0
        units: list[Unit] = []
        while len(units) < count:
            unit = self.ledger.take(self.names[rank])
            if isinstance(unit, NoUnit):
                break
            units.append(unit)
        if units:
            return Reply(units)
        if request.state == "at work":
            return None
        self.ledger.journal_dataless()  # suspects wait for it
        if self.ledger.finished:
            self._changed = True  # for all the others, too
            return Reply(order="end")
        if request.state == "sealed" or self._together:
            return None
        return Reply(order="seal")

    # Rounds of writing, where the ranks write one segment together.

    def _order_round(self) -> None:
        """Have the ranks write when a seal is due, or one of them holds too much."""
        held, ranks = self._round, len(self.names)
        mean = held.seconds / max(1, held.units)
        often = min(UNITS_BETWEEN_ROUNDS, math.sqrt(MEAN_LIFE / max(mean, 1e-6)))
        many = held.units >= max(1.0, often) * ranks
        due = self.job.schedule.due(held.born, held.size // ranks)
        full = any(size > HELD_AT_MOST for size in held.by_rank.values())
        if (many and due) or full:
            self._order_write(seal=due)

    def _order_last_round(self) -> None:
        """Have the ranks write when none of them has work, nor can have any."""
        idle = len(self._requests["idle"]) + len(self._requests["sealed"])
        if self._round.units and idle == len(self.names):
            self._order_write(seal=True)

    def _order_write(self, *, seal: bool) -> None:
        if not self._round.ordered:
            self._round.ordered, self._round.seal = True, seal
            for rank in range(len(self.names)):
                self._reply(rank, Reply(order="write"))

    def round_plan(self) -> tuple[bool, Path]:
        """Return whether a round ends with a seal, and the name of a new segment."""
        with self._lock:
            return self._round.seal, self.ledger.new_segment()

    def begin_round(self, outcomes: Sequence[tuple[int, Outcome]]) -> None:
        """Note that all ranks take part in a round, and the outcomes of each."""
        with self._accounting():
            for rank, outcome in outcomes:
                self._came_back(rank, outcome)
            self._round = _Round(born=self._round.born, size=self._round.size)
            self._changed = True

    def seal(self, sealed: Sealed, unit_ids: Sequence[str]) -> None:
        """Note that the shared segment is sealed."""
        with self._accounting():
            self.ledger.seal(sealed, unit_ids)
            self._round.born, self._round.size = time.monotonic(), 0
            self._changed = True
