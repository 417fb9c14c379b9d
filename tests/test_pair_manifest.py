"""The table of pairs: one row each, the same bytes whoever made them and how."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
import obspy
import pandas as pd
import pytest
from obspy.core.inventory import Inventory, Network, Station

from asdf_pipeline import ASDFDataSet, Selection, Windows, steps
from asdf_pipeline.cli import main
from asdf_pipeline.pair_manifest import PAIR_COLUMNS, write_pairs
from asdf_pipeline.plan.outcome import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from asdf_pipeline import RunReport

START = obspy.UTCDateTime("2020-05-01T00:00:00")
LATER = {"AA": 0, "BB": 30, "CC": 75}
"""Samples by which the noise comes later than to the first station."""
PLACES = {"AA": (48.0, 11.0), "BB": (48.5, 11.5), "CC": None}


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return two hours at 10 Hz of noise that passes three stations."""
    path = tmp_path_factory.mktemp("noise") / "noise.h5"
    shared = np.random.default_rng(1).standard_normal(72_100).astype(np.float32)
    with ASDFDataSet(path) as ds:
        for name, later in LATER.items():
            place = PLACES[name]
            if place is not None:
                station = Station(name, *place, 0.0)
                ds.add_stationxml(Inventory([Network("XX", [station])]))
            header = {"network": "XX", "station": name, "channel": "BHZ"}
            header |= {"sampling_rate": 10.0, "starttime": START}
            data = shared[100 - later : 100 - later + 72_000]
            ds.add_waveforms(obspy.Trace(data, header), tag="noise")
    return path


def run(source: Path, output: Path, **options: Any) -> RunReport:
    with ASDFDataSet(source, mode="r") as ds:
        report: RunReport = ds.process_pairs(
            steps.correlate,
            output,
            parameters={"maxlag": 20.0},
            progress="none",
            **options,
        )
    return report


def write_outcomes(report: RunReport, path: Path) -> Path:
    path.write_text("".join(f"{one.to_json()}\n" for one in report.outcomes))
    return path


def test_a_row_for_each_pair(noise: Path, tmp_path: Path) -> None:
    report = run(noise, tmp_path / "pairs.h5", backend="serial")
    outcomes = write_outcomes(report, tmp_path / "outcomes.jsonl")
    target, timings = tmp_path / "pairs.csv", tmp_path / "timings.csv"
    arguments = [str(noise), str(tmp_path / "pairs.h5"), "--outcomes", str(outcomes)]
    arguments += ["--output", str(target), "--timings", str(timings)]
    assert main(["manifest", *arguments, "--dataset", "alps"]) == 0
    with target.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [*PAIR_COLUMNS, "lag_BHZ_BHZ"]
    names = [(row["station"], row["other_station"]) for row in rows]
    assert names == [("AA", "BB"), ("AA", "CC"), ("BB", "CC")]
    assert [float(row["lag_BHZ_BHZ"]) for row in rows] == [3.0, 7.5, 4.5]
    first = rows[0]
    assert float(first["distance_in_km"]) == pytest.approx(66.8, abs=0.1)
    assert (float(first["latitude"]), float(first["other_latitude"])) == (48.0, 48.5)
    assert rows[1]["distance_in_km"] == rows[1]["other_latitude"] == ""
    assert first["arrays"] == "1"
    assert first["start"] == "2020-05-01T00:00:00.000000000Z"
    assert len({row["digest"] for row in rows}) == 3
    with timings.open() as file:
        assert all(float(row["seconds"]) > 0 for row in csv.DictReader(file))
    # Another run, in parallel, by windows of its own: the same content.
    again = run(noise, tmp_path / "again.h5", cpu_count=2, tile=2)
    write_pairs(again.outcomes, "alps", tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == target.read_bytes()
    table = report.to_pandas()
    assert list(table.columns) == list(rows[0])
    assert list(table["lag_BHZ_BHZ"]) == [3.0, 7.5, 4.5]


def test_windows_and_what_is_nearer(noise: Path, tmp_path: Path) -> None:
    windows = Windows(length=1800 * 10**9)
    report = run(noise, tmp_path / "pairs.h5", windows=windows, max_distance=100)
    (outcome,) = report.outcomes
    outcomes = write_outcomes(report, tmp_path / "outcomes.jsonl")
    arguments = [str(noise), str(tmp_path / "pairs.h5"), "--outcomes", str(outcomes)]
    target = tmp_path / "pairs.csv"
    # Station CC, of which the place is not known, is in no pair.
    assert main(["manifest", *arguments, "--output", str(target)]) == 0
    (row,) = pd.read_csv(target).to_dict("records")
    assert row["windows"] == outcome.windows == 4
    assert row["lag_BHZ_BHZ"] == 3.0
    with ASDFDataSet(tmp_path / "pairs.h5", mode="r") as ds:
        stacked = ds.auxiliary_data.CrossCorrelation.XX_AA.XX_BB.BHZ_BHZ
        assert stacked.parameters["ngood"] == 4
        assert stacked.parameters["number_of_windows"] == 4


def test_outcomes_of_another_run_are_refused(
    noise: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    report = run(noise, tmp_path / "all.h5", backend="serial")
    outcomes = write_outcomes(report, tmp_path / "outcomes.jsonl")
    few = Selection(stations=("XX.AA", "XX.BB"))
    run(noise, tmp_path / "few.h5", backend="serial", selection=few)
    arguments = [str(noise), str(tmp_path / "few.h5"), "--outcomes", str(outcomes)]
    assert main(["manifest", *arguments, "--output", str(tmp_path / "pairs.csv")]) == 1
    assert "XX_AA/XX_CC/BHZ_BHZ' is not there" in capfd.readouterr().err
    assert not (tmp_path / "pairs.csv").exists()


def test_failures_and_cells_of_the_functions_own(tmp_path: Path) -> None:
    pairs = [
        Outcome("XX.AA", "noise", "", "ok", others=("XX.BB",), row={"status": 7}),
        Outcome(
            "XX.AA",
            "noise",
            "",
            "failed",
            others=("XX.CC",),
            error_type="ValueError",
            error_message="two\nlines",
        ),
    ]
    write_pairs(pairs, "x", tmp_path / "pairs.csv")
    with (tmp_path / "pairs.csv").open() as file:
        ok, failed = csv.DictReader(file)
    assert (ok["status"], ok["row_status"]) == ("ok", "7")
    assert (failed["status"], failed["row_status"]) == ("failed", "")
    assert failed["error_message"] == "two lines"
