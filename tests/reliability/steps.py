"""Processing functions for the tests of reliability, loaded as ``steps.py:NAME``."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obspy import Inventory, Stream


def identity(st: Stream, inv: Inventory | None) -> Stream:
    """Return what came in."""
    return st


def counted(
    st: Stream,
    inv: Inventory | None,
    calls: str,
    seconds: float = 0.0,
    slow: str = "",
    stubborn: bool = False,
) -> Stream:
    """Return what came in after a while; each call leaves a line.

    One station takes very long, unless there is a file ``<calls>.go``; it may also
    hold on to its work against any exception.
    """
    stats = st[0].stats
    with Path(calls).open("a", encoding="utf-8") as file:
        file.write(f"{stats.network}.{stats.station}\n")
    if stats.station == slow and not Path(f"{calls}.go").exists():
        seconds = 600.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            time.sleep(max(end - time.monotonic(), 0))
        except BaseException:
            if not stubborn:
                raise
    return st


def of_all_kinds(
    st: Stream, inv: Inventory | None, calls: str = "", cured: bool = False
) -> Stream | None:
    """Do something else with each of the first stations."""
    station = st[0].stats.station
    if calls:
        with Path(calls).open("a", encoding="utf-8") as file:
            file.write(f"XX.{station}\n")
    if station == "S001":
        return None
    if cured:
        return st
    if station == "S002":
        msg = 'two\nlines, "quoted"'
        raise ValueError(msg)
    if station == "S003":
        os.kill(os.getpid(), signal.SIGKILL)
    if station == "S004":
        os._exit(7)
    if station == "S005":
        st[0].stats.network = "ZZ"
    if station == "S006":
        return st[:0]
    if station == "S007":
        st[0].data = st[0].data[::2].astype("float32")
    return st
