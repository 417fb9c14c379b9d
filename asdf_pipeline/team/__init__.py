"""Teams: who does the work, and whose turn it is to write.

A new one is one module here with a `Team`, and one line in `TEAMS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asdf_pipeline.errors import BackendError
from asdf_pipeline.team.launcher import launched_ranks

if TYPE_CHECKING:
    from asdf_pipeline.team.base import Team

TEAMS = ("serial", "multiprocessing", "mpi")
IO = ("auto", "parallel", "segments")


def form_team(backend: str = "auto", workers: int = -1, io: str = "auto") -> Team:
    """Return the team that a ``--backend`` names.

    Parameters
    ----------
    backend : {"auto", "serial", "multiprocessing", "mpi"}
        ``auto`` is MPI where a launcher started more than one rank, or `io` is
        ``parallel``, else multiprocessing.
    workers : int
        Members of the multiprocessing team, -1 for one a core.
    io : {"auto", "parallel", "segments"}
        How MPI ranks write.

    Raises
    ------
    BackendError
        If it is unknown or cannot be had here.
    """
    if backend not in ("auto", *TEAMS):
        msg = f"backend {backend!r}: expected one of auto, {', '.join(TEAMS)}"
        raise BackendError(msg)
    if io not in IO:
        msg = f"io {io!r}: expected one of {', '.join(IO)}"
        raise BackendError(msg)
    if backend == "auto":
        ranks = launched_ranks() > 1 or io == "parallel"
        backend = "mpi" if ranks else "multiprocessing"
    if backend == "mpi":
        from asdf_pipeline.team.mpi import form_ranks

        return form_ranks(io)
    if io == "parallel":
        msg = f"--io parallel needs --backend mpi (this is {backend})"
        raise BackendError(msg)
    if backend == "serial":
        from asdf_pipeline.team.alone import Alone

        return Alone()
    from asdf_pipeline.team.processes import Processes

    return Processes(workers)
