"""What is done with each station."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from obspy import Inventory, Stream

    from asdf_pipeline import Pair, Result, StationData

BURN = 0.1
"""Seconds of CPU that `burn` takes a trace."""
SHORTEST = 0.02
"""Seconds of the shortest `sleep`; the longest takes 100 times as long."""


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


def seconds_asleep(index: int) -> float:
    """Return how long `sleep` takes over the station of an index, in seconds.

    The exponents of 100 are spread evenly, in an order that looks like chance (the
    golden ratio's multiples).
    """
    return SHORTEST * 100.0 ** (index * 0.6180339887498949 % 1.0)


def sleep(st: Stream, inv: Inventory | None) -> Stream:
    """Sleep for a time of the station's own."""
    time.sleep(seconds_asleep(int(st[0].stats.station)))
    return st


def spectra(station: StationData) -> Any:
    """Prepare a station of a pair: the spectrum of its first trace."""
    import numpy as np

    return np.fft.rfft(station.stream[0].data, 1024)


def correlate(a: Any, b: Any, pair: Pair) -> Result:
    """Return the correlation of two stations, 101 lags of it."""
    import numpy as np

    from asdf_pipeline import Result

    one, other = (name.replace(".", "_") for name in pair.stations)
    lags = np.fft.irfft(np.conj(a) * b)[:101].astype(np.float32)
    path = f"CrossCorrelation/{one}/{other}/BHZ_BHZ"
    return Result(auxiliary={path: (lags, {"distance": pair.distance or 0.0})})
