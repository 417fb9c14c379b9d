"""The team: batches handed out to the workers of a cluster, and taken in."""

from __future__ import annotations

import contextlib
import logging
import queue
import secrets
import threading
import time
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, ClassVar

from asdf_pipeline.errors import BackendError, CallError, WorkerDiedError
from asdf_pipeline.journal.in_flight import unit_at_work
from asdf_pipeline.journal.ledger import NoUnit
from asdf_pipeline.journal.segments import give_name
from asdf_pipeline.journal.workdir import FLIGHT
from asdf_pipeline.team.base import Job, Team
from asdf_pipeline.team.batches import Batch, Sizes
from asdf_pipeline.team.dask.seat import END, HAND_IN, Needs, do, instruct, lacks
from asdf_pipeline.team.spawned import prepare
from asdf_pipeline.team.stop import PATIENCE
from asdf_pipeline.text import named_line, one_line, plural

if TYPE_CHECKING:
    from collections.abc import Container
    from contextlib import ExitStack

    from asdf_pipeline.errors import ASDFPipelineError
    from asdf_pipeline.team.batches import Report
    from asdf_pipeline.team.spawned import Start
    from asdf_pipeline.work.base import Work

log = logging.getLogger(__name__)

NAMED = 3
"""Stations that a task is called after, for Dask's dashboard."""
REPLY = 10.0
"""Seconds to wait for the result of a task that is done."""
KEPT = "what is done is kept, the same command goes on from there"


class Dask(Team):
    """Has batches done by the workers of a cluster, who may come and go.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    opened : contextlib.ExitStack
        What is to be closed when the run is over.
    """

    name: ClassVar[str] = "dask"

    def __init__(self, client: Any, opened: ExitStack) -> None:
        self.client = client
        self.size = len(client.nthreads())
        self._opened = opened

    def close(self) -> None:
        """Close the client, and the cluster, that were opened for the run."""
        self._opened.close()

    def run(self, work: Work, job: Job | None) -> None:
        """Do all units (see `Team.run`)."""
        assert job is not None
        run = secrets.token_hex(4)
        start = prepare(work, job.ledger.directory.path.absolute() / f"work.{run}")
        inputs = (str(path.absolute()) for path in work.inputs)
        needs = Needs(run, (str(start.work), str(start.folder), *inputs))
        batches = _Batches(self.client, start, needs, job)
        try:
            batches.check_workers()
            batches.run()
        finally:
            batches.end()
            start.work.unlink(missing_ok=True)
            self.size = max(self.size, batches.workers)


class _Batches:
    """The batches of one run: handed out, taken in, handed out again when lost."""

    def __init__(self, client: Any, start: Start, needs: Needs, job: Job) -> None:
        self.client = client
        self.start = start
        self.needs = needs
        self.job = job
        self.ledger = job.ledger
        self.sizes = Sizes()
        self.out: dict[str, tuple[Batch, Any]] = {}  # by name, with Dask's future
        self.ended: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.number = 0
        self.has_begun = False
        self.workers = 0
        self.counted = 0.0  # when the workers were
        self.losses = 0  # of batches one after the other, with no unit to blame

    def check_workers(self) -> None:
        """Refuse workers that cannot do this, before any work.

        Those that come later are looked at when they get their first batch.

        Raises
        ------
        BackendError
            Says what the first of them lacks.
        """
        replies = self.client.run(lacks, self.needs, on_error="return")
        lacking = [
            f"the Dask worker at {address} cannot load this package: {named_line(one)}"
            if isinstance(one, Exception)
            else one
            for address, one in sorted(replies.items())
            if one
        ]
        if lacking:
            more = len(lacking) - 1
            others = f" (and {plural(more, 'other worker')} alike)" if more else ""
            raise BackendError(f"{lacking[0]}{others}")
        if not replies:
            log.info("there is no Dask worker yet: waiting for one")

    def run(self) -> None:
        while not self.ledger.finished and not self.job.stop:
            self.hand_out()
            self.poll(0.5)
        if self.job.stop:
            self.instruct_workers(HAND_IN)
            # Units at work end within that time, then what is done is made durable.
            deadline = time.monotonic() + PATIENCE + 2.0
            while self.out and time.monotonic() < deadline:
                self.poll(0.1)

    # Out.

    def hand_out(self) -> None:
        """Keep as many batches waiting as there are workers, or at least one.

        A cluster that adapts starts workers for what waits.
        """
        if self.client.status != "running":
            if self.client.status != "connecting":
                msg = f"the Dask scheduler is gone; {KEPT}"
                raise WorkerDiedError(msg)
            return
        self.count_workers()
        while len(self.out) < 2 * max(1, self.workers):
            batch = self.next_batch()
            if batch is None:
                break
            self.submit(batch)
        if not self.out:
            self.ledger.journal_dataless()

    def count_workers(self) -> None:
        if time.monotonic() - self.counted >= 1:
            with contextlib.suppress(OSError):  # the scheduler is gone
                self.workers = len(self.client.nthreads())
            self.counted = time.monotonic()

    def next_batch(self) -> Batch | None:
        """Take the units of the next batch."""
        name = f"batch {self.number + 1}"
        alone = self.ledger.in_doubt
        units = []
        for _ in range(self.sizes.next(self.ledger.waiting, self.workers)):
            unit = self.ledger.take(name, begins=False)
            if isinstance(unit, NoUnit):
                break
            units.append(unit)
        if not units:
            return None
        self.number += 1
        part = self.ledger.new_segment(self.needs.run).absolute()
        flight = part.with_name(f"{FLIGHT}.{self.number}.{self.needs.run}")
        return Batch(name, tuple(units), part, flight, self.job.schedule.age, alone)

    def submit(self, batch: Batch) -> None:
        """Give a batch to Dask, under a name that shows its stations."""
        stations = list(dict.fromkeys(unit.station for unit in batch.units))
        more = len(stations) - NAMED
        shown = " ".join(stations[:NAMED]) + f" and {more} more" * (more > 0)
        future = self.client.submit(
            do,
            self.start,
            self.needs,
            batch,
            key=f"{shown}-{self.needs.run}-{self.number}",
            pure=False,
            retries=0,
        )
        self.out[batch.name] = batch, future
        name = batch.name
        future.add_done_callback(lambda _future: self.ended.put(name))

    # In.

    def poll(self, seconds: float) -> None:
        """Take in what ended; wait at most so many seconds for it."""
        with contextlib.suppress(queue.Empty):
            self.take_in(self.ended.get(timeout=seconds))
            for _ in range(self.ended.qsize()):
                self.take_in(self.ended.get_nowait())
        self.job.tick()

    def take_in(self, name: str) -> None:
        """Take in the batch of a task that ended, however it did."""
        from distributed import KilledWorker

        batch, future = self.out[name]
        try:
            report: Report = future.result(timeout=REPLY)
        except TimeoutError:
            self.ended.put(name)  # its worker is slow, or lost: then it is repeated
            return
        except KilledWorker:
            self.lost(batch)
        except CancelledError as error:
            log.warning("%s", one_line(error))
            self.give_back(batch)
        except Exception as error:
            msg = f"a Dask worker cannot do a batch: {named_line(error)}"
            raise BackendError(msg) from error
        else:
            if report.error is not None:
                raise self.error_of(report.error)
            if report.is_repeated:
                self.lost(batch)
            elif report.unstarted:
                self.give_back(batch, report.unstarted)
            else:
                self.keep(batch, report)
        del self.out[name]
        batch.flight.unlink(missing_ok=True)

    def error_of(self, error: ASDFPipelineError) -> ASDFPipelineError:
        """Return the error to be raised: none of a call's once there is work."""
        if self.has_begun and isinstance(error, CallError):
            return WorkerDiedError(f"{error}; {KEPT}")
        return error

    def keep(self, batch: Batch, report: Report) -> None:
        """Journal what was done of a batch; the rest is to be done again."""
        self.has_begun = True
        for outcome in report.outcomes:
            self.ledger.came_back(batch.name, outcome)
            self.sizes.cut.discard(outcome.unit_id)
        if report.sealed is not None:
            give_name(batch.part)
            self.ledger.seal(report.sealed, report.unit_ids)
        else:
            self.ledger.journal_dataless()
        self.sizes.learn(batch, report)
        if report.died:
            done = {outcome.unit_id for outcome in report.outcomes}
            self.died(batch, report.died_on, report.died, done)
        elif len(report.outcomes) < len(batch.units):
            self.ledger.give_back(batch.name)
        else:
            self.losses = 0

    def lost(self, batch: Batch) -> None:
        """Take back a batch whose worker was lost."""
        part_id = unit_at_work(batch.flight)
        if part_id is None:  # no unit's doing: perhaps one's of the worker's next batch
            self.give_back(batch)
            return
        self.died(batch, batch.unit_with(part_id), "the Dask worker was lost")
        batch.part.unlink(missing_ok=True)

    def give_back(self, batch: Batch, why: str = "batches are lost") -> None:
        self.ledger.give_back(batch.name)
        batch.part.unlink(missing_ok=True)
        self.count_loss(why)

    def died(
        self, batch: Batch, unit_id: str, how: str, done: Container[str] = ()
    ) -> None:
        """Take back what is not done of a batch that took its member down."""
        left = [unit.id for unit in batch.units if unit.id not in done]
        if not unit_id and len(left) == 1:
            unit_id = left[0]
        where = f"on {unit_id}" if unit_id else f"in {plural(len(left), 'unit')}"
        log.warning("a worker died (%s) %s", how, where)
        self.ledger.died(batch.name, unit_id or None, how)
        if unit_id:
            self.sizes.cut.discard(unit_id)
            self.losses = 0
        else:
            self.sizes.cut.update(left)
            self.count_loss(f"workers die: {how}")

    def count_loss(self, why: str) -> None:
        self.losses += 1
        if self.losses > 10 + 4 * self.workers:
            msg = f"{why}; {KEPT}"
            raise WorkerDiedError(msg)

    # The end.

    def end(self) -> None:
        """Have the workers forget the run, whatever they are doing of it."""
        futures = [future for _, future in self.out.values()]
        if self.client.status == "running":
            self.instruct_workers(END)
            with contextlib.suppress(OSError, CancelledError):
                self.client.cancel(futures)

    def instruct_workers(self, what: int) -> None:
        """Tell all workers what to do of the run's batches.

        By a thread: a worker that does not answer would be waited for.
        """

        def tell() -> None:
            with contextlib.suppress(Exception):  # it dies with the scheduler
                self.client.run(instruct, self.needs.run, what, on_error="ignore")

        thread = threading.Thread(target=tell, daemon=True)
        thread.start()
        thread.join(PATIENCE)
