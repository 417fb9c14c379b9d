"""How many MPI ranks there are, as a launcher or MPI itself says.

A batch script (``sbatch`` with Python in it, no launcher) has Slurm's variables of
the job: none of the sizes below, and rank 0.
"""

from __future__ import annotations

import os
import sys
from typing import Any

# Open MPI; MPICH, Intel MPI, Cray and Slurm's pmi2; MVAPICH; MPICH on one node.
_SIZE = (
    "OMPI_COMM_WORLD_SIZE",
    "PMI_SIZE",
    "MV2_COMM_WORLD_SIZE",
    "MPI_LOCALNRANKS",
)
_RANK = (
    "OMPI_COMM_WORLD_RANK",
    "PMIX_RANK",
    "PMI_RANK",
    "MV2_COMM_WORLD_RANK",
    "SLURM_PROCID",
)


def launched_ranks(*, tasks: bool = False) -> int:
    """Return how many ranks a launcher started, 1 where there is no launcher.

    Parameters
    ----------
    tasks : bool
        Count the tasks of any ``srun``; else only where it brought an MPI's glue
        (``--mpi=pmix``): without it they are processes that know nothing of each
        other.
    """
    for name in _SIZE:
        value = os.environ.get(name, "")
        if value.isdigit():
            return int(value)
    steps = os.environ.get("SLURM_STEP_NUM_TASKS", "")
    if steps.isdigit() and (tasks or "PMIX_RANK" in os.environ):
        return int(steps)
    return 1


def launched_rank() -> int:
    """Return this process's rank as its launcher says, 0 where there is none."""
    for name in _RANK:
        value = os.environ.get(name, "")
        if value.isdigit():
            return int(value)
    return 0


def running_ranks() -> int:
    """Return how many ranks run, by MPI where it was started; it is not for this."""
    module = sys.modules.get("mpi4py.MPI")
    if module is not None and module.Is_initialized() and not module.Is_finalized():
        return int(module.COMM_WORLD.size)
    return launched_ranks()


def world() -> Any:
    """Return mpi4py's module ``MPI``, imported now."""
    from mpi4py import MPI

    return MPI
