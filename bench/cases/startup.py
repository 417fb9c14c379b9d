"""How long the command takes to say what it can do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from asdf_pipeline.cli import VERBS
from bench.inputs import SCRATCH
from bench.measure import measure as run
from bench.rows import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "Start-up"
COMMANDS = {
    "asdf-pipeline --help": ("-m", "asdf_pipeline", "--help"),
    "import asdf_pipeline": ("-c", "import asdf_pipeline"),
    "python alone, for comparison": ("-c", ""),
    **{
        f"asdf-pipeline {verb} --help": ("-m", "asdf_pipeline", verb, "--help")
        for verb in VERBS
    },
}


def measure(effort: Effort) -> Iterator[Row]:
    """Yield a row for each command."""
    SCRATCH.mkdir(exist_ok=True)
    for what, arguments in COMMANDS.items():
        command = [sys.executable, *arguments]
        log = SCRATCH / "startup.log"
        run(command, log)  # files come from the disk once
        usages = [run(command, log) for _ in range(5)]
        goal = at_most(0.3) if "--help" in what else None
        yield Row.value(what, "s", [usage.wall for usage in usages], goal)
        yield Row.value(f"{what}: CPU", "s", [usage.cpu for usage in usages])
