"""What is to be done, as plain frozen data: units of work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asdf_pipeline.plan.outcome import Outcome, unit_id

if TYPE_CHECKING:
    from asdf_pipeline.container.traces import TraceHeader
    from asdf_pipeline.plan.outcome import Status

ALL_TAGS = "*"
"""The input tag of a unit that may read all."""
ALL_STATIONS = "*"
"""The station of a unit that may read all: of a gather."""
GATHERED = "gathered"
"""Under which tag waveforms of gathers are written where nothing else is said."""
BY = ("station", "event", "channel")
"""What the units of a station and tag are: one of all traces, or one of each event or
channel."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is done at once: of one station and tag, a window or an event, or of a pair.

    Attributes
    ----------
    station : str
        ``"NET.STA"``: its first member, or its only one.
    tag : str
        Tag in the input; `ALL_TAGS` of a unit that reads whichever it wants.
    output_tag : str
        Tag in the output.
    event : str
        Resource id of the event whose traces alone belong to the unit; empty: all do.
    channel : str
        ``"LOC.CHA"`` whose traces alone belong to the unit; empty: all do.
    window : (int, int) or None
        Start and end in ns since 1970; None for all there is. The end is not
        included where the plan has windows, and is where it only has times.
    samples : int
        Samples in the input: the size by which units are ordered.
    others : tuple of str
        Its further members: the second station of a pair.
    gathered : tuple of str
        Of a gather: the stations that have something in it, sorted.
    parts : tuple of Unit
        Units that one worker does together, since they share what is read: a tile of
        pairs. Each has an outcome of its own, and all are written at once.
    """

    station: str
    tag: str
    output_tag: str
    window: tuple[int, int] | None = None
    samples: int = 0
    event: str = ""
    channel: str = ""
    others: tuple[str, ...] = ()
    gathered: tuple[str, ...] = ()
    parts: tuple[Unit, ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        """The stations that it is about, in their stated order."""
        return (self.station, *self.others)

    @property
    def name(self) -> str:
        """What it is about, for a message."""
        return self.outcome("empty").name

    @property
    def id(self) -> str:
        """The unit's name, the same in every run over the same input."""
        if self.parts:
            return f"{self.parts[0].id} to {self.parts[-1].id}"
        return unit_id(self.members, self.tag, self.window, self.event, self.channel)

    def has_trace(self, header: TraceHeader) -> bool:
        """Tell whether a trace of the station and tag belongs to the unit."""
        if self.channel and self.channel != header.channel_id:
            return False
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
            channel=self.channel,
            others=self.others,
            **fields,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """All units of a run.

    Attributes
    ----------
    units : tuple of Unit
        What is handed out, in this order: largest first, ties in the order of their
        ids; tiles of pairs row by row, so that a worker may keep a row's stations.
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
    joins : bool
        Whether what is told in the end is an outcome for each station and tag, joined
        from those of its units; else each unit's own, of pairs and gathers.
    not_located : tuple of str
        Stations that make no pair, since a distance is asked for and their place is
        not known.
    """

    units: tuple[Unit, ...]
    skipped: tuple[Unit, ...] = ()
    without: tuple[str, ...] = ()
    of_no_event: tuple[tuple[str, str, int], ...] = ()
    divided: bool = False
    joins: bool = True
    not_located: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many outcomes there will be: units, and parts of units."""
        return sum(len(unit.parts) or 1 for unit in self.units)


def parts_of(unit: Unit) -> tuple[Unit, ...]:
    """Return the units that have outcomes of their own: the parts, or itself."""
    return unit.parts or (unit,)


def tile_of(parts: tuple[Unit, ...]) -> Unit:
    """Return the unit that has several done together; a single one stays what it is."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    return Unit(
        first.station,
        first.tag,
        first.output_tag,
        samples=sum(part.samples for part in parts),
        parts=parts,
    )
