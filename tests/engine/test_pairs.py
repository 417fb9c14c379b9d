"""Pairs of stations: which, in which order, prepared how often, stacked of what."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from obspy import UTCDateTime

from asdf_pipeline import ASDFDataSet, Pair, Result, Selection, StationData, Windows
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import (
    CallError,
    FunctionError,
    ProcessingFailedError,
    TagError,
)
from asdf_pipeline.plan.outcome import read_outcomes
from asdf_pipeline.times import SECOND
from tests.engine import functions
from tests.engine.conftest import SERIAL, Way
from tests.team.conftest import BARE, STATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asdf_pipeline import RunReport

TAG = "raw_recording"
SEVERAL = Selection(stations=tuple(STATIONS[:5]))
PAIRS = list(itertools.combinations(STATIONS[:5], 2))


def run(path: Path, output: Path | None, **more: Any) -> RunReport:
    """Correlate pairs of the first five stations, unless more is said."""
    options: dict[str, Any] = {
        "function": functions.correlate,
        "tag": TAG,
        "prepare": functions.spectra,
        "selection": SEVERAL,
        "backend": "serial",
        "progress": "none",
        **more,
    }
    with ASDFDataSet(path, mode="r") as ds:
        return ds.process_pairs(output_filename=output, **options)


def test_each_pair_has_an_outcome_and_its_correlations(
    example: Path, tmp_path: Path
) -> None:
    report = run(example, tmp_path / "out.h5")
    assert [outcome.members for outcome in report.outcomes] == PAIRS
    assert report.counts == {"ok": len(PAIRS)}
    for outcome in report.outcomes:
        assert outcome.distance_in_km == 0.0  # all stations are at one place
        assert len(outcome.auxiliary) == 9
        assert (outcome.traces_in, outcome.traces_out) == (6, 0)
    with Reader(example) as source, Reader(tmp_path / "out.h5") as made:
        one, other = (
            {t.stats.channel: t.data.astype(float) for t in source.stream(name, TAG)}
            for name in PAIRS[3]
        )
        names = "/".join(name.replace(".", "_") for name in PAIRS[3])
        found, parameters = made.auxiliary(f"CrossCorrelation/{names}/EHZ_EHN")
        wanted = np.correlate(other["EHN"], one["EHZ"], "full")[len(one["EHZ"]) - 1 :]
    np.testing.assert_allclose(found, wanted[: found.size], rtol=1e-9, atol=1e-3)
    assert parameters["distance"] == 0.0


def test_tiles_memory_and_team_change_nothing(example: Path, tmp_path: Path) -> None:
    windows = Windows(length=2 * SECOND)
    digests: dict[str, set[str]] = {"whole": set(), "windows": set()}
    for number, more in enumerate(
        (
            {},
            {"tile": 2},
            {"tile": 1, "prepare_memory_in_mb": 0},
            {"tile": 3, "backend": "multiprocessing", "cpu_count": 2},
        )
    ):
        for kind, cut in (("whole", None), ("windows", windows)):
            path = tmp_path / f"{kind}_{number}.h5"
            run(example, path, windows=cut, **more)
            digests[kind].add(file_digest(path))
    assert [len(found) for found in digests.values()] == [1, 1]
    assert digests["whole"] != digests["windows"]


def test_a_station_is_prepared_about_once_a_row_of_tiles(
    example: Path, tmp_path: Path
) -> None:
    calls: Counter[str] = Counter()

    def prepare(station: StationData) -> dict[str, np.ndarray[Any, Any]]:
        calls[station.station] += 1
        return functions.spectra(station)

    stations = Selection()
    run(example, tmp_path / "kept.h5", prepare=prepare, tile=3, selection=stations)
    assert set(calls.values()) == {1}  # memory holds all
    calls.clear()
    run(
        example,
        tmp_path / "not_kept.h5",
        prepare=prepare,
        tile=3,
        selection=stations,
        prepare_memory_in_mb=0.3,  # about six stations': those of a tile
    )
    tiles = 4 * 5 / 2
    assert sum(calls.values()) <= tiles * 6
    assert file_digest(tmp_path / "kept.h5") == file_digest(tmp_path / "not_kept.h5")


def test_what_was_prepared_cannot_be_changed(example: Path, tmp_path: Path) -> None:
    def spoil(a: Any, b: Any) -> None:
        a["EHZ"] *= 2

    report = run(example, tmp_path / "out.h5", function=spoil)
    assert report.counts == {"failed": len(PAIRS)}
    assert "read-only" in report.failures[0].error_message


def test_the_mean_of_windows_is_the_default_and_says_of_how_many(
    example: Path, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []

    def each(a: Any, b: Any, pair: Pair) -> Result:
        assert pair.window is not None
        seen.append(pair.window)
        value = float(len(seen))
        return Result(auxiliary={"Mean/" + "-".join(pair.stations): np.array([value])})

    windows = Windows(length=2 * SECOND)
    only = Selection(stations=tuple(STATIONS[:2]))
    report = run(
        example, tmp_path / "out.h5", function=each, windows=windows, selection=only
    )
    (outcome,) = report.outcomes
    # The second station has 100 samples, a second, more than the first's 5 s.
    assert outcome.windows == len(seen) == len(set(seen))
    assert seen == sorted(seen)
    with Reader(tmp_path / "out.h5") as reader:
        array, parameters = reader.auxiliary("Mean/XX.S00-XX.S01")
    assert array[0] == np.mean(np.arange(1, len(seen) + 1))
    assert parameters["number_of_windows"] == len(seen)


def test_a_function_may_stack(example: Path, tmp_path: Path) -> None:
    def largest(windows: Iterator[Result], pair: Pair) -> Result:
        found = [window.auxiliary for window in windows]
        arrays = {
            path: np.max([one[path][0] for one in found], axis=0) for path in found[0]
        }
        return Result(auxiliary=arrays)

    windows = Windows(length=2 * SECOND)
    every = {"windows": windows, "stack": largest}
    report = run(example, tmp_path / "out.h5", **every)
    assert report.counts == {"ok": len(PAIRS)}
    run(example, tmp_path / "tiled.h5", tile=2, prepare_memory_in_mb=0, **every)
    assert file_digest(tmp_path / "out.h5") == file_digest(tmp_path / "tiled.h5")
    with Reader(tmp_path / "out.h5") as reader:
        path = reader.auxiliary_paths()[0]
        _, parameters = reader.auxiliary(path)
    assert parameters["number_of_windows"] == report.outcomes[0].windows > 1


def test_windows_may_be_kept_apart(example: Path, tmp_path: Path) -> None:
    def each(a: Any, b: Any, pair: Pair) -> Result:
        assert pair.window is not None
        path = f"Windows/{'-'.join(pair.stations)}/{UTCDateTime(ns=pair.window[0])}"
        return Result(auxiliary={path: np.ones(1)})

    windows = Windows(length=2 * SECOND)
    report = run(
        example, tmp_path / "out.h5", function=each, windows=windows, stack=None
    )
    assert all(
        len(outcome.auxiliary) == outcome.windows > 1 for outcome in report.outcomes
    )


def test_pairs_without_preparation_get_the_stations(
    example: Path, tmp_path: Path
) -> None:
    def peaks(a: StationData, b: StationData, pair: Pair) -> dict[str, float]:
        assert (a.station, b.station) == pair.stations
        a.stream.detrend("demean")  # each pair has waveforms of its own
        return {"peak": max(abs(trace.data).max() for trace in a.stream + b.stream)}

    report = run(example, None, function=peaks, prepare=None)
    assert report.counts == {"ok": len(PAIRS)}
    assert list(report.table.columns) == ["station", "other_station", "peak"]
    assert report.table["other_station"].tolist() == [other for _, other in PAIRS]


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ({"autocorrelations": True}, len(PAIRS) + 5),
        ({"networks": "same"}, len(PAIRS)),
        ({"max_distance": 1.0}, len(PAIRS)),
    ],
)
def test_which_pairs(
    example: Path, tmp_path: Path, choice: dict[str, Any], wanted: int
) -> None:
    report = run(example, tmp_path / "out.h5", **choice)
    assert report.counts == {"ok": wanted}


def test_a_station_of_unknown_place_is_in_no_pair_by_distance(
    example: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING"):
        report = run(
            example, None, function=lambda a, b: 1, max_distance=9, selection=None
        )
    assert BARE in caplog.text
    assert not any(BARE in outcome.members for outcome in report.outcomes)


@pytest.mark.parametrize(
    ("components", "channels"),
    [
        ("same", {"EHE_EHE", "EHN_EHN", "EHZ_EHZ"}),
        ("ZN", {"EHZ_EHN"}),
        (("ZZ", "NN"), {"EHZ_EHZ", "EHN_EHN"}),
    ],
)
def test_which_channels(
    example: Path, tmp_path: Path, components: Any, channels: set[str]
) -> None:
    report = run(example, tmp_path / "out.h5", components=components)
    for outcome in report.outcomes:
        assert {path.rpartition("/")[2] for path in outcome.auxiliary} == channels


def test_an_error_costs_its_pair_only(example: Path, tmp_path: Path) -> None:
    def faulty(a: Any, b: Any, pair: Pair) -> Result:
        if pair.stations == PAIRS[2]:
            msg = "this pair is not to be"
            raise ValueError(msg)
        return functions.correlate(a, b, pair)

    def unprepared(station: StationData) -> Any:
        if station.station == STATIONS[4]:
            msg = "no spectrum"
            raise ValueError(msg)
        return functions.spectra(station)

    report = run(example, tmp_path / "one.h5", function=faulty)
    assert report.counts == {"ok": len(PAIRS) - 1, "failed": 1}
    (failure,) = report.failures
    assert failure.members == PAIRS[2]
    assert "this pair is not to be" in failure.traceback
    report = run(example, tmp_path / "four.h5", prepare=unprepared)
    assert [one.members for one in report.failures] == [
        pair for pair in PAIRS if STATIONS[4] in pair
    ]
    assert "in unprepared" in report.failures[3].traceback


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"tag": "nothing"}, TagError, "no waveforms with tag nothing"),
        ({"tag": None}, TagError, "name the one to read"),
        ({"networks": "none"}, CallError, "networks 'none'"),
        ({"networks": "different"}, CallError, "leaves no pair"),
        ({"components": "ZZZ"}, CallError, "components 'ZZZ'"),
        ({"max_distance": -1}, CallError, "max_distance -1"),
        ({"stack": functions.correlate}, CallError, "nothing to stack"),
        ({"function": lambda a: None}, FunctionError, "cannot be called as (a, b)"),
        ({"prepare": lambda: None}, FunctionError, "cannot be called as (station)"),
        ({"parameters": {"nobody": 1}}, FunctionError, "nobody"),
        (
            {"windows": Windows(length=SECOND, aligned="trace")},
            CallError,
            "start at round times",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(
    example: Path,
    tmp_path: Path,
    more: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    with pytest.raises(error, match=words.replace("(", r"\(").replace(")", r"\)")):
        run(example, tmp_path / "out.h5", **more)
    assert list(tmp_path.iterdir()) == []


def test_waveforms_belong_to_no_pair(example: Path, tmp_path: Path) -> None:
    report = run(
        example,
        tmp_path / "out.h5",
        function=lambda a, b: a.stream,
        prepare=None,
    )
    assert "belong to one station" in report.failures[0].error_message


@pytest.fixture(scope="module")
def digest(example: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the digest of all pairs' stacked correlations, made serially."""
    path = tmp_path_factory.mktemp("serial") / "out.h5"
    run(example, path, selection=None, windows=Windows(length=2 * SECOND), tile=5)
    return file_digest(path)


def test_every_team_makes_the_same(
    way: Way, example: Path, tmp_path: Path, digest: str
) -> None:
    out, outcomes = tmp_path / "out.h5", tmp_path / "outcomes.jsonl"
    words = ("--prepare", f"{functions.__file__}:spectra", "--tag", TAG, "--tile", 3)
    done = way.start(
        *("pairs", "correlate", example, out, *words, "--window", "2s"),
        *("--outcomes", outcomes),
    )
    assert done.returncode == 0, done.stderr
    assert file_digest(out) == digest
    found = read_outcomes(outcomes)
    assert [one.members for one in found] == list(itertools.combinations(STATIONS, 2))
    assert {one.status for one in found} == {"ok"}


def test_a_pair_that_kills_is_failed_by_name(example: Path, tmp_path: Path) -> None:
    report = run(
        example,
        tmp_path / "out.h5",
        function=functions.kills_a_pair,
        backend="multiprocessing",
        cpu_count=2,
    )
    assert report.counts == {"ok": len(PAIRS) - 1, "failed": 1}
    (failure,) = report.failures
    assert failure.members == ("XX.S02", "XX.S04")
    assert "SIGKILL" in failure.error_message


def test_what_failed_is_done_again_and_nothing_else(
    example: Path, tmp_path: Path
) -> None:
    flag, calls = tmp_path / "flag", tmp_path / "calls"
    flag.touch()

    def sometimes(a: Any, b: Any, pair: Pair) -> Result:
        with calls.open("a") as file:
            file.write(f"{pair.stations}\n")
        if pair.stations == PAIRS[4] and flag.exists():
            msg = "not yet"
            raise ValueError(msg)
        return functions.correlate(a, b, pair)

    out = tmp_path / "out.h5"
    again = {"function": sometimes, "max_failures": 0, "tile": 2}
    with pytest.raises(ProcessingFailedError, match=r"XX.S01 with XX.S02 .*not yet"):
        run(example, out, **again)
    assert not out.exists()
    calls.unlink()
    flag.unlink()
    report = run(example, out, **again)
    assert report.resumed == len(PAIRS) - 1
    assert calls.read_text() == f"{PAIRS[4]}\n"
    assert report.counts == {"ok": len(PAIRS)}


def test_the_command_prints_rows(example: Path) -> None:
    words = ("--tag", TAG, "--stations", *STATIONS[:3])
    done = SERIAL.start("pairs", "likeness", example, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "station,other_station,samples",
        "XX.S00,XX.S01,3300",
        "XX.S00,XX.S02,3600",
        "XX.S01,XX.S02,3900",
    ]
