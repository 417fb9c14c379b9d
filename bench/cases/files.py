"""Response removal from miniSEED files: beside a bare script, and beside pyasdf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.commands import OUTPUT, PROCESSED, STAGED, Commands, peer, process, stage
from bench.folders import Folder
from bench.rows import Row, at_least
from bench.run import OURS, PEER, alternate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "Response removal from miniSEED files, staging included, 2 workers"
SAMPLES = 168_000
BARE = "a bare script (ObsPy, a Pool)"


def measure(effort: Effort) -> Iterator[Row]:
    """Yield a row for each peer and each way to remove the response."""
    stations = 12 if effort.quick else 40
    folder = Folder(stations, SAMPLES).path
    script = ["-m", "bench.script", PEER, str(STAGED), str(PROCESSED)]
    runs = [
        Commands("bare", [peer("bare", str(folder), str(OUTPUT / "files"))]),
        Commands(
            PEER,
            [
                peer("add", str(folder), str(STAGED)),
                [*script, "remove_response", '{"cpu_count": 2}'],
            ],
        ),
        *(
            Commands(OURS, [stage(folder), process(function)])
            for function in (
                "bench.functions:remove_response",
                "asdf_pipeline.steps:remove_response",
            )
        ),
    ]
    bare, pyasdf, unchanged, step = zip(*alternate(runs, effort.repeat), strict=True)
    what = f"{stations} stations, 3 x {SAMPLES:,} samples"
    for name, theirs, goal in ((BARE, bare, 4), (PEER, pyasdf, None)):
        yield Row.usages(
            f"{what}, by the step, beside {name}",
            theirs,
            step,
            None if goal is None else at_least(goal),
        )
        yield Row.usages(
            f"the same, the function unchanged, beside {name}", theirs, unchanged
        )
