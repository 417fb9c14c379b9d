"""One run, on any team: plan, what is left, run, merge, check, publish, report."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.engine import retry
from asdf_pipeline.engine.by_station import by_station
from asdf_pipeline.engine.progress import Progress
from asdf_pipeline.engine.publish import (
    add_rest,
    bring_near,
    check,
    check_places,
    make_own,
    merge_segments,
    publish,
    refuse_existing,
    write_rows,
)
from asdf_pipeline.engine.report import Outcomes, RunReport, describe_failures
from asdf_pipeline.errors import ASDFPipelineError, StopUnitError, WriteError
from asdf_pipeline.files import write_error
from asdf_pipeline.journal.ledger import Ledger
from asdf_pipeline.journal.path_owners import PathOwners
from asdf_pipeline.journal.published import note, recall
from asdf_pipeline.journal.segments import SealSchedule
from asdf_pipeline.journal.workdir import OUTCOMES, WorkDirectory
from asdf_pipeline.plan.outcome import Outcome
from asdf_pipeline.team import form_team
from asdf_pipeline.team.base import Job
from asdf_pipeline.team.stop import Stop
from asdf_pipeline.text import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asdf_pipeline.engine.assignment import Assignment
    from asdf_pipeline.team.base import Team
    from asdf_pipeline.work.base import Work

log = logging.getLogger(__name__)


def run(task: Assignment) -> RunReport:
    """Do a task and publish its output.

    Under MPI every rank calls this; rank 0 plans, keeps the accounts and publishes,
    and the others get its counts, or its error.

    Raises
    ------
    ASDFPipelineError
        One line that names the file, the station and the remedy. What was done is
        kept in the work directory, from which the same command goes on.
    """
    team = form_team(task.backend, task.workers, task.io)
    lead: list[_Lead] = []

    def begin() -> tuple[object, bool]:
        lead.append(_Lead(task, team))
        return lead[0].layout.brief, lead[0].settled is not None

    brief, published = team.agree(begin)
    leader = lead[0] if lead else None
    try:
        layout = leader.layout if leader else None
        work = team.together(lambda: task.work(layout, brief))
        trouble: list[ASDFPipelineError] = []
        try:
            if leader is not None:
                leader.run(team, work)
            elif not published:
                team.run(work, None)
        except ASDFPipelineError as error:
            trouble.append(error)
        counts, seconds, resumed = team.agree(lambda: lead[0].finish(trouble))
        outcomes = leader.outcomes if leader else ()
        return RunReport(task.output_path, counts, seconds, resumed, outcomes)
    finally:
        if leader is not None:
            leader.close()


class _Lead:
    """What the leading process alone does and has."""

    def __init__(self, task: Assignment, team: Team) -> None:
        self.task = task
        self.began = time.monotonic()
        if not task.only_failed and recall(task.directory, task.made) is None:
            refuse_existing(task.made)
        check_places(task)
        self.layout = task.lay_out()
        self.plan = self.layout.plan
        self.allowed = task.failures_allowed(len(self.plan.units))
        self.progress = Progress(task.progress, len(self.plan.units))
        self.stop = Stop(alone=team.name != "mpi")
        self.circumstances = {
            "backend": team.name,
            "workers": team.size,
            "io": team.io,
        }
        # Of a run that published, and was killed before its work directory was gone.
        self.settled = recall(task.directory, task.made, self.layout.key)
        if self.settled is None:
            self.refuse_output()
        self.directory = WorkDirectory(task.directory, self.layout.key)
        try:
            if task.only_failed and self.settled is None:
                self.settled = retry.take_over(task, self.plan, self.directory)
            path_owners = PathOwners(self.layout.taken, "the input")
            self.ledger = Ledger(self.plan, self.directory, self.hear, path_owners)
        except BaseException:
            self.directory.close()
            raise
        self.progress.start(self.ledger)
        log.info(
            "%s: %s, %d of them done before; %s with %s, %s",
            self.layout.source,
            plural(self.ledger.total, "unit"),
            self.ledger.resumed,
            team.name,
            plural(team.size, "worker"),
            team.io,
        )
        self.outcomes = Outcomes(())
        self.removed = False

    def hear(self, outcome: Outcome) -> None:
        """Show what a failed unit's author needs to see."""
        if outcome.status == "failed":
            self.progress.say(
                f"\nStation {outcome.station}, tag {outcome.input_tag}"
                f"{outcome.when}, {outcome.worker}:\n"
                f"{outcome.traceback or outcome.error_message}\n"
            )
        self.progress.tick()

    def run(self, team: Team, work: Work) -> None:
        """Run the team; whatever happens, keep the outcomes table."""
        schedule = SealSchedule(time.monotonic(), self.task.seal_every)
        job = Job(self.ledger, self.stop, schedule, self.progress.tick)
        try:
            with self.stop.listening(self.directory.in_flight.stopped):
                with contextlib.suppress(StopUnitError):  # asked twice
                    if self.settled is None:
                        team.run(work, job)
                self.stop.raise_if_asked(self.directory.path)
        except WriteError:
            with contextlib.suppress(OSError):
                self.directory.discard_unsealed()
            raise
        finally:
            self.progress.close()
            self.outcomes = Outcomes(
                [line for _, line in sorted(self.directory.lines.items())]
            )
            self.keep_outcomes(self.directory.path / OUTCOMES)

    def keep_outcomes(self, path: Path) -> None:
        """Write the outcomes table; a full disk must not hide the first error."""
        try:
            self.outcomes.save(path)
        except OSError as error:
            log.warning("%s: cannot be written: %s", path, error.strerror)

    def finish(
        self, trouble: list[ASDFPipelineError]
    ) -> tuple[dict[str, int], float, int]:
        """Publish, if no more failed than may; return counts, seconds, resumed."""
        if trouble:
            raise trouble[0]
        if self.settled is not None:
            self.outcomes = Outcomes(self.settled)
            log.info("%s: nothing to be done: it is published", self.task.made)
            self.remove()
        else:
            with self.stop.listening(self.directory.in_flight.stopped):
                try:
                    with self.stop.interruptible():
                        self.publish()
                except StopUnitError:
                    self.stop.raise_if_asked(self.directory.path)
                self.stop.comes_too_late()
                self.remove()
        failures = self.outcomes.failures()
        if failures:
            log.warning("%s: %s", self.task.made, describe_failures(failures))
        counts = self.outcomes.counts()
        return counts, time.monotonic() - self.began, self.ledger.resumed

    def publish(self) -> None:
        """Merge, check, and give the result its final name.

        Raises
        ------
        ASDFPipelineError
            If more failed than may.
        VerificationError
            If what is sealed is not what the outcomes say.
        WriteError
            If there is no room.
        """
        failures = self.outcomes.failures()
        if self.allowed is not None and len(failures) > self.allowed:
            error = self.layout.failed(failures, self.directory.path / OUTCOMES)
            if not self.layout.retries:
                self.remove()
            raise error
        if self.task.output_path is None:
            self.outcomes = Outcomes.of(by_station(self.plan, self.outcomes, None))
            made = write_rows(self.outcomes, self.directory.path / "table.part")
        else:
            made = self.merge()
        near = bring_near(made, self.task.made)
        if self.task.outcomes is not None:  # first: the output's name says all is done
            path = Path(self.task.outcomes)
            try:
                self.outcomes.save(path)
            except OSError as error:
                raise write_error(path, error) from error
        note(self.directory.path, near, self.layout.key, self.outcomes.lines)
        self.refuse_output()
        publish(near, self.task.made)

    def refuse_output(self) -> None:
        """Raise if there is an output that is not to be replaced."""
        if self.task.only_failed:
            retry.refuse_changed(self.task.made, self.layout.key[retry.STATE])
        else:
            refuse_existing(self.task.made)

    def merge(self) -> Path:
        """Return the output, checked and complete; the table, if any, is written."""
        layout, directory = self.layout, self.directory
        merged = merge_segments(directory, layout.quakeml, layout.joined)
        extended = layout.documented or layout.copied is not None
        with ThreadPoolExecutor(1) as beside:  # the disk's work beside our own
            own = beside.submit(make_own, directory, merged, extended=extended)
            try:
                self.outcomes = Outcomes.of(
                    by_station(self.plan, self.outcomes, merged)
                )
                check(merged, self.outcomes)
                documents = self.documents()
            except ASDFPipelineError:
                own.result()  # says it better, if the segment was changed
                raise
            part = own.result()
        self.refuse_output()
        if self.task.table_path is not None:
            write_rows(self.outcomes, self.task.table_path)
        add_rest(part, documents, layout.copied)
        return part

    def documents(self) -> dict[str, bytes]:
        """Return the provenance documents: the input's, and this run's own."""
        resumed = {"resumed": self.ledger.resumed} if self.ledger.resumed else {}
        now: Sequence[Outcome] = self.outcomes
        if self.task.only_failed:
            now = retry.made_now(now, self.directory.path)
        return self.layout.documents(now, {**self.circumstances, **resumed})

    def remove(self) -> None:
        """Delete the work directory: nothing is left to go on with."""
        self.directory.remove()
        self.removed = True

    def close(self) -> None:
        """Give the work directory back."""
        if not self.removed:
            self.directory.close()
        sys.stderr.flush()
