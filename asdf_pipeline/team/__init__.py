"""Teams: who does the work, and whose turn it is to write.

A new one is one module here with ``form(options) -> Team``, and one line in `TEAMS`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from asdf_pipeline.errors import BackendError
from asdf_pipeline.team.launcher import launched_ranks

if TYPE_CHECKING:
    from asdf_pipeline.team.base import Team, TeamOptions

# The name of a backend, and the module here that forms its team.
TEAMS = {
    "serial": "alone",
    "multiprocessing": "processes",
    "mpi": "mpi.start",
    "dask": "dask.start",
}
IO = ("auto", "parallel", "segments")


def form_team(options: TeamOptions) -> Team:
    """Return the team that does a run; under MPI every rank calls this.

    Raises
    ------
    BackendError
        If it is unknown or cannot be had here.
    """
    backend, io = options.backend, options.io
    if backend not in ("auto", *TEAMS):
        msg = f"backend {backend!r}: expected one of auto, {', '.join(TEAMS)}"
        raise BackendError(msg)
    if io not in IO:
        msg = f"io {io!r}: expected one of {', '.join(IO)}"
        raise BackendError(msg)
    if options.scheduler is not None and backend not in ("auto", "dask"):
        msg = f"a scheduler goes with the backend 'dask' (this is {backend!r})"
        raise BackendError(msg)
    if backend == "auto" and options.scheduler is not None:
        backend = "dask"
    if backend == "auto":
        ranks = launched_ranks() > 1 or io == "parallel"
        backend = "mpi" if ranks else "multiprocessing"
    team: Team = import_module(f"asdf_pipeline.team.{TEAMS[backend]}").form(options)
    if io == "parallel" and not team.can_write_together:
        msg = f"io {io!r} needs the backend 'mpi' (this is {backend!r})"
        raise BackendError(msg)
    return team
