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

from asdf_pipeline.container.codec import RAW
from asdf_pipeline.errors import ASDFPipelineError, BackendError, WriteError
from asdf_pipeline.team.alone import work_through
from asdf_pipeline.team.base import Job, Team
from asdf_pipeline.team.launcher import launched_rank, launched_ranks
from asdf_pipeline.team.mpi.guard import (
    abort_at_exit,
    finalise_at_exit,
    join,
    rank_label,
)
from asdf_pipeline.team.resources import keep_memory, one_thread
from asdf_pipeline.team.stop import Stop
from asdf_pipeline.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpi4py import MPI

    from asdf_pipeline.journal.segments import SealSchedule
    from asdf_pipeline.team.base import TeamOptions
    from asdf_pipeline.team.mpi.dispatcher import Dispatcher
    from asdf_pipeline.team.mpi.ledger_proxy import LedgerProxy
    from asdf_pipeline.work.base import Work, Worker

log = logging.getLogger(__name__)

_COST = (
    "parallel HDF5 writes samples neither compressed nor with checksums, so the file "
    "may be several times as large; io 'segments' writes them with both"
)

T = TypeVar("T")
E = TypeVar("E", bound=Exception)


def form(options: TeamOptions) -> Ranks:
    """Return the team of all ranks that the launcher started; every rank calls this.

    Raises
    ------
    BackendError
        If there is no MPI, the launcher is of another MPI, or h5py cannot write in
        parallel where that is asked for.
    """
    io = options.io
    _start_mpi()
    from asdf_pipeline.container.parallel import available

    channels = _channels()
    if io == "parallel" and not available():
        msg = (
            "io 'parallel': this h5py is built without parallel HDF5; install one "
            "that is (conda: h5py=*=mpi_openmpi*), or use io 'segments'"
        )
        raise _once(BackendError(msg), speaks=channels.units.Get_rank() == 0)
    several = channels.units.Get_size() > 1
    parallel = io == "parallel" or (io == "auto" and several and available())
    return Ranks(channels, parallel=parallel)


def _start_mpi() -> None:
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        msg = (
            f"backend 'mpi' needs mpi4py and an MPI library ({one_line(error)}): "
            "pip install mpi4py, with the MPI of your mpiexec"
        )
        raise _once(BackendError(msg), speaks=launched_rank() == 0) from error
    if not MPI.Is_initialized():  # h5py was imported first, and kept it from that
        MPI.Init_thread(MPI.THREAD_MULTIPLE)
        finalise_at_exit()
    launched = launched_ranks(tasks=True)
    if launched > 1 and MPI.COMM_WORLD.Get_size() == 1:
        library = MPI.Get_library_version().partition(",")[0].strip("\n\0 ")
        msg = (
            f"the launcher started {launched} processes, but to MPI each is alone: "
            f"mpi4py uses {library}; start it with the mpiexec of that library "
            "(with Slurm: srun --mpi=pmix)"
        )
        raise _once(BackendError(msg), speaks=launched_rank() == 0)


def _once(error: E, *, speaks: bool) -> E:
    """Mark an error that all ranks raise, so that one of them shows it."""
    error.everywhere = True  # type: ignore[attr-defined]
    if not speaks:
        error.silent = True  # type: ignore[attr-defined]
    return error


@dataclasses.dataclass(frozen=True)
class _Channels:
    """Communicators that only this package uses: nothing of the user's gets in."""

    lead: MPI.Intracomm  # `Team.lead`, `follow` and `together`
    units: MPI.Intracomm  # reports and replies
    write: MPI.Intracomm  # segments that all ranks write
    names: list[str]
    threads: bool


@cache
def _channels() -> _Channels:
    from mpi4py import MPI

    from asdf_pipeline.team.mpi.mailbox import gather_all

    guard = join(MPI)
    lead = guard.Dup()
    names = gather_all(lead, rank_label())
    threads = MPI.Query_thread() == MPI.THREAD_MULTIPLE
    return _Channels(lead, guard.Dup(), guard.Dup(), names, threads)


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

    def __init__(self, channels: _Channels, *, parallel: bool) -> None:
        self._channels = channels
        self._parallel = parallel
        self._rank = channels.units.Get_rank()
        self.size = channels.units.Get_size()
        self.leads = self._rank == 0
        self.io = "parallel HDF5" if parallel else "segments"

    def lead(self, do: Callable[[], T], tell: Callable[[T], object]) -> T:
        """Do something on rank 0 (see `Team.lead`)."""
        from asdf_pipeline.team.mpi.mailbox import broadcast, portable

        try:
            result = do()
        except Exception as error:  # whatever it is, all raise it
            broadcast(self._channels.lead, (None, portable(error)))
            raise _once(error, speaks=True) from None
        broadcast(self._channels.lead, (tell(result), None))
        return result

    def follow(self) -> Any:
        """Return what rank 0 tells of what it did (see `Team.follow`)."""
        from asdf_pipeline.team.mpi.mailbox import broadcast

        told, error = broadcast(self._channels.lead)
        if error is not None:
            raise _once(error, speaks=False)
        return told

    def together(self, do: Callable[[], T]) -> T:
        """Let every rank do something (see `Team.together`)."""
        from asdf_pipeline.team.mpi.mailbox import gather_all, portable

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
            raise _once(first, speaks=self.leads)
        return result  # type: ignore[return-value]

    def run(self, work: Work, job: Job | None) -> None:
        """Do all units (see `Team.run`)."""
        from asdf_pipeline.team.mpi.links import fail

        try:
            self._run(work, job)
        except ASDFPipelineError:
            raise
        except BaseException as error:  # the others would wait for ever
            fail(error)

    def _run(self, work: Work, job: Job | None) -> None:
        from asdf_pipeline.team.mpi.ledger_proxy import LedgerProxy
        from asdf_pipeline.team.mpi.links import RemoteLink, RootLink
        from asdf_pipeline.team.mpi.mailbox import Mailbox

        if self._parallel:
            work = work.stored(RAW)
        name = self._channels.names[self._rank]
        threads = self._channels.threads
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
                schedule = self.lead(lambda: job.schedule, lambda told: told)
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
                self._work(worker, ledger, schedule, stop, dispatcher, quakeml)
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
        from asdf_pipeline.team.mpi.dispatcher import Dispatcher

        serves_only = not self._channels.threads and self.size > 1
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

    def _work(
        self,
        worker: Worker,
        ledger: LedgerProxy,
        schedule: SealSchedule,
        stop: Stop,
        dispatcher: Dispatcher | None,
        quakeml: bytes | None,
    ) -> None:
        if not self._parallel:
            work_through(worker, ledger, schedule, stop)
            return
        from asdf_pipeline.team.mpi.parallel import SharedSegments, work_together

        segments = SharedSegments(self._channels.write, quakeml, dispatcher)
        work_together(worker, ledger, segments, stop)
