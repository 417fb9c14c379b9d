"""The gathers of a file: all its stations at an event, or in a window of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asdf_pipeline.container.names import check_input_tag, check_tag
from asdf_pipeline.errors import CallError, InputError, TagError
from asdf_pipeline.plan.selection import EVERYTHING, Selection, Windows
from asdf_pipeline.plan.units import ALL_STATIONS, ALL_TAGS, Plan, Unit
from asdf_pipeline.times import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.container.traces import TraceHeader

Key = tuple[str, tuple[int, int] | None]
"""What makes a gather: an event's resource id, or a window."""


def plan_gathers(
    reader: Reader,
    tag: str | None,
    output_tag: str,
    selection: Selection = EVERYTHING,
    windows: Windows | None = None,
) -> Plan:
    """Return the plan for a file's gathers: one for each event, or for each window.

    Parameters
    ----------
    reader : Reader
        The open input.
    tag : str or None
        Which waveforms belong to gathers; None for all.
    output_tag : str
        Under which waveforms are written.
    selection : Selection
        Which stations, channels and times are read.
    windows : Windows or None
        The windows; None: gathers are those of events, by what traces belong to.

    Raises
    ------
    TagError
        If a tag is malformed, or no station has waveforms with it.
    CallError
        If no trace belongs to an event, or the selection leaves nothing to do.
    """
    check_tag(output_tag)
    if tag is not None:
        check_input_tag(tag)
    if windows is not None and windows.aligned != "round":
        msg = (
            "the windows of a gather start at round times: each station's first sample "
            "(aligned='trace') is another one's time"
        )
        raise CallError(msg)
    gathers: dict[Key, dict[str, int]] = {}
    of_no_event: list[tuple[str, str, int]] = []
    without: list[str] = []
    stations, tags = 0, set()
    for station in filter(selection.has_station, reader.stations()):
        there = reader.tags(station)
        tags |= set(there)
        if not there or (tag is not None and tag not in there):
            without.append(station)
            continue
        stations += 1
        if selection.limit is not None and stations > selection.limit:
            break
        lonely = 0
        for header in _headers(reader, station, tag, selection):
            found = list(_gathers_of(header, selection, windows))
            lonely += not found
            for key in found:
                samples = gathers.setdefault(key, {})
                samples[station] = samples.get(station, 0) + header.npts
        if lonely and windows is None:
            of_no_event.append((station, tag or ALL_TAGS, lonely))
    if not stations:
        names = ", ".join(sorted(tags)) or "none"
        msg = f"{reader.path}: no waveforms with tag {tag}; tags in the file: {names}"
        raise TagError(msg)
    if not gathers:
        why = "the selection leaves no waveforms"
        if of_no_event:
            why = (
                "no trace belongs to an event (event_id of add_waveforms says so); "
                "name a window, and there is a gather for each"
            )
        msg = f"{reader.path}: there is no gather to do: {why}"
        raise CallError(msg)
    units = [
        Unit(
            ALL_STATIONS,
            tag or ALL_TAGS,
            output_tag,
            window=window,
            event=event,
            samples=sum(samples.values()),
            gathered=tuple(sorted(samples)),
        )
        for (event, window), samples in gathers.items()
    ]
    units.sort(key=lambda unit: (-unit.samples, unit.id))
    return Plan(
        tuple(units),
        without=tuple(without),
        of_no_event=tuple(of_no_event),
        joins=False,
    )


def _headers(
    reader: Reader, station: str, tag: str | None, selection: Selection
) -> Iterator[TraceHeader]:
    """Yield the headers of a station's wanted traces; none of one that is damaged."""
    first, last = selection.times or ALWAYS
    try:
        headers = reader.headers(station, tag)
    except InputError:
        return  # who asks for the station's waveforms gets the error
    for header in headers:
        in_time = header.starttime <= last and header.endtime >= first
        if header.npts and in_time and selection.has_trace(header):
            yield header


def _gathers_of(
    header: TraceHeader, selection: Selection, windows: Windows | None
) -> Iterator[Key]:
    """Yield the gathers that a trace belongs to."""
    if windows is None:
        for event in header.event_ids:
            yield event, None
        return
    first, last = selection.times or ALWAYS
    span = max(header.starttime, first), min(header.endtime, last)
    for window in windows.over([span]):
        yield "", window
