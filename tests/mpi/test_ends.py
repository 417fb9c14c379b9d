"""Runs that end early: a rank is killed, stopped, stuck, or cannot write."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.journal.workdir import read_journal
from asdf_pipeline.plan.outcome import read_outcomes
from tests.conftest import mpi_environment
from tests.mpi.conftest import SEGMENTS, Way
from tests.reliability.data import make_example
from tests.team.conftest import STATIONS

pytestmark = pytest.mark.requires("mpi")

FUNCTION = Path(__file__).parent / "functions.py"
LIMIT = 60  # seconds; a hang is longer


class Run:
    """A run of the command, with a trouble or without."""

    def __init__(self, way: Way, example: Path, folder: Path) -> None:
        self.way = way
        self.folder = folder
        self.out = folder / "out.h5"
        self.calls = folder / "calls"
        self.trouble = folder / "trouble"
        self.calls.touch()
        parameters = {"calls": str(self.calls), "trouble": str(self.trouble)}
        self.words = [
            *("-m", "asdf_pipeline", "process", example, self.out),
            *("--function", f"{FUNCTION}:troubled"),
            *("--parameters", json.dumps(parameters)),
            *("--tag", "raw_recording=processed", "--backend", "mpi"),
            *("--io", way.io, "--seal-every", "0.01", "--progress", "none"),
        ]

    def start(
        self, ranks: int, trouble: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run with a trouble, or without."""
        self.trouble.write_text(trouble, encoding="utf-8")
        return self.way.start(
            ranks, *self.words, cwd=self.folder, timeout=LIMIT, **environment
        )

    def computed(self) -> Counter[str]:
        """Return how often each station was computed."""
        return Counter(self.calls.read_text(encoding="utf-8").split())

    def sealed(self) -> set[str]:
        """Return the stations whose work counts already."""
        done: set[str] = set()
        for entry in read_journal(Path(f"{self.out}.work")):
            done |= {unit.partition("/")[0] for unit in entry.outcomes}
        return done

    def goes_on(self, ranks: int) -> None:
        """Start again; nothing sealed is computed again; the output is whole."""
        before, sealed = self.computed(), self.sealed()
        done = self.start(ranks)
        assert done.returncode == 0, done.stderr
        again = set(self.computed() - before)
        assert not again & sealed
        assert again | sealed == set(STATIONS)
        assert not Path(f"{self.out}.work").exists()


@pytest.fixture
def a_run(way: Way, example: Path, tmp_path: Path) -> Run:
    """Return a run each way."""
    return Run(way, example, tmp_path)


@pytest.fixture(scope="module")
def digest(example: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the digest of an undisturbed run on one rank."""
    whole = Run(SEGMENTS, example, tmp_path_factory.mktemp("whole"))
    assert whole.start(1).returncode == 0
    return file_digest(whole.out)


def test_a_killed_rank_ends_the_job_and_a_rerun_goes_on(
    a_run: Run, digest: str
) -> None:
    done = a_run.start(3, "kill")
    assert done.returncode != 0
    assert not a_run.out.exists()
    a_run.goes_on(2)
    assert file_digest(a_run.out) == digest


def test_the_other_way_of_writing_goes_on_with_the_same_work(
    example: Path, tmp_path: Path, digest: str
) -> None:
    run = Run(SEGMENTS, example, tmp_path)
    assert run.start(3, "kill").returncode != 0
    assert run.sealed()
    run.words[run.words.index("--io") + 1] = "auto"
    run.goes_on(3)
    assert file_digest(run.out) == digest


def test_a_stop_on_one_rank_stops_all_and_seals(a_run: Run, digest: str) -> None:
    done = a_run.start(3, "stop")
    assert done.returncode == 143
    assert done.stderr.count("stopped by SIGTERM") == 1
    assert not a_run.out.exists()
    assert a_run.sealed()
    a_run.goes_on(2)
    assert file_digest(a_run.out) == digest


def test_a_rank_that_does_not_stop_is_named(example: Path, tmp_path: Path) -> None:
    run = Run(SEGMENTS, example, tmp_path)
    done = run.start(2, "stuck")
    assert done.returncode == 143
    assert "did not stop within" in done.stderr
    assert "rank 1 on" in done.stderr
    run.goes_on(2)


def test_the_launcher_is_told_to_stop(a_run: Run) -> None:
    words = list(a_run.words)
    parameters = words.index("--parameters") + 1
    words[parameters] = words[parameters].replace("}", ', "seconds": 1}')
    process = subprocess.Popen(
        a_run.way.command(3, *words),
        env=mpi_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + LIMIT
    while not a_run.calls.stat().st_size and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    asked = time.monotonic()
    assert process.wait(LIMIT) != 0
    assert time.monotonic() - asked < 15
    assert not a_run.out.exists()


def test_a_rank_that_cannot_write_ends_the_run_by_one_error(
    a_run: Run, digest: str
) -> None:
    # Ranks over TCP: shared memory is a file, too, and would meet the limit first.
    # Open MPI 5 takes the loopback interface only where it is named.
    tcp = {"OMPI_MCA_btl": "tcp,self", "OMPI_MCA_btl_tcp_if_include": "lo"}
    done = a_run.start(3, "no room", **tcp)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if "cannot be written" in line]
    assert len(errors) == 1
    assert "Traceback" not in done.stderr
    assert not a_run.out.exists()
    a_run.goes_on(2)
    assert file_digest(a_run.out) == digest


@pytest.mark.requires("parallel-hdf5")
def test_parallel_where_h5py_cannot(example: Path, tmp_path: Path) -> None:
    from tests.mpi.conftest import PLAIN

    run = Run(PLAIN, example, tmp_path)
    run.words[run.words.index("--io") + 1] = "parallel"
    done = run.start(2)
    assert done.returncode == 2
    assert done.stderr.count("built without parallel HDF5") == 1


@pytest.mark.parametrize("killer", ["XX.S002", "XX.S011"])
def test_a_unit_that_kills_its_rank_is_failed_in_the_third_run(
    way: Way, tmp_path: Path, killer: str
) -> None:
    example = make_example(tmp_path, 20)
    out, table = tmp_path / "out.h5", tmp_path / "outcomes.jsonl"
    words = (
        *("-m", "asdf_pipeline", "process", example, out, "--outcomes", table),
        *("--function", f"{FUNCTION}:takes_its_rank_down"),
        *("--parameters", json.dumps({"station": killer})),
        *("--tag", "raw_recording=processed", "--backend", "mpi", "--io", way.io),
        *("--max-failures", "1", "--progress", "none"),
    )
    ends = [way.start(3, *words, cwd=tmp_path, timeout=LIMIT) for _ in range(3)]
    assert [end.returncode == 0 for end in ends] == [False, False, True]
    failed = [o for o in read_outcomes(table) if o.status != "ok"]
    assert [(o.station, o.error_type) for o in failed] == [(killer, "WorkerDiedError")]
