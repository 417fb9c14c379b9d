"""Processing functions for the tests of reliability, loaded as ``steps.py:NAME``."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from obspy import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from obspy import Inventory, Trace


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


class _Fatal(Stream):
    """A stream that kills whoever looks at its traces."""

    def __iter__(self) -> Iterator[Trace]:
        os.kill(os.getpid(), signal.SIGKILL)
        return super().__iter__()


def fatal(
    st: Stream, inv: Inventory | None, phase: str, calls: str, times: int = 99
) -> Stream:
    """Take the process down on station S004 in a phase, the first so many times.

    ``computing``: in here; ``encoding``: when the result is encoded; ``writing``:
    when this process writes to a segment next.
    """
    with Path(calls).open("a", encoding="utf-8") as file:
        file.write(f"XX.{st[0].stats.station}\n")
    if st[0].stats.station != "S004":
        return st
    if Path(calls).read_text(encoding="utf-8").split().count("XX.S004") > times:
        return st
    if phase == "computing":
        os.kill(os.getpid(), signal.SIGKILL)
    if phase == "encoding":
        return _Fatal(st.traces)
    sys.setprofile(_kill_the_writer)
    return st


def _kill_the_writer(frame: FrameType, event: str, _: object) -> None:
    code = frame.f_code
    if event == "call" and (code.co_name, Path(code.co_filename).name) == (
        "write",
        "writer.py",
    ):
        os.kill(os.getpid(), signal.SIGKILL)


def with_child(st: Stream, inv: Inventory | None, calls: str) -> Stream:
    """Kill this process on station S004 once; a child of it lives on until told."""
    if st[0].stats.station == "S004" and not Path(calls).exists():
        child = multiprocessing.get_context("fork").Process(target=_wait, args=(calls,))
        child.start()
        while not Path(calls).exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
    return st


def _wait(calls: str) -> None:
    Path(calls).touch()
    while not Path(f"{calls}.go").exists():
        time.sleep(0.01)


def large(st: Stream, inv: Inventory | None, calls: str) -> Stream:
    """Return 4 million samples of noise: writing them takes a while."""
    stats = st[0].stats
    with Path(calls).open("a", encoding="utf-8") as file:
        file.write(f"{stats.network}.{stats.station}\n")
    rng = np.random.default_rng(int(stats.station[1:]))
    st[0].data = rng.integers(-(2**31), 2**31, 4_000_000).astype(np.int32)
    return st
