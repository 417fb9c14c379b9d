"""One attempt at one unit: read, have the function called, encode what it returns."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from asdf_pipeline.container.arrays import encode_auxiliary
from asdf_pipeline.container.codec import COMPRESSED, Encoding
from asdf_pipeline.container.product import Product, encode_document, encode_stream
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import TraceError
from asdf_pipeline.outcome import Outcome, unit_id
from asdf_pipeline.plan import EVERYTHING
from asdf_pipeline.provenance.ids import link, trace_id
from asdf_pipeline.work.call import call, compare
from asdf_pipeline.work.station_data import StationData

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    import obspy
    from obspy.core.trace import Stats

    from asdf_pipeline.container.traces import TraceHeader
    from asdf_pipeline.plan import Unit
    from asdf_pipeline.selection import Selection, Windows
    from asdf_pipeline.work.load import Process
    from asdf_pipeline.work.result import Checked


_OWN = (__file__, call.__code__.co_filename)
"""Files whose frames say nothing to the function's author."""


@dataclass(frozen=True)
class Work:
    """What every worker of a run needs to know.

    Attributes
    ----------
    input : pathlib.Path
        The input file, opened read-only by each worker.
    process : Process
        The user's function.
    tag_map : dict of str to str
        Input tag to output tag.
    selection : Selection
        Which channels are read.
    windows : Windows or None
        How long traces are cut.
    encoding : Encoding
        How the samples are stored.
    traceback_limit : int
        Levels of traceback kept of an error in the function.
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
    process: Process
    tag_map: dict[str, str]
    selection: Selection = EVERYTHING
    windows: Windows | None = None
    encoding: Encoding = COMPRESSED
    traceback_limit: int = 3
    cache_responses: bool = True
    run_id: str = ""
    other: Path | None = None
    writes: bool = True


class Worker:
    """Takes units one after the other; holds the open input.

    Parameters
    ----------
    work : Work
        What is to be done with each unit.
    name : str
        Who this is, for logs and outcomes.
    """

    def __init__(self, work: Work, name: str) -> None:
        self.work = work
        self.name = name
        self.reader = Reader(work.input, cache_responses=work.cache_responses)
        self.readers = [self.reader]
        if work.other is not None:
            self.readers.append(Reader(work.other, work.cache_responses))

    def __enter__(self) -> Self:
        """Return the worker itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the inputs."""
        for reader in self.readers:
            reader.close()

    def attempt(self, unit: Unit) -> tuple[Outcome, Product | None]:
        """Do one unit; whatever the function raises becomes a failed outcome.

        Returns
        -------
        Outcome, Product or None
            The product is None unless the outcome is ``ok``.
        """
        began = time.perf_counter()
        record: dict[str, Any] = {
            "station": unit.station,
            "input_tag": unit.tag,
            "output_tag": self.work.tag_map[unit.tag],
            "window": unit.window,
            "worker": self.name,
        }
        product = None
        try:
            product = self._produce(unit, record)
        except (Exception, SystemExit) as error:
            record |= {
                "status": "failed",
                "error_type": type(error).__name__,
                "error_message": str(error),
                "traceback": self._format(error),
            }
        record["seconds"] = round(time.perf_counter() - began, 6)
        return Outcome(**record), product

    def _produce(self, unit: Unit, record: dict[str, Any]) -> Product | None:
        station, tag, encoding = unit.station, record["output_tag"], self.work.encoding
        if self.work.other is None:
            result = self._call(unit, record)
        else:
            result = self._compare(unit, record)
        _, kept = self._windows(unit)
        traces = encode_stream(result.stream, station, tag, encoding, kept)
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
            record["peak"] = _peak(result.stream)
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

    def _windows(
        self, unit: Unit
    ) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """Return the times that the function sees, and those kept of its result."""
        windows = self.work.windows
        if windows is None or unit.window is None:
            return unit.window, None
        return windows.padded(unit.window), windows.kept(unit.window)

    def _format(self, error: BaseException) -> str:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename in _OWN:
            trace = trace.tb_next
        limit = self.work.traceback_limit
        lines = traceback.format_exception(
            type(error), error, trace, limit=-limit if limit > 0 else 0, chain=False
        )
        return "".join(lines).rstrip()


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


def _extent(headers: Sequence[TraceHeader]) -> dict[str, Any]:
    return {
        "start": min(header.starttime for header in headers),
        "end": max(header.endtime for header in headers),
        "sampling_rates": tuple(sorted({header.sampling_rate for header in headers})),
        "channels": tuple(
            sorted({f"{header.location}.{header.channel}" for header in headers})
        ),
    }
