"""What a worker takes of the machine, and keeps."""

from __future__ import annotations

import multiprocessing
import resource
from multiprocessing.queues import SimpleQueue

import numpy as np

from asdf_pipeline.team.resources import keep_memory


def faults(answer: SimpleQueue[int]) -> None:
    """Tell how many pages the kernel provides for arrays like those before them."""
    keep_memory()
    use_arrays()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        use_arrays()
    answer.put(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)


def use_arrays() -> None:
    """Fill 24 MB, as an FFT does, and give them back."""
    arrays = [np.ones(3 << 17) for _ in range(8)]
    assert sum(array[-1] for array in arrays) == len(arrays)


def test_memory_is_kept_for_the_next_station() -> None:
    context = multiprocessing.get_context("fork")
    answer: SimpleQueue[int] = context.SimpleQueue()
    process = context.Process(target=faults, args=(answer,))
    process.start()
    found = answer.get()
    process.join()
    pages = 10 * (24 << 20) // resource.getpagesize()
    assert found < pages / 100
