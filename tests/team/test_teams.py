"""Each team of one machine, held to the contract."""

from __future__ import annotations

from tests.team.contract import SurvivingTeamContract, TeamContract


class TestSerial(TeamContract):
    """One process does everything."""

    options = ("--backend", "serial")


class TestOneProcess(SurvivingTeamContract):
    """One forked worker."""

    options = ("--backend", "multiprocessing", "--workers", "1")


class TestTwoProcesses(SurvivingTeamContract):
    """Two forked workers that take turns."""

    options = ("--backend", "multiprocessing", "--workers", "2")


class TestFiveProcesses(SurvivingTeamContract):
    """More workers than cores."""

    options = ("--backend", "multiprocessing", "--workers", "5")
