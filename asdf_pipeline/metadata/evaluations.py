"""Arrays kept by the content that they were computed from, bounded in bytes."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

ENTRY_OVERHEAD = 512  # bytes: key, array object, dictionary entry


@dataclass(frozen=True, slots=True)
class CacheStatistics:
    """What a cache did since it was made or cleared.

    Attributes
    ----------
    evaluations : int
        How often an array had to be computed.
    hits : int
        How often it was there already.
    entries : int
        Arrays held now.
    nbytes : int
        Memory held now, in bytes.
    """

    evaluations: int
    hits: int
    entries: int
    nbytes: int


class Evaluations:
    """A least-recently-used cache of read-only arrays.

    Losing an entry costs time only: what `get` returns is the same, kept or not.

    By hand: cachetools' LRUCache (8.0.2) was weighed. A hit takes 0.1 us there and
    0.6 us here, either way nothing beside the digest that is its key (100 us); but it
    counts neither hits nor bytes by itself, and needs a lock for a function's threads.

    Parameters
    ----------
    limit : int
        Most memory to hold, in bytes. An array that alone exceeds it is not kept.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.clear()

    def clear(self) -> None:
        """Drop all arrays and set the counts to zero."""
        self._arrays: OrderedDict[bytes, NDArray[np.complex128]] = OrderedDict()
        self._nbytes = self._evaluations = self._hits = 0

    def statistics(self) -> CacheStatistics:
        """Return the counts since the last `clear`."""
        return CacheStatistics(
            self._evaluations, self._hits, len(self._arrays), self._nbytes
        )

    def get(
        self, key: bytes, evaluate: Callable[[], NDArray[Any]]
    ) -> NDArray[np.complex128]:
        """Return the array of a key, computed now if it is not there.

        Parameters
        ----------
        key : bytes
            Digest of everything that `evaluate` depends on.
        evaluate : callable
            Computes the array; what it raises is passed on, and nothing is kept.

        Returns
        -------
        numpy.ndarray
            Read-only, shared with later calls.
        """
        array = self._arrays.get(key)
        if array is not None:
            self._hits += 1
            with contextlib.suppress(KeyError):  # a thread of the function's dropped it
                self._arrays.move_to_end(key)
            return array
        self._evaluations += 1
        array = evaluate()
        array.setflags(write=False)
        size = array.nbytes + ENTRY_OVERHEAD
        if size <= self.limit:
            self._arrays[key] = array
            self._nbytes += size
            while self._nbytes > self.limit:
                _, dropped = self._arrays.popitem(last=False)
                self._nbytes -= dropped.nbytes + ENTRY_OVERHEAD
        return array
