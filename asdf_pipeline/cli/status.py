"""``asdf-pipeline status``: how far the work in a work directory is."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.errors import InputMissingError, WorkDirectoryError
from asdf_pipeline.outcome import STATUSES

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Say how far the work in a work directory is, also while a run is at it: stations
done (on disk, never done again), failed, left, and who is at work."""

_EXAMPLES = "  asdf-pipeline status processed.h5.work"


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers, "status", "say how far a run is", _DESCRIPTION, _EXAMPLES
    )
    parser.add_argument("work_dir", type=Path, metavar="WORKDIR")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print the state of the work."""
    from asdf_pipeline.journal.lock import is_held, owner_of
    from asdf_pipeline.journal.workdir import KEY, read_journal
    from asdf_pipeline.outcome import Outcome

    directory: Path = args.work_dir
    try:
        key = json.loads((directory / KEY).read_text(encoding="utf-8"))
        total, tag_map = int(key["the number of units"]), key["the tag map"]
    except FileNotFoundError:
        msg = (
            f"{directory}: no work directory: nothing was begun here, or the output "
            "is finished and the directory was removed"
        )
        raise InputMissingError(msg) from None
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{directory / KEY}: cannot be read: {error}"
        raise WorkDirectoryError(msg) from None
    lines: dict[str, bytes] = {}
    for entry in read_journal(directory):
        lines |= entry.outcomes
    counts = Counter(Outcome.from_json(line).status for line in lines.values())
    print(f"{len(lines)} of {total} done")
    for status in STATUSES:
        print(f"{status:<8}{counts[status]:>8}")
    print(f"{'left':<8}{total - len(lines):>8}")
    print(f"tags    {tag_map}")
    owner = owner_of(directory)
    if is_held(directory):
        where = f"host {owner.get('host')}, process {owner.get('pid')}"
        print(f"running since {owner.get('started')}: {where}")
    else:
        print("not running: the same 'process' command goes on from here")
