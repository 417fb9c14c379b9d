"""By channels: a unit for each, and the stations' results joined again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from obspy import Stream

from asdf_pipeline import ASDFDataSet, TraceError, Windows
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.plan.outcome import read_outcomes
from asdf_pipeline.times import SECOND
from tests.engine import functions
from tests.engine.conftest import Way
from tests.team.conftest import STATIONS

if TYPE_CHECKING:
    from pathlib import Path

    from obspy import Inventory

    from asdf_pipeline import RunReport

TAGS = {"raw_recording": "processed"}


def run(path: Path, output: Path, function: Any, **more: Any) -> RunReport:
    """Process all stations, serially."""
    options = {"by": "channel", "backend": "serial", "progress": "none", **more}
    with ASDFDataSet(path, mode="r") as ds:
        return ds.process(function, output, TAGS, **options)


@pytest.fixture(scope="module")
def digest(example: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the digest of what is made by stations."""
    path = tmp_path_factory.mktemp("by_station") / "out.h5"
    run(example, path, functions.demeaned, by="station")
    return file_digest(path)


def test_every_team_makes_the_same_as_by_station(
    way: Way, example: Path, tmp_path: Path, digest: str
) -> None:
    output, outcomes = tmp_path / "out.h5", tmp_path / "outcomes.jsonl"
    words = ("--tag", "raw_recording=processed", "--by", "channel")
    done = way.start(
        *("process", "demeaned", example, output), *words, "--outcomes", outcomes
    )
    assert done.returncode == 0, done.stderr
    assert file_digest(output) == digest
    found = read_outcomes(outcomes)
    assert [one.station for one in found] == list(STATIONS)
    assert {one.traces_out for one in found} == {3}
    assert {one.channels for one in found} == {(".EHE", ".EHN", ".EHZ")}


def test_each_channel_is_a_call_of_its_own(example: Path, tmp_path: Path) -> None:
    calls = []

    def fails_for_n(st: Stream, inv: Inventory | None) -> Stream:
        (code,) = {trace.stats.channel for trace in st}
        calls.append(code)
        if code == "EHN" and st[0].stats.station == "S02":
            msg = "no north"
            raise ValueError(msg)
        return st

    out = tmp_path / "out.h5"
    report = run(example, out, fails_for_n)
    assert sorted(calls) == sorted(["EHE", "EHN", "EHZ"] * len(STATIONS))
    assert report.counts == {"ok": len(STATIONS) - 1, "failed": 1}
    (failure,) = report.failures
    assert failure.station == "XX.S02"
    assert failure.error_message == "1 of 3 channels: no north"
    assert failure.traces_out == 2  # what worked is there
    with Reader(out) as reader:
        assert len(reader.names("XX.S02")) == 2


def test_windows_of_channels_are_joined(example: Path, tmp_path: Path) -> None:
    windows = Windows(length=2 * SECOND)
    for by in ("station", "channel"):
        run(example, tmp_path / f"{by}.h5", lambda st, inv: st, windows=windows, by=by)
    whole = {file_digest(tmp_path / f"{by}.h5") for by in ("station", "channel")}
    assert len(whole) == 1


def test_two_channels_that_give_one_trace_are_both_named(
    example: Path, tmp_path: Path
) -> None:
    def always_z(st: Stream, inv: Inventory | None) -> Stream:
        for trace in st:
            trace.stats.channel = "EHZ"
        return st

    with pytest.raises(TraceError, match="for two channels in their codes"):
        run(example, tmp_path / "out.h5", always_z)
    assert not (tmp_path / "out.h5").exists()
