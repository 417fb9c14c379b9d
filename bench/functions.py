"""What is done with each station."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from obspy import Inventory, Stream

BURN = 0.1
"""Seconds of CPU that `burn` takes a trace."""


def identity(st: Stream, inv: Inventory | None) -> Stream:
    """Return what came: all cost is the package's own."""
    return st


def remove_response(st: Stream, inv: Inventory | None) -> Stream | None:
    """Deconvolve the instrument response, as in pyasdf's documentation."""
    if inv is None:
        return None
    st.attach_response(inv)
    st.remove_response(output="VEL")
    return st


def burn(st: Stream, inv: Inventory | None) -> Stream:
    """Take 100 ms of CPU a trace."""
    for _ in st:
        end = time.thread_time() + BURN
        while time.thread_time() < end:
            pass
    return st
