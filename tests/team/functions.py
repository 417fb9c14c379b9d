"""Processing functions for the tests of teams, loaded as ``functions.py:NAME``."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from obspy import Inventory, Stream

    from asdf_pipeline import StationData


def _station(st: Stream) -> str:
    return f"{st[0].stats.network}.{st[0].stats.station}"


def count(st: Stream, calls: str) -> None:
    """Note a call; each line is one, whichever process makes it."""
    with Path(calls).open("a", encoding="utf-8") as file:
        file.write(f"{_station(st)} {st[0].stats.asdf.tag}\n")


def identity(st: Stream, inv: Inventory | None) -> Stream:
    """Return what came in."""
    return st


def with_response(st: Stream, inv: Inventory | None) -> Stream | None:
    """Write only stations with metadata, as the seed's function does."""
    if inv is None:
        return None
    for trace in st:
        trace.data = trace.data * 2.5
    return st


def fails_for(st: Stream, inv: Inventory | None, station: str) -> Stream:
    """Raise for one station."""
    if _station(st) == station:
        msg = f"nothing to be done with {station}"
        raise RuntimeError(msg)
    return st


def counted(
    st: Stream, inv: Inventory | None, calls: str, seconds: float = 0.0
) -> Stream:
    """Return what came in after a while, and note the call."""
    count(st, calls)
    time.sleep(seconds)
    return st


def fails_until_cured(
    st: Stream, inv: Inventory | None, station: str, calls: str, cure: str
) -> Stream:
    """Raise for one station until a file exists; note each call."""
    count(st, calls)
    if _station(st) == station and not Path(cure).exists():
        msg = "not cured"
        raise RuntimeError(msg)
    return st


def dies_for(
    st: Stream,
    inv: Inventory | None,
    station: str,
    how: str,
    calls: str,
    times: int = 99,
) -> Stream:
    """Take the worker down on one station, the first so many times."""
    if _station(st) == station:
        count(st, calls)
        if Path(calls).read_text(encoding="utf-8").count(station) <= times:
            if how == "exit":
                os._exit(3)
            os.kill(os.getpid(), getattr(signal, how))
    return st


def compare_lengths(a: StationData, b: StationData) -> int:
    """Return how many traces two stations have."""
    return sum(len(data.streams["raw_recording"]) for data in (a, b))


def leaves(st: Stream, inv: Inventory | None) -> Stream:
    """Call `sys.exit`, as no function should."""
    sys.exit("enough")


def is_cancelled(st: Stream, inv: Inventory | None) -> Stream:
    """Raise what is no `Exception`."""
    raise asyncio.CancelledError


def returns(st: Stream, inv: Inventory | None, what: str) -> Any:
    """Return something that is no answer for one station."""
    if _station(st) != "XX.S03":
        return st
    if what == "list":
        return list(st)
    if what == "string":
        return "done"
    if what == "complex":
        st[0].data = st[0].data.astype("complex128")
    if what == "other station":
        st[0].stats.station = "OTHER"
    return st


def pooled(st: Stream, inv: Inventory | None) -> Stream:
    """Compute in processes of its own, several times."""
    for _ in range(5):
        with multiprocessing.get_context("fork").Pool(3) as pool:
            sums = pool.map(sum, [trace.data for trace in st])
    assert sums == [sum(trace.data) for trace in st]
    return st
