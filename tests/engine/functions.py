"""Functions of the tests of auxiliary data and of two files."""

from __future__ import annotations

import math
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import obspy

from asdf_pipeline import Result

if TYPE_CHECKING:
    from obspy import Inventory, Stream, Trace
    from obspy.core.event import Event

    from asdf_pipeline.work.gather import Gather
    from asdf_pipeline.work.pair import Pair
    from asdf_pipeline.work.station_data import StationData


def _code(st: Stream) -> str:
    return f"{st[0].stats.network}_{st[0].stats.station}"


def _arrays(st: Stream) -> dict[str, Any]:
    code = _code(st)
    peaks = np.array([[abs(t.data).max(), abs(t.data).mean()] for t in st])
    parameters = {"unit": "counts", "channels": [t.stats.channel for t in st], "n": 3}
    return {
        f"Peaks/{code}": (peaks, parameters),
        f"Spectra/{code}/first": np.fft.rfft(st[0].data),
    }


def demeaned(st: Stream, inv: Inventory | None) -> Stream:
    """Return the waveforms without their mean."""
    return st.detrend("demean")


def both(st: Stream, inv: Inventory | None) -> Result:
    """Return waveforms and auxiliary data."""
    return Result(st, _arrays(st))


def only_arrays(st: Stream, inv: Inventory | None) -> Result:
    """Return auxiliary data alone."""
    return Result(auxiliary=_arrays(st))


def many_texts(st: Stream, inv: Inventory | None) -> Result:
    """Return an array with as many parameters as a correlation has."""
    parameters = {f"parameter {n}": f"text {n}: ü" for n in range(12)}
    parameters["pairs"] = ["a", "bc"]
    return Result(st, {f"Correlations/{_code(st)}": (np.ones(9), parameters)})


def same_path(st: Stream, inv: Inventory | None) -> Result:
    """Let two of the stations write one path."""
    code = _code(st)
    name = "shared" if code in ("XX_S02", "XX_S09") else code
    return Result(st, {f"Peaks/{name}": np.zeros(2)})


def bad_path(st: Stream, inv: Inventory | None) -> Result:
    """Let one station write an array below another array."""
    arrays = _arrays(st)
    if _code(st) == "XX_S03":
        arrays["Peaks/XX_S03/deeper"] = np.zeros(2)
    return Result(st, arrays)


def no_text(st: Stream, inv: Inventory | None) -> Result:
    """Give three of the stations texts that UTF-8 has no form for."""
    code, arrays = _code(st), _arrays(st)
    if code == "XX_S03":
        arrays["Odd/XX_S03"] = (np.zeros(1), {"file": "\udcff.dat"})
    elif code == "XX_S04":
        st[0].stats.asdf = {"labels": ["\udcff"]}
    elif code == "XX_S05":
        st[0].stats.asdf = {"provenance_id": "{http://x}\udcff"}
    return Result(st, arrays)


def killed_once(st: Stream, inv: Inventory | None, calls: str, times: int) -> Result:
    """Kill the whole process group at one of the calls."""
    with Path(calls).open("a", encoding="utf-8") as file:
        file.write(f"{_code(st)}\n")
    if len(Path(calls).read_text(encoding="utf-8").split()) == times:
        os.killpg(0, signal.SIGKILL)
    return both(st, inv)


def by_window(st: Stream, inv: Inventory | None) -> Result:
    """Return waveforms, and an array whose path names the window."""
    start = st[0].stats.starttime
    name = f"Means/{_code(st)}/{start.strftime('%Y-%m-%dT%H.%M.%S')}"
    return Result(st, {name: np.array([t.data.mean() for t in st])})


def misfit(a: StationData, b: StationData, norm: int = 2) -> dict[str, Any] | None:
    """Compare observed with synthetic waveforms."""
    if "observed" not in a.streams or a.inventory is None:
        return None
    rows = zip(a.streams["observed"], b.streams["synthetic"], strict=True)
    residuals = [_residual(one, other) for one, other in rows]
    # Python 3.12 sums floats otherwise than 3.11: this sum is exact in all of them.
    total = math.fsum(np.linalg.norm(r.data, norm) for r in residuals)
    return {"misfit": total, "traces": len(residuals), "first": residuals[0].id}


def residual(a: StationData, b: StationData) -> Result:
    """Return the residuals, their sums, and a row."""
    row = misfit(a, b)
    rows = zip(a.streams["observed"], b.streams["synthetic"], strict=True)
    residuals = obspy.Stream([_residual(one, other) for one, other in rows])
    sums = np.array([trace.data.sum() for trace in residuals])
    return Result(residuals, {f"Sums/{a.station}": (sums, {})}, row)


def _residual(one: Trace, other: Trace) -> Trace:
    result = one.copy()
    result.data = one.data.astype("f8") - other.data
    return result


def misfit_until_cured(
    a: StationData, b: StationData, calls: str, cure: str
) -> dict[str, Any] | None:
    """Raise for one station until a file exists; each call leaves a line."""
    with Path(calls).open("a", encoding="utf-8") as file:
        file.write(f"{a.station}\n")
    if a.station == "XX.S04" and not Path(cure).exists():
        msg = "not cured"
        raise RuntimeError(msg)
    return misfit(a, b)


def of_event(st: Stream, inv: Inventory | None, event: Event | None) -> Result:
    """Return an event's waveforms, and an array that is named after the event."""
    assert event is not None
    name = str(event.resource_id).rpartition("/")[2]
    assert {str(i) for t in st for i in t.stats.asdf.event_ids} == {
        str(event.resource_id)
    }
    counts = np.array([trace.stats.npts for trace in st])
    return Result(st, {f"Counts/{_code(st)}/{name}": counts})


def of_event_until_cured(
    st: Stream, inv: Inventory | None, event: Event | None, calls: str, cure: str
) -> Result:
    """Raise for one event of one station until a file exists; calls leave a line."""
    assert event is not None
    unit = f"{_code(st)} {event.resource_id}"
    with Path(calls).open("a", encoding="utf-8") as file:
        file.write(f"{unit}\n")
    if unit == "XX_S02 smi:local/event/1" and not Path(cure).exists():
        msg = "not cured"
        raise RuntimeError(msg)
    return of_event(st, inv, event)


def traces_of_event(st: Stream, inv: Inventory | None, event: Event) -> Stream:
    """Return an event's waveforms as they are."""
    return st


def unchanged(st: Stream, inv: Inventory | None) -> Stream:
    """Return the waveforms as they are."""
    return st


def spectra(station: StationData) -> dict[str, Any]:
    """Prepare a station: the spectrum of each channel."""
    return {
        trace.stats.channel: np.fft.rfft(trace.data.astype(np.float64), 2048)
        for trace in station.stream
    }


def correlate(a: Any, b: Any, pair: Pair, lags: int = 20) -> Result:
    """Correlate what was prepared of two stations."""
    names = "/".join(station.replace(".", "_") for station in pair.stations)
    return Result(
        auxiliary={
            f"CrossCorrelation/{names}/{one}_{other}": (
                np.fft.irfft(np.conj(a[one]) * b[other])[:lags],
                {"distance": -1.0 if pair.distance is None else pair.distance},
            )
            for one in a
            for other in b
            if pair.combines(one, other)
        }
    )


def kills_a_pair(a: Any, b: Any, pair: Pair) -> Result:
    """Correlate; one pair takes its worker down."""
    if pair.stations == ("XX.S02", "XX.S04"):
        os.kill(os.getpid(), signal.SIGKILL)
    return correlate(a, b, pair)


def likeness(a: StationData, b: StationData, pair: Pair) -> dict[str, float]:
    """Return a row: how many samples two stations have of each other's."""
    return {"samples": sum(len(trace) for trace in a.stream + b.stream)}


def section(gather: Gather) -> Result:
    """Return what all stations recorded, the mean of it, and a row."""
    stream = obspy.Stream(
        [trace for station in gather.values() for trace in station.stream]
    )
    assert gather.event is not None
    mean = np.mean([trace.data for trace in stream], axis=0)
    name = str(gather.event.resource_id).rpartition("/")[2]
    row = {"stations": len(gather), "time": gather.event.origins[0].time}
    return Result(stream, {f"Stack/event_{name}": mean}, row)


def stations_of(gather: Gather) -> int:
    """Return how many stations recorded an event."""
    return len(gather)
