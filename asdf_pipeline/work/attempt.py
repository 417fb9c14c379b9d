"""One attempt at one unit: read, have the function called, encode what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.container.arrays import encode_auxiliary
from asdf_pipeline.container.encoded import Product
from asdf_pipeline.container.product import Cut, encode_document, encode_stream
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.traces import offset
from asdf_pipeline.errors import TraceError
from asdf_pipeline.plan.outcome import unit_id
from asdf_pipeline.plan.selection import overlap
from asdf_pipeline.plan.units import EVERYTHING
from asdf_pipeline.provenance.ids import link, trace_id
from asdf_pipeline.work.base import Work, Worker
from asdf_pipeline.work.call import call, compare
from asdf_pipeline.work.station_data import StationData

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from obspy.core.trace import Stats

    from asdf_pipeline.container.traces import TraceHeader
    from asdf_pipeline.function.load import UserFunction
    from asdf_pipeline.function.result import Checked
    from asdf_pipeline.plan.selection import Selection, Windows
    from asdf_pipeline.plan.units import Unit


@dataclass(frozen=True, kw_only=True)
class ProcessWork(Work):
    """What every worker of a run over an ASDF file needs to know.

    Attributes
    ----------
    input : pathlib.Path
        The input file, opened read-only by each worker.
    process : UserFunction
        The user's function.
    selection : Selection
        Which channels are read.
    windows : Windows or None
        How long traces are cut.
    cache_responses : bool
        Whether inventories carry memoising Responses.
    run_id : str
        Names the records of provenance that traces refer to; empty: they keep theirs.
    other : pathlib.Path or None
        The data set that the input is compared with, station by station.
    writes : bool
        Whether there is an output to write to; else the function may return rows only.
    """

    input: Path
    process: UserFunction
    selection: Selection = EVERYTHING
    windows: Windows | None = None
    cache_responses: bool = True
    run_id: str = ""
    other: Path | None = None
    writes: bool = True

    def begin(self, name: str) -> ProcessWorker:
        """Return a worker (see `Work.begin`)."""
        return ProcessWorker(self, name)


class ProcessWorker(Worker):
    """Has the function called on units; holds the open inputs."""

    def __init__(self, work: ProcessWork, name: str) -> None:
        super().__init__(work, name)
        self.work = work
        self.reader = Reader(work.input, cache_responses=work.cache_responses)
        self.readers = [self.reader]
        if work.other is not None:
            self.readers.append(Reader(work.other, work.cache_responses))

    def close(self) -> None:
        """Close the inputs."""
        for reader in self.readers:
            reader.close()

    def quakeml(self) -> bytes | None:
        """Return the input's events."""
        return self.reader.quakeml()

    def produce(self, unit: Unit, record: dict[str, Any]) -> Product | None:
        """Read, have it called, encode (see `Worker.produce`)."""
        station, tag, encoding = unit.station, record["output_tag"], self.work.encoding
        if self.work.other is None:
            result = self._call(unit, record)
        else:
            result = self._compare(unit, record)
        cut = self._cut(unit, record)
        traces = encode_stream(result.stream, station, tag, encoding, cut)
        name = ""
        if self.work.run_id:
            # One record for all windows of a station: they may be joined.
            name = trace_id(self.work.run_id, unit_id(station, unit.tag, None))
            traces = link(traces, name, record["provenance_ids"])
        auxiliary = encode_auxiliary(result.auxiliary, encoding, name)
        record["row"] = result.row
        if not traces and not auxiliary:
            record["status"] = "empty" if result.row is None else "ok"
            return None
        if not self.work.writes:
            msg = (
                f"{station}: the function returned waveforms or auxiliary data, and no "
                "output file is named to write them to"
            )
            raise TraceError(msg)
        stationxml = document = None
        if traces:  # auxiliary data alone does not bring the station along
            documents = (reader.stationxml(station) for reader in self.readers)
            stationxml = next((one for one in documents if one is not None), None)
            record |= _extent([trace.header for trace in traces])
            record["peak"] = float(np.max([trace.peak for trace in traces]))  # or NaN
        if stationxml is not None:
            document = encode_document(stationxml, encoding)
        product = Product(station, tag, traces, stationxml, document, auxiliary)
        record |= {
            "status": "ok",
            "traces_out": len(traces),
            "samples_out": sum(trace.header.npts for trace in traces),
            "auxiliary": tuple(one.path for one in auxiliary),
            "digest": product.digest,
            "bytes_out": product.nbytes,
        }
        return product

    def _call(self, unit: Unit, record: dict[str, Any]) -> Checked:
        """Read a station and tag and have the function called on it."""
        seen, _ = self._windows(unit)
        wanted = self.work.selection.has_channel
        stream = self.reader.stream(unit.station, unit.tag, seen, wanted)
        record |= _read([trace.stats for trace in stream])
        record |= self._place(unit.station)
        return call(self.work.process, self.reader, stream, unit.station, unit.tag)

    def _compare(self, unit: Unit, record: dict[str, Any]) -> Checked:
        """Have the function called on a station of both data sets."""
        a, b = (
            StationData(reader, unit.station, self.work.selection)
            for reader in self.readers
        )
        record |= self._place(unit.station)
        try:
            return compare(self.work.process, a, b)
        finally:
            record |= _read([*a.streams.stats, *b.streams.stats])

    def _place(self, station: str) -> dict[str, float]:
        """Return where a station is, as the first file says that does."""
        for reader in self.readers:
            coordinates = reader.coordinates(station)
            if coordinates is not None:
                names = ("latitude", "longitude", "elevation_in_m")
                return dict(zip(names, coordinates, strict=True))
        return {}

    def _cut(self, unit: Unit, record: dict[str, Any]) -> Cut | None:
        """Return how the function's result is cut, after what was read is recorded."""
        seen, kept = self._windows(unit)
        if seen is None or kept is None:
            return None
        given = record.get("start", kept[0]), record.get("end", kept[1])
        rates = record.get("sampling_rates", ())
        return Cut(seen, kept, given, max((offset(1, r) for r in rates), default=0))

    def _windows(
        self, unit: Unit
    ) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """Return the times that the function sees, and those kept of its result."""
        windows, times = self.work.windows, self.work.selection.times
        if windows is None or unit.window is None:
            return unit.window, None
        return (
            overlap(windows.padded(unit.window), times),
            overlap(windows.kept(unit.window), times),
        )


def _read(stats: Sequence[Stats]) -> dict[str, Any]:
    """Return what an outcome says of the traces that were read."""
    found = {one.asdf.get("provenance_id", "") for one in stats}
    record: dict[str, Any] = {
        "traces_in": len(stats),
        "samples_in": sum(one.npts for one in stats),
        "provenance_ids": tuple(sorted(found - {""})),
    }
    full = [one for one in stats if one.npts]
    if full:
        record |= {
            "start": min(one.starttime.ns for one in full),
            "end": max(one.endtime.ns for one in full),
            "sampling_rates": tuple(sorted({float(s.sampling_rate) for s in full})),
            "channels": tuple(sorted({f"{s.location}.{s.channel}" for s in full})),
        }
    return record


def _extent(headers: Sequence[TraceHeader]) -> dict[str, Any]:
    return {
        "start": min(header.starttime for header in headers),
        "end": max(header.endtime for header in headers),
        "sampling_rates": tuple(sorted({header.sampling_rate for header in headers})),
        "channels": tuple(
            sorted({f"{header.location}.{header.channel}" for header in headers})
        ),
    }
