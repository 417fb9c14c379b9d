"""The ledger as a rank's worker has it: it requests units of rank 0 and reports."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from asdf_pipeline.journal.ledger import NoUnit
from asdf_pipeline.team.mpi.dispatcher import Order, Reply, Report, Request, State
from asdf_pipeline.team.mpi.guard import look_for_leavers, naps

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from asdf_pipeline.errors import ASDFPipelineError
    from asdf_pipeline.journal.segments import Sealed
    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.team.stop import Stop

AHEAD_AT_MOST = 16
"""Units that a rank requests ahead of need, at most."""


_ORDERS: dict[Order, NoUnit] = {
    "seal": NoUnit.SEAL,
    "write": NoUnit.WRITE,
    "end": NoUnit.END,
}


class Link(Protocol):
    """The way to the dispatcher on rank 0."""

    def send(self, report: Report) -> None:
        """Send a report, in order, without waiting."""

    def poll(self) -> Reply | None:
        """Return the next reply that has come."""


class LedgerProxy:
    """The ledger as a rank's worker has it (see `team.base.WorkerLedger`).

    A unit is requested before the last one ends, more of them where the reply came
    late: rank 0 replies late while a function there holds the interpreter.

    Parameters
    ----------
    link : Link
        The way to rank 0.
    stop : Stop
        This rank's.
    ahead : int
        Units requested ahead of need.
    segments : bool
        Whether this rank writes segments of its own.
    """

    def __init__(self, link: Link, stop: Stop, ahead: int, *, segments: bool) -> None:
        self._link = link
        self._stop = stop
        self._ahead = ahead
        self._units: deque[Unit] = deque()
        self._outcomes: list[Outcome] = []
        self._requested: State | None = None  # what waits for its reply
        self._has_sealed = False  # as there was no unit
        self._order: NoUnit | None = None  # rank 0's, to be obeyed by the next `take`
        self._segment: Path | None = None  # one ahead of need, too
        self._wants_segment = segments
        self._may_leave = False
        self._took = 0.0

    def take(self, worker: str) -> Unit | NoUnit:
        """Return a unit, or what is to be done instead: to seal, where a stop comes."""
        waited = self._wait() if not self._units and self._order is None else 0.0
        self._poll()
        if self._order is NoUnit.WRITE or not self._units:
            order = self._order or NoUnit.SEAL
            if order is not NoUnit.END:
                self._order = None
            self._has_sealed = order is NoUnit.SEAL
            return order
        unit = self._units.popleft()
        now = time.monotonic()
        late = waited > max(3e-4, 0.05 * (now - self._took))
        if late and self._ahead and self._took:
            self._ahead = min(2 * self._ahead, AHEAD_AT_MOST)
        self._took = now
        wanted = self._ahead - len(self._units)
        if wanted > 0 and self._requested is None:
            self._request(wanted, "at work")
        elif self._outcomes:
            self._link.send(Report(self._pop_outcomes()))
        return unit

    def _wait(self) -> float:
        """Wait for units or an order, or a stop; return the seconds that it took."""
        began = time.monotonic()
        state: State = "sealed" if self._has_sealed else "idle"
        self._has_sealed = False
        self._poll()
        for _ in naps():
            if self._units or self._order is not None or self._stop:
                break
            if self._requested != state:
                self._request(1 + self._ahead, state)
            self._poll()
        return time.monotonic() - began

    def came_back(self, worker: str, outcome: Outcome) -> None:
        """Note what became of a unit; it goes to rank 0 with the next report."""
        self._outcomes.append(outcome)

    def seal(self, sealed: Sealed, unit_ids: Iterable[str]) -> None:
        """Report a sealed segment to rank 0, which journals it."""
        self._link.send(Report(self._pop_outcomes(), [(sealed, list(unit_ids))]))

    def journal_dataless(self) -> None:
        """Do nothing: rank 0 journals by itself what needs no segment."""

    def new_segment(self) -> Path:
        """Return the path of a segment that does not exist yet."""
        self._poll()
        if self._segment is None and self._wants_segment:
            # No unit was requested since the last one, so no name was either.
            self._wants_segment = False
            self._link.send(Report(self._pop_outcomes(), segment=True))
        for _ in naps():
            self._poll()
            if self._segment is not None:
                break
        segment, self._segment = self._segment, None
        assert segment is not None
        self._wants_segment = True
        return segment

    def report_stop(self) -> None:
        """Report that this rank was asked to stop, and has."""
        signum = self._stop.signum
        self._link.send(Report(self._pop_outcomes(), signum=signum, ended=True))

    def leave(self, error: ASDFPipelineError | None) -> None:
        """Report the end of this rank's work, and why; wait until it may leave."""
        self._link.send(
            Report(
                self._pop_outcomes(),
                signum=self._stop.signum,
                ended=True,
                left=True,
                error=error,
            )
        )
        for _ in naps():
            self._poll()
            if self._may_leave:
                return
            look_for_leavers()

    def _poll(self) -> None:
        """Take in the replies that have come."""
        while (reply := self._link.poll()) is not None:
            if reply.units:
                self._units.extend(reply.units)
                self._requested = None
            elif reply.segment is not None:
                self._segment = reply.segment
            elif reply.order == "leave":
                self._may_leave = True
            else:
                self._order = _ORDERS[reply.order]
                if self._order is not NoUnit.WRITE:  # which is no reply to a request
                    self._requested = None

    def _pop_outcomes(self) -> list[Outcome]:
        """Return the outcomes that are not reported yet, to be reported now."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def _request(self, want: int, state: State) -> None:
        self._requested = state
        wants, self._wants_segment = self._wants_segment, False
        request = Request(want, state)
        self._link.send(Report(self._pop_outcomes(), request=request, segment=wants))
