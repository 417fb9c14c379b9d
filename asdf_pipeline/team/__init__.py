"""Teams: who does the work, and whose turn it is to write.

A new one is one module here with ``form(workers, io) -> Team``, and one line in
`TEAMS`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from asdf_pipeline.errors import BackendError
from asdf_pipeline.team.launcher import launched_ranks

if TYPE_CHECKING:
    from asdf_pipeline.team.base import Team

# The name of a backend, and the module here that forms its team.
TEAMS = {"serial": "alone", "multiprocessing": "processes", "mpi": "mpi.ranks"}
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
    if io == "parallel" and backend != "mpi":
        msg = f"io 'parallel' needs backend 'mpi' (this is {backend!r})"
        raise BackendError(msg)
    module = import_module(f"asdf_pipeline.team.{TEAMS[backend]}")
    team: Team = module.form(workers, io)
    return team
