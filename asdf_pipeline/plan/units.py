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
