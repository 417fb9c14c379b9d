"""MPI ranks, held to the contract of all teams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asdf_pipeline.container.digest import file_digest
from tests.mpi.conftest import FUNCTIONS, PARALLEL, PLAIN, SEGMENTS, Way
from tests.team.contract import TeamContract

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess


class RanksContract(TeamContract):
    """Starts the command by ``mpiexec``; a dead rank ends the job (test_ends.py)."""

    way: Way
    ranks = 3

    @pytest.fixture
    def run(
        self, run: Callable[..., CompletedProcess[str]]
    ) -> Callable[..., CompletedProcess[str]]:
        """Return a function that runs the command on all ranks."""

        def start(*arguments: object) -> CompletedProcess[str]:
            if "serial" in arguments:
                return run(*arguments)
            words = ("-P", "-m", "mpi4py", "-m", "asdf_pipeline", *arguments)
            return self.way.start(self.ranks, *words, cwd=FUNCTIONS.parent)

        return start


@pytest.mark.requires("parallel-hdf5")
class TestParallel(RanksContract):
    """All ranks write one segment by parallel HDF5."""

    way = PARALLEL
    options = ("--backend", "mpi", "--io", "parallel")


@pytest.mark.requires("mpi")
class TestSegments(RanksContract):
    """Each rank writes segments of its own."""

    way = SEGMENTS
    options = ("--backend", "mpi", "--io", "segments")


@pytest.mark.requires("mpi")
class TestPlain(RanksContract):
    """The same with an h5py that knows nothing of MPI, and two ranks."""

    way = PLAIN
    ranks = 2
    options = ("--backend", "mpi")


def test_more_ranks_than_units(
    way: Way, run: Callable[..., CompletedProcess[str]], example: Path, tmp_path: Path
) -> None:
    words = [
        *("--function", "functions.py:identity", "--tag", "other=kept"),
        *("--limit", "3"),
    ]
    out, serial = tmp_path / "out.h5", tmp_path / "serial.h5"
    command = ("-m", "asdf_pipeline", "process", example)
    done = way.start(5, *command, out, *words, cwd=FUNCTIONS.parent)
    assert done.returncode == 0, done.stderr
    run("process", example, serial, *words, "--backend", "serial")
    assert file_digest(out) == file_digest(serial)
