"""From a file, or two, to the units that are to be done, largest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.names import check_input_tag, check_tag
from asdf_pipeline.errors import CallError, InputError, TagError
from asdf_pipeline.plan.selection import EVERYTHING, Selection, Windows
from asdf_pipeline.plan.units import ALL_TAGS, Plan, Unit
from asdf_pipeline.text import plural
from asdf_pipeline.times import ALWAYS, SECOND

if TYPE_CHECKING:
    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.container.traces import TraceHeader


def check_tag_map(tag_map: object) -> dict[str, str]:
    """Return the tag map, checked.

    Raises
    ------
    TagError
        If it is empty, no mapping of tags to tags that may be written, or if two input
        tags map to one output tag (the output would depend on the order of the work).
    """
    if not isinstance(tag_map, Mapping) or not tag_map:
        msg = f"tag map {tag_map!r}: expected at least one pair INPUT_TAG=OUTPUT_TAG"
        raise TagError(msg)
    checked: dict[Any, Any] = dict(tag_map)
    for source, target in checked.items():
        check_input_tag(source)
        check_tag(target)
        others = [other for other, tag in checked.items() if tag == target]
        if len(others) > 1:
            msg = (
                f"the input tags {', '.join(sorted(others))} all map to the output "
                f"tag {target!r}: give each its own"
            )
            raise TagError(msg)
    return checked


def make_plan(
    reader: Reader,
    tag_map: Mapping[str, str],
    selection: Selection = EVERYTHING,
    windows: Windows | None = None,
    *,
    by: str = "station",
    lenient: bool = False,
) -> Plan:
    """Return the plan for a file.

    Parameters
    ----------
    reader : Reader
        The open input.
    tag_map : mapping of str to str
        Input tag to output tag; other tags are not read.
    selection : Selection
        What of the input is to be done.
    windows : Windows or None
        How long traces are cut; None: not at all.
    by : {"station", "event", "channel"}
        What the units of a station and tag are (see `units.BY`). By events, traces
        that belong to none are left out (`Plan.of_no_event`).
    lenient : bool
        Whether a station without any event has a unit of all its traces all the same.

    Raises
    ------
    TagError
        If the tag map is malformed or no tag in the file matches.
    CallError
        If the selection leaves nothing to do, or a window holds no sample.
    """
    tag_map = check_tag_map(tag_map)
    units: list[Unit] = []
    skipped: list[Unit] = []
    tags: set[str] = set()
    without: list[str] = []
    of_no_event: list[tuple[str, str, int]] = []
    stations = 0
    for station in reader.stations():
        found = reader.samples_by_tag(station)
        tags |= found.keys()
        of_the_map = [
            Unit(station, tag, tag_map[tag], samples=samples)
            for tag, samples in found.items()
            if tag in tag_map
        ]
        if not of_the_map and selection.has_station(station):
            without.append(station)
        full = selection.limit is not None and stations >= selection.limit
        if full or not selection.has_station(station):
            skipped += of_the_map
            continue
        stations += bool(of_the_map)
        for unit in of_the_map:
            parts, others = units_of(
                reader, unit, selection, windows, by=by, lenient=lenient
            )
            units += parts
            if others:
                of_no_event.append((station, unit.tag, others))
            skipped += [] if parts else [unit]
    if not units and not skipped:
        there = ", ".join(sorted(tags)) or "none"
        msg = (
            f"{reader.path}: no waveforms with tag {', '.join(sorted(tag_map))}; "
            f"tags in the file: {there}"
        )
        raise TagError(msg)
    if not units:
        units_there = plural(len(skipped), "unit")
        msg = f"{reader.path}: the selection leaves nothing of {units_there} to do"
        raise CallError(msg)
    units.sort(key=lambda unit: (-unit.samples, unit.id))
    return Plan(
        tuple(units),
        tuple(skipped),
        tuple(without),
        tuple(of_no_event),
        divided=windows is not None
        or any(unit.event or unit.channel for unit in units),
    )


def plan_comparison(
    reader: Reader, other: Reader, tag: str, selection: Selection = EVERYTHING
) -> Plan:
    """Return the plan for comparing two files: a unit for each station in both.

    Parameters
    ----------
    reader, other : Reader
        The open inputs.
    tag : str
        Under which waveforms are written; a unit reads whatever tags it wants.
    selection : Selection
        What of both inputs is to be done.

    Raises
    ------
    TagError
        If the tag is malformed.
    CallError
        If they have no station in common, or the selection leaves nothing to do.
    """
    check_tag(tag)
    both = set(reader.stations()), set(other.stations())
    common = sorted(both[0] & both[1])
    if not common:
        msg = f"{reader.path} and {other.path} have no station in common"
        raise CallError(msg)
    wanted = [station for station in common if selection.has_station(station)]
    wanted = wanted[: selection.limit]
    if not wanted:
        msg = (
            f"{reader.path} and {other.path}: the selection leaves none of "
            f"{len(common)} common stations to do"
        )
        raise CallError(msg)
    units = [
        Unit(
            station,
            ALL_TAGS,
            tag,
            samples=sum(
                sum(one.samples_by_tag(station).values()) for one in (reader, other)
            ),
        )
        for station in wanted
    ]
    units.sort(key=lambda unit: (-unit.samples, unit.id))
    left_out = sorted(set(common) - set(wanted))
    return Plan(
        tuple(units),
        tuple(Unit(station, ALL_TAGS, tag) for station in left_out),
        tuple(filter(selection.has_station, sorted(both[0] ^ both[1]))),
    )


def units_of(
    reader: Reader,
    unit: Unit,
    selection: Selection,
    windows: Windows | None,
    *,
    by: str = "station",
    lenient: bool = False,
) -> tuple[list[Unit], int]:
    """Return what is to be done of a station and tag: all, in parts, or nothing.

    Parameters
    ----------
    unit : Unit
        All of the station and tag.
    selection, windows, by, lenient
        See `make_plan`.

    Returns
    -------
    list of Unit, int
        The parts, and how many traces are in none, as they belong to no event.
    """
    times = selection.times
    whole = not selection.channels and times is None and windows is None
    if whole and by == "station":
        return [unit], 0
    try:
        headers = reader.headers(unit.station, unit.tag)
    except InputError:
        return [unit], 0  # it fails when it is read, and is accounted for there
    first, last = times or ALWAYS
    wanted = [
        header
        for header in headers
        if header.npts
        and selection.has_trace(header)
        and header.starttime <= last
        and header.endtime >= first
    ]
    if by == "channel":
        channels = sorted({header.channel_id for header in wanted})
        divided = [replace(unit, channel=channel) for channel in channels]
    elif by == "event":
        events = sorted({one for header in wanted for one in header.event_ids})
        divided = [replace(unit, event=event) for event in events]
    else:
        divided = []
    if not divided and (by == "station" or lenient):
        return ([unit] if whole else _windowed(unit, wanted, times, windows)), 0
    parts = [
        part
        for one in divided
        for part in _windowed(one, [*filter(one.has_trace, wanted)], times, windows)
    ]
    if by == "channel":
        return parts, 0
    return parts, sum(not header.event_ids for header in wanted)


def _windowed(
    unit: Unit,
    headers: list[TraceHeader],
    times: tuple[int, int] | None,
    windows: Windows | None,
) -> list[Unit]:
    """Return the units that some traces give: one, or one a window, or none."""
    first, last = times or ALWAYS
    spans = [
        (max(header.starttime, first), min(header.endtime, last), header.sampling_rate)
        for header in headers
    ]
    if not spans:
        return []
    if windows is None:
        return [replace(unit, window=times, samples=_samples(spans, first, last))]
    slowest = min(rate for _, _, rate in spans)
    if windows.length * slowest < SECOND:
        msg = (
            f"{unit.station}, tag {unit.tag}: windows of {windows.length / SECOND:g} s "
            f"are shorter than one sample, {1 / slowest:g} s: take longer ones"
        )
        raise CallError(msg)
    return [
        replace(unit, window=window, samples=_samples(spans, *window))
        for window in windows.over([(start, end) for start, end, _ in spans])
    ]


def _samples(spans: list[tuple[int, int, float]], first: int, last: int) -> int:
    """Return about how many samples lie between two times."""
    return sum(
        1 + round((min(end, last) - max(start, first)) * rate / SECOND)
        for start, end, rate in spans
        if start <= last and end >= first
    )
