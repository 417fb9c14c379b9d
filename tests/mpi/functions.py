"""Processing functions for the tests of ranks that are killed, stopped or stuck."""

from __future__ import annotations

import os
import resource
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obspy import Inventory, Stream


def troubled(
    st: Stream,
    inv: Inventory | None,
    calls: str,
    trouble: str,
    seconds: float = 0.05,
) -> Stream:
    """Return what came in; on rank 1, have the trouble that a file asks for."""
    with Path(calls).open("a", encoding="utf-8") as file:
        file.write(f"{st[0].stats.network}.{st[0].stats.station}\n")
    time.sleep(seconds)
    done = Path(calls).read_text(encoding="utf-8").count("\n")
    if Path(trouble).exists() and os.environ["OMPI_COMM_WORLD_RANK"] == "1":
        what = Path(trouble).read_text(encoding="utf-8")
        if what == "kill" and done > 7:
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "stop" and done > 7:
            os.kill(os.getpid(), signal.SIGTERM)
        while what == "stuck":
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(1)
            except BaseException:  # noqa: S112 - as bad functions do
                continue
        if what == "no room":
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    return st


def takes_its_rank_down(st: Stream, inv: Inventory | None, station: str) -> Stream:
    """Kill the rank that is at work on one station; be quick with the others."""
    if f"{st[0].stats.network}.{st[0].stats.station}" == station:
        os.kill(os.getpid(), signal.SIGKILL)
    return st
