"""Two data sets, station by station: tables, waveforms, auxiliary data."""

from __future__ import annotations

import json
import math
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import obspy
import pandas as pd
import pyasdf
import pytest

from asdf_pipeline import ASDFDataSet, OutputExistsError, Result, steps
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.engine import ComparisonTask, ProcessTask, run
from asdf_pipeline.errors import CallError, FunctionError, ProcessingFailedError
from asdf_pipeline.function.result import check_result
from asdf_pipeline.plan.outcome import Outcome
from asdf_pipeline.plan.selection import Selection, Windows
from asdf_pipeline.times import SECOND
from tests.conftest import launcher, mpi_environment, parallel_python
from tests.engine import functions
from tests.engine.conftest import SERIAL, Way
from tests.team.conftest import BARE, STATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSING = "XX.S05"
"""The station that the synthetic data lacks."""
COMMON = [station for station in STATIONS if station != MISSING]


@pytest.fixture(scope="module")
def pair(example: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return observed data, and synthetic data that a step made of them."""
    folder = tmp_path_factory.mktemp("pair")
    paths = folder / "observed.h5", folder / "synthetic.h5"
    for path, step, parameters in (
        (paths[0], steps.detrend, {"type": "demean"}),
        (paths[1], steps.filter, {"type": "lowpass", "freq": 5.0}),
    ):
        task = ProcessTask(
            example,
            path,
            step,
            {"raw_recording": path.stem},
            parameters,
            selection=Selection(exclude=(MISSING,) * (path == paths[1])),
            progress="none",
        )
        run(task)
    return paths


@pytest.fixture
def sets(pair: tuple[Path, Path]) -> Iterator[tuple[ASDFDataSet, ASDFDataSet]]:
    """Return both as open data sets."""
    with (
        ASDFDataSet(pair[0], mode="r") as observed,
        ASDFDataSet(pair[1], mode="r") as synthetic,
    ):
        yield observed, synthetic


def read(table: Path) -> pd.DataFrame:
    """Return a table with its numbers as they were written."""
    return pd.read_csv(table, converters={"misfit": float})


def expected(pair: tuple[Path, Path]) -> pd.DataFrame:
    """Return the table of misfits, worked out here."""
    rows = []
    with Reader(pair[0]) as observed, Reader(pair[1]) as synthetic:
        for station in COMMON:
            if station == BARE:
                continue
            one = observed.stream(station, "observed")
            other = synthetic.stream(station, "synthetic")
            norms = [
                float(np.linalg.norm(a.data.astype("f8") - b.data, 2))
                for a, b in zip(one, other, strict=True)
            ]
            rows.append((station, math.fsum(norms), len(norms), one[0].id))
    return pd.DataFrame(rows, columns=["station", "misfit", "traces", "first"])


def test_every_team_makes_the_same_table(
    way: Way, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in pair]
    table = tmp_path / "misfits.csv"
    done = way.start("compare", "misfit", *pair, "--table", table)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["misfits.csv"]
    found = read(table)
    pd.testing.assert_frame_equal(found, expected(pair), check_exact=True)
    assert [(p.read_bytes(), p.stat().st_mtime_ns) for p in pair] == before


def test_every_team_writes_the_same_file(
    way: Way, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    out, table = tmp_path / "out.h5", tmp_path / "table.csv"
    words = (*pair, "--output", out, "--table", table, "--tag", "residual")
    done = way.start("compare", "residual", *words)
    assert done.returncode == 0, done.stderr
    serial = tmp_path / "serial.h5"
    SERIAL.start("compare", "residual", *pair, "--output", serial, "--tag", "residual")
    assert file_digest(out) == file_digest(serial)
    assert len(table.read_text().splitlines()) == len(COMMON)  # BARE has no row
    with Reader(out) as reader, Reader(pair[0]) as observed:
        assert reader.stations() == COMMON
        assert reader.tags("XX.S00") == ["residual"]
        assert reader.stationxml("XX.S00") == observed.stationxml("XX.S00")
        assert reader.auxiliary_paths() == [f"Sums/{station}" for station in COMMON]
        assert reader.quakeml() == observed.quakeml()
    with pyasdf.ASDFDataSet(str(out), mode="r") as theirs:
        sums = theirs.auxiliary_data.Sums
        assert sums.list() == COMMON
        for station in COMMON:
            st = theirs.waveforms[station].residual
            assert list(sums[station].data[:]) == [trace.data.sum() for trace in st]


@pytest.mark.parametrize("backend", ["serial", "multiprocessing"])
def test_the_library_returns_the_table(
    sets: tuple[ASDFDataSet, ASDFDataSet], pair: tuple[Path, Path], backend: str
) -> None:
    names = sets[0].waveforms.list()
    report = sets[0].process_two_files(
        sets[1], functions.misfit, backend=backend, progress="none"
    )
    pd.testing.assert_frame_equal(report.table, expected(pair), check_exact=True)
    assert report.counts == {"ok": len(COMMON) - 1, "empty": 1}
    assert report.output is None
    assert sets[0].waveforms.list() == names
    assert list(report.to_pandas()["status"]).count("ok") == len(COMMON) - 1


def test_the_table_takes_no_other_files_place(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    before, out = pair[1].read_bytes(), tmp_path / "o.h5"
    words = ("compare", "misfit", *pair, "--tag", "a", "--output", out, "--table")
    for table, other in ((pair[1], pair[1].name), (out, "o.h5")):
        done = SERIAL.start(*words, table)
        assert done.returncode == 2, done.stderr
        assert f"the table would replace {other}" in done.stderr
    assert pair[1].read_bytes() == before


def test_without_output_and_table_it_is_printed(pair: tuple[Path, Path]) -> None:
    done = SERIAL.start("compare", "misfit", *pair, "--stations", "XX.S0[01]")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "station,misfit,traces,first"
    assert [line.partition(",")[0] for line in lines[1:]] == ["XX.S00", "XX.S01"]


def test_a_number_is_a_row_of_one_value(sets: tuple[ASDFDataSet, ASDFDataSet]) -> None:
    def count(a: Any, b: Any, factor: int) -> np.int64:
        assert (a.station, b.station) == (a.station, a.station)
        assert dict(a.streams).keys() == {"observed"}
        assert len(a.events) == len(b.events)
        assert a.inventory is None or a.inventory[0].code == "XX"
        return np.int64(factor * len(a.streams["observed"][0]))

    report = sets[0].process_two_files(
        sets[1].filename, count, parameters={"factor": 2}, progress="none"
    )
    table = report.table
    assert list(table.columns) == ["station", "value"]
    assert list(table["station"]) == COMMON
    assert list(table["value"])[:2] == [2 * 500, 2 * 600]
    assert {outcome.traces_in for outcome in report.outcomes} == {3}


def test_a_failure_is_told_and_the_others_are_kept(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    table, calls, cure = (tmp_path / name for name in ("t.csv", "calls", "cure"))
    given = json.dumps({"calls": str(calls), "cure": str(cure)})
    words = (*pair, "--table", table, "--parameters", given)
    done = SERIAL.start("compare", "misfit_until_cured", *words)
    assert done.returncode == 1
    assert "Station XX.S04" in done.stderr
    assert "RuntimeError: not cured" in done.stderr
    assert not table.exists()
    cure.touch()
    done = SERIAL.start("compare", "misfit_until_cured", *words)
    assert done.returncode == 0, done.stderr
    assert calls.read_text().split()[len(COMMON) :] == ["XX.S04"]
    found = read(table)
    pd.testing.assert_frame_equal(found, expected(pair), check_exact=True)


def test_a_killed_comparison_resumes(pair: tuple[Path, Path], tmp_path: Path) -> None:
    def dies(a: Any, b: Any) -> dict[str, Any] | None:
        with calls.open("a") as file:
            file.write(f"{a.station}\n")
        if len(calls.read_text().split()) == 6:
            signal.raise_signal(signal.SIGTERM)
        return functions.misfit(a, b)

    table, calls = tmp_path / "t.csv", tmp_path / "calls"
    with ASDFDataSet(pair[0], mode="r") as observed:
        options: dict[str, Any] = {"table_filename": table, "backend": "serial"}
        with pytest.raises(KeyboardInterrupt):
            observed.process_two_files(pair[1], dies, progress="none", **options)
        assert not table.exists()
        report = observed.process_two_files(pair[1], dies, progress="none", **options)
    assert report.resumed > 0
    assert len(calls.read_text().split()) <= len(COMMON) + 1
    pd.testing.assert_frame_equal(report.table, expected(pair), check_exact=True)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["calls", "t.csv"]


def test_wrong_calls_are_found_before_any_work(
    sets: tuple[ASDFDataSet, ASDFDataSet], pair: tuple[Path, Path], tmp_path: Path
) -> None:
    lonely = tmp_path / "lonely.h5"
    with ASDFDataSet(lonely) as data_set:
        data_set.add_waveforms(obspy.read(), tag="raw")
    observed, synthetic = sets
    with pytest.raises(CallError, match="no station in common"):
        observed.process_two_files(lonely, functions.misfit)
    with pytest.raises(OutputExistsError, match="exists already"):
        observed.process_two_files(synthetic, functions.misfit, lonely)
    with pytest.raises(FunctionError, match=r"cannot be called as \(a, b\)"):
        observed.process_two_files(synthetic, lambda st: None)
    with pytest.raises(CallError, match="not by windows"):
        run(
            ComparisonTask(
                *(pair[0], None, functions.misfit),
                tag="t",
                other=pair[1],
                table=tmp_path / "t.csv",
                windows=Windows(SECOND),
            )
        )


def test_waveforms_need_an_output(sets: tuple[ASDFDataSet, ASDFDataSet]) -> None:
    with pytest.raises(ProcessingFailedError, match="no output file is named"):
        sets[0].process_two_files(
            sets[1], functions.residual, max_failures=0, progress="none"
        )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2], "returned a list"),
        ({"a": [1]}, "column 'a' is a list"),
        ({"a": np.zeros(2)}, "goes into the auxiliary data"),
        ({"station": 1}, "which are there already"),
        ({1: 1}, "cannot be a column"),
        (Result(stream=[1]), "stream is an obspy Stream"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_row_is_named(value: Any, message: str) -> None:
    with pytest.raises(Exception, match=message):
        check_result(value, "XX.S00", compares=True)


def test_rows_are_plain_and_travel_in_outcomes() -> None:
    time = obspy.UTCDateTime(2024, 1, 2)
    given = {"a": np.float32(0.5), "b": np.bool_(1), "c": time, "d": np.nan, "e": "é"}
    row = check_result(given, "XX.S00", compares=True).row
    assert row == {"a": 0.5, "b": True, "c": str(time), "d": None, "e": "é"}
    outcome = Outcome("XX.S00", "*", "t", "ok", row=row)
    assert Outcome.from_json(outcome.to_json()) == outcome
    assert not outcome.has_data


def test_rows_are_for_comparisons(example: Path, tmp_path: Path) -> None:
    def process(st: Any, inv: Any) -> Result:
        return Result(st, row={"a": 1})

    report = run(
        ProcessTask(
            example, tmp_path / "o.h5", process, {"other": "o"}, progress="none"
        )
    )
    assert report.counts == {"failed": len(STATIONS)}
    assert "only a comparison" in report.failures[0].error_message


# As pyasdf has it.

SCRIPT = """
import sys
import numpy as np
from {library} import ASDFDataSet

def process(this_group, other_group):
    if this_group._station_name == "XX.S03":
        raise ValueError("no")
    st, other = this_group.observed, other_group.synthetic
    codes = this_group.StationXML[0].code if "StationXML" in this_group else None
    return [tr.id for tr in st], float(np.abs(st[0].data - other[0].data).max()), codes

ds, other = (ASDFDataSet(name, mode="r") for name in ("observed.h5", "synthetic.h5"))
results = ds.process_two_files_without_parallel_output(other, process)
if ds.mpi.rank == 0:
    with open("{library}.txt", "w") as file:
        file.write(repr(sorted(results.items())))
else:
    assert results == {{}}
"""


def test_pyasdfs_method_on_teams_of_one_machine(
    sets: tuple[ASDFDataSet, ASDFDataSet],
) -> None:
    def compare(this: Any, other: Any) -> Any:
        if this._station_name == "XX.S03":
            msg = "no"
            raise ValueError(msg)
        return this.list(), other.synthetic[0].data.max(), None

    found = [
        sets[0].process_two_files_without_parallel_output(
            sets[1], compare, backend=backend, progress="none"
        )
        for backend in ("serial", "multiprocessing")
    ]
    assert found[0] == found[1]
    assert sorted(found[0]) == [name for name in COMMON if name != "XX.S03"]
    names, peak, nothing = found[0]["XX.S00"]
    assert names == sets[0].waveforms["XX.S00"].list()
    assert peak == sets[1].waveforms["XX.S00"].synthetic[0].data.max()
    assert nothing is None


@pytest.mark.requires("parallel-hdf5")
def test_it_returns_what_pyasdf_returns(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    for path in pair:
        shutil.copy2(path, tmp_path)
    python = parallel_python()
    program = launcher(python)
    assert program is not None
    said = []
    for library in ("pyasdf", "asdf_pipeline"):
        script = tmp_path / "script.py"
        script.write_text(SCRIPT.format(library=library))
        done = subprocess.run(
            [program, "-n", "2", python, str(script)],
            cwd=tmp_path,
            env=mpi_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, done.stderr
        assert "ValueError: no" in done.stdout + done.stderr
        said.append((tmp_path / f"{library}.txt").read_text())
    assert said[0] == said[1]
    assert said[0].count("XX.S") >= len(COMMON) - 1
