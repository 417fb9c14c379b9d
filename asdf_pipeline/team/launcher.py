"""What an MPI launcher says in the environment; mpi4py is not imported for it.

A batch script (``sbatch`` with Python in it, no launcher) has Slurm's variables of
the job, but none of those below.
"""

from __future__ import annotations

import os

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
)


def launched_ranks() -> int:
    """Return how many ranks a launcher started, 1 where there is no launcher.

    ``srun`` counts where it brought an MPI's glue (``--mpi=pmix``); without it, its
    tasks are processes that know nothing of each other.
    """
    for name in _SIZE:
        value = os.environ.get(name, "")
        if value.isdigit():
            return int(value)
    return launched_tasks() if "PMIX_RANK" in os.environ else 1


def launched_tasks() -> int:
    """Return how many tasks the Slurm step of this process has, 1 outside of one."""
    tasks = os.environ.get("SLURM_STEP_NUM_TASKS", "1")
    return int(tasks) if tasks.isdigit() else 1


def launched_rank() -> int:
    """Return this process's rank as its launcher says, 0 where there is none."""
    for name in _RANK:
        value = os.environ.get(name, "")
        if value.isdigit():
            return int(value)
    return 0
