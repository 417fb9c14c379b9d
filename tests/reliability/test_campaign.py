"""A short kill campaign; a long one is run by hand (docs/reliability.md)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.reliability.campaign import (
    MORE_WAYS,
    STATIONS,
    WAYS,
    WHOLE,
    Way,
    cluster_of,
    run_trial,
    usual_run,
)
from tests.reliability.data import make_example

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_example(tmp_path_factory.mktemp("campaign"), STATIONS)


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(
            way,
            id=way.name,
            marks=[pytest.mark.requires(way.needs)] if way.needs else [],
        )
        for way in WAYS
        if way in WHOLE or "dask" not in way.name
    ],
)
def test_nothing_is_lost_whoever_is_killed(example: Path, way: Way) -> None:
    rng = random.Random(11)
    trials = 2 if "dask" in way.name else 4
    with cluster_of(way) as cluster:
        digest, usual = usual_run(example, way, cluster)
        killed = [
            run_trial(example, way, digest, usual, rng, cluster) for _ in range(trials)
        ]
    assert len(killed) == trials


@pytest.mark.parametrize(
    "way",
    [
        way
        for way in MORE_WAYS
        if way.name in ("multiprocessing, pairs", "multiprocessing, gathers")
    ],
    ids=lambda way: way.name,
)
def test_nothing_is_lost_of_other_patterns(example: Path, way: Way) -> None:
    """All teams and patterns are tried by hand (docs/reliability.md)."""
    digest, usual = usual_run(example, way)
    assert run_trial(example, way, digest, usual, random.Random(5))
