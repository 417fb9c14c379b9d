"""How many cores there are for us; a worker's threads, and the memory it keeps."""

from __future__ import annotations

import math
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from asdf_pipeline.files import system_call

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_LARGEST = 32 << 20  # bytes; glibc allows no more
_KEPT = 64 << 20  # bytes
_ASKED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def available_cores() -> int:
    """Return the cores that this process may use, at least 1.

    The least of the affinity mask (the machine's cores where the system has none, as
    macOS), the cgroup's quota, and what Slurm gave a task: a node's cores are not this
    job's.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = [len(os.sched_getaffinity(0))]
    else:
        cores = [os.cpu_count() or 1]
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


def keep_memory() -> None:
    """Have this process keep up to 64 MB of freed memory for the next station.

    An FFT's arrays are a few MB each: glibc gives them back to the system as soon as
    they are free, and the kernel clears as many pages for the next ones, a quarter of
    the CPU that removing a response takes. Arrays above 32 MB still go back at once.
    Once done it holds for the whole life of the process, so that only processes that
    are a team's own do it. Other C libraries are left as they are.
    """
    mallopt = system_call("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
