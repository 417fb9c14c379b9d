"""The team of MPI ranks: each does units, and rank 0 hands them out as well.

With parallel HDF5 all ranks write one segment together, else each its own.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from mpi4py import MPI

from asdf_pipeline.container.codec import RAW
from asdf_pipeline.errors import ASDFPipelineError, WriteError
from asdf_pipeline.team.alone import work_through
from asdf_pipeline.team.base import Job, Team
from asdf_pipeline.team.mpi.dispatcher import Dispatcher
from asdf_pipeline.team.mpi.guard import abort_at_exit, join, on_all_ranks, rank_label
from asdf_pipeline.team.mpi.ledger_proxy import LedgerProxy
from asdf_pipeline.team.mpi.links import RemoteLink, RootLink, fail
from asdf_pipeline.team.mpi.mailbox import Mailbox, broadcast, gather_all, portable
from asdf_pipeline.team.mpi.parallel import SharedSegments, work_together
from asdf_pipeline.team.resources import keep_memory, one_thread
from asdf_pipeline.team.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from asdf_pipeline.work.base import Work

log = logging.getLogger(__name__)

_COST = (
    "parallel HDF5 writes samples neither compressed nor with checksums, so the file "
    "may be several times as large; io 'segments' writes them with both"
)

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class _Channels:
    """Communicators that only this package uses: no message of the user's gets in."""

    lead: MPI.Intracomm  # `Team.lead`, `follow` and `together`
    units: MPI.Intracomm  # reports and replies
    write: MPI.Intracomm  # segments that all ranks write
    names: list[str]  # of the workers, by rank
    rank: int
    size: int


@cache
def channels() -> _Channels:
    """Return the communicators, made once, by all ranks together."""
    guard = join(MPI)
    lead = guard.Dup()
    names = gather_all(lead, rank_label())
    return _Channels(
        lead, guard.Dup(), guard.Dup(), names, lead.Get_rank(), lead.Get_size()
    )


class Ranks(Team):
    """All ranks of an MPI job.

    An error of one rank is raised on all of them; on ranks other than 0 with an
    attribute ``silent``, so that it is shown once.

    Parameters
    ----------
    parallel : bool
        Whether all write one segment together.
    """

    name: ClassVar[str] = "mpi"
    has_peers: ClassVar[bool] = True
    can_write_together: ClassVar[bool] = True

    def __init__(self, *, parallel: bool) -> None:
        self._channels = channels()
        self._parallel = parallel
        self.size = self._channels.size
        self.leads = self._channels.rank == 0
        self.io = "parallel HDF5" if parallel else "segments"

    def lead(self, do: Callable[[], T], tell: Callable[[T], object]) -> T:
        """Do something on rank 0 (see `Team.lead`)."""
        try:
            result = do()
        except Exception as error:  # whatever it is, all raise it
            broadcast(self._channels.lead, (None, portable(error)))
            raise on_all_ranks(error, shows=True) from None
        broadcast(self._channels.lead, (tell(result), None))
        return result

    def follow(self) -> Any:
        """Return what rank 0 tells of what it did (see `Team.follow`)."""
        result, error = broadcast(self._channels.lead)
        if error is not None:
            raise on_all_ranks(error, shows=False)
        return result

    def together(self, do: Callable[[], T]) -> T:
        """Let every rank do something (see `Team.together`)."""
        error = result = None
        try:
            result = do()
        except Exception as mine:  # whatever it is, all raise it
            error = mine
        errors = gather_all(self._channels.lead, portable(error))
        for rank, first in enumerate(errors):
            if first is None:
                continue
            if rank:
                first.args = (f"{first} ({self._channels.names[rank]})",)
            raise on_all_ranks(first, shows=self.leads)
        return result  # type: ignore[return-value]

    def run(self, work: Work, job: Job | None) -> None:
        """Do all units (see `Team.run`)."""
        try:
            self._run(work, job)
        except ASDFPipelineError:
            raise
        except BaseException as error:  # the others would wait for ever
            fail(error)

    def _run(self, work: Work, job: Job | None) -> None:
        if self._parallel:
            work = work.stored(RAW)
        name = self._channels.names[self._channels.rank]
        threads = MPI.Query_thread() == MPI.THREAD_MULTIPLE
        mailbox = Mailbox(self._channels.units)
        keep_memory()
        with ExitStack() as stack:
            stack.enter_context(one_thread())
            worker = stack.enter_context(self.together(lambda: work.begin(name)))
            quakeml = self.together(worker.quakeml) if self._parallel else None
            dispatcher: Dispatcher | None = None
            link: RootLink | RemoteLink
            if job is not None:
                if self._parallel:
                    log.info(_COST)
                schedule = self.lead(lambda: job.schedule, lambda schedule: schedule)
                stop = job.stop
                dispatcher = self._dispatcher(job)
                link = RootLink(dispatcher, mailbox, stop, threads=threads)
            else:
                stop = Stop()
                stack.enter_context(stop.listening())
                schedule = dataclasses.replace(self.follow(), began=time.monotonic())
                link = RemoteLink(mailbox, stop, threads=threads)
            ledger = LedgerProxy(
                link, stop, 0 if self.leads else 1, segments=not self._parallel
            )
            failure = None
            try:
                if self._parallel:
                    comm = self._channels.write
                    segments = SharedSegments(comm, quakeml, dispatcher)
                    work_together(worker, ledger, segments, stop)
                else:
                    work_through(worker, ledger, schedule, stop)
            except ASDFPipelineError as error:
                failure = error
                if isinstance(error, WriteError):
                    # HDF5 (1.10 to 2.0) cannot close a file that it cannot write,
                    # and crashes at exit.
                    abort_at_exit(error)
            ledger.leave(failure)
            link.close()
            if dispatcher is not None and dispatcher.error is not None:
                raise dispatcher.error

    def _dispatcher(self, job: Job) -> Dispatcher:
        serves_only = MPI.Query_thread() != MPI.THREAD_MULTIPLE and self.size > 1
        if serves_only:
            log.warning(
                "MPI was not initialised for several threads (MPI_THREAD_MULTIPLE): "
                "rank 0 hands units out and does none itself"
            )
        return Dispatcher(
            job,
            self._channels.names,
            together=self._parallel,
            serves_only=serves_only,
        )
