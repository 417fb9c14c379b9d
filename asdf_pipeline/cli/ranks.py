"""Which of the ranks that a launcher started prints for all of them."""

from __future__ import annotations

import sys
import time

from asdf_pipeline.team.launcher import launched_rank

_WAIT = 2.0  # seconds


def is_first_rank() -> bool:
    """Return whether this is the first rank, or no rank at all.

    A command started from within somebody's MPI job or Slurm step, neither under
    ``python -m mpi4py`` nor having started MPI itself, is no rank. That mpi4py is
    imported does not make it one: `container.hdf5` imports it.
    """
    mpi = sys.modules.get("mpi4py.MPI")
    if "mpi4py.run" not in sys.modules and not (mpi and mpi.Is_initialized()):
        return True
    return launched_rank() == 0


def wait_for_first_rank() -> None:
    """Give the first rank 2 s to print its error before this rank ends with it.

    A launcher kills all ranks once one has left with an error (Open MPI and srun do).
    """
    time.sleep(_WAIT)
