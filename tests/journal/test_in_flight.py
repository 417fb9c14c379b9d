"""The records of units in flight: of a run, and of the batches that are far away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asdf_pipeline.journal.in_flight import BatchFlight, InFlightLog, unit_at_work

if TYPE_CHECKING:
    from pathlib import Path


def test_a_batch_is_begun_once(tmp_path: Path) -> None:
    path = tmp_path / "flight.1.00000000"
    assert unit_at_work(path) is None
    with BatchFlight(path) as batch:
        assert unit_at_work(path) is None
        batch.begun("a", alone=False)
        assert unit_at_work(path) == "a"
        batch.back("a")
        assert unit_at_work(path) is None
        batch.begun("b", alone=False)
    with pytest.raises(FileExistsError):
        BatchFlight(path)
    assert unit_at_work(path) == "b"


def test_a_worker_that_was_told_to_stop_is_not_lost_on_its_unit(tmp_path: Path) -> None:
    path = tmp_path / "flight.1.00000000"
    with BatchFlight(path) as batch:
        batch.begun("a", alone=False)
        batch.stopped("a")
    assert unit_at_work(path) is None


def test_what_batches_had_at_work_is_suspect_in_the_next_run(tmp_path: Path) -> None:
    InFlightLog(tmp_path / "flight").close()
    for number, (unit_id, alone) in enumerate({"a": False, "b": True}.items()):
        with BatchFlight(tmp_path / f"flight.{number}.00000000") as batch:
            batch.begun("done", alone=False)
            batch.back("done")
            batch.begun(unit_id, alone=alone)
    again = InFlightLog(tmp_path / "flight")
    assert (again.suspects, again.killers) == (["a"], ["b"])
    assert [path.name for path in tmp_path.iterdir()] == ["flight"]
    again.close()
