"""The ledger counts every unit once, whatever happens to workers and segments."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from asdf_pipeline.journal.ledger import ATTEMPTS, Ledger, NoUnit
from asdf_pipeline.journal.segments import Sealed, seal
from asdf_pipeline.journal.workdir import WorkDirectory
from asdf_pipeline.plan.outcome import Outcome
from asdf_pipeline.plan.units import Plan, Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = {"the input": "a", "the function": "b"}
PLAN = Plan(tuple(Unit(f"XX.S{n}", "raw", "done") for n in range(6)))


def ok(unit: Unit, status: str = "ok") -> Outcome:
    return Outcome(unit.station, unit.tag, "done", status)  # type: ignore[arg-type]


def sealed_segment(directory: WorkDirectory) -> Sealed:
    part = directory.new_segment()
    part.write_bytes(b"a segment")
    return seal(part)


def begin(path: Path, key: dict[str, str] = KEY) -> Ledger:
    return Ledger(PLAN, WorkDirectory(path, key), lambda _: None)


class LedgerLife(RuleBasedStateMachine):
    """Workers take, compute, write, seal and die in any order; runs are killed."""

    def __init__(self) -> None:
        super().__init__()
        self.path = Path(tempfile.mkdtemp()) / "work"
        self.ledger = begin(self.path)
        self.out: dict[str, Unit] = {}  # worker: unit
        self.batch: dict[str, list[str]] = {}
        self.segment: Path | None = None
        self.written: list[str] = []

    workers = st.sampled_from(["a", "b", "c"])

    @rule(worker=workers)
    def take(self, worker: str) -> None:
        if worker not in self.out:
            unit = self.ledger.take(worker)
            if isinstance(unit, Unit):
                self.out[worker] = unit

    @rule(worker=workers, status=st.sampled_from(["ok", "ok", "empty", "failed"]))
    def come_back(self, worker: str, status: str) -> None:
        if worker in self.out:
            unit = self.out.pop(worker)
            self.ledger.came_back(worker, ok(unit, status))
            if status == "ok":
                self.batch.setdefault(worker, []).append(unit.id)

    @rule(worker=workers)
    def write(self, worker: str) -> None:
        if batch := self.batch.pop(worker, []):
            if self.segment is None:
                self.segment = self.ledger.new_segment()
                self.segment.write_bytes(b"a segment")
            self.ledger.wrote(self.segment.name, batch)
            self.written += batch

    @precondition(lambda self: self.segment is not None)
    @rule()
    def seal(self) -> None:
        assert self.segment is not None
        self.ledger.seal(seal(self.segment), self.written)
        self.segment, self.written = None, []

    @rule()
    def seal_what_has_no_data(self) -> None:
        self.ledger.journal_dataless()

    @precondition(lambda self: self.segment is not None)
    @rule()
    def lose_the_segment(self) -> None:
        assert self.segment is not None
        self.ledger.abandon(self.segment.name)
        self.segment, self.written = None, []

    @rule(worker=workers)
    def die(self, worker: str) -> None:
        unit = self.out.pop(worker, None)
        self.batch.pop(worker, None)
        self.ledger.died(worker, unit.id if unit else None, "SIGKILL")

    @rule(stopped=st.booleans())
    def kill_the_run_and_start_again(self, stopped: bool) -> None:
        done = {k for k, v in self.ledger.directory.lines.items() if b"fail" not in v}
        if stopped:
            self.ledger.directory.in_flight.stopped()
        self.ledger.directory.close()
        self.ledger = begin(self.path)
        assert set(self.ledger.directory.lines) == done
        self.out, self.batch, self.segment, self.written = {}, {}, None, []

    @invariant()
    def every_unit_is_somewhere_once(self) -> None:
        ledger = self.ledger
        held = ledger.computed - ledger.done
        assert ledger.waiting + len(self.out) + held + ledger.done == len(PLAN.units)
        assert held >= 0

    def teardown(self) -> None:
        """Whatever happened, the run can be brought to its end."""
        for worker in ("a", "b", "c"):
            self.die(worker)
        if self.segment is not None:
            self.lose_the_segment()
        for _ in range(20):
            if isinstance(unit := self.ledger.take("a"), Unit):
                self.ledger.came_back("a", ok(unit, "empty"))
            self.ledger.journal_dataless()
        assert self.ledger.finished
        assert set(self.ledger.directory.lines) == {unit.id for unit in PLAN.units}
        self.ledger.directory.close()
        shutil.rmtree(self.path.parent)


TestLedgerLife = LedgerLife.TestCase
TestLedgerLife.settings = settings(max_examples=60, deadline=None)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    return tmp_path / "work"


def test_suspects_come_last_and_alone(path: Path) -> None:
    first = begin(path)
    suspect = first.take("a")
    assert isinstance(suspect, Unit)
    first.directory.close()  # the job died with the unit in flight
    second = begin(path)
    others = [second.take("a") for _ in range(5)]
    assert suspect not in others
    assert second.take("a") is NoUnit.SEAL  # not while others are in flight
    ids = []
    for unit in others:
        assert isinstance(unit, Unit)
        ids.append(unit.id)
        second.came_back("a", ok(unit))
    assert second.take("a") is NoUnit.SEAL  # nor while what they did is not sealed
    second.seal(sealed_segment(second.directory), ids)
    assert second.take("a") == suspect
    second.directory.close()  # it took the job down again
    third = begin(path)
    assert third.take("a") is NoUnit.SEAL
    third.journal_dataless()
    assert third.take("a") is NoUnit.END
    line = third.directory.lines[suspect.id]
    outcome = Outcome.from_json(line)
    assert (outcome.status, outcome.error_type) == ("failed", "WorkerDiedError")
    third.directory.close()


def test_a_run_that_was_told_to_stop_makes_no_suspects(path: Path) -> None:
    for _ in range(3):
        ledger = begin(path)
        unit = ledger.take("a")
        assert unit == PLAN.units[0]
        ledger.directory.in_flight.stopped()
        ledger.directory.close()


def test_only_what_a_worker_had_that_did_not_stop_is_suspect(path: Path) -> None:
    first = begin(path)
    stopped, dead = first.take("a"), first.take("b")
    assert isinstance(stopped, Unit)
    assert isinstance(dead, Unit)
    first.stopped("a")
    first.directory.close()
    second = begin(path)
    assert second.take("a") == stopped
    assert second.directory.in_flight.suspects == [dead.id]
    second.directory.close()


def test_a_unit_that_kills_its_worker_twice_is_failed(path: Path) -> None:
    ledger = begin(path)
    for _ in range(ATTEMPTS):
        while (unit := ledger.take("a")) != PLAN.units[0]:
            assert isinstance(unit, Unit)
            ledger.came_back("a", ok(unit, "empty"))
        ledger.died("a", PLAN.units[0].id, "SIGSEGV")
    ledger.journal_dataless()
    outcome = Outcome.from_json(ledger.directory.lines[PLAN.units[0].id])
    assert outcome.status == "failed"
    assert "SIGSEGV" in outcome.error_message
    ledger.directory.close()


def test_news_of_a_unit_that_somebody_else_has_is_ignored(path: Path) -> None:
    ledger = begin(path)
    unit = ledger.take("a")
    assert isinstance(unit, Unit)
    ledger.came_back("b", ok(unit))
    assert ledger.computed == 0
    ledger.directory.close()
