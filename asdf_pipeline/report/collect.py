"""What the report shows: outcomes, stations and events with their coordinates."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import ASDFPipelineError
from asdf_pipeline.plan.outcome import STATUSES
from asdf_pipeline.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.plan.outcome import Outcome, Status

_WORST_FIRST: tuple[Status, ...] = ("failed", "empty", "skipped", "ok")
_MESSAGE = 300  # characters of an error's message in the table


@dataclass(frozen=True)
class Station:
    """A station on the map.

    Attributes
    ----------
    name : str
        ``"NET.STA"``.
    status : {"ok", "empty", "failed", "skipped"}
        The worst of its units.
    latitude, longitude : float or None
        In degrees.
    """

    name: str
    status: Status
    latitude: float | None
    longitude: float | None

    @property
    def has_coordinates(self) -> bool:
        """Whether it has coordinates."""
        return self.latitude is not None and self.longitude is not None


@dataclass(frozen=True)
class Event:
    """An event on the map: latitude and longitude in degrees, and its description."""

    latitude: float
    longitude: float
    magnitude: float | None
    text: str


def gather_stations(outcomes: Iterable[Outcome], reader: Reader) -> list[Station]:
    """Return one entry a station, sorted by name.

    Coordinates that the outcome lacks (its worker died) are read from the input.
    """
    found: dict[str, Station] = {}
    for outcome in outcomes:
        point = (outcome.latitude, outcome.longitude)
        old = found.get(outcome.station)
        if old is not None and old.has_coordinates:
            point = (old.latitude, old.longitude)
        status = outcome.status
        if old is not None:
            status = min(old.status, status, key=_WORST_FIRST.index)
        found[outcome.station] = Station(outcome.station, status, *point)
    for name, station in found.items():
        if not station.has_coordinates:
            found[name] = Station(
                name, station.status, *_read_coordinates(reader, name)
            )
    return [found[name] for name in sorted(found)]


def _read_coordinates(
    reader: Reader, station: str
) -> tuple[float | None, float | None]:
    try:
        where = reader.coordinates(station)
    except ASDFPipelineError:
        return None, None  # its unit failed for it, with the reason
    if where is None or not all(map(math.isfinite, where[:2])):
        return None, None
    return where[0], where[1]


def gather_events(reader: Reader) -> list[Event]:
    """Return the events that have an origin; none where they cannot be read."""
    try:
        catalog = reader.shared_events()
    except ASDFPipelineError:
        return []
    events = []
    for event in catalog:
        origin = event.preferred_origin() or next(iter(event.origins), None)
        if origin is None or origin.latitude is None or origin.longitude is None:
            continue
        magnitude = event.preferred_magnitude() or next(iter(event.magnitudes), None)
        size = magnitude.mag if magnitude else None
        events.append(
            Event(
                float(origin.latitude),
                float(origin.longitude),
                size,
                _describe_event(event, origin, magnitude),
            )
        )
    return events


def _describe_event(event: Any, origin: Any, magnitude: Any) -> str:
    parts = []
    if magnitude is not None and magnitude.mag is not None:
        parts.append(f"{magnitude.magnitude_type or 'M'} {magnitude.mag:.1f}")
    parts += [d.text for d in event.event_descriptions[:1] if d.text]
    if origin.time is not None:
        parts.append(origin.time.strftime("%Y-%m-%d %H:%M:%S"))
    if origin.depth is not None:
        parts.append(f"{origin.depth / 1000:.0f} km deep")
    return ", ".join(parts) or "event"


def count(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return units of each status, all statuses being there."""
    found = Counter(outcome.status for outcome in outcomes)
    return {status: found[status] for status in STATUSES}


def columns(
    outcomes: Sequence[Outcome], gaps: dict[tuple[str, str], int]
) -> dict[str, list[Any]]:
    """Return the table of stations for the page, a list a column.

    Parameters
    ----------
    outcomes : sequence of Outcome
        One a row.
    gaps : dict of (str, str) to int
        Gaps in the input by station and tag.
    """

    def of(name: str) -> list[Any]:
        return [getattr(outcome, name) for outcome in outcomes]

    return {
        "station": of("station"),
        "status": [STATUSES.index(status) for status in of("status")],
        "tag": _coded([f"{o.input_tag} → {o.output_tag}" for o in outcomes]),
        "traces": of("traces_out"),
        "read": of("traces_in"),
        "samples": of("samples_out"),
        # Whole seconds: numbers that JavaScript holds exactly.
        "start": [None if t is None else t // SECOND for t in of("start")],
        "end": [None if t is None else t // SECOND for t in of("end")],
        "rate": _coded(
            [", ".join(f"{rate:g}" for rate in rates) for rates in of("sampling_rates")]
        ),
        "channels": _coded([" ".join(codes) for codes in of("channels")]),
        "gaps": [gaps.get((o.station, o.input_tag)) for o in outcomes],
        "peak": [finite(peak) for peak in peaks(outcomes)],
        "seconds": [round(seconds, 3) for seconds in of("seconds")],
        "bytes": of("bytes_out"),
        "worker": _coded(of("worker")),
        "error": [
            f"{o.error_type}: {o.error_message}"[:_MESSAGE] if o.error_type else ""
            for o in outcomes
        ],
        "digest": of("digest"),
    }


def _coded(values: list[str]) -> Any:
    """Return a column whose few values repeat: the values, and which one each is."""
    distinct = sorted(set(values))
    index = {value: k for k, value in enumerate(distinct)}
    return {"values": distinct, "index": [index[value] for value in values]}


def peaks(outcomes: Iterable[Outcome]) -> list[float | None]:
    """Return the largest absolute sample of each unit, None where it is not known."""
    return [outcome.peak for outcome in outcomes]


def finite(value: float | None) -> float | None:
    """Return a number rounded to 4 digits, None for what is no number."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.4g}")


@dataclass(frozen=True)
class Failure:
    """Units that failed for the same reason.

    Attributes
    ----------
    error_type, message, traceback : str
        Of the first of them.
    units : list of (str, str)
        Station (of a pair both) and input tag.
    """

    error_type: str
    message: str
    traceback: str
    units: list[tuple[str, str]]


def gather_failures(outcomes: Iterable[Outcome]) -> list[Failure]:
    """Return the failures grouped by type and place of the error, most common first.

    Messages of one group may differ in the station's name or in numbers.
    """
    groups: dict[tuple[str, str], Failure] = {}
    for outcome in outcomes:
        if outcome.status != "failed":
            continue
        key = (outcome.error_type, _shape(outcome))
        if key not in groups:
            groups[key] = Failure(
                outcome.error_type or "error",
                outcome.error_message,
                outcome.traceback,
                [],
            )
        groups[key].units.append((outcome.name, outcome.input_tag))
    return sorted(groups.values(), key=lambda group: -len(group.units))


def _shape(outcome: Outcome) -> str:
    """Return an error without what differs from station to station."""
    frames = [
        line for line in outcome.traceback.splitlines() if line.startswith("  File ")
    ]
    if frames:
        return frames[-1]
    message = outcome.error_message
    for member in outcome.members:
        message = message.replace(member, "*")
    codes = {code for member in outcome.members for code in member.split(".", 1)}
    return " ".join("*" if word in codes else word for word in message.split())
