"""The step that looks at events: it cuts around them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from obspy import Inventory, Stream, Trace
    from obspy.core.event import Catalog, Event, Origin


def cut(
    st: Stream,
    inv: Inventory | None,
    before: float,
    after: float,
    phase: str | None = None,
    model: str = "iasp91",
    events: Catalog | None = None,
) -> Stream:
    """Cut pieces around origin times, or around the arrivals of a phase.

    There is a piece for each event that a trace belongs to; a trace that belongs to
    none gives one for every event of the file during which it recorded. A piece
    belongs to its event.

    The pieces' ``stats`` tell `rotate` where the waves come from: ``back_azimuth``
    and, with a phase, ``inclination``, both in degrees.

    Parameters
    ----------
    st : obspy.Stream
        In any unit.
    inv : obspy.Inventory or None
        Where the station is. Without it there are no arrivals, and no pieces.
    before, after : float
        Where a piece starts and ends, in s before and after the time it is cut around.
    phase : str, optional
        A seismic phase such as ``"P"``, whose first arrival is meant; without it the
        origin time. No pieces of events whose phase does not get to the station.
    model : str
        Velocity model of `obspy.taup`, for the arrivals.
    events : obspy.core.event.Catalog, optional
        The file's events.

    Returns
    -------
    obspy.Stream
        The pieces; empty, and then nothing is written, where there are none. One at
        the end of a trace is shorter.
    """
    pieces = []
    for event in events or ():
        origin = event.preferred_origin() or next(iter(event.origins), None)
        if origin is None or origin.time is None:
            continue
        latest = origin.time + after + _latest(phase)
        own = [
            trace
            for trace in st
            if trace.stats.starttime <= latest
            and trace.stats.endtime >= origin.time - before
            and _belongs_to(trace, event)
        ]
        arrival = _arrival(origin, inv, phase, model) if own else None
        if arrival is None:
            continue
        for trace in own:
            piece = trace.slice(arrival.time - before, arrival.time + after).copy()
            if piece.stats.npts:
                piece.stats.update(arrival.stats)
                piece.stats.setdefault("asdf", {})
                piece.stats.asdf["event_ids"] = [str(event.resource_id)]
                pieces.append(piece)
    st.traces = pieces
    return st


class _Arrival(NamedTuple):
    """When waves get to a station, and where they come from."""

    time: Any
    stats: dict[str, float]


def _arrival(
    origin: Origin, inv: Inventory | None, phase: str | None, model: str
) -> _Arrival | None:
    """Return when a phase, or without one the event itself, is to be looked for."""
    if inv is None or None in (origin.latitude, origin.longitude):
        return None if phase else _Arrival(origin.time, {})
    from obspy.geodetics import gps2dist_azimuth, locations2degrees

    station = inv[0][0]
    ends = origin.latitude, origin.longitude, station.latitude, station.longitude
    _, _, back_azimuth = gps2dist_azimuth(*ends)
    if not phase:
        return _Arrival(origin.time, {"back_azimuth": back_azimuth})
    arrivals = _model(model).get_travel_times(
        max(0.0, (origin.depth or 0.0) / 1000), locations2degrees(*ends), [phase]
    )
    if not arrivals:
        return None
    return _Arrival(
        origin.time + arrivals[0].time,
        {"back_azimuth": back_azimuth, "inclination": arrivals[0].incident_angle},
    )


def _latest(phase: str | None) -> float:
    """Return after how many seconds at most a phase has arrived, on the safe side."""
    if not phase:
        return 0
    if phase.endswith("kmps"):  # a surface wave, once around the Earth
        return 40_100 / float(phase.removesuffix("kmps"))
    return 4 * 3600


@functools.lru_cache(maxsize=4)
def _model(name: str) -> Any:
    """Return a velocity model, which takes a while to load, once a process."""
    from obspy.taup import TauPyModel

    return TauPyModel(name)


def _belongs_to(trace: Trace, event: Event) -> bool:
    """Return whether a trace is of an event, or of none, and so of all."""
    ids = _event_ids(trace)
    return not ids or str(event.resource_id) in ids


def _event_ids(trace: Trace) -> tuple[str, ...]:
    """Return the resource ids of the events that a trace belongs to."""
    return tuple(map(str, trace.stats.get("asdf", {}).get("event_ids", ())))
