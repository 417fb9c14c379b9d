"""What is to be done, as plain frozen data: units of work, largest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from asdf_pipeline._version import __version__
from asdf_pipeline.container.names import check_input_tag, check_tag
from asdf_pipeline.errors import CallError, InputError, TagError
from asdf_pipeline.files import identity
from asdf_pipeline.plan.outcome import Outcome, unit_id
from asdf_pipeline.plan.selection import Selection, Windows
from asdf_pipeline.text import plural
from asdf_pipeline.times import ALWAYS, SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.container.traces import TraceHeader
    from asdf_pipeline.plan.outcome import Status

EVERYTHING = Selection()
ALL_TAGS = "*"
"""The input tag of a unit that may read all."""
LIBRARIES = ("numpy", "obspy", "scipy")
"""Whose versions may change what a function returns."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One station and one of its tags, perhaps one window of it.

    Attributes
    ----------
    station : str
        ``"NET.STA"``.
    tag : str
        Tag in the input; `ALL_TAGS` of a unit that reads whichever it wants.
    output_tag : str
        Tag in the output.
    event : str
        Resource id of the event whose traces alone belong to the unit; empty: all do.
    window : (int, int) or None
        Start and end in ns since 1970; None for all there is. The end is not
        included where the plan has windows, and is where it only has times.
    samples : int
        Samples in the input: the size by which units are ordered.
    """

    station: str
    tag: str
    output_tag: str
    window: tuple[int, int] | None = None
    samples: int = 0
    event: str = ""

    @property
    def id(self) -> str:
        """The unit's name, the same in every run over the same input."""
        return unit_id(self.station, self.tag, self.window, self.event)

    def has_trace(self, header: TraceHeader) -> bool:
        """Tell whether a trace of the station and tag belongs to the unit."""
        return not self.event or self.event in header.event_ids

    def outcome(self, status: Status, **fields: Any) -> Outcome:
        """Return an outcome of this unit.

        Parameters
        ----------
        status : {"ok", "empty", "failed", "skipped"}
            What became of it.
        **fields
            Further attributes of the `Outcome`.
        """
        return Outcome(
            self.station,
            self.tag,
            self.output_tag,
            status,
            window=self.window,
            event=self.event,
            **fields,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """All units of a run.

    Attributes
    ----------
    units : tuple of Unit
        Largest first; ties in the order of their ids.
    skipped : tuple of Unit
        Left out by the selection.
    without : tuple of str
        Stations in which there is nothing to do: no waveforms with a tag of the map,
        or, where two files are compared, in one of them only.
    of_no_event : tuple of (str, str, int)
        Station, tag and number of the traces that belong to no event, and so to no
        unit.
    divided : bool
        Whether the outcome of a station and tag is joined from those of its units.
    """

    units: tuple[Unit, ...]
    skipped: tuple[Unit, ...] = ()
    without: tuple[str, ...] = ()
    of_no_event: tuple[tuple[str, str, int], ...] = ()
    divided: bool = False


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
    by_event: bool = False,
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
    by_event : bool
        Whether a station and tag with traces that belong to events has a unit for
        each event; the other traces are left out (`Plan.of_no_event`).

    Raises
    ------
    TagError
        If the tag map is malformed or no tag in the file matches.
    CallError
        If the selection leaves nothing to do.
    """
    tag_map = check_tag_map(tag_map)
    units: list[Unit] = []
    skipped: list[Unit] = []
    seen: set[str] = set()
    without: list[str] = []
    of_no_event: list[tuple[str, str, int]] = []
    stations = 0
    for station in reader.stations():
        found = reader.samples_by_tag(station)
        seen |= found.keys()
        whole = [
            Unit(station, tag, tag_map[tag], samples=samples)
            for tag, samples in found.items()
            if tag in tag_map
        ]
        if not whole and selection.has_station(station):
            without.append(station)
        full = selection.limit is not None and stations >= selection.limit
        if full or not selection.has_station(station):
            skipped += whole
            continue
        stations += bool(whole)
        for unit in whole:
            parts, others = units_of(
                reader, unit, selection, windows, by_event=by_event
            )
            units += parts
            if others:
                of_no_event.append((station, unit.tag, others))
            skipped += [] if parts else [unit]
    if not units and not skipped:
        there = ", ".join(sorted(seen)) or "none"
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
        divided=windows is not None or any(unit.event for unit in units),
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
    by_event: bool,
) -> tuple[list[Unit], int]:
    """Return what is to be done of a station and tag: whole, in parts, or nothing.

    Parameters
    ----------
    unit : Unit
        All of the station and tag.
    selection, windows, by_event
        See `make_plan`.

    Returns
    -------
    list of Unit, int
        The parts, and how many traces are in none, as they belong to no event.
    """
    times = selection.times
    if not selection.channels and times is None and windows is None and not by_event:
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
    events = sorted({one for header in wanted for one in header.event_ids})
    if not events and not selection.channels and times is None and windows is None:
        return [unit], 0
    if not by_event or not events:
        return _windowed(unit, wanted, times, windows), 0
    parts = [
        part
        for event in events
        for part in _windowed(
            replace(unit, event=event),
            [header for header in wanted if event in header.event_ids],
            times,
            windows,
        )
    ]
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


def run_key(
    inputs: Sequence[Path], plan: Plan, asked: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Return what a run's work depends on, by name: other work does not resume it.

    Parameters
    ----------
    inputs : sequence of pathlib.Path
        The input, and the file that it is compared with.
    plan : Plan
        The run's plan.
    asked : mapping of str to (str or None)
        What else was asked for, by name, such as ``"the function"``; None if it
        cannot be told from others.
    """
    names = ("the input", "the other input")
    return {
        **{name: identity(path) for name, path in zip(names, inputs, strict=False)},
        **asked,
        "the number of units": str(len(plan.units)),  # `status` reads it here
        "asdf_pipeline's version": __version__,
        **{f"{name}'s version": version(name) for name in LIBRARIES},
    }
