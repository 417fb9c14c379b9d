"""What a unit over ASDF files is made from, and what its outcome says of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
        fields: dict[str, Any] = {
            "traces_in": len(self.traces),
            "samples_in": sum(one.npts for one in self.traces),
            "provenance_ids": self.provenance_ids,
        }
        if self._coordinates is not None:
            names = ("latitude", "longitude", "elevation_in_m")
            fields |= zip(names, self._coordinates, strict=True)
        full = [one for one in self.traces if one.npts]
        if full:
            fields |= {
                "start": min(one.start for one in full),
                "end": max(one.end for one in full),
                "sampling_rates": tuple(sorted({one.sampling_rate for one in full})),
                "channels": tuple(sorted({one.channel for one in full})),
            }
        return replace(outcome, **fields)
