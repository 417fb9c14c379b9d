"""Trying again what failed: the published output becomes a sealed segment.

The one case in which the output may exist. It is checked against the outcomes of its
run, linked into a fresh work directory and journaled there; from then on this is a
run like any that resumes, and its result takes the old output's place.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.verify import verify
from asdf_pipeline.errors import (
    CallError,
    VerificationError,
)
from asdf_pipeline.files import (
    NO_LINKS,
    copy_file,
    identity,
    require_space,
    write_error,
)
from asdf_pipeline.journal.segments import seal
from asdf_pipeline.journal.workdir import read_journal
from asdf_pipeline.plan.outcome import Outcome, read_outcomes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asdf_pipeline.engine.assignment import Assignment
    from asdf_pipeline.journal.workdir import WorkDirectory
    from asdf_pipeline.plan.units import Plan, Unit

log = logging.getLogger(__name__)

STATE = "the published output"
"""The part of a run's key that names the file it goes on from."""


def refuse_changed(output: Path, state: str | None) -> None:
    """Raise `VerificationError` if the output is not the one that was taken over."""
    try:
        same = identity(output, by_inode=True) == state
    except FileNotFoundError:
        same = False
    if not same:
        msg = f"{output}: was changed since this run began; it is left as it is"
        raise VerificationError(msg)


def of_this_run(outcomes: Iterable[Outcome], directory: Path) -> list[Outcome]:
    """Return the outcomes of the units that were not taken over."""
    first = next(read_journal(directory)).outcomes.values()
    taken = {(o.station, o.input_tag) for o in map(Outcome.from_json, first)}
    return [o for o in outcomes if (o.station, o.input_tag) not in taken]


def refuse_misfit(task: Assignment, plan: Plan) -> None:
    """Refuse a call that does not fit the output, before earlier work is discarded.

    Raises
    ------
    InputError
        If the outcomes cannot be read.
    CallError
        If the output has what this call would leave out.
    """
    assert task.outcomes is not None
    _kept(task, plan, read_outcomes(Path(task.outcomes)))


def take_over(
    task: Assignment, plan: Plan, directory: WorkDirectory
) -> list[bytes] | None:
    """Make the published output the first sealed segment of a work directory.

    A directory that has a journal has it already.

    Returns
    -------
    list of bytes or None
        The outcomes, one line of JSON each, where nothing is left to be done.

    Raises
    ------
    InputError
        If the outcomes cannot be read.
    CallError
        If the output has what this call would leave out.
    VerificationError
        If the output is not what the outcomes say.
    WriteError
        If it can be neither linked nor copied.
    """
    if not directory.is_new:
        return None
    assert task.outcomes is not None
    outcomes = read_outcomes(Path(task.outcomes))
    output = task.target.resolve()
    problems = verify(output, [_row(outcome) for outcome in outcomes])
    if problems:
        msg = (
            f"{output}: is not what {task.outcomes} says: {problems[0]} "
            f"({len(problems)} differences); process the file anew"
        )
        raise VerificationError(msg)
    _refuse_copied(output, outcomes)
    kept = _kept(task, plan, outcomes)
    if len(kept) == len(plan.units):
        return [outcome.to_json().encode() for outcome in outcomes]
    part = directory.new_segment()
    try:
        os.link(output, part)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise write_error(part, error) from error
        require_space(part.parent, output.stat().st_size)
        copy_file(output, part)
    directory.record(seal(part), kept)
    log.info(
        "%s: %d of %d outcomes are taken over; what failed is tried again, also with "
        "another function or parameters",
        task.target,
        len(kept),
        len(plan.units),
    )
    return None


def _row(outcome: Outcome) -> dict[str, Any]:
    """Return what `verify` needs of a manifest's row."""
    network, _, station = outcome.station.partition(".")
    return {**dataclasses.asdict(outcome), "network": network, "station": station}


def _kept(
    task: Assignment, plan: Plan, outcomes: Iterable[Outcome]
) -> dict[str, bytes]:
    """Return the outcomes of the plan's units that stay, by unit."""
    units: dict[tuple[str, str], list[Unit]] = {}
    for unit in plan.units:
        units.setdefault((unit.station, unit.tag), []).append(unit)
    kept = {}
    for outcome in outcomes:
        where = f"station {outcome.station}, tag {outcome.input_tag}"
        own = units.get((outcome.station, outcome.input_tag), [])
        mapped = own[0].output_tag if own else None
        if outcome.status == "failed" and outcome.traces_out:
            msg = (
                f"{task.target}: {where}: partly done, by windows, events or channels: "
                "process it anew"
            )
            raise CallError(msg)
        if outcome.traces_out and mapped != outcome.output_tag:
            msg = (
                f"{task.target}: has {where} as {outcome.output_tag!r}, which this "
                "call leaves out: give the --tag and the selection it was made with"
            )
            raise CallError(msg)
        if outcome.status not in ("ok", "empty"):
            continue
        for unit in own:
            # The outcome is that of all units of the station: it counts once.
            line = (
                dataclasses.replace(
                    outcome,
                    window=unit.window,
                    event=unit.event,
                    channel=unit.channel,
                )
                if unit is own[0]
                else unit.outcome("empty")
            )
            kept[unit.id] = line.to_json().encode()
    return kept


def _refuse_copied(output: Path, outcomes: Iterable[Outcome]) -> None:
    """Refuse an output that has auxiliary data of no station."""
    known = {path for outcome in outcomes for path in outcome.auxiliary}
    with Reader(output) as reader:
        copied = sorted(set(reader.auxiliary_paths()) - known)
    if copied:
        msg = (
            f"{output}: has auxiliary data that no station wrote ({copied[0]!r}): "
            "process it anew"
        )
        raise CallError(msg)
