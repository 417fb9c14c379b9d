"""Rank 0's side of dispatcher units out: who asks for work, and what is answered.

A rank's worker speaks with the ledger by `News`, which it sends, and `Answer`, which
it hears; rank 0's own worker does too, without a message. Who asks is answered once
there is an answer, so that nobody asks over and over.
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
"""Seconds between two looks at what was asked after which answers are late: a
function holds the interpreter on rank 0. Ranks then get their whole share ahead."""
MEMORY = 30.0
"""Seconds for which answers count as late once one was."""
UNITS_BETWEEN_MEETINGS = 10
"""Mean units a rank does between two meetings, at most: waiting for the last one costs
about half of one."""
MEAN_LIFE = 86400.0
"""Seconds for which a job of many ranks may live. Where units are long, ranks meet more
often than that: after the square root of this over a unit's length (Young, 1974)."""
HELD_AT_MOST = 256 << 20
"""Bytes that a rank may hold before the ranks meet to write them."""

State = Literal["at work", "idle", "empty"]
Word = Literal["", "none", "meet", "end", "stop", "farewell"]


@dataclass(frozen=True, slots=True)
class Ask:
    """A worker asks for units.

    Attributes
    ----------
    want : int
        How many at most.
    state : {"at work", "idle", "empty"}
        ``at work``: it asks ahead; ``idle``: it has no unit; ``empty``: it was told
        that there is none for now, and sealed what it had.
    """

    want: int
    state: State


@dataclass(frozen=True, slots=True)
class News:
    """What a worker tells rank 0.

    Attributes
    ----------
    outcomes : sequence of Outcome
        Of units that came back.
    seals : sequence of (Sealed, list of str)
        Segments it sealed, and the ids of their units.
    ask : Ask or None
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
        This is its last news.
    error : ASDFPipelineError or None
        What ended its work.
    """

    outcomes: Sequence[Outcome] = ()
    seals: Sequence[tuple[Sealed, list[str]]] = ()
    ask: Ask | None = None
    segment: bool = False
    signum: int = 0
    stops: bool = False
    ended: bool = False
    left: bool = False
    error: ASDFPipelineError | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What rank 0 tells a worker.

    Attributes
    ----------
    units : sequence of Unit
        To be done by it.
    segment : pathlib.Path or None
        Name of a new segment.
    word : str
        ``none``: no unit for now, seal what you have and ask again; ``meet``: come
        and write together; ``end``: all is sealed; ``stop``: end your unit and seal;
        ``farewell``: the last answer of a run.
    """

    units: Sequence[Unit] = ()
    segment: Path | None = None
    word: Word = ""


@dataclass
class _Meeting:
    """What is held since the ranks met, and since the shared segment was sealed."""

    called: bool = False
    seal: bool = False
    units: int = 0
    seconds: float = 0.0
    born: float = 0.0
    size: int = 0
    held: Counter[int] = field(default_factory=Counter)


class Dispatcher:
    """Answers what workers ask, out of the ledger; may be used by several threads.

    Parameters
    ----------
    job : Job
        The run's accounts.
    names : sequence of str
        The workers' names, by rank.
    meets : bool
        Whether the ranks write together, rather than each its own segments.
    serves_only : bool
        Whether rank 0 does no units.
    """

    def __init__(
        self, job: Job, names: Sequence[str], *, meets: bool, serves_only: bool = False
    ) -> None:
        self.job = job
        self.ledger = job.ledger
        self.names = names
        self.error: ASDFPipelineError | None = None
        self.ended: set[int] = set()
        self.left: set[int] = set()
        self._meets = meets
        self._serves_only = serves_only
        self._lock = threading.RLock()
        self._asks: dict[int, Ask] = {}
        self._meeting = _Meeting(born=time.monotonic())
        self._told: list[tuple[int, Answer]] = []  # to be sent, in this order
        self._changed = True
        self._looked = time.monotonic()
        self._late = float("-inf")

    @contextmanager
    def _accounting(self) -> Iterator[None]:
        """Hold the lock; an error of the journal ends the run, not this thread."""
        with self._lock:
            try:
                yield
            except ASDFPipelineError as error:
                self.fail(error)

    def fail(self, error: ASDFPipelineError) -> None:
        """End the run by an error; the first one counts."""
        with self._lock:
            self.error = self.error or error
        self.job.stop.ask()

    def hear(self, rank: int, news: News) -> None:
        """Take a worker's news in."""
        with self._accounting():
            self._changed = True
            for outcome in news.outcomes:
                self._came_back(rank, outcome)
            for sealed, unit_ids in news.seals:
                self.ledger.seal(sealed, unit_ids)
            if news.ask is not None:
                self._asks[rank] = news.ask
            if news.stops:
                self.ledger.stopped(self.names[rank])
            if news.segment:
                self._tell(rank, Answer(segment=self.ledger.new_segment()))
        if news.error is not None:
            self.fail(news.error)
        elif news.signum:
            self.job.stop.ask(news.signum)
        if news.ended:
            self.ended.add(rank)
        if news.left:
            with self._lock:
                self.left.add(rank)
                self._asks.pop(rank, None)
                self._tell(rank, Answer(word="farewell"))

    def _came_back(self, rank: int, outcome: Outcome) -> None:
        before = self.ledger.computed
        self.ledger.came_back(self.names[rank], outcome)
        if self.ledger.computed > before:
            self._meeting.units += 1
            self._meeting.seconds += outcome.seconds
            self._meeting.size += outcome.bytes_out
            self._meeting.held[rank] += outcome.bytes_out

    def tick(self) -> None:
        """Show progress."""
        with self._accounting():
            self.job.tick()

    def told(self) -> list[tuple[int, Answer]]:
        """Return (rank, answer) for every answer there is now, to be delivered."""
        now = time.monotonic()
        if now - self._looked > LATE:
            self._late = now
        self._looked = now
        with self._accounting():
            if self._changed and not self.job.stop:
                self._changed = False
                self._answer_all()
        with self._lock:
            told, self._told = self._told, []
        return told

    def _answer_all(self) -> None:
        if self._meets:
            self._call_meeting()
        if self._meeting.called:
            return
        for rank, ask in list(self._asks.items()):
            answer = self._answer(rank, ask)
            if answer is not None:
                del self._asks[rank]
                self._tell(rank, answer)
        if self._meets:
            self._call_last_meeting()

    def pass_stop_on(self) -> None:
        """Tell all ranks that rank 0 was told to stop; those that live answer."""
        with self._accounting():
            self.ledger.stopped(self.names[0])
            for rank in range(1, len(self.names)):
                if rank not in self.left:
                    self._tell(rank, Answer(word="stop"))

    def _tell(self, rank: int, answer: Answer) -> None:
        self._told.append((rank, answer))

    def _answer(self, rank: int, ask: Ask) -> Answer | None:
        """Return the answer that can be given now, None if it has to wait."""
        late = time.monotonic() - self._late < MEMORY
        share = self.ledger.waiting // len(self.names)
        count = min(ask.want, share if late else share // SHARE_AHEAD)
        if ask.state != "at work":
            count = max(1, count)
        if rank == 0 and self._serves_only:
            count = 0
        units: list[Unit] = []
        while len(units) < count:
            unit = self.ledger.take(self.names[rank])
            if unit is None:
                break
            units.append(unit)
        if units:
            return Answer(units)
        if ask.state == "at work":
            return None
        self.ledger.seal(None)
        if self.ledger.finished:
            self._changed = True  # for all the others, too
            return Answer(word="end")
        if ask.state == "empty" or self._meets:
            return None
        return Answer(word="none")

    # Meetings, where the ranks write one segment together.

    def _call_meeting(self) -> None:
        """Call the ranks when a seal is due, or one of them holds too much."""
        meeting, ranks = self._meeting, len(self.names)
        mean = meeting.seconds / max(1, meeting.units)
        often = min(UNITS_BETWEEN_MEETINGS, math.sqrt(MEAN_LIFE / max(mean, 1e-6)))
        many = meeting.units >= max(1.0, often) * ranks
        due = self.job.schedule.due(meeting.born, meeting.size // ranks)
        full = any(size > HELD_AT_MOST for size in meeting.held.values())
        if (many and due) or full:
            self._call(seal=due)

    def _call_last_meeting(self) -> None:
        """Call the ranks when none of them has work, nor can have any."""
        idle = sum(ask.state != "at work" for ask in self._asks.values())
        if self._meeting.units and idle == len(self.names):
            self._call(seal=True)

    def _call(self, *, seal: bool) -> None:
        if not self._meeting.called:
            self._meeting.called, self._meeting.seal = True, seal
            for rank in range(len(self.names)):
                self._tell(rank, Answer(word="meet"))

    def agenda(self) -> tuple[bool, Path]:
        """Return whether a meeting is to seal, and the name of a new segment."""
        with self._lock:
            return self._meeting.seal, self.ledger.new_segment()

    def met(self, outcomes: Sequence[tuple[int, Outcome]]) -> None:
        """Note that the ranks met: the news that they brought, by rank."""
        with self._accounting():
            for rank, outcome in outcomes:
                self._came_back(rank, outcome)
            meeting = self._meeting
            self._meeting = _Meeting(born=meeting.born, size=meeting.size)
            self._changed = True

    def sealed(self, sealed: Sealed | None, unit_ids: Sequence[str]) -> None:
        """Note that the shared segment is sealed."""
        with self._accounting():
            self.ledger.seal(sealed, unit_ids)
            self._meeting.born, self._meeting.size = time.monotonic(), 0
            self._changed = True
