"""What SAC headers say and ASDF has no place for: kept as auxiliary data.

A trace's fields are the parameters of ``SACHeader/NET.STA/LOC.CHA__START__END``, under
their names in SAC's manual, each of SAC's own type: ``user0`` to ``user9``, ``kuser0``
to ``kuser2``, the times ``a``, ``f``, ``t0`` to ``t9`` and their labels ``ka``, ``kf``,
``kt0`` to ``kt9``, ``kevnm``, ``kinst`` and the like. Times are relative to
``reference_time``, ``b`` the trace's start. Not kept is what the samples and codes say
again, and what an event or StationXML was made of.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from obspy.io.sac.header import FLOATHDRS, INTHDRS, STRHDRS

from asdf_pipeline.stage.sac_fields import POSSIBLE, number, reference_of
from asdf_pipeline.times import TOLERANCE, iso_ns, iso_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    import obspy

    from asdf_pipeline.container.reader import Reader

TYPE = "SACHeader"
"""The type of auxiliary data."""
REFERENCE = "reference_time"
"""The parameter that holds the time which others are relative to."""
TIMES = ("a", "f", "o", *(f"t{index}" for index in range(10)))
"""Fields that are relative to the reference time, in seconds."""
EVENT = ("o", "evla", "evlo", "evdp", "mag")
STATION = ("stla", "stlo", "stel", "stdp", "cmpaz", "cmpinc")
BETWEEN = ("dist", "az", "baz", "gcarc")
"""From event to station: worked out where both are known."""

# Of the samples, the codes and the file itself; what SAC's manual calls internal; and
# the reference time, which is kept as one text.
_OF_THE_FILE = frozenset(
    {
        *("delta", "b", "e", "npts", "depmin", "depmax", "depmen"),
        *("kstnm", "knetwk", "khole", "kcmpnm", "kevnm2"),
        *("nvhdr", "iftype", "leven", "lpspol", "lovrok", "lcalda", "iztype"),
        *("nzyear", "nzjday", "nzhour", "nzmin", "nzsec", "nzmsec"),
        *(n for n in (*FLOATHDRS, *INTHDRS) if n.startswith(("internal", "unused"))),
    }
)
# Values that programs write where there is nothing to say.
_NOTHING = {"scale": 1, "idep": 5, "norid": 0, "nevid": 0, "nwfid": 0, "istreg": 0}
_START_IS_REFERENCE = (5, 9)  # IZTYPE: unknown, begin time
_ALLOWED = "!#$&*+,:;<=>?@^~"  # in a path of auxiliary data, beside quote's own


def kept_fields(trace: obspy.Trace, event: bool, station: bool) -> dict[str, Any]:
    """Return a trace's SAC fields that are to be kept, by name; often none.

    Parameters
    ----------
    trace : obspy.Trace
        With ``stats.sac`` where it is from a SAC file.
    event, station : bool
        Whether the header's event, and its station, stand in QuakeML and StationXML.
    """
    header = trace.stats.get("sac") or {}
    left = _OF_THE_FILE | set(EVENT if event else ()) | set(STATION if station else ())
    left |= set(BETWEEN if event and station else ())
    found = {
        name: value
        for name in (*FLOATHDRS, *INTHDRS, *STRHDRS)
        if name in header
        and name not in left
        and (value := _value(trace, name)) is not None
    }
    kind = int(header.get("iztype", _START_IS_REFERENCE[0]))
    if "nzyear" in header and (
        not found.keys().isdisjoint(TIMES) or kind not in _START_IS_REFERENCE
    ):
        found[REFERENCE] = iso_text(reference_of(trace), fraction=True)
        found["b"] = np.float32(header.get("b", 0))
        found["iztype"] = np.int32(kind)
    return found


def _value(trace: obspy.Trace, name: str) -> Any:
    """Return a field's value, None where it says nothing, or nothing possible."""
    value = trace.stats.sac[name]
    if name in STRHDRS:
        return str(value).partition("\0")[0].strip() or None
    if _NOTHING.get(name) == value or not math.isfinite(value):
        return None
    if name in POSSIBLE and number(trace, name) is None:
        return None
    return np.int32(value) if name in INTHDRS else np.float32(value)


def path_of(trace: obspy.Trace) -> str:
    """Return the path of the auxiliary data in which a trace's fields are kept."""
    stats = trace.stats
    station, channel = (
        ".".join(quote(code, safe=_ALLOWED) for code in pair)
        for pair in (
            (stats.network, stats.station),
            (stats.location, stats.channel),
        )
    )
    times = stats.starttime, stats.endtime
    start, end = (iso_text(time.ns, fraction=True) for time in times)
    return f"{TYPE}/{station}/{channel}__{start}__{end}"


@dataclass(frozen=True, slots=True)
class KeptHeader:
    """Where the fields of a trace are kept, and the times that it had then (ns)."""

    channel: str
    start: int
    end: int
    path: str


class KeptHeaders:
    """The kept fields of a file's SAC headers, found by a trace's codes and times.

    Parameters
    ----------
    reader : Reader
        The open file.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        types = reader.auxiliary_members()
        self._stations = (
            reader.auxiliary_members(TYPE) if types.get(TYPE, False) else {}
        )
        self._last: tuple[str, list[KeptHeader]] = ("", [])

    def of(self, trace: obspy.Trace) -> dict[str, Any]:
        """Return the fields kept of the trace that this is, or is cut from.

        Where several traces of its channel held its times, those of the one that
        begins with it, else of the first. Empty where there are none.
        """
        group, _, name = path_of(trace).removeprefix(f"{TYPE}/").partition("/")
        if not self._stations.get(group, False):
            return {}
        if self._last[0] != group:
            members = self._reader.auxiliary_members(f"{TYPE}/{group}")
            self._last = group, list(_headers(f"{TYPE}/{group}", members))
        channel = name.partition("__")[0]
        start, end = trace.stats.starttime.ns, trace.stats.endtime.ns
        around = [
            one
            for one in self._last[1]
            if one.channel == channel
            and one.start - TOLERANCE <= start
            and end <= one.end + TOLERANCE
        ]
        if not around:
            return {}
        best = min(around, key=lambda one: (abs(one.start - start), one.path))
        return self._reader.auxiliary(best.path)[1]


def _headers(group: str, members: Iterable[str]) -> Iterable[KeptHeader]:
    for name in members:
        channel, _, times = name.partition("__")
        start, _, end = times.partition("__")
        try:
            yield KeptHeader(channel, iso_ns(start), iso_ns(end), f"{group}/{name}")
        except ValueError:  # auxiliary data of this type that is not staging's
            continue
