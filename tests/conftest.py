"""What the tests share: what they need of the machine, and how that is told.

A test says what it needs with ``@pytest.mark.requires("mpi")``, also
``"parallel-hdf5"``, ``"slurm"``, ``"mount"``, ``"h5dump"``, ``"chromium"``,
``"axe"``, ``"sphinx"``, ``"s3"`` or ``"openssl"``. Where the machine does not offer
it, the test is skipped and listed by name at the end of the run.
What the environment variable ``ASDF_PIPELINE_REQUIRE`` names (separated by commas) must
be there: the test then fails instead. ``ASDF_PIPELINE_MPI_PYTHON`` names the Python
whose h5py was built with parallel HDF5; tests that start ``mpiexec`` get it from the
fixture `mpi_python`. ``ASDF_PIPELINE_AXE`` is the path of ``axe.min.js`` from the npm
package axe-core.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
NAMES = (
    *("mpi", "parallel-hdf5", "slurm", "mount", "h5dump", "chromium", "axe"),
    *("sphinx", "s3", "openssl"),
)
_S3 = ("s3fs", "aiohttp", "moto", "flask_cors", "snakemake_storage_plugin_s3")
PREFIX = "not on this machine: "
# No limit of time: others compute on this machine, too. And each time the same.
settings.register_profile(
    "here",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("here")


def required_names() -> frozenset[str]:
    """Return what the environment says must be on this machine."""
    wanted = os.environ.get("ASDF_PIPELINE_REQUIRE", "")
    names = {name.strip() for name in wanted.split(",")} - {""}
    if unknown := names - set(NAMES):
        msg = (
            f"ASDF_PIPELINE_REQUIRE: {', '.join(sorted(unknown))} is none of "
            f"{', '.join(NAMES)}"
        )
        raise pytest.UsageError(msg)
    return frozenset(names)


def launcher(python: str) -> str | None:
    """Return the ``mpiexec`` of a Python: its own, else the one on the PATH."""
    own = Path(python).parent / "mpiexec"
    return str(own) if own.is_file() else shutil.which("mpiexec")


def mpi_environment() -> dict[str, str]:
    """Return the environment for ``mpiexec``: as root, more ranks than cores."""
    return {
        **os.environ,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",  # Open MPI 4
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",  # Open MPI 5
        "OMPI_MCA_btl_base_warn_component_unused": "0",
    }


def parallel_python() -> str:
    """Return the Python that tests of MPI start."""
    return os.environ.get("ASDF_PIPELINE_MPI_PYTHON", sys.executable)


def _answer(command: Sequence[str], env: dict[str, str] | None = None) -> str:
    """Return what a command printed, nothing where it failed or hung."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
            env=env,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


@cache
def why_not(name: str) -> str | None:
    """Return why this machine does not offer something, None where it does."""
    python = parallel_python()
    if name == "mpi":
        start = launcher(python)
        if start is None:
            return "no mpiexec beside the Python or on the PATH"
        # One rank alone: what two print at once can come mixed.
        code = (
            "from mpi4py.MPI import COMM_WORLD as world; "
            "world.rank or print('size', world.size)"
        )
        command = [start, "-n", "2", python, "-c", code]
        if _answer(command, mpi_environment()).split() != ["size", "2"]:
            return f"{start} does not start two ranks of one communicator in {python}"
    elif name == "parallel-hdf5":
        code = "import h5py; print(h5py.get_config().mpi)"
        if _answer([python, "-c", code]).strip() != "True":
            return f"the h5py of {python} is built without MPI"
        return why_not("mpi")
    elif name == "mount":
        with tempfile.TemporaryDirectory() as place:
            script = f"mount -t tmpfs none {place} && umount {place} && echo mounted"
            if not _answer(["unshare", "--mount", "sh", "-c", script]):
                return "unshare and mount -t tmpfs are not allowed (they take root)"
    elif name == "slurm":
        states = _answer(["sinfo", "--noheader", "--Node", "--format=%t"]).split()
        if not {"idle", "mix", "alloc", "comp", "plnd"}.intersection(states):
            return "sinfo shows no node that takes jobs"
    elif name in ("h5dump", "chromium", "openssl"):
        if shutil.which(name) is None:
            return f"no {name} on the PATH"
    elif name == "axe":
        if not Path(os.environ.get("ASDF_PIPELINE_AXE", "?")).is_file():
            return "ASDF_PIPELINE_AXE names no file"
    elif name in ("sphinx", "s3"):
        needed, extra = {
            "sphinx": (("sphinx", "myst_parser", "furo"), "docs"),
            "s3": (_S3, "test"),
        }[name]
        if missing := [one for one in needed if find_spec(one) is None]:
            return f"not installed: {', '.join(missing)} (the extra {extra})"
    else:
        msg = f"requires({name!r}): not one of {', '.join(NAMES)}"
        raise pytest.UsageError(msg)
    return None


def pytest_configure() -> None:
    """Refuse a misspelt ``ASDF_PIPELINE_REQUIRE`` before any test."""
    required_names()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail, a test whose needs this machine does not meet."""
    for mark in item.iter_markers("requires"):
        for name in mark.args:
            reason = why_not(name)
            if reason is None:
                continue
            if name in required_names():
                pytest.fail(f"{name} is required, but {reason}", pytrace=False)
            pytest.skip(f"{PREFIX}{name}: {reason}")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> None:
    """List by name what could not run here."""
    lacking: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2] if report.longrepr else "")
        reason = reason.removeprefix("Skipped: ")
        if reason.startswith(PREFIX):
            lacking.setdefault(reason.removeprefix(PREFIX), []).append(report.nodeid)
    if lacking:
        terminalreporter.section("not run: this machine lacks what they need")
    for reason, tests in sorted(lacking.items()):
        terminalreporter.line(reason)
        for test in sorted(tests):
            terminalreporter.line(f"  {test}")


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Have signals do what they did before: a command that is done ignores stops.

    Children inherit that, and a pool, for one, ends its processes by SIGTERM.
    """
    handlers = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    yield
    for one, handler in handlers.items():
        signal.signal(one, handler)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the checkout's root."""
    return ROOT


@pytest.fixture(scope="session")
def mpi_python() -> str:
    """Return the Python that tests of MPI start: with parallel HDF5 where there is."""
    return parallel_python()


@pytest.fixture(scope="session")
def mpiexec(mpi_python: str) -> tuple[str, dict[str, str]]:
    """Return the launcher that goes with `mpi_python`, and its environment."""
    start = launcher(mpi_python)
    assert start is not None
    return start, mpi_environment()
