"""How rank 0 answers: no messages and no MPI, only what is said."""

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
    UNITS_BETWEEN_MEETINGS,
    Answer,
    Ask,
    Dispatcher,
    News,
)
from asdf_pipeline.team.mpi.ledger_proxy import LedgerProxy
from asdf_pipeline.team.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RANKS = 3
IDLE = News(ask=Ask(2, "idle"))
AHEAD = News(ask=Ask(2, "at work"))


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Dispatcher]]:
    """Return a function that begins to share units out."""
    directories = []

    def start(units: int, *, meets: bool = False, seal_every: float = 30) -> Dispatcher:
        plan = Plan(tuple(Unit(f"XX.S{n:03d}", "raw", "done") for n in range(units)))
        directories.append(WorkDirectory(tmp_path / "work", {"all": "the same"}))
        ledger = Ledger(plan, directories[-1], lambda _: None)
        schedule = SealSchedule(time.monotonic(), seal_every)
        names = [f"rank {rank} on HOST" for rank in range(RANKS)]
        return Dispatcher(
            Job(ledger, Stop(), schedule, lambda: None), names, meets=meets
        )

    yield start
    for directory in directories:
        directory.close()


def back(answer: Answer, status: str = "ok") -> News:
    """Return the news that all of an answer's units came back."""
    return News([outcome(unit, status) for unit in answer.units], ask=Ask(2, "idle"))


def outcome(unit: Unit, status: str = "ok") -> Outcome:
    return Outcome(unit.station, unit.tag, "done", status, bytes_out=100)  # type: ignore[arg-type]


def seals(dispatcher: Dispatcher, units: list[Unit]) -> News:
    path = dispatcher.ledger.new_segment()
    path.write_bytes(b"a segment")
    return News(seals=[(seal(path), [unit.id for unit in units])])


def test_units_are_given_ahead_only_while_there_are_plenty(
    begin: Callable[..., Dispatcher],
) -> None:
    plenty = 2 * SHARE_AHEAD * RANKS
    dispatcher = begin(plenty)
    dispatcher.hear(1, IDLE)
    [(_, first)] = dispatcher.told()
    assert len(first.units) == 2
    dispatcher.hear(1, AHEAD)
    [(rank, answer)] = dispatcher.told()
    assert rank == 1
    assert len(answer.units) == 1
    while dispatcher.ledger.waiting >= SHARE_AHEAD * RANKS:
        dispatcher.hear(2, IDLE)
        dispatcher.told()
    dispatcher.hear(1, AHEAD)
    assert dispatcher.told() == []
    dispatcher.hear(0, IDLE)
    [(rank, answer)] = dispatcher.told()
    assert (rank, len(answer.units)) == (0, 1)


def test_all_end_when_the_last_segment_is_sealed(
    begin: Callable[..., Dispatcher],
) -> None:
    dispatcher = begin(1)
    dispatcher.hear(1, IDLE)
    [(_, given)] = dispatcher.told()
    dispatcher.hear(2, IDLE)
    assert dispatcher.told() == [(2, Answer(word="none"))]
    dispatcher.hear(2, News(ask=Ask(2, "empty")))
    assert dispatcher.told() == []  # it waits, and need not ask again
    dispatcher.hear(1, back(given))
    assert dispatcher.told() == [(1, Answer(word="none"))]
    dispatcher.hear(1, seals(dispatcher, list(given.units)))
    dispatcher.hear(1, News(ask=Ask(2, "empty")))
    dispatcher.told()
    assert dispatcher.ledger.finished
    ends = dict(dispatcher.told())
    assert all(answer == Answer(word="end") for answer in ends.values())


def test_a_suspect_comes_alone(
    begin: Callable[..., Dispatcher], tmp_path: Path
) -> None:
    killed = begin(2)
    killed.hear(1, IDLE)
    [(_, given)] = killed.told()
    suspect = given.units[0]
    killed.ledger.directory.close()

    dispatcher = begin(2)
    dispatcher.hear(1, IDLE)
    [(_, given)] = dispatcher.told()
    assert suspect not in given.units
    dispatcher.hear(2, IDLE)
    assert dispatcher.told() == [(2, Answer(word="none"))]
    dispatcher.hear(2, News(ask=Ask(2, "empty")))
    dispatcher.hear(1, back(given))
    assert dispatcher.told() == [(1, Answer(word="none"))]
    dispatcher.hear(1, seals(dispatcher, list(given.units)))
    [(rank, alone)] = dispatcher.told()
    assert (rank, list(alone.units)) == (2, [suspect])


def test_ranks_meet_when_a_seal_is_due(begin: Callable[..., Dispatcher]) -> None:
    often = UNITS_BETWEEN_MEETINGS * RANKS
    dispatcher = begin(2 * often, meets=True, seal_every=0)
    for done in range(often):
        dispatcher.hear(1, News(ask=Ask(1, "idle")))
        [(_, given)] = dispatcher.told()
        assert given.units, f"met after {done} units"
        dispatcher.hear(1, News([outcome(unit) for unit in given.units]))
    dispatcher.hear(1, IDLE)
    assert dispatcher.told() == [(rank, Answer(word="meet")) for rank in range(RANKS)]
    seal_now, _ = dispatcher.agenda()
    assert seal_now
    dispatcher.met([])
    [(rank, given)] = dispatcher.told()  # the question is still open
    assert rank == 1
    assert given.units


def test_ranks_meet_more_often_where_units_are_long(
    begin: Callable[..., Dispatcher],
) -> None:
    hours = 8.0
    dispatcher = begin(99, meets=True, seal_every=0)
    for _ in range(2 * RANKS):  # about the square root of a day over eight hours
        dispatcher.hear(1, News(ask=Ask(1, "idle")))
        [(_, given)] = dispatcher.told()
        came = [outcome(unit) for unit in given.units]
        dispatcher.hear(1, News([replace(one, seconds=hours * 3600) for one in came]))
    dispatcher.hear(1, IDLE)
    assert {answer.word for _, answer in dispatcher.told()} == {"meet"}
    assert dispatcher.agenda()[0]


def test_ranks_that_hold_too_much_seal_too_if_it_is_due(
    begin: Callable[..., Dispatcher],
) -> None:
    for seal_every, due in ((0, True), (30, False)):
        dispatcher = begin(99, meets=True, seal_every=seal_every)
        dispatcher.hear(1, News(ask=Ask(1, "idle")))
        [(_, given)] = dispatcher.told()
        (came,) = (outcome(unit) for unit in given.units)
        dispatcher.hear(1, News([replace(came, bytes_out=HELD_AT_MOST + 1)]))
        assert {answer.word for _, answer in dispatcher.told()} == {"meet"}
        assert dispatcher.agenda()[0] == due
        dispatcher.ledger.directory.close()


def test_ranks_meet_at_the_end_and_empty_units_need_no_segment(
    begin: Callable[..., Dispatcher],
) -> None:
    dispatcher = begin(RANKS, meets=True)
    given = {}
    for rank in range(RANKS):
        dispatcher.hear(rank, News(ask=Ask(1, "idle")))
        [(_, given[rank])] = dispatcher.told()
    dispatcher.hear(0, back(given[0], "empty"))
    dispatcher.hear(1, back(given[1]))
    assert dispatcher.told() == []
    dispatcher.hear(2, back(given[2]))
    words = {rank: answer.word for rank, answer in dispatcher.told()}
    assert words == dict.fromkeys(range(RANKS), "meet")
    dispatcher.met([])
    news = seals(dispatcher, [*given[1].units, *given[2].units])
    dispatcher.sealed(*news.seals[0])
    dispatcher.told()
    assert dispatcher.ledger.finished


def test_what_a_rank_brings_to_a_meeting_counts_once(
    begin: Callable[..., Dispatcher],
) -> None:
    dispatcher = begin(1, meets=True)
    dispatcher.hear(1, IDLE)
    [(_, given)] = dispatcher.told()
    came = outcome(given.units[0])
    dispatcher.met([(1, came)])
    dispatcher.hear(1, News([came]))  # sent before the meeting, heard after
    assert dispatcher.ledger.computed == 1


def test_an_error_of_one_rank_stops_the_run(begin: Callable[..., Dispatcher]) -> None:
    from asdf_pipeline.errors import WriteError

    dispatcher = begin(9)
    dispatcher.hear(2, News(error=WriteError("no room"), left=True, ended=True))
    assert str(dispatcher.error) == "no room"
    assert dispatcher.job.stop
    assert dispatcher.told() == [(2, Answer(word="farewell"))]
    dispatcher.hear(1, IDLE)
    assert dispatcher.told() == []  # no more units


class _Near:
    """A link to rank 0's side without messages; complains rather than wait."""

    def __init__(self, dispatcher: Dispatcher, rank: int) -> None:
        self.dispatcher, self.rank, self.polls = dispatcher, rank, 0
        self.waiting: list[Answer] = []

    def send(self, news: News) -> None:
        self.polls = 0
        self.dispatcher.hear(self.rank, news)

    def poll(self) -> Answer | None:
        self.polls += 1
        assert self.polls < 200, "waits for what it never asked for"
        for rank, answer in self.dispatcher.told():
            if rank == self.rank:
                self.waiting.append(answer)
        return self.waiting.pop(0) if self.waiting else None


def test_every_unit_may_need_a_segment_of_its_own(
    begin: Callable[..., Dispatcher],
) -> None:
    """Also those given ahead, between which nothing is asked (a kill campaign hung)."""
    dispatcher = begin(90)
    link = _Near(dispatcher, 1)
    accounts = LedgerProxy(link, Stop(), 8, segments=True)
    names = set()
    for _ in range(90):
        unit = accounts.take("rank 1 on HOST")
        assert unit is not None
        link.polls = 0
        path = accounts.new_segment()
        path.write_bytes(b"a segment")
        names.add(path.name)
        accounts.came_back("rank 1 on HOST", outcome(unit))
        accounts.seal(seal(path), [unit.id])
    assert len(names) == 90
