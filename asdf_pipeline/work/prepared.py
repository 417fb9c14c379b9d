"""What was prepared of stations, kept within a bound: the least recently used goes."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from asdf_pipeline.work.source import ReadCounts


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a function made of one station's data.

    Attributes
    ----------
    value : object
        What it returned; None: the station is left out here.
    read : ReadCounts
        What was read for it.
    error : Exception or None
        What it raised instead: of all pairs of the station alike.
    trace : types.TracebackType or None
        Where it did: an error that is raised again and again collects levels.
    """

    value: Any
    read: ReadCounts
    error: Exception | None = None
    trace: TracebackType | None = None

    def get(self) -> Any:
        """Return the value, or raise the error."""
        if self.error is not None:
            raise self.error.with_traceback(self.trace)
        return self.value


class PreparedCache:
    """Keeps what was prepared, by station and window.

    Parameters
    ----------
    limit : int
        Bytes; at least the last two are kept, whatever their size: those of a pair.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[str, int | None], tuple[Prepared, int]]
        self._kept = OrderedDict()
        self.size = 0
        self.made = 0

    def get(
        self, key: tuple[str, int | None], prepare: Callable[[], Prepared]
    ) -> Prepared:
        """Return what was prepared, made now if it is not kept."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found[0]
        prepared = prepare()
        self.made += 1
        size = frozen_size(prepared.value)
        self._kept[key] = (prepared, size)
        self.size += size
        while self.size > self._limit and len(self._kept) > 2:
            self.size -= self._kept.popitem(last=False)[1][1]
        return prepared


def frozen_size(value: Any) -> int:
    """Return about how many bytes a value has; its arrays are made read-only.

    Pairs share what was prepared: a function that changed it would change the results
    of the pairs that come later, and so make them depend on their order.
    """
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
        owner = value.base if isinstance(value.base, np.ndarray) else value
        return int(owner.nbytes) + 128
    if isinstance(value, Mapping):
        return (
            64
            + sum(map(frozen_size, value.keys()))
            + sum(map(frozen_size, value.values()))
        )
    if isinstance(value, list | tuple | set | frozenset):
        return 64 + sum(map(frozen_size, value))
    inside = getattr(value, "__dict__", None)
    if isinstance(inside, dict) and not callable(value):
        return 64 + sum(map(frozen_size, inside.values()))
    slots = getattr(type(value), "__slots__", ())
    if slots and not isinstance(slots, str):
        return 64 + sum(
            frozen_size(getattr(value, name)) for name in slots if hasattr(value, name)
        )
    return sys.getsizeof(value)
