"""Which of the processes that a launcher started speaks for all of them."""

from __future__ import annotations

import sys
import time

from asdf_pipeline.team.launcher import launched_rank

_WAIT = 2.0  # seconds


def is_first_rank() -> bool:
    """Return whether this is the first rank, or no rank at all.

    A command started from within somebody's MPI job or Slurm step, neither under
    ``python -m mpi4py`` nor having started MPI itself, is no rank. That mpi4py is
    imported says nothing: `container.hdf5` does that.
    """
    mpi = sys.modules.get("mpi4py.MPI")
    if "mpi4py.run" not in sys.modules and not (mpi and mpi.Is_initialized()):
        return True
    return launched_rank() == 0


def let_the_first_rank_speak() -> None:
    """Wait a little before this rank ends with an error that another one prints.

    A launcher ends the whole job when the first rank leaves with an error.
    """
    time.sleep(_WAIT)
