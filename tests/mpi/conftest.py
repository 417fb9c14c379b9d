"""Ways to start ranks, and scripts for them to run."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import launcher, mpi_environment, parallel_python
from tests.team.conftest import example, run

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["example", "run"]

FUNCTIONS = Path(__file__).parent.parent / "team" / "functions.py"


@dataclass(frozen=True)
class Way:
    """Which Python's ranks, and how they write."""

    name: str
    python: str
    io: str

    def start(
        self,
        ranks: int,
        *words: object,
        cwd: Path,
        timeout: float = 120,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a Python's arguments on so many ranks."""
        return subprocess.run(
            self.command(ranks, *words),
            cwd=cwd,
            env=mpi_environment() | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def command(self, ranks: int, *words: object) -> list[str]:
        """Return the whole command line."""
        program = launcher(self.python)
        assert program is not None
        return [program, "-n", str(ranks), self.python, *map(str, words)]


# Auto is parallel where h5py can. `sys.executable` has PyPI's h5py, without MPI,
# and may have an MPI of its own.
PARALLEL = Way("parallel", parallel_python(), "auto")
SEGMENTS = Way("segments", parallel_python(), "segments")
PLAIN = Way("segments, plain h5py", sys.executable, "auto")


@pytest.fixture(
    params=[
        pytest.param(PARALLEL, marks=pytest.mark.requires("parallel-hdf5")),
        pytest.param(SEGMENTS, marks=pytest.mark.requires("mpi")),
        pytest.param(PLAIN, marks=pytest.mark.requires("mpi")),
    ],
    ids=lambda way: way.name,
)
def way(request: pytest.FixtureRequest) -> Way:
    """Return each way in turn."""
    found: Way = request.param
    return found


@pytest.fixture
def script(tmp_path: Path, example: Path) -> Callable[[str], Path]:
    """Return a function that writes a script; ``INPUT`` in it is the example."""

    def write(text: str) -> Path:
        path = tmp_path / "script.py"
        path.write_text(text.replace("INPUT", repr(str(example))), encoding="utf-8")
        return path

    return write
