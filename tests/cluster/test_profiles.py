"""The shipped profiles: the same results as without MPI, and nothing lost."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import obspy
import pytest
import yaml

from tests.conftest import mpi_environment
from tests.pipeline.checkout import Checkout

if TYPE_CHECKING:
    from collections.abc import Callable

# Two Slurm nodes on one machine share its memory; ranks must not think that they do.
ON_SLURM = {**mpi_environment(), "OMPI_MCA_btl": "tcp,self"}
STATIONS = 14
SLEEPS = """\
import time
from pathlib import Path

def process(st, inv):
    end = time.monotonic() + 15
    while time.monotonic() < end and not Path("awake").exists():
        time.sleep(0.1)
    return st
"""


def digests(checkout: Checkout) -> list[str]:
    """Return the content digests of the processed files."""
    files = sorted(checkout.path.glob("results/*/processed.h5"))
    assert files
    done = subprocess.run(
        [checkout.python, "-P", "-m", "asdf_pipeline", "digest", *files],
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split()[0] for line in done.stdout.splitlines()]


def jobs(checkout: Checkout) -> list[str]:
    """Return what Slurm knows of the jobs of a checkout, a line each."""
    done = subprocess.run(
        ["scontrol", "show", "job", "--oneliner"],
        capture_output=True,
        text=True,
        check=True,
    )
    where = f"WorkDir={checkout.path} "
    return [line for line in done.stdout.splitlines() if where in line]


def slow(checkout: Checkout, profile: str, minutes: str) -> None:
    """Set up a job of 105 s on two ranks, with a time limit.

    Slurm looks at time limits twice a minute.
    """
    for number in range(STATIONS):
        header = {"network": "XX", "station": f"S{number:02d}", "channel": "BHZ"}
        trace = obspy.Trace(np.arange(100, dtype=np.int32), header)
        trace.write(str(checkout.path / f"{number}.mseed"), format="MSEED")
    checkout.use({"dataset": "slow", "waveforms": "*.mseed"})
    (checkout.path / "slow.py").write_text(SLEEPS)
    checkout.configure(function="slow.py:process", parameters={})
    path = checkout.path / "profiles" / profile / "config.v8+.yaml"
    settings = yaml.safe_load(path.read_text())
    settings["set-resources"]["process"].update(tasks=2, runtime=minutes)
    path.write_text(yaml.safe_dump(settings))


def wake(checkout: Checkout) -> None:
    """Let the function sleep no more."""
    (checkout.path / "awake").touch()


def done_before(log: str) -> int:
    """Return how many units the last attempt found done (it has the log)."""
    (number,) = re.findall(r"units, (\d+) of them done before", log)
    return int(number)


@pytest.mark.requires("mpi")
def test_local_mpi(alone: Checkout, checkout: Checkout) -> None:
    run = checkout.snakemake(
        *("--cores", "2", "--profile", "profiles/local-mpi"), **mpi_environment()
    )
    assert run.code == 0, run.text
    assert "mpi with 2 workers" in checkout.read("logs/process/global.log")
    assert digests(checkout) == digests(alone)
    assert checkout.rows() == alone.rows()


@pytest.mark.parametrize("flag", ["--profile", "--workflow-profile"])
@pytest.mark.parametrize("profile", ["slurm", "cluster-generic"])
def test_what_a_profile_sets_is_what_counts(
    checkout: Checkout, flag: str, profile: str
) -> None:
    run = checkout.snakemake("--dry-run", flag, f"profiles/{profile}")
    assert run.code == 0, run.text
    asked = [line for line in run.text.splitlines() if "mpi=srun --mpi=pmix" in line]
    assert len(asked) == 2  # process, for each data set
    assert all("tasks=4" in line for line in asked)
    assert "threads: " not in run.text  # one thread is not mentioned


def test_a_profile_works_in_any_directory(
    checkout: Checkout, asked: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    elsewhere = Checkout(tmp_path / "elsewhere", checkout.python)
    (checkout.path / "config").rename(elsewhere.path / "config")
    run = elsewhere.snakemake(
        *("--snakefile", str(checkout.path / "Snakefile")),
        *("--profile", str(checkout.path / "profiles" / "cluster-generic")),
        "results/global/staged.h5",
        **asked,
    )
    assert run.code == 0, run.text
    assert (elsewhere.path / "results/global/staged.h5").is_file()


def test_memory_is_asked_for_and_doubles(
    checkout: Checkout, asked: dict[str, str]
) -> None:
    big = checkout.path / "big.mseed"
    big.touch()
    os.truncate(big, 60 * 10**9)
    checkout.use({"dataset": "big", "waveforms": big.name})
    profile = ("--profile", "profiles/cluster-generic")
    run = checkout.snakemake(
        *profile, "results/big/staged.h5", **asked | {"REFUSED": "yes"}
    )
    assert run.code == 1
    first, second = Path(asked["ASKED"]).read_text().splitlines()
    assert "--cpus-per-task=8 --mem-per-cpu=5000 " in first
    assert "--cpus-per-task=8 --mem-per-cpu=10000 " in second


def test_jobs_of_a_group_take_turns_on_one_core(
    checkout: Checkout, asked: dict[str, str]
) -> None:
    (checkout.path / "data").mkdir()
    for number in range(6):
        (checkout.path / f"data/{number}.mseed").write_bytes(b"\0" * 512)
    checkout.use(
        *({"dataset": f"d{n}", "waveforms": f"data/{n}.mseed"} for n in range(6))
    )
    run = checkout.snakemake(
        *("--profile", "profiles/cluster-generic", "--retries", "0", "--cores", "1"),
        *("--groups", "stage=first", "--group-components", "first=50"),
        **asked | {"REFUSED": "yes"},
    )
    assert run.code == 1
    (submission,) = Path(asked["ASKED"]).read_text().splitlines()
    assert "--ntasks=1 --cpus-per-task=1 --mem-per-cpu=1000 --time=360 " in submission


@pytest.mark.requires("slurm", "parallel-hdf5")
@pytest.mark.parametrize(
    ("flag", "profile"),
    [("--profile", "slurm"), ("--workflow-profile", "cluster-generic")],
)
def test_two_nodes(
    alone: Checkout, checkout: Checkout, flag: str, profile: str
) -> None:
    run = checkout.snakemake(flag, f"profiles/{profile}", **ON_SLURM)
    assert run.code == 0, run.text
    assert digests(checkout) == digests(alone)
    assert checkout.read("results/stations.csv") == alone.read("results/stations.csv")
    assert "parallel HDF5" in checkout.read("logs/process/global.log")
    spanning = [line for line in jobs(checkout) if "NumNodes=2" in line]
    assert len(spanning) == 2  # process, for each data set


@pytest.mark.requires("slurm", "parallel-hdf5")
def test_a_job_that_meets_its_time_limit_resumes(checkout: Checkout) -> None:
    slow(checkout, "slurm", minutes="attempt")
    with checkout.start("--profile", "profiles/slurm", **ON_SLURM) as process:
        try:
            wait_until(lambda: any("JobState=TIMEOUT" in job for job in jobs(checkout)))
            wake(checkout)
            text, _ = process.communicate(timeout=240)
        finally:
            process.kill()
    assert process.returncode == 0, text
    assert sum("JobState=TIMEOUT" in job for job in jobs(checkout)) == 1
    assert done_before(checkout.read("logs/process/slow.log")) > 0
    assert [row["status"] for row in checkout.rows()] == ["ok"] * STATIONS


@pytest.mark.requires("slurm", "parallel-hdf5")
def test_scancel_leaves_nothing_under_the_final_name(checkout: Checkout) -> None:
    slow(checkout, "cluster-generic", minutes="10")
    log = checkout.path / "logs" / "process" / "slow.log"
    profile = ("--profile", "profiles/cluster-generic")
    with checkout.start(*profile, "--retries", "0", **ON_SLURM) as process:
        try:
            wait_until(lambda: says(log, r"\b[4-9] of 14 computed"))
            (job,) = (
                re.match(r"JobId=(\d+) JobName=process ", line)
                for line in jobs(checkout)
                if "JobState=RUNNING" in line
            )
            assert job is not None
            subprocess.run(["scancel", job[1]], check=True)
            wake(checkout)
            text, _ = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 1, text
    assert not (checkout.path / "results/slow/processed.h5").exists()

    run = checkout.snakemake(*profile, **ON_SLURM)
    assert run.code == 0, run.text
    assert done_before(log.read_text()) > 0
    assert [row["status"] for row in checkout.rows()] == ["ok"] * STATIONS


def says(log: Path, pattern: str) -> bool:
    """Tell whether a log has something by now."""
    return log.is_file() and re.search(pattern, log.read_text()) is not None


def wait_until(what: Callable[[], bool], seconds: float = 420) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.5)
