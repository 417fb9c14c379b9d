"""Pairs and gathers in the pipeline: made of processed files, where asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from asdf_pipeline.container.reader import Reader
from asdf_pipeline.plan.outcome import read_outcomes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pipeline.checkout import Checkout

PAIRS = """\
import numpy as np
from asdf_pipeline import Result


def spectra(station, scale=1.0):
    return {t.stats.channel: scale * np.fft.rfft(t.data) for t in station.stream}


def product(a, b, pair):
    names = "/".join(name.replace(".", "_") for name in pair.stations)
    return Result(
        auxiliary={
            f"Product/{names}/{x}_{y}": np.array([abs(a[x]).max() * abs(b[y]).max()])
            for x in a
            for y in b
            if pair.combines(x, y)
        }
    )
"""


GATHERS = """\
def stations(gather):
    traces = [trace for station in gather.values() for trace in station.stream]
    return {"stations": len(gather), "traces": len(traces)}
"""


def add(checkout: Checkout, **keys: Any) -> None:
    """Put a key with what it holds into the configuration."""
    path = checkout.path / "config" / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **keys}))


def test_pairs_and_gathers_are_made_of_the_processed_file(done: Checkout) -> None:
    (done.path / "mine.py").write_text(PAIRS)
    pairs = {
        "function": "mine.py:product",
        "prepare": "mine.py:spectra",
        "parameters": {"scale": 2.0},
    }
    (done.path / "gathers.py").write_text(GATHERS)
    add(done, pairs=pairs, gathers={"function": "gathers.py:stations", "window": "1d"})
    run = done.snakemake()
    assert run.code == 0, run.text
    of_pairs = {"pairs", "manifest_of_pairs", "report_of_pairs"}
    assert set(run.rules) == {"default", "gathers", *of_pairs}
    (row,) = done.rows("results/bavaria/pairs.csv")
    assert (row["dataset"], row["station"], row["other_station"]) == (
        *("bavaria", "RJOB", "FUR"),
    )
    assert row["status"] == "ok"
    assert "All 1 pair" in done.read("results/bavaria/pairs.html")
    days = done.rows("results/bavaria/gathers.csv")
    assert sum(int(row["traces"]) for row in days) >= 2
    with Reader(done.path / "results/bavaria/pairs.h5") as reader:
        (path,) = reader.auxiliary_paths()
    assert path.startswith("Product/BW_RJOB/GR_FUR/")
    (outcome,) = read_outcomes(done.path / "results/bavaria/pairs_outcomes.jsonl")
    assert outcome.members == ("BW.RJOB", "GR.FUR")
    assert outcome.distance_in_km is not None
    assert "1 pair of 2 stations" in done.read("logs/pairs/bavaria.log")
    assert done.snakemake().rules == []
    add(done, pairs={**pairs, "max_failures": 3})
    assert done.snakemake().rules == []  # changes nothing about what is made
    (done.path / "mine.py").write_text(PAIRS.replace("abs(a[x])", "-abs(a[x])"))
    assert done.snakemake("--dry-run").rules.count("pairs") == 2


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "pairs: the key 'function' is missing"),
        ({"function": "mine.py:f"}, "config.yaml: pairs: mine.py: no such file"),
        (
            {"function": "asdf_pipeline.steps:chain", "tag": "raw"},
            "config.yaml: pairs: tag: 'raw' is none of those that the tag_map writes",
        ),
        (
            {"function": "asdf_pipeline.steps:chain", "stack": "none"},
            "nothing to stack without window",
        ),
        (
            {
                "function": "asdf_pipeline.steps:chain",
                "max_distance": 1,
                "min_distance": 2,
            },
            "config.yaml: pairs: min_distance is more than max_distance",
        ),
        (
            {"function": "asdf_pipeline.steps:chain", "max_dist": 1},
            "no key 'max_dist'; is it meant to be max_distance?",
        ),
    ],
)
def test_what_is_wrong_with_pairs_is_said_in_a_line(
    checkout: Checkout, complaint: Callable[[], str], keys: dict[str, Any], said: str
) -> None:
    add(checkout, pairs=keys)
    assert said in complaint()
