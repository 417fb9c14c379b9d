"""MPI ranks, held to the contract of all teams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.mpi.conftest import FUNCTIONS, PARALLEL, PLAIN, SEGMENTS, Way
from tests.team.contract import TeamContract

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess


class RanksContract(TeamContract):
    """Starts the command by ``mpiexec``."""

    way: Way
    ranks = 3
    survives = False  # a dead rank ends the job; a rerun resumes

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
class TestMoreRanksThanUnits(RanksContract):
    """Most ranks have nothing to do; h5py without MPI."""

    way = PLAIN
    ranks = 14
    options = ("--backend", "mpi")
