"""One run of either package, as plain data, and runs in alternating order."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import statistics
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.inputs import SCRATCH, Input
from bench.measure import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bench.measure import Usage

PEER, OURS = "pyasdf", "asdf_pipeline"
_warm: set[tuple[str, str, str]] = set()


@dataclass(frozen=True)
class Run:
    """One run of one package.

    Attributes
    ----------
    package : {"pyasdf", "asdf_pipeline"}
        Which.
    input : Input
        The file to process.
    function : str
        Name of a function in `bench.functions`, or ``"module:name"``.
    options : mapping
        Further arguments of ``process``.
    python : str
        The interpreter.
    launcher : tuple of str
        Put before it: ``("mpiexec", "-n", "3")``.
    environment : mapping of str to str
        Added to this process's.
    time_limit : float
        Seconds.
    watch : bool
        Measure memory.
    """

    package: str
    input: Input
    function: str
    options: Mapping[str, Any] = field(default_factory=lambda: {"cpu_count": 2})
    python: str = sys.executable
    launcher: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    time_limit: float = 600.0
    watch: bool = False

    def __call__(self) -> Usage:
        """Do it, in a fresh process; its output is measured and deleted.

        Before the first one of its kind, two stations are done without measuring:
        Python compiles modules, and files come from the disk.
        """
        kind = (self.package, self.function, self.python)
        if kind not in _warm:
            _warm.add(kind)
            dataclasses.replace(self, input=Input(2, 168_001))()
        source = self.input.path
        output = SCRATCH / f"output-{os.getpid()}.h5"
        work = output.with_name(f"{output.name}.work")
        output.unlink(missing_ok=True)
        shutil.rmtree(work, ignore_errors=True)
        command = [*self.launcher, self.python, "-m", "bench.script"]
        arguments = [self.package, str(source), str(output), self.function]
        usage = measure(
            [*command, *arguments, json.dumps(dict(self.options))],
            SCRATCH / f"{self.package}.log",
            self.environment,
            self.time_limit,
            self.watch,
        )
        usage = dataclasses.replace(usage, size=output.stat().st_size)
        output.unlink()
        return usage


def alternate(
    runs: Sequence[Callable[[], Usage]], repeat: int
) -> list[tuple[Usage, ...]]:
    """Do all runs in turn, several times; every second time the other way round.

    Returns
    -------
    list of tuple of Usage
        One tuple a repetition, in the order of the runs.
    """
    measured = []
    for number in range(repeat):
        order = range(len(runs)) if number % 2 == 0 else reversed(range(len(runs)))
        usages = {index: runs[index]() for index in order}
        measured.append(tuple(usages[index] for index in range(len(runs))))
    return measured


def both(run: Run) -> list[Run]:
    """Return the same run of pyasdf and of this package."""
    return [dataclasses.replace(run, package=package) for package in (PEER, OURS)]


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return float(statistics.median(values))
