"""What became of one unit of work: the record that everything downstream speaks of."""

from __future__ import annotations

import dataclasses
import json
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from asdf_pipeline.errors import InputError, InputMissingError
from asdf_pipeline.times import ALWAYS, iso_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Status = Literal["ok", "empty", "failed", "skipped"]
SUBJECTS = ("station", "other_station", "event", "start", "end")
"""The first columns of the table of rows, as far as units have them."""
STATUSES: tuple[Status, ...] = ("ok", "empty", "failed", "skipped")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one unit: a station and tag, perhaps an event or window; a pair.

    Attributes
    ----------
    station : str
        ``"NET.STA"``: the unit's first member, or its only one.
    input_tag, output_tag : str
        Tag read and tag written.
    status : {"ok", "empty", "failed", "skipped"}
        ``empty``: the function returned None or an empty Stream; ``skipped``: left
        out by a selection.
    window : (int, int) or None
        Start and end of the unit's window in ns since 1970, None for a whole station.
    event : str
        Resource id of the event whose traces the unit has; empty: all of the station.
    channel : str
        ``"LOC.CHA"`` whose traces the unit has; empty: all of the station.
    gathered : tuple of str
        Of a gather, whose `station` is ``"*"``: the stations that were touched, sorted.
    written : dict of str to (int, int)
        Of a gather: traces and samples written, by station.
    others : tuple of str
        The unit's further members: the second station of a pair.
    latitude, longitude, elevation_in_m : float or None
        From the (first) station's StationXML, in degrees and metres.
    others_at : tuple of (float, float, float) or None
        The same of each of `others`; None for one whose place is not known.
    distance_in_km, azimuth, back_azimuth : float or None
        Of a pair, on the WGS84 ellipsoid: from the first station to the second, both
        angles in degrees from north; None where a place is not known.
    windows : int
        How many windows the result of a pair was stacked of; 0 without windows.
    traces_in, traces_out, samples_in, samples_out : int
        Counts read and written.
    start, end : int or None
        Times of the first and last sample written (read, where nothing was
        written), in ns since 1970.
    sampling_rates : tuple of float
        In Hz, sorted, distinct; of what was written (read, where nothing was).
    channels : tuple of str
        ``"LOC.CHA"`` sorted, distinct; of what was written (read, where nothing was).
    peak : float or None
        Largest absolute sample written; None where nothing was.
    provenance_ids : tuple of str
        Records of provenance that the traces read refer to, sorted, distinct.
    auxiliary : tuple of str
        Paths of the auxiliary data written, sorted.
    traces : tuple of str
        Names of the traces written for an event or a channel, which no other unit may
        write; of a gather each after its station and ``/``.
    row : dict or None
        The station's row of the table that a comparison makes: numbers and texts by
        column.
    error_type, error_message, traceback : str
        Of a failed unit, else empty.
    digest : str
        Content digest (hex) of what was written, else empty.
    seconds : float
        Wall time of the attempt.
    attempts : int
        How often the unit was begun in this run.
    worker : str
        Who did it: ``"worker 1"``, ``"rank 3 on node7"``.
    bytes_out : int
        Encoded size in bytes.
    parts : tuple of Outcome
        Of a unit that has parts: what became of each. It is these that are kept.
    """

    station: str
    input_tag: str
    output_tag: str
    status: Status
    window: tuple[int, int] | None = None
    event: str = ""
    channel: str = ""
    gathered: tuple[str, ...] = ()
    written: dict[str, tuple[int, int]] | None = None
    others: tuple[str, ...] = ()
    latitude: float | None = None
    longitude: float | None = None
    elevation_in_m: float | None = None
    others_at: tuple[tuple[float, float, float] | None, ...] = ()
    distance_in_km: float | None = None
    azimuth: float | None = None
    back_azimuth: float | None = None
    windows: int = 0
    traces_in: int = 0
    traces_out: int = 0
    samples_in: int = 0
    samples_out: int = 0
    start: int | None = None
    end: int | None = None
    sampling_rates: tuple[float, ...] = ()
    channels: tuple[str, ...] = ()
    peak: float | None = None
    provenance_ids: tuple[str, ...] = ()
    auxiliary: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    row: dict[str, Any] | None = None
    error_type: str = ""
    error_message: str = ""
    traceback: str = ""
    digest: str = ""
    seconds: float = 0.0
    attempts: int = 1
    worker: str = ""
    bytes_out: int = 0
    parts: tuple[Outcome, ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        """The stations that the unit is about, in their stated order."""
        return (self.station, *self.others)

    @property
    def name(self) -> str:
        """The unit's members, for a message: ``BW.RJOB``, ``BW.FURT with BW.RJOB``."""
        if self.station == "*":
            return f"gather{self.when}".replace(",", "", 1)
        return " with ".join(self.members)

    @property
    def title(self) -> str:
        """What kind of unit it is, and its members: ``Station BW.RJOB``."""
        if self.station == "*":
            return "Gather"
        return f"{'Pair' if self.others else 'Station'} {self.name}"

    @property
    def subject(self) -> dict[str, str]:
        """What the unit is about, by the first columns of a table of rows."""
        if self.station != "*":
            return dict(zip(SUBJECTS[:2], self.members, strict=False))
        times = self.window or ()
        found = (self.event, *(iso_text(time) for time in times))
        return {
            key: text for key, text in zip(SUBJECTS[2:], found, strict=False) if text
        }

    @property
    def sizes_out(self) -> dict[str, tuple[int, int]]:
        """Traces and samples written, by station."""
        if self.written is not None:
            return self.written
        if not self.traces_out:
            return {}
        return {self.station: (self.traces_out, self.samples_out)}

    @property
    def unit_id(self) -> str:
        """The id of the unit that this is the outcome of (see `plan.units.Unit.id`)."""
        if self.parts:
            return f"{self.parts[0].unit_id} to {self.parts[-1].unit_id}"
        return unit_id(
            self.members, self.input_tag, self.window, self.event, self.channel
        )

    @property
    def record(self) -> str:
        """The id of what provenance records: of pairs all of a first station."""
        if self.others:
            return unit_id((self.station,), self.input_tag)
        return self.unit_id

    @property
    def when(self) -> str:
        """Event, channel, window, for a message: ``", 2009-08-24T00:20:00 to ..."``."""
        part = f", event {self.event}" if self.event else ""
        part += f", channel {self.channel}" if self.channel else ""
        if self.window is None:
            return part
        begin, end = (
            bound
            if time in ALWAYS  # a selection may leave one of them open
            else iso_text(time)
            for time, bound in zip(self.window, ("the start", "the end"), strict=True)
        )
        return f"{part}, {begin} to {end}"

    @property
    def is_part(self) -> bool:
        """Whether the station and tag may have other units beside this."""
        return self.window is not None or bool(self.event or self.channel)

    @property
    def has_data(self) -> bool:
        """Whether it counts only once a segment holds what the unit wrote."""
        if self.parts:
            return any(part.has_data for part in self.parts)
        only_row = self.row is not None and not (self.traces_out or self.auxiliary)
        return self.status == "ok" and not only_row

    def to_json(self) -> str:
        """Return one line of JSON, without the fields that have their default."""
        named = zip(_NAMES, _values(self), _DEFAULTS, strict=True)
        return _encode({name: value for name, value, left in named if value != left})

    def __reduce__(self) -> tuple[type[Outcome], tuple[Any, ...]]:
        """Pickle by position: a tenth of what a dataclass with slots takes."""
        return Outcome, _values(self)

    @classmethod
    def from_json(cls, line: str | bytes) -> Outcome:
        """Return the outcome that `to_json` made the line from."""
        fields: dict[str, Any] = json.loads(line)
        for name in _TUPLES:
            if fields.get(name) is not None:
                fields[name] = tuple(fields[name])
        if fields.get("written") is not None:
            fields["written"] = {
                name: tuple(sizes) for name, sizes in fields["written"].items()
            }
        if "others_at" in fields:
            fields["others_at"] = tuple(
                None if place is None else tuple(place) for place in fields["others_at"]
            )
        return cls(**fields)


_NAMES = tuple(field.name for field in dataclasses.fields(Outcome))
_DEFAULTS = tuple(field.default for field in dataclasses.fields(Outcome))
_values = operator.attrgetter(*_NAMES)
_encode = json.JSONEncoder(separators=(",", ":")).encode
_TUPLES = (
    "window",
    "others",
    "gathered",
    "sampling_rates",
    "channels",
    "provenance_ids",
    "auxiliary",
    "traces",
)


def join_outcomes(outcomes: Sequence[Outcome], digest: str) -> Outcome:
    """Return the one outcome of a station and tag that had several units.

    They are of windows, events or channels.

    Counts are added, times span all units; the status is ``failed`` if any unit's
    is, else ``ok`` if any is, else ``empty`` if any is, else ``skipped``: a failed
    unit is never hidden, and a station that gave anything at all is not empty. The
    error is that of the first failed unit.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Of all its units; a single one of the whole station is returned as it is.
    digest : str
        Content digest of what stands in the output.
    """
    first = outcomes[0]
    if len(outcomes) == 1 and not first.is_part:
        return first
    ordered = sorted(
        outcomes, key=lambda one: (one.window or (0, 0), one.event, one.channel)
    )
    status: Status = next(
        (s for s in ("failed", "ok", "empty") if any(o.status == s for o in ordered)),
        "skipped",
    )
    failed = [outcome for outcome in ordered if outcome.status == "failed"]
    # What was read says when and what only where nothing was written.
    telling = [o for o in ordered if o.status == "ok"] or ordered
    # A window whose worker died does not say where the station is.
    located = next((o for o in ordered if o.latitude is not None), ordered[0])
    peaks = [o.peak for o in ordered if o.peak is not None]
    message = ""
    if failed:
        of = "events" if first.event else "channels"
        what = of if first.window is None else "windows"
        if first.window is not None and (first.event or first.channel):
            what = f"windows of {of}"
        message = f"{len(failed)} of {len(ordered)} {what}: {failed[0].error_message}"
    return dataclasses.replace(
        (failed or ordered)[0],
        status=status,
        window=None,
        event="",
        channel="",
        traces=(),
        latitude=located.latitude,
        longitude=located.longitude,
        elevation_in_m=located.elevation_in_m,
        traces_in=sum(o.traces_in for o in ordered),
        traces_out=sum(o.traces_out for o in ordered),
        samples_in=sum(o.samples_in for o in ordered),
        samples_out=sum(o.samples_out for o in ordered),
        start=min((o.start for o in telling if o.start is not None), default=None),
        end=max((o.end for o in telling if o.end is not None), default=None),
        sampling_rates=tuple(sorted({r for o in telling for r in o.sampling_rates})),
        channels=tuple(sorted({c for o in telling for c in o.channels})),
        error_message=message,
        digest=digest,
        seconds=round(sum(o.seconds for o in ordered), 6),
        attempts=max(o.attempts for o in ordered),
        worker=", ".join(sorted({o.worker for o in ordered if o.worker})),
        bytes_out=sum(o.bytes_out for o in ordered),
        # NaN, if any is: `max` would take what comes first.
        peak=max(peaks, key=lambda peak: (peak != peak, peak), default=None),
        provenance_ids=tuple(sorted({i for o in ordered for i in o.provenance_ids})),
        auxiliary=tuple(sorted({path for o in ordered for path in o.auxiliary})),
    )


def unit_id(
    members: Sequence[str],
    tag: str,
    window: tuple[int, int] | None = None,
    event: str = "",
    channel: str = "",
) -> str:
    """Return the id of a unit: the same in every run over the same input."""
    name = "/".join((*members, tag, *filter(None, (event, channel))))
    return name if window is None else f"{name}/{window[0]}-{window[1]}"


def read_outcomes(path: Path) -> list[Outcome]:
    """Return the outcomes of a table that a run wrote: a line of JSON each.

    Raises
    ------
    InputMissingError
        If there is no such file.
    InputError
        If it holds no outcomes, or is cut off.
    """
    try:
        with path.open(encoding="utf-8") as file:
            outcomes = [Outcome.from_json(line) for line in file]
    except FileNotFoundError:
        msg = f"{path}: no such file of outcomes"
        raise InputMissingError(msg) from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        msg = f"{path}: holds no outcomes, or is cut off: {error}"
        raise InputError(msg) from None
    if not outcomes:
        msg = f"{path}: holds no outcomes"
        raise InputError(msg)
    return outcomes
