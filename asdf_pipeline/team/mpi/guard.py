"""What ends a whole MPI job when one of its ranks fails or leaves.

Without it, one rank's error leaves the others waiting for ever. An uncaught error
is seen by an excepthook, which aborts the job. A rank that leaves by ``sys.exit`` is
not: at exit all ranks wait for each other, and one that waits there while others wait
for it within this package tells them so. A rank that only takes longer than others
(rank 0 drawing a map after the processing) is left in peace.

mpi4py is not imported here, only used where it is already.
"""

from __future__ import annotations

import atexit
import functools
import socket
import sys
import time
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

from asdf_pipeline.team.launcher import launched_rank, launched_ranks
from asdf_pipeline.text import named_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from mpi4py import MPI

E = TypeVar("E", bound=Exception)

GRACE = 3.0
"""Seconds at exit after which a rank tells the others that it has left."""
LONGEST_NAP = 0.05
"""Seconds between two looks at what is waited for."""
LEFT = 32012
"""Tag of that message, below what every MPI allows (32767)."""


class _State:
    """What there is once in a process."""

    comm: MPI.Intracomm | None = None  # for the barrier at exit
    initialised = False  # MPI, by us, so that we finalise it
    lost: ClassVar[list[object]] = []  # files that cannot be closed


def watch() -> None:
    """Install excepthook and barrier at exit, where a launcher started ranks."""
    if launched_ranks() > 1:
        _install()


@functools.cache
def _install() -> None:
    sys.excepthook = functools.partial(_uncaught, sys.excepthook)
    atexit.register(_leave)


def join(mpi: Any) -> MPI.Intracomm:
    """Wait for all ranks to come to this package for the first time.

    Returns
    -------
    mpi4py.MPI.Intracomm
        The guard's own communicator, made once.
    """
    if _State.comm is None:
        away = _first_barrier(mpi, coming=True)
        if away:
            if mpi.COMM_WORLD.Get_rank() != min({*range(len(away) + 1)} - {*away}):
                time.sleep(2 * GRACE)  # another one says it
            ranks = ", ".join(f"rank {rank}" for rank in away)
            abort(f"{ranks} left the script before the processing began")
        _State.comm = mpi.COMM_WORLD.Dup()
        _install()
    return _State.comm


def on_all_ranks(error: E, *, shows: bool) -> E:
    """Return an error that all ranks raise, marked so that one of them shows it."""
    error.everywhere = True  # type: ignore[attr-defined]
    if not shows:
        error.silent = True  # type: ignore[attr-defined]
    return error


def finalise_at_exit() -> None:
    """Finalise MPI at exit: this package initialised it."""
    _State.initialised = True
    _install()


def rank_label() -> str:
    """Return ``"rank 3 on HOST"``."""
    mpi = _running()
    rank = mpi.COMM_WORLD.Get_rank() if mpi else launched_rank()
    return f"rank {rank} on {socket.gethostname()}"


def abort(why: str, code: int = 1) -> NoReturn:
    """Say why, once and with rank and host, and end the whole job."""
    _say(why)
    mpi = _running()
    if mpi:
        time.sleep(0.1)  # Open MPI 4.1's mpiexec loses what is written at the very last
        mpi.COMM_WORLD.Abort(code)
    sys.exit(code)


def _say(why: str) -> None:
    sys.stdout.flush()
    print(
        f"asdf_pipeline: {rank_label()}: {why}; the job ends",
        file=sys.stderr,
        flush=True,
    )


def naps(shortest: float = 2e-5) -> Iterator[None]:
    """Yield between naps of a twentieth of the time waited so far, 50 ms at most.

    Waiting is at most that much longer, and costs next to nothing: 64 ranks on two
    cores that looked each millisecond left no core for what they waited for.
    """
    began = time.monotonic()
    while True:
        yield
        waited = time.monotonic() - began
        time.sleep(min(max(waited / 20, shortest), LONGEST_NAP))


def complete(request: MPI.Request, end: tuple[float, str] | None = None) -> None:
    """Wait for a request without spinning; end the job if a rank has left it.

    Parameters
    ----------
    request : mpi4py.MPI.Request
        What to wait for.
    end : (float, str), optional
        After so many seconds, end the job for this reason.
    """
    deadline = time.monotonic() + end[0] if end else float("inf")
    for _ in naps():
        if request.Test():
            return
        look_for_leavers()
        if end and time.monotonic() > deadline:
            abort(end[1])


def abort_at_exit(lost: object) -> None:
    """Keep something that cannot be closed, and let the job end before it would be."""
    _State.lost.append(lost)


def look_for_leavers() -> None:
    """End the job if a rank said that it has left."""
    mpi = _running()
    if mpi and _State.comm is not None:
        status = mpi.Status()
        if _State.comm.Iprobe(tag=LEFT, status=status):
            abort(f"rank {status.Get_source()} left the script while others wait")


def _running() -> Any:
    """Return mpi4py.MPI if it is imported and running, else None."""
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is None or not mpi.Is_initialized() or mpi.Is_finalized():
        return None
    return mpi


def _uncaught(
    before: Any,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
) -> None:
    if getattr(error, "silent", False):  # rank 0 shows the same one
        return
    before(kind, error, trace)
    outermost = trace.tb_frame.f_code.co_name if trace else "<module>"
    if outermost not in ("<module>", "_run_module_as_main"):
        return  # not fatal: Cython shows here what it cannot raise
    if getattr(error, "everywhere", False):  # all ranks end by it
        return
    why = f"uncaught {named_line(error)}"
    if _running():
        abort(why)
    _say(why)  # launchers end a job of which one process failed before MPI_Init


def _first_barrier(mpi: Any, *, coming: bool, limit: float = float("inf")) -> list[int]:
    """Wait for all ranks to come to the processing or to exit; return who exits."""
    import numpy as np

    world = mpi.COMM_WORLD
    come = np.ones(world.Get_size(), np.bool_)
    request = world.Iallgather(np.array([coming]), come)
    deadline = time.monotonic() + limit
    for _ in naps():
        if request.Test():
            return [int(rank) for rank in np.flatnonzero(~come)]
        if time.monotonic() > deadline:
            return [*range(world.Get_size())]  # nobody is known to have come
    raise AssertionError  # naps never end


def _leave() -> None:
    """Wait for all ranks at exit; tell those who wait for this one that it left."""
    mpi = _running()
    if mpi is None:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    # mpi4py.run knows an exit code that is not 0 and aborts by itself, after this.
    limit = 2 * GRACE if "mpi4py.run" in sys.modules else float("inf")
    if _State.comm is None:
        away = _first_barrier(mpi, coming=False, limit=limit)
        if len(away) < mpi.COMM_WORLD.Get_size():
            # Who came ends the job. Open MPI 4.1's mpiexec may hang for ever where a
            # rank finalises MPI while another one aborts.
            time.sleep(2 * GRACE)
    else:
        _last_barrier(_State.comm, limit)
    if _State.lost:
        mpi.COMM_WORLD.Abort(1)
    if _State.initialised:
        mpi.Finalize()


def _last_barrier(comm: MPI.Intracomm, limit: float) -> None:
    request, began, sent = comm.Ibarrier(), time.monotonic(), False
    for _ in naps():
        waited = time.monotonic() - began
        if request.Test() or waited > limit:
            return
        if waited > GRACE and not sent:
            sent = True
            # Rank 0 waits for everyone, and everyone for rank 0.
            others = range(1, comm.Get_size()) if comm.Get_rank() == 0 else [0]
            for rank in others:
                comm.Isend(bytearray(1), rank, LEFT)
