"""Three small stations by each verb of the pipeline: what is fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.commands import OUTPUT, PROCESSED, STAGED, Commands, ours, process, stage
from bench.folders import Folder
from bench.rows import Row, at_most
from bench.run import OURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "Three stations of 3 x 2,000 samples: stage, process, manifest, report"


def measure(effort: Effort) -> Iterator[Row]:
    """Yield the CPU of the commands one after the other, and of each alone."""
    outcomes = "--outcomes", str(OUTPUT / "outcomes.jsonl")
    files = str(STAGED), str(PROCESSED)
    lines = [
        stage(Folder(3, 2_000).path),
        process("bench.functions:remove_response", *outcomes),
        ours("manifest", *files, *outcomes, "--output", str(OUTPUT / "stations.csv")),
        ours("report", *files, *outcomes, "--output", str(OUTPUT / "report.html")),
    ]
    # With one command more each time: what one takes is the difference.
    runs = [Commands(OURS, lines[: count + 1]) for count in range(len(lines))]
    runs[-1]()  # files come from the disk once
    usages = [[run() for run in runs] for _ in range(effort.repeat)]
    goal = at_most(4)
    yield Row.value("all four, CPU", "s", [each[-1].cpu for each in usages], goal)
    yield Row.value("all four, wall", "s", [each[-1].wall for each in usages])
    for place, line in enumerate(lines):
        values = [
            each[place].cpu - (each[place - 1].cpu if place else 0.0) for each in usages
        ]
        yield Row.value(f"{line[2]}, CPU", "s", values)
