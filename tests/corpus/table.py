"""All items, and the table of their results."""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING

import h5py

from tests.corpus import asdf_items, other_items
from tests.corpus.items import TAG, Item, make_base

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.corpus.trials import Result

COLUMNS = ("item", "verb", "code", "said", "unclear")


def make_items(folder: Path) -> list[Item]:
    """Make the corpus in a folder and return its items."""
    from asdf_pipeline.engine import ProcessTask, run

    base = make_base(folder / "base.h5")
    ours = folder / "ours.h5"
    tags = {TAG: TAG}
    run(
        ProcessTask(
            base,
            ours,
            "asdf_pipeline.steps:identity",
            tags,
            backend="serial",
            progress="none",
        )
    )
    if "StationXML: empty" not in asdf_items.edit.edits:
        with h5py.File(base, "r") as file:
            asdf_items.add_documents(file)
    return [
        *asdf_items.edit.items(base, folder),
        *other_items.damaged({"pyasdf's": base, "ours": ours}, folder),
        *other_items.named(base, folder),
        *other_items.to_stage(base, folder),
    ]


def write_table(results: Sequence[Result], path: Path) -> None:
    """Write the results as a table, one line each."""
    with path.open(
        "w", encoding="utf-8", errors="backslashreplace", newline=""
    ) as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(COLUMNS)
        for result in results:
            table.writerow([getattr(result, name) for name in COLUMNS])


def summary(results: Sequence[Result]) -> str:
    """Return one line: items, trials, exit codes, unclear ones."""
    items = len({result.item for result in results})
    codes = Counter(result.code for result in results)
    parts = ", ".join(f"{count} x exit {code}" for code, count in sorted(codes.items()))
    unclear = sum(bool(result.unclear) for result in results)
    return f"{items} items, {len(results)} trials ({parts}): {unclear} unclear"
