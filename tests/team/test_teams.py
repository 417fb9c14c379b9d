"""Each team of one machine, held to the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asdf_pipeline.container.reader import Reader
from tests.team.conftest import STATIONS
from tests.team.contract import SurvivingTeamContract, TeamContract


class Forking:
    """What holds where no MPI is at work."""

    def test_a_function_may_have_processes_of_its_own(
        self, process: Any, out: Path
    ) -> None:
        done = process("pooled")
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        with Reader(out) as reader:
            assert reader.stations() == list(STATIONS)


class TestSerial(Forking, TeamContract):
    """One process does everything."""

    options = ("--backend", "serial")


class TestOneProcess(Forking, SurvivingTeamContract):
    """One forked worker."""

    options = ("--backend", "multiprocessing", "--workers", "1")


class TestTwoProcesses(Forking, SurvivingTeamContract):
    """Two forked workers that take turns."""

    options = ("--backend", "multiprocessing", "--workers", "2")


class TestFiveProcesses(Forking, SurvivingTeamContract):
    """More workers than cores."""

    options = ("--backend", "multiprocessing", "--workers", "5")


class TestDask(Forking, SurvivingTeamContract):
    """A Dask cluster of this machine."""

    options = ("--backend", "dask", "--workers", "1")
