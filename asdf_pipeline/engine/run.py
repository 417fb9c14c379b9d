"""One run, on any team, in three steps: prepare, open the work, run and publish."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.engine import retry
from asdf_pipeline.engine.by_station import by_station
from asdf_pipeline.engine.progress import Progress
from asdf_pipeline.engine.publish import (
    check,
    check_target_paths,
    durable_file,
    merge_segments,
    on_file_system_of,
    publish,
    refuse_existing,
    write_provenance_and_auxiliary,
    write_rows,
)
from asdf_pipeline.engine.report import Outcomes, RunReport, describe_failures
from asdf_pipeline.errors import ASDFPipelineError, StopUnitError, WriteError
from asdf_pipeline.files import write_error
from asdf_pipeline.journal.ledger import Ledger
from asdf_pipeline.journal.path_owners import PathOwners
from asdf_pipeline.journal.published import Published, note, recall
from asdf_pipeline.journal.segments import SealSchedule
from asdf_pipeline.journal.workdir import OUTCOMES, WorkDirectory
from asdf_pipeline.team import form_team
from asdf_pipeline.team.base import Job
from asdf_pipeline.team.stop import Stop
from asdf_pipeline.text import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asdf_pipeline.engine.assignment import Assignment, Layout
    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.team.base import Team
    from asdf_pipeline.work.base import Work

log = logging.getLogger(__name__)


def run(task: Assignment) -> RunReport:
    """Do a task and publish its output.

    Under MPI every rank calls this; rank 0 plans, keeps the ledger and publishes, and
    the others get its counts, or its error.

    Raises
    ------
    ASDFPipelineError
        One line that names the file, the station and the remedy. What was done is
        kept in the work directory, from which the same command goes on.
    """
    with contextlib.closing(form_team(task)) as team:
        return _lead(task, team) if team.leads else _follow(task, team)


def _lead(task: Assignment, team: Team) -> RunReport:
    """Plan, have the team do the units, and publish."""
    opened = team.lead(
        lambda: open_work(prepare(task), team),
        tell=lambda opened: (opened.layout.brief, opened.outcomes is not None),
    )
    with contextlib.closing(opened.directory):
        layout = opened.layout
        work = team.together(lambda: task.work(layout, layout.brief))
        return team.lead(
            lambda: run_and_publish(opened, team, work),
            tell=lambda report: dataclasses.replace(report, outcomes=()),
        )


def _follow(task: Assignment, team: Team) -> RunReport:
    """Do units for the process that leads the run; return its report, or its error."""
    brief, is_done = team.follow()
    work = team.together(lambda: task.work(None, brief))
    if not is_done:
        # The leading process gets the same error; `follow` raises it here, too.
        with contextlib.suppress(ASDFPipelineError):
            team.run(work, None)
    report: RunReport = team.follow()
    return report


# First step: checks that change nothing, and the layout.


@dataclass(frozen=True)
class Prepared:
    """A task that may be done.

    Attributes
    ----------
    task : Assignment
        The task.
    published : Published or None
        The output, where a run published it and was killed before its work directory
        was gone.
    layout : Layout
        What there is to do.
    allowed : int or None
        How many units may fail; None for any number.
    progress : Progress
        Shows what is done and what failed.
    began : float
        When, in `time.monotonic` seconds.
    """

    task: Assignment
    published: Published | None
    layout: Layout
    allowed: int | None
    progress: Progress
    began: float

    def refuse_output(self) -> None:
        """Raise if there is an output that is not to be replaced."""
        if self.task.only_failed:
            retry.refuse_changed(self.task.target, self.layout.key[retry.STATE])
        elif not self.task.replaces:
            refuse_existing(self.task.target)


def prepare(task: Assignment) -> Prepared:
    """Refuse what cannot be done, and lay the rest out; nothing is written."""
    began = time.monotonic()
    published = recall(task.directory, task.target)
    if published is None and not (task.only_failed or task.replaces):
        refuse_existing(task.target)  # before a layout that may take minutes
    check_target_paths(task)
    layout = task.lay_out()
    if task.only_failed:
        retry.refuse_misfit(task, layout.plan)
    units = layout.plan.total
    return Prepared(
        task,
        published,
        layout,
        task.failures_allowed(units),
        Progress(task.progress, units, task.traceback_limit),
        began,
    )


# Second step: the work directory is locked, and earlier work taken over.


@dataclass(frozen=True)
class OpenWork:
    """A work directory that is this run's own until it is closed.

    Attributes
    ----------
    prepared : Prepared
        What is to be done.
    directory : WorkDirectory
        The work directory, locked.
    ledger : Ledger
        What is left to be done.
    outcomes : Outcomes or None
        What became of each station, where nothing is left to be done.
    """

    prepared: Prepared
    directory: WorkDirectory
    ledger: Ledger
    outcomes: Outcomes | None

    @property
    def layout(self) -> Layout:
        """What there is to do."""
        return self.prepared.layout


def open_work(prepared: Prepared, team: Team) -> OpenWork:
    """Lock the work directory and find out what earlier runs left to be done."""
    task, layout, published = prepared.task, prepared.layout, prepared.published
    done = None
    if published is not None and published.is_work_of(layout.key):
        done = published.outcomes
    else:
        prepared.refuse_output()
    directory = WorkDirectory(task.directory, layout.key)
    try:
        if task.only_failed and done is None:
            done = retry.take_over(task, layout.plan, directory)
        path_owners = PathOwners(layout.reserved_paths, "the input")
        on_outcome = prepared.progress.on_outcome
        ledger = Ledger(layout.plan, directory, on_outcome, path_owners)
    except BaseException:
        directory.close()
        raise
    log.info(
        "%s: %s, %d of them done before; %s with %s, %s",
        layout.source,
        plural(ledger.total, "unit"),
        ledger.resumed,
        team.name,
        plural(team.size, "worker"),
        team.io,
    )
    return OpenWork(
        prepared, directory, ledger, None if done is None else Outcomes(done)
    )


# Third step: the team does the units, and what it made gets its final name.


def run_and_publish(opened: OpenWork, team: Team, work: Work) -> RunReport:
    """Do what is left and publish the output, if no more units failed than may."""
    prepared, directory = opened.prepared, opened.directory
    task = prepared.task
    outcomes = opened.outcomes
    if outcomes is not None:
        log.info("%s: nothing to be done: it is published", task.target)
        directory.remove()
    else:
        stop = Stop(alone=not team.has_peers)
        # Each peer of a team answers a stop itself: one that does not has died.
        on_stop = None if team.has_peers else directory.in_flight.stopped
        with stop.listening(on_stop):
            try:
                outcomes = _run_team(opened, team, work, stop)
                with stop.interruptible():
                    outcomes = _publish(opened, outcomes, team)
            except StopUnitError:
                stop.raise_if_asked(directory.path)
                raise
            stop.comes_too_late()
            directory.remove()
    failures = outcomes.failures()
    if failures:
        log.warning("%s: %s", task.target, describe_failures(failures))
    sys.stderr.flush()
    return RunReport(
        task.output_path,
        outcomes.counts(),
        time.monotonic() - prepared.began,
        opened.ledger.resumed,
        outcomes,
    )


def _run_team(opened: OpenWork, team: Team, work: Work, stop: Stop) -> Outcomes:
    """Have the team do all units; whatever happens, the outcomes table is written.

    Returns
    -------
    Outcomes
        One a unit, sorted by unit.
    """
    prepared, directory = opened.prepared, opened.directory
    schedule = SealSchedule(time.monotonic(), prepared.task.seal_every)
    prepared.progress.start(opened.ledger)
    try:
        with contextlib.suppress(StopUnitError):  # a second Ctrl-C
            job = Job(opened.ledger, stop, schedule, prepared.progress.tick)
            team.run(work, job)
        stop.raise_if_asked(directory.path)
    except WriteError:
        with contextlib.suppress(OSError):
            directory.discard_unsealed()
        raise
    finally:
        prepared.progress.close()
        outcomes = Outcomes([line for _, line in sorted(directory.lines.items())])
        path = directory.path / OUTCOMES
        try:
            outcomes.save(path)
        except OSError as error:  # a full disk must not hide the first error
            log.warning("%s: cannot be written: %s", path, error.strerror)
    return outcomes


def _publish(opened: OpenWork, outcomes: Outcomes, team: Team) -> Outcomes:
    """Merge, check, and give the result its final name.

    Parameters
    ----------
    outcomes : Outcomes
        One a unit.

    Returns
    -------
    Outcomes
        One a station and tag, as published.

    Raises
    ------
    ASDFPipelineError
        If more failed than may.
    VerificationError
        If what is sealed is not what the outcomes say.
    WriteError
        If there is no room.
    """
    prepared, directory, layout = opened.prepared, opened.directory, opened.layout
    task = prepared.task
    failures = outcomes.failures()
    refusal = layout.nothing(outcomes)
    if prepared.allowed is not None and len(failures) > prepared.allowed:
        stays = task.output_path if task.only_failed else None
        refusal = layout.failed(failures, directory.path / OUTCOMES, stays)
    if refusal is not None:
        if not layout.retries:
            directory.remove()
        raise refusal
    if task.output_path is None:
        outcomes = Outcomes.of(by_station(layout.plan, outcomes, None))
        made = write_rows(layout.table(outcomes), directory.path / "table.part")
    else:
        outcomes, made = _merge(opened, outcomes, team)
    made = on_file_system_of(task.target, made)
    if task.outcomes is not None:  # first: the output's name says that all is done
        path = Path(task.outcomes)
        try:
            outcomes.save(path)
        except OSError as error:
            raise write_error(path, error) from error
    note(directory.path, made, layout.key, outcomes.lines)
    prepared.refuse_output()
    publish(made, task.target)
    return outcomes


def _merge(opened: OpenWork, outcomes: Outcomes, team: Team) -> tuple[Outcomes, Path]:
    """Return the outcomes of stations, and the output, checked and complete.

    The table of a comparison, if there is one, is written too.
    """
    prepared, directory, layout = opened.prepared, opened.directory, opened.layout
    merged = merge_segments(
        directory, layout.quakeml, layout.join_encoding, layout.renamed
    )
    modified = layout.has_provenance or layout.auxiliary_from is not None
    with ThreadPoolExecutor(1) as beside:  # the disk's work beside our own
        copying = beside.submit(durable_file, directory, merged, modified=modified)
        try:
            outcomes = Outcomes.of(by_station(layout.plan, outcomes, merged))
            check(merged, outcomes)
            documents = _documents(opened, outcomes, team)
        except ASDFPipelineError:
            copying.result()  # raises the better error, if the segment was changed
            raise
        part = copying.result()
    prepared.refuse_output()
    if prepared.task.table_path is not None:
        write_rows(layout.table(outcomes), prepared.task.table_path)
    write_provenance_and_auxiliary(part, documents, layout.auxiliary_from)
    return outcomes, part


def _documents(opened: OpenWork, outcomes: Outcomes, team: Team) -> dict[str, bytes]:
    """Return the provenance documents: the input's, and this run's own."""
    circumstances = {"backend": team.name, "workers": team.size, "io": team.io}
    if opened.ledger.resumed:
        circumstances["resumed"] = opened.ledger.resumed
    made: Sequence[Outcome] = outcomes
    if opened.prepared.task.only_failed:
        made = retry.of_this_run(made, opened.directory.path)
    return opened.layout.documents(made, circumstances)
