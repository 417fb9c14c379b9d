"""A Dask cluster whose workers are jobs of a real Slurm, by dask-jobqueue."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from dask_jobqueue import SLURMCluster

import asdf_pipeline
from asdf_pipeline.container.digest import file_digest
from tests.reliability.data import make_example

FUNCTIONS = Path(__file__).parents[1] / "reliability" / "functions.py"
STATIONS = 20


@pytest.mark.requires("slurm")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # dask-jobqueue 0.9: its scripts
def test_jobs_come_and_one_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = make_example(tmp_path, STATIONS)
    calls = tmp_path / "calls"
    calls.touch()
    arguments = {
        "process_function": f"{FUNCTIONS}:counted",
        "tag_map": {"raw_recording": "done"},
        "parameters": {"calls": str(calls), "s": 0.5},
        "progress": "none",
    }
    monkeypatch.chdir(tmp_path)
    cluster = SLURMCluster(
        cores=1,
        processes=1,
        memory="1GB",
        walltime="00:10:00",
        python=sys.executable,
        local_directory=str(tmp_path),
        log_directory=str(tmp_path / "logs"),
        scheduler_options={"dashboard_address": None},
    )
    with cluster, asdf_pipeline.ASDFDataSet(example, mode="r") as ds:
        cluster.adapt(minimum=0, maximum=2, interval="500ms")
        killer = threading.Thread(target=kill_a_job, args=(cluster, calls))
        killer.start()
        report = ds.process(output_filename="out.h5", scheduler=cluster, **arguments)
        killer.join()
        ds.process(output_filename="serial.h5", backend="serial", **arguments)
    assert report.counts == {"ok": STATIONS}
    assert file_digest(tmp_path / "out.h5") == file_digest(tmp_path / "serial.h5")


def kill_a_job(cluster: SLURMCluster, calls: Path) -> None:
    """Kill one job of the cluster, as a node that fails does, once it is at work."""
    deadline = time.monotonic() + 120
    while calls.stat().st_size == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    jobs = [worker.job_id for worker in cluster.workers.values() if worker.job_id]
    subprocess.run(["scancel", "--signal=KILL", "--full", jobs[0]], check=True)
