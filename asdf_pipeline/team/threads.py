"""How many cores there are for us, and one thread a worker for BLAS and FFT."""

from __future__ import annotations

import math
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

_ASKED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def available_cores() -> int:
    """Return the cores that this process may use, at least 1.

    The least of the affinity mask, the cgroup's quota, and what Slurm gave a task:
    a node's cores are not this job's.
    """
    cores = [len(os.sched_getaffinity(0))]
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            cores.append(math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):
        pass  # no such cgroup: nothing to add
    slurm = os.environ.get("SLURM_CPUS_PER_TASK", "")
    if slurm.isdigit():
        cores.append(int(slurm))
    return max(1, min(cores))


def one_thread() -> AbstractContextManager[object]:
    """Hold BLAS to one thread, unless the user said how many it may use."""
    if any(name in os.environ for name in _ASKED):
        return nullcontext()
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits
