"""The fields of one SAC header: which of them are values, and what they say.

SAC's manual: O is the origin's time in seconds from the reference time, as B is the
first sample's; EVLA, EVLO, STLA, STLO in degrees; STEL, STDP in metres; EVDP in
kilometres, in older files in metres; CMPINC in degrees from upward vertical.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import xxhash
from obspy.io.sac.util import SacError, get_sac_reftime

from asdf_pipeline.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection

    import obspy

_LOGGER = logging.getLogger(__name__)
_UNDEFINED = -12345.0
_DEEPEST = 1000.0  # km: no earthquake is that deep, so a larger number is in metres
_MS = 1_000_000  # ns
PREFIX = "smi:local/asdf_pipeline/sac"
"""How the resource ids of what is made of SAC headers begin."""

POSSIBLE = {
    # Times in s: thirty years.
    **dict.fromkeys(("b", "o", "a", "f"), (-1e9, 1e9)),
    **{f"t{index}": (-1e9, 1e9) for index in range(10)},
    "evla": (-90.0, 90.0),
    "evlo": (-180.0, 360.0),
    "evdp": (-12e3, 900e3),
    "mag": (-10.0, 12.0),
    "stla": (-90.0, 90.0),
    "stlo": (-180.0, 360.0),
    "stel": (-12e3, 10e3),
    "stdp": (-10e3, 15e3),
    "cmpaz": (-360.0, 360.0),
    "cmpinc": (0.0, 180.0),
}
"""The smallest and largest value that each field can have."""

_REFERENCE = {
    "nzyear": (1, 9999),
    "nzjday": (1, 366),
    "nzhour": (0, 23),
    "nzmin": (0, 59),
    "nzsec": (0, 59),
    "nzmsec": (0, 999),
}
_NO_TIME_SERIES = {
    2: "a spectrum (IFTYPE is IRLIM)",
    3: "a spectrum (IFTYPE is IAMPH)",
    51: "a grid (IFTYPE is IXYZ)",
}


@dataclass(frozen=True, slots=True, order=True)
class SACEvent:
    """An event of a SAC header: time in ns since 1970, degrees, km, magnitude."""

    time: int
    latitude: float
    longitude: float
    depth: float | None
    magnitude: float | None

    @property
    def id(self) -> str:
        """Its resource id: the same for the same event, whichever file it is from."""
        text = repr((self.time, self.latitude, self.longitude, self.depth))
        return f"{PREFIX}/event/{xxhash.xxh3_64_hexdigest(text.encode())}"

    @property
    def origin_id(self) -> str:
        """Its origin's resource id."""
        return f"{self.id}/origin"

    @property
    def magnitude_id(self) -> str:
        """Its magnitude's resource id."""
        return f"{self.id}/magnitude"


def number(trace: obspy.Trace, name: str) -> float | None:
    """Return a field's value; None if it is undefined, not finite or impossible.

    Longitudes are returned from -180 to 180 degrees, azimuths from 0 to 360.
    """
    value = _defined(trace, name)
    first, last = POSSIBLE[name]
    if value is None or not first <= value <= last:
        return None
    if name in ("evlo", "stlo") and value > 180:
        return value - 360
    return value % 360 if name == "cmpaz" and value < 0 else value


def reference_of(trace: obspy.Trace) -> int:
    """Return a SAC header's reference time in ns since 1970: whole milliseconds."""
    begin = trace.stats.sac.get("b", 0.0)
    exact = begin if begin != _UNDEFINED else 0.0  # as ObsPy takes it
    reference = int(trace.stats.starttime.ns) - round(float(exact) * 1e6) * 1000
    return (reference + _MS // 2) // _MS * _MS


def impossible(trace: obspy.Trace) -> list[str]:
    """Return the fields whose values cannot be, each with its value."""
    return [
        f"{name} {value:g}"
        for name, (first, last) in POSSIBLE.items()
        if (value := _defined(trace, name)) is not None and not first <= value <= last
    ]


def _defined(trace: obspy.Trace, name: str) -> float | None:
    value = trace.stats.get("sac", {}).get(name)
    if value is None or not math.isfinite(value) or float(value) == _UNDEFINED:
        return None
    return float(str(value))  # as written: 0.1, not 0.10000000149


def check_time_series(trace: obspy.Trace, source_name: str) -> None:
    """Refuse a SAC file whose samples are no time series, or at no known time.

    Raises
    ------
    InputError
        If the samples are a spectrum or not evenly spaced, or the reference time has
        impossible fields beside valid ones: ObsPy would put the trace in 1970.
    """
    header = trace.stats.get("sac")
    if header is None:
        return
    what = _NO_TIME_SERIES.get(int(header.get("iftype", 1)))
    if not header.get("leven", 1):
        what = "not evenly spaced (LEVEN is false)"
    if what is not None:
        msg = f"{source_name}: trace {trace.id}: {what}, no time series: leave it out"
        raise InputError(msg)
    try:
        get_sac_reftime(header)
    except (SacError, ValueError, TypeError):
        _say_no_reference(trace, source_name)


def _say_no_reference(trace: obspy.Trace, source_name: str) -> None:
    """Warn of a trace without a reference time; refuse one whose time is damaged."""
    header = trace.stats.sac
    wrong, known = [], False
    for name, (first, last) in _REFERENCE.items():
        value = header.get(name)
        if value is None or not first <= value <= last:
            wrong.append(f"{name} {'undefined' if value is None else value}")
        elif value:
            known = True
    # Day 366 of a year of 365 days is within its limits.
    fields = ", ".join(wrong or [f"nzyear {header.nzyear}, nzjday {header.nzjday}"])
    if known:
        msg = (
            f"{source_name}: trace {trace.id}: the reference time of its SAC header "
            f"is none ({fields}): mend the header, or leave the file out"
        )
        raise InputError(msg)
    _LOGGER.warning(
        "%s: trace %s: its SAC header has no reference time: it begins at %s",
        *(source_name, trace.id, trace.stats.starttime),
    )


def event_of(trace: obspy.Trace) -> SACEvent | None:
    """Return the event of a trace's SAC header, None if it has none.

    Time, latitude and longitude make an event.
    """
    begin, origin = number(trace, "b"), number(trace, "o")
    latitude, longitude = number(trace, "evla"), number(trace, "evlo")
    if begin is None or origin is None or latitude is None or longitude is None:
        return None
    # O holds seven digits: files of one event would else differ in their last ones.
    time = reference_of(trace) + round(origin * 1000) * _MS
    depth = number(trace, "evdp")
    if depth is not None and abs(depth) > _DEEPEST:
        depth /= 1000
    return SACEvent(time, latitude, longitude, depth, number(trace, "mag"))


def associate(stream: obspy.Stream, known: Collection[str]) -> None:
    """Give traces the ids of the events of their SAC headers, in ``stats.asdf``.

    Parameters
    ----------
    stream : obspy.Stream
        The traces.
    known : collection of str
        Ids of the events that are staged; a trace of another one gets none.
    """
    for trace in stream:
        event = event_of(trace)
        if event is not None and event.id in known:
            trace.stats.asdf = {
                "event_ids": [event.id],
                "origin_ids": [event.origin_id],
                "magnitude_ids": []
                if event.magnitude is None
                else [event.magnitude_id],
            }
