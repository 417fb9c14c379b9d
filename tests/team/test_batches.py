"""How many units a batch has."""

from __future__ import annotations

from pathlib import Path

from asdf_pipeline.plan.units import Unit
from asdf_pipeline.team.batches import Batch, Report, Sizes

UNITS = tuple(Unit(f"XX.S{number}", "raw", "done") for number in range(400))
NOWHERE = Path("nowhere")


def report_of(sizes: Sizes, units: int, seconds: float) -> None:
    """Have a batch of 30 s come back after so many seconds."""
    done = [unit.outcome("empty") for unit in UNITS[:units]]
    batch = Batch("batch 1", UNITS[:units], NOWHERE, NOWHERE, 30.0)
    sizes.learn(batch, Report(done, seconds=seconds))


def test_batches_grow_to_the_seal_interval_and_shrink_at_the_end() -> None:
    sizes = Sizes()
    assert sizes.next(waiting=10_000, workers=4) == 1
    grown = []
    for _ in range(6):
        size = sizes.next(waiting=10_000, workers=4)
        report_of(sizes, size, seconds=0.1 * size)
        grown.append(size)
    assert grown == [1, 4, 16, 64, 256, 300]  # 300 of 0.1 s each fill 30 s
    assert sizes.next(waiting=80, workers=4) == 10
    assert sizes.next(waiting=3, workers=4) == 1


def test_units_that_take_longer_make_smaller_batches() -> None:
    sizes = Sizes()
    for size in (1, 4, 16):
        report_of(sizes, size, seconds=0.1)
    report_of(sizes, 10, seconds=100.0)
    assert sizes.next(waiting=10_000, workers=4) == 3
    report_of(sizes, 1, seconds=3600.0)
    assert sizes.next(waiting=10_000, workers=4) == 1


def test_while_the_killer_is_not_known_each_unit_is_a_batch() -> None:
    sizes = Sizes()
    for size in (1, 4, 16):
        report_of(sizes, size, seconds=0.1)
    sizes.cut.update(["XX.S1/raw", "XX.S2/raw"])
    assert sizes.next(waiting=10_000, workers=4) == 1
    sizes.cut.clear()
    assert sizes.next(waiting=10_000, workers=4) > 1
