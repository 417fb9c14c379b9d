"""The header of a SAC file: from codes and times, station, event, and kept fields."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from obspy.geodetics import gps2dist_azimuth, locations2degrees
from obspy.io.sac.arrayio import dict_to_header_arrays, write_sac

from asdf_pipeline.errors import TraceError
from asdf_pipeline.stage.sac_kept import REFERENCE, TIMES
from asdf_pipeline.times import SECOND, calendar, iso_ns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import obspy
    from obspy.core.event import Event
    from obspy.core.inventory import Channel, Inventory, Station

_FLATTENING = 1 / 298.257223563  # of WGS84
_MS = 1_000_000  # ns
_BEGIN, _UNKNOWN = 9, 5  # IZTYPE
_CODES = {
    "kstnm": "station",
    "knetwk": "network",
    "khole": "location",
    "kcmpnm": "channel",
}
_LONGEST, _LONGEST_EVENT = 8, 16  # characters of a text, and of KEVNM


@dataclass(frozen=True, slots=True)
class EventPlace:
    """When and where an event was: ns since 1970, degrees, km, magnitude."""

    time: int
    latitude: float
    longitude: float
    depth: float | None
    magnitude: float | None


def event_place(event: Event | None, details: Mapping[str, Any]) -> EventPlace | None:
    """Return an event's place, None where it has no origin with one.

    Parameters
    ----------
    event : obspy.core.event.Event or None
        The event.
    details : mapping
        A trace's ``stats.asdf``: the origin and the magnitude that it names count;
        else the preferred ones, else the first.
    """
    if event is None:
        return None
    origin = _chosen(event.origins, details.get("origin_ids"), event.preferred_origin())
    magnitude = _chosen(
        event.magnitudes, details.get("magnitude_ids"), event.preferred_magnitude()
    )
    if origin is None or None in (origin.time, origin.latitude, origin.longitude):
        return None
    return EventPlace(
        int(origin.time.ns),
        float(origin.latitude),
        float(origin.longitude),
        None if origin.depth is None else float(origin.depth) / 1000,
        None if magnitude is None else float(magnitude.mag),
    )


def _chosen(those: list[Any], ids: Any, preferred: Any) -> Any:
    wanted = {str(one) for one in ids or ()}
    named = (one for one in those if str(one.resource_id) in wanted)
    return next(named, preferred or next(iter(those), None))


def station_fields(inventory: Inventory | None, trace: obspy.Trace) -> dict[str, Any]:
    """Return the fields that say where a trace was recorded, as StationXML has it."""
    if inventory is None:
        return {}
    found = _channel_of(inventory, trace)
    if found is None:
        return {}
    place, channel = found
    fields = {"stla": place.latitude, "stlo": place.longitude, "stel": place.elevation}
    if channel is not None:
        fields |= {"stdp": channel.depth, "cmpaz": channel.azimuth}
        # From upward vertical, where StationXML counts from the horizontal, downward.
        fields["cmpinc"] = None if channel.dip is None else channel.dip + 90
    return {name: float(value) for name, value in fields.items() if value is not None}


def _channel_of(
    inventory: Inventory, trace: obspy.Trace
) -> tuple[Channel | Station, Channel | None] | None:
    """Return what has a trace's place, and the epoch of its channel if it has one."""
    stats = trace.stats
    codes = stats.location.strip(), stats.channel
    stations = [
        station
        for network in inventory
        for station in network
        if (network.code, station.code) == (stats.network, stats.station)
    ]
    for station in stations:
        for channel in station:
            if (channel.location_code.strip(), channel.code) == codes and (
                channel.is_active(time=stats.starttime)
            ):
                return channel, channel
    for station in stations:
        if station.is_active(time=stats.starttime):
            return station, None
    return None


def event_fields(
    event: EventPlace | None, station: Mapping[str, float], reference: int
) -> dict[str, Any]:
    """Return the fields of an event, and of the way from it to the station.

    Distance in km and azimuths in degrees on the WGS84 ellipsoid (`gps2dist_azimuth`);
    GCARC in degrees, as SAC has it, between geocentric latitudes.

    Parameters
    ----------
    reference : int
        The header's reference time in ns since 1970.
    """
    if event is None:
        return {}
    fields = {
        "o": (event.time - reference) / SECOND,
        "evla": event.latitude,
        "evlo": event.longitude,
        "evdp": event.depth,
        "mag": event.magnitude,
    }
    if "stla" in station:
        ends = event.latitude, event.longitude, station["stla"], station["stlo"]
        metres, azimuth, back = gps2dist_azimuth(*ends)
        fields |= {"dist": metres / 1000, "az": azimuth, "baz": back}
        begin, end = (_geocentric(latitude) for latitude in ends[::2])
        fields["gcarc"] = float(locations2degrees(begin, ends[1], end, ends[3]))
    return {name: value for name, value in fields.items() if value is not None}


def _geocentric(latitude: float) -> float:
    """Return the geocentric of a geographic latitude, in degrees, on WGS84."""
    tangent = math.tan(math.radians(latitude)) * (1 - _FLATTENING) ** 2
    return math.degrees(math.atan(tangent))


def header_of(
    trace: obspy.Trace,
    inventory: Inventory | None,
    event: EventPlace | None,
    kept: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a trace's SAC header: its fields by name.

    The reference time is the one that was kept, if the trace begins at B after it
    exactly; else the start, cut to the millisecond, so that B, which has seven digits,
    is small and exact.

    Parameters
    ----------
    trace : obspy.Trace
        The trace.
    inventory : obspy.Inventory or None
        Its station's.
    event : EventPlace or None
        The event that it belongs to.
    kept : mapping
        Fields that staging kept (see `stage.sac_kept`); what station and event say
        goes before them.

    Raises
    ------
    TraceError
        If a code, or a kept text, is longer than SAC's.
    """
    fields = dict(kept)
    start = int(trace.stats.starttime.ns)
    old, begin = fields.pop(REFERENCE, None), fields.pop("b", None)
    kind = fields.pop("iztype", _UNKNOWN)
    reference, kind_now = start // _MS * _MS, _BEGIN
    if start != reference:
        kind_now = _UNKNOWN
    if old is not None:
        known = iso_ns(str(old))
        if known + round(float(begin) * SECOND) == start:
            reference, kind_now = known, int(kind)
        else:
            shift = (known - reference) / SECOND
            fields |= {n: float(fields[n]) + shift for n in TIMES if n in fields}
            begin = None
    if begin is None or old is None:
        begin = (start - reference) / SECOND
    place = station_fields(inventory, trace)
    fields |= place
    fields |= event_fields(event, place, reference)
    for name, code in _CODES.items():
        fields[name] = trace.stats[code]
    for name, value in fields.items():
        longest = _LONGEST_EVENT if name == "kevnm" else _LONGEST
        if name.startswith("k") and len(str(value)) > longest:
            msg = (
                f"trace {trace.id}: {name.upper()} {str(value)!r} is longer than the "
                f"{longest} characters that SAC has"
            )
            raise TraceError(msg)
    moment = calendar(reference)
    data = trace.data
    return {
        **{name: value for name, value in fields.items() if value != ""},
        "delta": trace.stats.delta,
        "b": begin,
        "e": float(begin) + (data.size - 1) * trace.stats.delta,
        "npts": data.size,
        **_extremes(data),
        "nzyear": moment.year,
        "nzjday": moment.timetuple().tm_yday,
        "nzhour": moment.hour,
        "nzmin": moment.minute,
        "nzsec": moment.second,
        "nzmsec": reference % SECOND // _MS,
        "iztype": kind_now,
        "nvhdr": 6,
        "iftype": 1,  # ITIME: a time series
        "leven": 1,
        "lpspol": 1,
        "lovrok": 1,
        "lcalda": 1,
    }


def _extremes(data: np.ndarray[Any, Any]) -> dict[str, float]:
    if not data.size:
        return {}
    return {
        "depmin": float(data.min()),
        "depmax": float(data.max()),
        "depmen": float(data.mean(dtype=np.float64)),
    }


def write_sac_file(
    path: Path, header: Mapping[str, Any], data: np.ndarray[Any, Any]
) -> None:
    """Write a SAC file, little-endian.

    By ObsPy's arrays: its `Trace.write` takes the reference time of ``stats.sac`` and
    so rounds starts, and knows no station and no event.
    """
    integers = {k: int(v) for k, v in header.items() if isinstance(v, np.integer)}
    arrays = dict_to_header_arrays({**header, **integers}, byteorder="<")
    write_sac(str(path), *arrays, data=data.astype("<f4", copy=False))
