"""One attempt at one unit: read, call the user's function, encode what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from obspy import Stream, Trace

from asdf_pipeline.container.digest import product_digest
from asdf_pipeline.container.product import Product, encode_document, encode_stream
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import TraceError
from asdf_pipeline.outcome import unit_id
from asdf_pipeline.plan import EVERYTHING
from asdf_pipeline.provenance.ids import link, trace_id
from asdf_pipeline.work.base import Work, Worker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import obspy

    from asdf_pipeline.container.product import EncodedTrace
    from asdf_pipeline.container.traces import TraceHeader
    from asdf_pipeline.plan import Unit
    from asdf_pipeline.selection import Selection, Windows
    from asdf_pipeline.work.load import Process


@dataclass(frozen=True, kw_only=True)
class ProcessWork(Work):
    """What every worker of a run over an ASDF file needs to know.

    Attributes
    ----------
    input : pathlib.Path
        The input file, opened read-only by each worker.
    process : Process
        The user's function.
    selection : Selection
        Which channels are read.
    windows : Windows or None
        How long traces are cut.
    cache_responses : bool
        Whether inventories carry memoising Responses.
    run_id : str
        Names the records of provenance that traces refer to; empty: they keep theirs.
    """

    input: Path
    process: Process
    selection: Selection = EVERYTHING
    windows: Windows | None = None
    cache_responses: bool = True
    run_id: str = ""

    def begin(self, name: str) -> ProcessWorker:
        """Return a worker (see `Work.begin`)."""
        return ProcessWorker(self, name)


class ProcessWorker(Worker):
    """Calls the function on units; holds the open input."""

    def __init__(self, work: ProcessWork, name: str) -> None:
        super().__init__(work, name)
        self.work = work
        self.reader = Reader(work.input, cache_responses=work.cache_responses)

    def close(self) -> None:
        """Close the input."""
        self.reader.close()

    def quakeml(self) -> bytes | None:
        """Return the input's events."""
        return self.reader.quakeml()

    def produce(self, unit: Unit, record: dict[str, Any]) -> Product | None:
        """Read, call, encode (see `Worker.produce`)."""
        station, tag = unit.station, record["output_tag"]
        seen, kept = self._windows(unit)
        stream = self.reader.stream(
            station, unit.tag, seen, self.work.selection.has_channel
        )
        record["traces_in"] = len(stream)
        record["samples_in"] = sum(len(trace.data) for trace in stream)
        record |= _extent_of_stream(stream)
        record["provenance_ids"] = former = _provenance_ids(stream)
        coordinates = self.reader.coordinates(station)
        if coordinates is not None:
            names = ("latitude", "longitude", "elevation_in_m")
            record |= dict(zip(names, coordinates, strict=True))
        result = call(self.work.process, self.reader, stream, station, unit.tag)
        traces = encode_stream(result, station, tag, self.work.encoding, kept)
        if not traces:
            record["status"] = "empty"
            return None
        if self.work.run_id:
            # One record for all windows of a station: they may be joined.
            name = trace_id(self.work.run_id, unit_id(station, unit.tag, None))
            traces = link(traces, name, former)
        stationxml = self.reader.stationxml(station)
        document = None
        if stationxml is not None:
            document = encode_document(stationxml, self.work.encoding)
        product = Product(station, tag, traces, stationxml, document)
        record |= _extent([trace.header for trace in traces])
        record |= {
            "status": "ok",
            "traces_out": len(traces),
            "samples_out": sum(trace.header.npts for trace in traces),
            "digest": _digest(traces, stationxml),
            "bytes_out": product.nbytes,
            "peak": _peak(result),
        }
        return product

    def _windows(
        self, unit: Unit
    ) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """Return the times that the function sees, and those kept of its result."""
        windows = self.work.windows
        if windows is None or unit.window is None:
            return unit.window, None
        return windows.padded(unit.window), windows.kept(unit.window)


def call(
    process: Process, reader: Reader, stream: obspy.Stream, station: str, tag: str
) -> obspy.Stream:
    """Call the user's function on a station's waveforms.

    Parameters
    ----------
    process : Process
        The function.
    reader : Reader
        The open input, for the inventory and what else the function asks for.
    stream : obspy.Stream
        The waveforms; the function may change them.
    station, tag : str
        Whose they are.

    Returns
    -------
    obspy.Stream
        What it returned; empty where that was None.

    Raises
    ------
    TraceError
        If it returned something else than a Stream, a Trace or None.
    """
    offered = {n: _offer(n, process, reader, stream, tag) for n in process.asks}
    inventory = reader.inventory(station)
    result = process.function(stream, inventory, **process.parameters, **offered)
    if result is None:
        return Stream()
    if isinstance(result, Trace):
        return Stream([result])
    if not isinstance(result, Stream):
        msg = (
            f"{station}: the function returned a {type(result).__name__}; "
            "expected an obspy Stream or Trace, or None"
        )
        raise TraceError(msg)
    return result


def _offer(
    name: str, process: Process, reader: Reader, stream: obspy.Stream, tag: str
) -> object:
    """Return what a function gets that has an argument of this name."""
    if name == "tag":
        return tag
    if name == "parameters":
        return dict(process.parameters)
    events = reader.events()
    if name == "events":
        return events
    wanted = {
        str(identifier)
        for trace in stream
        for identifier in trace.stats.get("asdf", {}).get("event_ids", ())
    }
    return next((e for e in events if str(e.resource_id) in wanted), None)


def _provenance_ids(stream: obspy.Stream) -> tuple[str, ...]:
    """Return the records that traces refer to, sorted, distinct."""
    found = {trace.stats.asdf.get("provenance_id", "") for trace in stream}
    return tuple(sorted(found - {""}))


def _peak(stream: obspy.Stream) -> float:
    """Return the largest absolute sample."""
    # By way of float: the smallest integer of a type has no absolute value.
    ends = [
        abs(float(end))
        for trace in stream
        if len(trace.data) and not np.all(np.ma.getmask(trace.data))
        for end in (trace.data.min(), trace.data.max())
    ]
    return float(np.max(ends))  # what is no number wins


def _digest(traces: Sequence[EncodedTrace], stationxml: bytes | None) -> str:
    return product_digest([trace.digest for trace in traces], stationxml)


def _extent(headers: Sequence[TraceHeader]) -> dict[str, Any]:
    return {
        "start": min(header.starttime for header in headers),
        "end": max(header.endtime for header in headers),
        "sampling_rates": tuple(sorted({header.sampling_rate for header in headers})),
        "channels": tuple(
            sorted({f"{header.location}.{header.channel}" for header in headers})
        ),
    }


def _extent_of_stream(stream: obspy.Stream) -> dict[str, Any]:
    stats = [trace.stats for trace in stream if len(trace.data)]
    if not stats:
        return {}
    return {
        "start": min(s.starttime.ns for s in stats),
        "end": max(s.endtime.ns for s in stats),
        "sampling_rates": tuple(sorted({float(s.sampling_rate) for s in stats})),
        "channels": tuple(sorted({f"{s.location}.{s.channel}" for s in stats})),
    }
