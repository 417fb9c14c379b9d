"""Commands in fresh processes, one after the other, measured as one."""

from __future__ import annotations

import shlex
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.inputs import SCRATCH
from bench.measure import measure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.measure import Usage

OUTPUT = SCRATCH / "made"
"""Where commands write; emptied before they run."""
RAW, STAGED, PROCESSED = "raw_recording", OUTPUT / "staged.h5", OUTPUT / "processed.h5"
WORKERS = ("--workers", "2")


@dataclass(frozen=True)
class Commands:
    """What is run; each is the arguments of this interpreter.

    Attributes
    ----------
    name : str
        Names the log.
    lines : sequence of sequence of str
        Arguments.
    """

    name: str
    lines: Sequence[Sequence[str]]

    def __call__(self) -> Usage:
        """Run them, and return what they took together."""
        shutil.rmtree(OUTPUT, ignore_errors=True)
        OUTPUT.mkdir(parents=True)
        joined = " && ".join(shlex.join([sys.executable, *one]) for one in self.lines)
        try:
            return measure(["/bin/sh", "-c", joined], SCRATCH / f"{self.name}.log")
        finally:
            shutil.rmtree(OUTPUT, ignore_errors=True)


def peer(*arguments: str) -> list[str]:
    """Return a call of `bench.peers`."""
    return ["-m", "bench.peers", *arguments]


def ours(verb: str, *arguments: str) -> list[str]:
    """Return a call of the command."""
    return ["-m", "asdf_pipeline", verb, *arguments]


def stage(folder: Path) -> list[str]:
    """Return the command that stages a folder."""
    named = "--waveforms", f"{folder}/*.mseed", "--stations", f"{folder}/*.xml"
    return ours("stage", *named, "--tag", RAW, "--output", str(STAGED), *WORKERS)


def process(function: str, *more: str) -> list[str]:
    """Return the command that processes what was staged."""
    files = str(STAGED), str(PROCESSED)
    named = "--function", function, "--tag", f"{RAW}=processed"
    return ours("process", *files, *named, *WORKERS, *more)
