"""The function of the kill campaign."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline import Result

if TYPE_CHECKING:
    from obspy import Inventory, Stream


def counted(st: Stream, inv: Inventory | None, calls: str, s: float) -> Result:
    """Return what came in, and an array, after `s` seconds; each call leaves a line."""
    stats = st[0].stats
    start = stats.starttime.ns
    with Path(calls).open("a", encoding="utf-8") as file:
        file.write(f"{stats.network}.{stats.station} {start}\n")
    time.sleep(s)
    return Result(st, {f"Sums/{stats.network}_{stats.station}/from_{start}": _sums(st)})


def _sums(st: Stream) -> np.ndarray[Any, Any]:
    return np.array([trace.data.sum() for trace in st])
