"""The function of the kill campaign."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline import Result

if TYPE_CHECKING:
    from obspy import Inventory, Stream

    from asdf_pipeline import Gather, Pair, StationData


def counted(
    st: Stream, inv: Inventory | None, calls: str, s: float, *, by_event: bool = False
) -> Result:
    """Return what came in, and an array, after `s` seconds; each call leaves a line."""
    stats = st[0].stats
    start = stats.starttime.ns
    line, name = f"{stats.network}.{stats.station} {start}", f"from_{start}"
    if len(st) == 1:  # by channels or by events
        (event,) = stats.asdf.event_ids
        line += f" {event}" if by_event else f" {stats.location}.{stats.channel}"
        name += f"_{stats.channel}"
    _note(calls, line, s)
    return Result(st, {f"Sums/{stats.network}_{stats.station}/{name}": _sums(st)})


def counted_of_event(st: Stream, inv: Inventory | None, calls: str, s: float) -> Result:
    """Do the same of the traces of an event."""
    return counted(st, inv, calls, s, by_event=True)


def counted_pair(
    a: StationData, b: StationData, pair: Pair, calls: str, s: float
) -> Result:
    """Return an array of two stations; each call leaves a line."""
    _note(calls, " ".join(pair.stations), s / 4)
    name = "/".join(station.replace(".", "_") for station in pair.stations)
    return Result(
        auxiliary={f"Products/{name}": 1.0 * _sums(a.stream) * _sums(b.stream)}
    )


def counted_gather(gather: Gather, calls: str, s: float) -> Result:
    """Return two stations' waveforms and an array; each call leaves a line."""
    assert gather.window is not None
    _note(calls, f"gather {gather.window[0]}", s)
    st = gather[gather.stations[0]].stream + gather[gather.stations[-1]].stream
    return Result(st, {f"Sums/gather_{gather.window[0]}": _sums(st)})


def _note(calls: str, line: str, s: float) -> None:
    with Path(calls).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    time.sleep(s)


def _sums(st: Stream) -> np.ndarray[Any, Any]:
    return np.array([trace.data.sum() for trace in st])
