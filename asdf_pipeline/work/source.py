"""What a unit over ASDF files is made from, and what its outcome says of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from asdf_pipeline.work.base import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from obspy import Stream

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.metadata.stationxml import Coordinates
    from asdf_pipeline.plan.outcome import Outcome


@dataclass(frozen=True, slots=True)
class TraceRead:
    """What an outcome says of one trace, noted before the function may change it.

    Attributes
    ----------
    npts : int
        Number of samples.
    start, end : int
        Times of the first and last sample in ns since 1970.
    sampling_rate : float
        In Hz.
    channel : str
        ``"LOC.CHA"``.
    provenance_id : str
        Record of provenance that it refers to, or empty.
    """

    npts: int
    start: int
    end: int
    sampling_rate: float
    channel: str
    provenance_id: str


def traces_read(stream: Stream) -> list[TraceRead]:
    """Return what an outcome says of each trace of a stream."""
    return [
        TraceRead(
            stats.npts,
            stats.starttime.ns,
            stats.endtime.ns,
            float(stats.sampling_rate),
            f"{stats.location}.{stats.channel}",
            stats.asdf.get("provenance_id", ""),
        )
        for stats in (trace.stats for trace in stream)
    ]


@dataclass(slots=True)
class ReadCounts:
    """What an outcome says of many traces: counted one after the other, not kept.

    Attributes
    ----------
    traces, samples : int
        How many were read.
    start, end : int or None
        Times of the first and last sample in ns since 1970.
    sampling_rates : set of float
        In Hz.
    channels, provenance_ids : set of str
        See `TraceRead`.
    """

    traces: int = 0
    samples: int = 0
    start: int | None = None
    end: int | None = None
    sampling_rates: set[float] = field(default_factory=set)
    channels: set[str] = field(default_factory=set)
    provenance_ids: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, traces: Iterable[TraceRead]) -> ReadCounts:
        """Return the counts of some traces."""
        counts = cls()
        for trace in traces:
            counts.add(
                cls(
                    1,
                    trace.npts,
                    trace.start if trace.npts else None,
                    trace.end if trace.npts else None,
                    {trace.sampling_rate} if trace.npts else set(),
                    {trace.channel} if trace.npts else set(),
                    {trace.provenance_id} - {""},
                )
            )
        return counts

    def add(self, other: ReadCounts) -> None:
        """Count what was read besides."""
        self.traces += other.traces
        self.samples += other.samples
        if other.start is not None and other.end is not None:
            first, last = self.start, self.end
            self.start = other.start if first is None else min(first, other.start)
            self.end = other.end if last is None else max(last, other.end)
        self.sampling_rates |= other.sampling_rates
        self.channels |= other.channels
        self.provenance_ids |= other.provenance_ids

    def fields(self) -> dict[str, Any]:
        """Return the attributes of an `Outcome` that say this."""
        counts: dict[str, Any] = {
            "traces_in": self.traces,
            "samples_in": self.samples,
            "provenance_ids": tuple(sorted(self.provenance_ids)),
        }
        if self.start is not None:
            counts |= {
                "start": self.start,
                "end": self.end,
                "sampling_rates": tuple(sorted(self.sampling_rates)),
                "channels": tuple(sorted(self.channels)),
            }
        return counts


class StationSource(Source):
    """A station in one file, or in two that are compared.

    Parameters
    ----------
    readers : sequence of Reader
        The open inputs.
    station : str
        ``"NET.STA"``.

    Attributes
    ----------
    traces : list of TraceRead
        Of each trace that was read, in that order.
    """

    def __init__(self, readers: Sequence[Reader], station: str) -> None:
        self._readers = readers
        self._station = station
        self._coordinates: Coordinates | None = None
        self.traces: list[TraceRead] = []

    def locate(self) -> None:
        """Note where the station was in the times that were read.

        As the first file says that knows.

        Raises
        ------
        StationXMLError
            If its document is damaged.
        """
        full = [one for one in self.traces if one.npts]
        times = None
        if full:
            times = min(one.start for one in full), max(one.end for one in full)
        found = (reader.coordinates(self._station, times) for reader in self._readers)
        self._coordinates = next((one for one in found if one is not None), None)

    def note(self, traces: Iterable[TraceRead]) -> None:
        """Count traces that were read."""
        self.traces += traces

    @property
    def provenance_ids(self) -> tuple[str, ...]:
        """Records of provenance that the traces refer to, sorted, distinct."""
        return tuple(sorted({one.provenance_id for one in self.traces} - {""}))

    def described(self, outcome: Outcome) -> Outcome:
        """Return the outcome with the station's place, and counts of what was read."""
        fields = ReadCounts.of(self.traces).fields()
        if self._coordinates is not None:
            names = ("latitude", "longitude", "elevation_in_m")
            fields |= zip(names, self._coordinates, strict=True)
        return replace(outcome, **fields)
