"""What an MPI launcher says in the environment; mpi4py is not imported for it."""

from __future__ import annotations

import os

_SIZE = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS")
_RANK = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK")


def launched_ranks() -> int:
    """Return how many ranks a launcher started, 1 where there is no launcher."""
    for name in _SIZE:
        value = os.environ.get(name, "")
        if value.isdigit():
            return int(value)
    # Slurm sets the number of tasks for every step; only MPI's glue makes ranks.
    if "PMIX_RANK" in os.environ or "SLURM_MPI_TYPE" in os.environ:
        tasks = os.environ.get("SLURM_STEP_NUM_TASKS", "1")
        return int(tasks) if tasks.isdigit() else 1
    return 1


def launched_rank() -> int:
    """Return this process's rank as its launcher says, 0 where there is none."""
    for name in _RANK:
        value = os.environ.get(name, "")
        if value.isdigit():
            return int(value)
    return 0
