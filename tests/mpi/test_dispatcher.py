"""How rank 0 replies: no messages and no MPI, only reports and replies."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from asdf_pipeline.journal.ledger import Ledger
from asdf_pipeline.journal.segments import SealSchedule, seal
from asdf_pipeline.journal.workdir import WorkDirectory
from asdf_pipeline.plan.outcome import Outcome
from asdf_pipeline.plan.units import Plan, Unit
from asdf_pipeline.team.base import Job
from asdf_pipeline.team.mpi.dispatcher import (
    HELD_AT_MOST,
    SHARE_AHEAD,
    UNITS_BETWEEN_ROUNDS,
    Dispatcher,
    Reply,
    Report,
    Request,
)
from asdf_pipeline.team.mpi.ledger_proxy import LedgerProxy
from asdf_pipeline.team.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RANKS = 3
IDLE = Report(request=Request(2, "idle"))
AHEAD = Report(request=Request(2, "at work"))


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Dispatcher]]:
    """Return a function that begins to hand units out."""
    directories = []

    def start(
        units: int, *, together: bool = False, seal_every: float = 30
    ) -> Dispatcher:
        plan = Plan(tuple(Unit(f"XX.S{n:03d}", "raw", "done") for n in range(units)))
        directories.append(WorkDirectory(tmp_path / "work", {"all": "the same"}))
        ledger = Ledger(plan, directories[-1], lambda _: None)
        schedule = SealSchedule(time.monotonic(), seal_every)
        names = [f"rank {rank} on HOST" for rank in range(RANKS)]
        return Dispatcher(
            Job(ledger, Stop(), schedule, lambda: None), names, together=together
        )

    yield start
    for directory in directories:
        directory.close()


def back(answer: Reply, status: str = "ok") -> Report:
    """Return the report that all of a reply's units came back."""
    return Report(
        [outcome(unit, status) for unit in answer.units], request=Request(2, "idle")
    )


def outcome(unit: Unit, status: str = "ok") -> Outcome:
    return Outcome(unit.station, unit.tag, "done", status, bytes_out=100)  # type: ignore[arg-type]


def seals(dispatcher: Dispatcher, units: list[Unit]) -> Report:
    path = dispatcher.ledger.new_segment()
    path.write_bytes(b"a segment")
    return Report(seals=[(seal(path), [unit.id for unit in units])])


def test_reports_that_come_together_are_journaled_together(
    begin: Callable[..., Dispatcher],
) -> None:
    dispatcher = begin(RANKS)
    for rank in range(RANKS):
        dispatcher.handle(rank, IDLE)
    given = dict(dispatcher.drain())
    with dispatcher.at_once():
        for rank, reply in given.items():
            dispatcher.handle(rank, back(reply))
            dispatcher.handle(rank, seals(dispatcher, [*reply.units]))
    assert [reply.order for _, reply in dispatcher.drain()] == ["end"] * RANKS
    assert dispatcher.ledger.finished


def test_units_are_given_ahead_only_while_there_are_plenty(
    begin: Callable[..., Dispatcher],
) -> None:
    plenty = 2 * SHARE_AHEAD * RANKS
    dispatcher = begin(plenty)
    dispatcher.handle(1, IDLE)
    [(_, first)] = dispatcher.drain()
    assert len(first.units) == 2
    dispatcher.handle(1, AHEAD)
    [(rank, answer)] = dispatcher.drain()
    assert rank == 1
    assert len(answer.units) == 1
    while dispatcher.ledger.waiting >= SHARE_AHEAD * RANKS:
        dispatcher.handle(2, IDLE)
        dispatcher.drain()
    dispatcher.handle(1, AHEAD)
    assert dispatcher.drain() == []
    dispatcher.handle(0, IDLE)
    [(rank, answer)] = dispatcher.drain()
    assert (rank, len(answer.units)) == (0, 1)


def test_all_end_when_the_last_segment_is_sealed(
    begin: Callable[..., Dispatcher],
) -> None:
    dispatcher = begin(1)
    dispatcher.handle(1, IDLE)
    [(_, given)] = dispatcher.drain()
    dispatcher.handle(2, IDLE)
    assert dispatcher.drain() == [(2, Reply(order="seal"))]
    dispatcher.handle(2, Report(request=Request(2, "sealed")))
    assert dispatcher.drain() == []  # it waits, and need not ask again
    dispatcher.handle(1, back(given))
    assert dispatcher.drain() == [(1, Reply(order="seal"))]
    dispatcher.handle(1, seals(dispatcher, list(given.units)))
    dispatcher.handle(1, Report(request=Request(2, "sealed")))
    dispatcher.drain()
    assert dispatcher.ledger.finished
    ends = dict(dispatcher.drain())
    assert all(answer == Reply(order="end") for answer in ends.values())


def test_a_suspect_comes_alone(
    begin: Callable[..., Dispatcher], tmp_path: Path
) -> None:
    killed = begin(2)
    killed.handle(1, IDLE)
    [(_, given)] = killed.drain()
    suspect = given.units[0]
    killed.ledger.directory.close()

    dispatcher = begin(2)
    dispatcher.handle(1, IDLE)
    [(_, given)] = dispatcher.drain()
    assert suspect not in given.units
    dispatcher.handle(2, IDLE)
    assert dispatcher.drain() == [(2, Reply(order="seal"))]
    dispatcher.handle(2, Report(request=Request(2, "sealed")))
    dispatcher.handle(1, back(given))
    assert dispatcher.drain() == [(1, Reply(order="seal"))]
    dispatcher.handle(1, seals(dispatcher, list(given.units)))
    [(rank, alone)] = dispatcher.drain()
    assert (rank, list(alone.units)) == (2, [suspect])


def test_ranks_write_when_a_seal_is_due(begin: Callable[..., Dispatcher]) -> None:
    often = UNITS_BETWEEN_ROUNDS * RANKS
    dispatcher = begin(2 * often, together=True, seal_every=0)
    for done in range(often):
        dispatcher.handle(1, Report(request=Request(1, "idle")))
        [(_, given)] = dispatcher.drain()
        assert given.units, f"met after {done} units"
        dispatcher.handle(1, Report([outcome(unit) for unit in given.units]))
    dispatcher.handle(1, IDLE)
    assert dispatcher.drain() == [(rank, Reply(order="write")) for rank in range(RANKS)]
    seal_now, _ = dispatcher.round_plan()
    assert seal_now
    dispatcher.begin_round([])
    [(rank, given)] = dispatcher.drain()  # the question is still open
    assert rank == 1
    assert given.units


def test_ranks_write_more_often_where_units_are_long(
    begin: Callable[..., Dispatcher],
) -> None:
    hours = 8.0
    dispatcher = begin(99, together=True, seal_every=0)
    for _ in range(2 * RANKS):  # about the square root of a day over eight hours
        dispatcher.handle(1, Report(request=Request(1, "idle")))
        [(_, given)] = dispatcher.drain()
        came = [outcome(unit) for unit in given.units]
        dispatcher.handle(
            1, Report([replace(one, seconds=hours * 3600) for one in came])
        )
    dispatcher.handle(1, IDLE)
    assert {answer.order for _, answer in dispatcher.drain()} == {"write"}
    assert dispatcher.round_plan()[0]


def test_ranks_that_hold_too_much_seal_too_if_it_is_due(
    begin: Callable[..., Dispatcher],
) -> None:
    for seal_every, due in ((0, True), (30, False)):
        dispatcher = begin(99, together=True, seal_every=seal_every)
        dispatcher.handle(1, Report(request=Request(1, "idle")))
        [(_, given)] = dispatcher.drain()
        (came,) = (outcome(unit) for unit in given.units)
        dispatcher.handle(1, Report([replace(came, bytes_out=HELD_AT_MOST + 1)]))
        assert {answer.order for _, answer in dispatcher.drain()} == {"write"}
        assert dispatcher.round_plan()[0] == due
        dispatcher.ledger.directory.close()


def test_ranks_write_at_the_end_and_empty_units_need_no_segment(
    begin: Callable[..., Dispatcher],
) -> None:
    dispatcher = begin(RANKS, together=True)
    given = {}
    for rank in range(RANKS):
        dispatcher.handle(rank, Report(request=Request(1, "idle")))
        [(_, given[rank])] = dispatcher.drain()
    dispatcher.handle(0, back(given[0], "empty"))
    dispatcher.handle(1, back(given[1]))
    assert dispatcher.drain() == []
    dispatcher.handle(2, back(given[2]))
    words = {rank: answer.order for rank, answer in dispatcher.drain()}
    assert words == dict.fromkeys(range(RANKS), "write")
    dispatcher.begin_round([])
    report = seals(dispatcher, [*given[1].units, *given[2].units])
    dispatcher.seal(*report.seals[0])
    dispatcher.drain()
    assert dispatcher.ledger.finished


def test_an_outcome_that_comes_twice_counts_once(
    begin: Callable[..., Dispatcher],
) -> None:
    dispatcher = begin(1, together=True)
    dispatcher.handle(1, IDLE)
    [(_, given)] = dispatcher.drain()
    came = outcome(given.units[0])
    dispatcher.begin_round([(1, came)])
    dispatcher.handle(1, Report([came]))  # sent before the round, handled after
    assert dispatcher.ledger.computed == 1


def test_an_error_of_one_rank_stops_the_run(begin: Callable[..., Dispatcher]) -> None:
    from asdf_pipeline.errors import WriteError

    dispatcher = begin(9)
    dispatcher.handle(2, Report(error=WriteError("no room"), left=True, ended=True))
    assert str(dispatcher.error) == "no room"
    assert dispatcher.job.stop
    assert dispatcher.drain() == [(2, Reply(order="leave"))]
    dispatcher.handle(1, IDLE)
    assert dispatcher.drain() == []  # no more units


class _Near:
    """A link to the dispatcher without messages; complains rather than wait."""

    def __init__(self, dispatcher: Dispatcher, rank: int) -> None:
        self.dispatcher, self.rank, self.polls = dispatcher, rank, 0
        self.waiting: list[Reply] = []

    def send(self, report: Report) -> None:
        self.polls = 0
        self.dispatcher.handle(self.rank, report)

    def poll(self) -> Reply | None:
        self.polls += 1
        assert self.polls < 200, "waits for what it never asked for"
        for rank, answer in self.dispatcher.drain():
            if rank == self.rank:
                self.waiting.append(answer)
        return self.waiting.pop(0) if self.waiting else None


def test_every_unit_may_need_a_segment_of_its_own(
    begin: Callable[..., Dispatcher],
) -> None:
    """Also those given ahead, between which nothing is asked (a kill campaign hung)."""
    dispatcher = begin(90)
    link = _Near(dispatcher, 1)
    ledger = LedgerProxy(link, Stop(), 8, segments=True)
    names = set()
    for _ in range(90):
        unit = ledger.take("rank 1 on HOST")
        assert isinstance(unit, Unit)
        link.polls = 0
        path = ledger.new_segment()
        path.write_bytes(b"a segment")
        names.add(path.name)
        ledger.came_back("rank 1 on HOST", outcome(unit))
        ledger.seal(seal(path), [unit.id])
    assert len(names) == 90
