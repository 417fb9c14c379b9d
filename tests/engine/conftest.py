"""Every way to run the command, and a small data set."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import launcher, mpi_environment, parallel_python
from tests.team.conftest import example

__all__ = ["example"]

FUNCTIONS = Path(__file__).with_name("functions.py")


@dataclass(frozen=True)
class Way:
    """A way to run: its options, and the number of MPI ranks if it has any."""

    name: str
    options: tuple[str, ...]
    ranks: int = 0

    def command(self, verb: str, function: str, *words: object) -> list[str]:
        """Return the whole command line of a verb that runs a function of ours."""
        python = parallel_python() if self.ranks else sys.executable
        start = [python, "-m", "asdf_pipeline"]
        if self.ranks:
            program = launcher(python)
            assert program is not None
            start = [program, "-n", str(self.ranks), python, "-m", "mpi4py", *start[1:]]
        given = [verb, *words, "--function", f"{FUNCTIONS}:{function}"]
        return [*map(str, [*start, *given, *self.options]), "--progress", "none"]

    def start(
        self, verb: str, function: str, *words: object
    ) -> subprocess.CompletedProcess[str]:
        """Run it, in a session of its own."""
        return subprocess.run(
            self.command(verb, function, *words),
            env=mpi_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
            start_new_session=True,
        )


SERIAL = Way("serial", ("--backend", "serial"))
PROCESSES = Way("multiprocessing", ("--backend", "multiprocessing", "--workers", "2"))
SEGMENTS = Way("mpi, segments", ("--backend", "mpi", "--io", "segments"), 3)
PARALLEL = Way("mpi, parallel", ("--backend", "mpi", "--io", "parallel"), 3)


@pytest.fixture(
    params=[
        SERIAL,
        PROCESSES,
        pytest.param(SEGMENTS, marks=pytest.mark.requires("mpi")),
        pytest.param(PARALLEL, marks=pytest.mark.requires("parallel-hdf5")),
    ],
    ids=lambda way: way.name,
)
def way(request: pytest.FixtureRequest) -> Way:
    """Return each way in turn."""
    found: Way = request.param
    return found
