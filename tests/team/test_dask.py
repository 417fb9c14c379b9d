"""Dask clusters that are there already: what workers must be, and what is seen."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask
import obspy
import pytest
from distributed import Client

import asdf_pipeline
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import BackendError
from asdf_pipeline.plan.outcome import read_outcomes
from tests.dask_cluster import Cluster, tree
from tests.team.conftest import STATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FUNCTIONS = Path(__file__).parent / "functions.py"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a cluster of two workers."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def process(
    run: Callable[..., Any], example: Path, tmp_path: Path
) -> Callable[..., Any]:
    """Return a function that processes the example on a cluster."""

    def start(cluster: Cluster, function: str = "identity", *more: object) -> Any:
        return run(
            *("process", example, tmp_path / "out.h5", "--scheduler", cluster.file),
            *("--function", f"{FUNCTIONS}:{function}", "--tag", "raw_recording=done"),
            *("--outcomes", tmp_path / "outcomes.jsonl", *more),
        )

    return start


def wait_for_workers(cluster: Cluster, number: int) -> None:
    with Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(number, timeout=60)


def test_tasks_are_called_after_stations(
    cluster: Cluster, process: Any, tmp_path: Path
) -> None:
    wait_for_workers(cluster, 2)
    done = process(cluster)
    assert done.returncode == 0, done.stderr
    assert "dask with 2 workers" in done.stderr
    with Client(cluster.address, set_as_default=False) as client:
        names = client.run_on_scheduler(
            lambda dask_scheduler: sorted(dask_scheduler.task_prefixes)
        )
    shown = {name for prefix in names for name in prefix.split()}
    assert set(STATIONS) <= shown, "the dashboard shows stations"
    workers = {one.worker for one in read_outcomes(tmp_path / "outcomes.jsonl")}
    assert all(worker.startswith("Dask worker") for worker in workers)


def test_a_member_does_not_outlive_its_run(cluster: Cluster, process: Any) -> None:
    assert process(cluster).returncode == 0
    deadline = time.monotonic() + 30
    while any(
        "asdf_pipeline.team.spawned" in one.cmdline()
        for worker in cluster.workers
        for one in tree(worker.pid)
    ):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--nthreads", "2"), "has 2 threads: start workers with one each"),
        (("--nthreads", "1", "OTHER"), "asdf_pipeline 0.0.1, and this is"),
        (("--nthreads", "1", "NONE"), "cannot load this package"),
    ],
)
def test_an_unfit_worker_is_named_before_any_work(
    process: Any, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    options, preload = options[:2], options[2:]
    if preload:
        # Another version, or none, as a worker would have it in another environment.
        code = {
            "OTHER": "import asdf_pipeline._version as v; v.__version__ = '0.0.1'",
            "NONE": "import sys; sys.modules['asdf_pipeline'] = None",
        }[preload[0]]
        (tmp_path / "unfit.py").write_text(f"{code}\n")
        options += ("--preload", str(tmp_path / "unfit.py"))
    with Cluster(tmp_path, 1, *options) as cluster:
        wait_for_workers(cluster, 1)
        done = process(cluster)
    assert done.returncode == 2, done.stderr
    (line,) = [one for one in done.stderr.splitlines() if "error: " in one]
    assert "the Dask worker" in line
    assert said in line
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.requires("mount")
def test_a_worker_that_does_not_see_the_output_is_named(
    cluster: Cluster, run: Any, example: Path, tmp_path: Path
) -> None:
    wait_for_workers(cluster, 2)
    # On a file system that this process alone has.
    alone = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"')
    done = run(
        *("process", example, tmp_path / "out.h5", "--scheduler", cluster.file),
        *("--function", f"{FUNCTIONS}:identity", "--tag", "raw_recording=done"),
        before=(*alone, str(tmp_path)),
    )
    assert done.returncode == 2, done.stderr
    (line,) = [one for one in done.stderr.splitlines() if "error: " in one]
    assert f"does not see {tmp_path}/out.h5.work" in line
    assert "(and 1 other worker alike)" in line


def test_a_file_edited_while_a_run_goes_on_ends_it(
    cluster: Cluster, process: Any, tmp_path: Path
) -> None:
    """A member that is started later would call another function."""
    wait_for_workers(cluster, 2)
    (tmp_path / "mine.py").write_text(
        "import os\n"
        "from pathlib import Path\n\n"
        "def process(st, inv):\n"
        "    with Path(__file__).open('a') as file:\n"
        "        file.write('# edited\\n')\n"
        "    os._exit(1)\n"
    )
    done = process(cluster, "identity", "--function", tmp_path / "mine.py:process")
    assert done.returncode in (1, 2)  # after some work, or before any
    assert "mine.py: is not what it was when the run began" in done.stderr


def test_a_unit_on_which_two_workers_are_lost_is_failed(
    cluster: Cluster, process: Any, tmp_path: Path
) -> None:
    """Not the member is killed here, but Dask's worker beside it."""
    (tmp_path / "mine.py").write_text(
        "import os, signal, time\n\n"
        "def process(st, inv):\n"
        "    if st[0].stats.station == 'S04':\n"
        "        os.kill(os.getppid(), signal.SIGKILL)\n"
        "        time.sleep(60)\n"
        "    return st\n"
    )
    more = ("--function", tmp_path / "mine.py:process", "--max-failures", "1")
    done = process(cluster, "identity", *more)
    assert done.returncode == 0, done.stderr
    outcomes = {o.station: o for o in read_outcomes(tmp_path / "outcomes.jsonl")}
    assert [s for s, o in outcomes.items() if o.status == "failed"] == ["XX.S04"]
    assert "the Dask worker was lost" in outcomes["XX.S04"].error_message
    assert len(outcomes) == len(STATIONS)


SCRIPT = """
import sys
import asdf_pipeline

factor = 2

with asdf_pipeline.ASDFDataSet(sys.argv[1], mode="r") as ds:
    def process(st, inv):
        for trace in st:
            trace.data = trace.data * factor
        return st

    for backend in ("serial", "dask"):
        ds.process(process, f"{backend}.h5", {"raw_recording": "done"},
                   backend=backend, cpu_count=1, progress="none")
"""


def test_a_script_without_a_guard_sends_its_closure(
    example: Path, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    subprocess.run(
        [sys.executable, "script.py", example], cwd=tmp_path, check=True, timeout=120
    )
    digests = {file_digest(tmp_path / f"{name}.h5") for name in ("serial", "dask")}
    assert len(digests) == 1


def test_a_client_that_is_there_is_used_and_left_open(
    cluster: Cluster, example: Path, tmp_path: Path
) -> None:
    with (
        Client(cluster.address) as client,
        asdf_pipeline.ASDFDataSet(example, mode="r") as ds,
    ):
        for number, given in enumerate((None, client)):
            ds.process(
                "asdf_pipeline.steps:detrend",
                tmp_path / f"{number}.h5",
                {"raw_recording": "done"},
                backend="dask",
                scheduler=given,
                progress="none",
            )
        assert client.status == "running"


def test_staging_and_comparing(
    cluster: Cluster, run: Any, example: Path, tmp_path: Path
) -> None:
    obspy.read().write(str(tmp_path / "a.mseed"), format="MSEED")
    scheduler = ("--scheduler", cluster.file)
    staged = tmp_path / "staged.h5"
    done = run(
        *("stage", "--waveforms", tmp_path / "a.mseed", "--tag", "raw_recording"),
        *("--output", staged, *scheduler),
    )
    assert done.returncode == 0, done.stderr
    with Reader(staged) as reader:
        assert len(reader.stream("BW.RJOB", "raw_recording")) == 3
    done = run(
        *("compare", example, example, "--function", "functions.py:compare_lengths"),
        *("--table", tmp_path / "table.csv", *scheduler),
    )
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "table.csv").read_text().splitlines()) == 1 + len(STATIONS)


def test_a_scheduler_goes_with_dask_alone(example: Path, tmp_path: Path) -> None:
    with (
        asdf_pipeline.ASDFDataSet(example, mode="r") as ds,
        pytest.raises(BackendError, match="goes with the backend 'dask'"),
    ):
        ds.process(
            "asdf_pipeline.steps:detrend",
            tmp_path / "out.h5",
            {"raw_recording": "done"},
            backend="serial",
            scheduler="tcp://127.0.0.1:1",
        )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nowhere.json", "no such file"),
        ("tcp://127.0.0.1:1", "no Dask scheduler answers at"),
    ],
)
def test_no_scheduler_answers(
    example: Path, tmp_path: Path, given: str, said: str
) -> None:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        asdf_pipeline.ASDFDataSet(example, mode="r") as ds,
        pytest.raises(BackendError, match=said),
    ):
        ds.process(
            "asdf_pipeline.steps:detrend",
            tmp_path / "out.h5",
            {"raw_recording": "done"},
            scheduler=given,
        )
