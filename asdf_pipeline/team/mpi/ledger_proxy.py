"""A rank's accounts: it takes units and reports what became of them to rank 0."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from asdf_pipeline.team.mpi.dispatcher import Answer, Ask, News, State
from asdf_pipeline.team.mpi.guard import look_for_leavers, naps

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from asdf_pipeline.errors import ASDFPipelineError
    from asdf_pipeline.journal.segments import Sealed
    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.team.stop import Stop

NAP = 1e-3
"""Seconds between two looks at what has come."""
AHEAD_AT_MOST = 16
"""Units that a rank asks for ahead of need, at most."""


class Link(Protocol):
    """The way to rank 0's side."""

    def send(self, news: News) -> None:
        """Send news, in order, without waiting."""

    def poll(self) -> Answer | None:
        """Return the next answer that has come."""


class LedgerProxy:
    """The accounts as a rank's worker sees them (see `team.base.Accounts`).

    A unit is asked for before the last one ends, more of them where the answer came
    late: rank 0 answers late while a function there holds the interpreter.

    Parameters
    ----------
    link : Link
        The way to rank 0.
    stop : Stop
        This rank's.
    ahead : int
        Units asked for ahead of need.
    segments : bool
        Whether this rank writes segments of its own.

    Attributes
    ----------
    finished : bool
        Whether every unit of the run is sealed.
    called : bool
        Whether the ranks are called to write together.
    """

    def __init__(self, link: Link, stop: Stop, ahead: int, *, segments: bool) -> None:
        self.finished = False
        self.called = False
        self._link = link
        self._stop = stop
        self._ahead = ahead
        self._units: deque[Unit] = deque()
        self._outcomes: list[Outcome] = []
        self._asked: State | None = None
        self._none = False  # told that there is no unit for now
        self._segment: Path | None = None  # one ahead of need, too
        self._wants_segment = segments
        self._farewell = False
        self._took = 0.0

    def take(self, worker: str) -> Unit | None:
        """Return a unit; None: seal, or meet, or stop, or all is done."""
        waited = 0.0
        if not self._units and not self.called:
            waited = self._wait_for_units()
        self.hear()
        if self.called or not self._units:
            return None
        unit = self._units.popleft()
        now = time.monotonic()
        late = waited > max(3e-4, 0.05 * (now - self._took))
        if late and self._ahead and self._took:
            self._ahead = min(2 * self._ahead, AHEAD_AT_MOST)
        self._took = now
        wanted = self._ahead - len(self._units)
        if wanted > 0 and self._asked is None:
            self._ask(wanted, "at work")
        elif self._outcomes:
            self._send(News(self.pop_outcomes()))
        return unit

    def _wait_for_units(self) -> float:
        began = time.monotonic()
        state: State = "empty" if self._none else "idle"
        self._none = False
        self.hear()
        for _ in naps(NAP):
            if self._units or self._none or self.called:
                break
            if self._stop or self.finished:
                break
            if self._asked != state:
                self._ask(1 + self._ahead, state)
            self.hear()
        return time.monotonic() - began

    def came_back(self, worker: str, outcome: Outcome) -> None:
        """Note what became of a unit; told to rank 0 with what is asked next."""
        self._outcomes.append(outcome)

    def seal(self, sealed: Sealed | None, unit_ids: Iterable[str] = ()) -> None:
        """Tell rank 0 of a sealed segment; units without data it journals itself."""
        if sealed is not None:
            self._send(News(self.pop_outcomes(), [(sealed, list(unit_ids))]))

    def new_segment(self) -> Path:
        """Return the path of a segment that does not exist yet."""
        self.hear()
        if self._segment is None and self._wants_segment:
            # No unit was asked for since the last one, so no name was either.
            self._wants_segment = False
            self._send(News(self.pop_outcomes(), segment=True))
        for _ in naps(NAP):
            self.hear()
            if self._segment is not None:
                break
        segment, self._segment = self._segment, None
        assert segment is not None
        self._wants_segment = True
        return segment

    def report_stop(self) -> None:
        """Tell rank 0 that this rank was asked to stop, and has."""
        signum = self._stop.signum
        self._send(News(self.pop_outcomes(), signum=signum, ended=True))

    def leave(self, error: ASDFPipelineError | None) -> None:
        """Tell rank 0 that this rank's work is at its end, and why."""
        self._send(
            News(
                self.pop_outcomes(),
                signum=self._stop.signum,
                ended=True,
                left=True,
                error=error,
            )
        )
        for _ in naps(NAP):
            self.hear()
            if self._farewell:
                return
            look_for_leavers()

    def hear(self) -> None:
        """Take in the answers that have come."""
        while (answer := self._link.poll()) is not None:
            if answer.units:
                self._units.extend(answer.units)
                self._asked = None
            elif answer.segment is not None:
                self._segment = answer.segment
            elif answer.word == "none":
                self._asked, self._none = None, True
            elif answer.word == "meet":
                self.called = True
            elif answer.word == "end":
                self._asked, self.finished = None, True
            elif answer.word == "farewell":
                self._farewell = True

    def pop_outcomes(self) -> list[Outcome]:
        """Return the outcomes that rank 0 was not told of, to be told now."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def _ask(self, want: int, state: State) -> None:
        self._asked = state
        wants, self._wants_segment = self._wants_segment, False
        self._send(News(self.pop_outcomes(), ask=Ask(want, state), segment=wants))

    def _send(self, news: News) -> None:
        self._link.send(news)
