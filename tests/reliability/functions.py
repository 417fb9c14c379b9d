"""The function of the kill campaign."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obspy import Inventory, Stream


def counted(st: Stream, inv: Inventory | None, calls: str, s: float) -> Stream:
    """Return what came in after `s` seconds; each call leaves a line."""
    stats = st[0].stats
    with Path(calls).open("a", encoding="utf-8") as file:
        file.write(f"{stats.network}.{stats.station}\n")
    time.sleep(s)
    return st
