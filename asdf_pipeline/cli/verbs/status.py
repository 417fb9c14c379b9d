"""``asdf-pipeline status``: how far the work in a work directory is."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.errors import InputMissingError, WorkDirectoryError
from asdf_pipeline.plan.outcome import STATUSES

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Say how far the work in a work directory is, also while a run is at it: units (a
station and tag each, or a window of one) that are done, failed, left, who is at work,
how fast, and when it should end. Done means on disk, never to be done again; what
failed is tried again by the next run."""

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
    from asdf_pipeline.plan.outcome import Outcome

    directory: Path = args.work_dir
    total = _planned(directory)
    owner = owner_of(directory)
    started = _started(owner)
    lines, done = _journaled(directory, started)
    left = total - len(lines)
    counts = Counter(Outcome.from_json(line).status for line in lines.values())
    print(f"{len(lines) - counts['failed']} of {total} done")
    for status in STATUSES:
        print(f"{status:<8}{counts[status]:>8}")
    print(f"{'left':<8}{left:>8}")
    if not is_held(directory):
        what = "goes on from here"
        if not left and counts["failed"]:
            what = "tries again what failed"
        print(f"not running: the same command {what}")
        return
    where = f"host {owner.get('host')}, process {owner.get('pid')}"
    job = f", job {owner['job']}" if owner.get("job") else ""
    print(f"running since {owner.get('started')}: {where}{job}")
    if started is not None and done:
        now = datetime.now(UTC)
        seconds = (now - started).total_seconds()
        end = now + timedelta(seconds=left * seconds / done)
        print(f"{60 * done / seconds:.1f} a minute; expected end {end:%Y-%m-%dT%H:%MZ}")


def _planned(directory: Path) -> int:
    """Return how many units there are."""
    from asdf_pipeline.journal.workdir import KEY

    try:
        key = json.loads((directory / KEY).read_text(encoding="utf-8"))
        return int(key["the number of units"])
    except (FileNotFoundError, NotADirectoryError):
        msg = (
            f"{directory}: no work directory: nothing was begun here, or the output "
            "is finished and the directory was removed"
        )
        raise InputMissingError(msg) from None
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{directory / KEY}: cannot be read: {error}"
        raise WorkDirectoryError(msg) from None


def _started(owner: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(owner["started"])
    except (KeyError, TypeError, ValueError):
        return None


def _journaled(
    directory: Path, started: datetime | None
) -> tuple[dict[str, bytes], int]:
    """Return the outcomes by unit, and how many are of the run that started then."""
    from asdf_pipeline.journal.workdir import read_journal

    lines: dict[str, bytes] = {}
    done, is_of_run = 0, False
    for entry in read_journal(directory):
        if not is_of_run and started is not None and entry.sealed is not None:
            try:
                sealed = (directory / entry.sealed.name).stat().st_mtime
            except FileNotFoundError:  # published while we look
                sealed = 0.0
            is_of_run = sealed >= started.timestamp()
        lines |= entry.outcomes
        done += len(entry.outcomes) if is_of_run else 0
    return lines, done
