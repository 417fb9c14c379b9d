"""One attempt at one unit: read, have the function called, encode what it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asdf_pipeline.container.arrays import encode_auxiliary
from asdf_pipeline.container.encoded import Product
from asdf_pipeline.container.product import Cut, encode_document, encode_stream
from asdf_pipeline.container.traces import offset
from asdf_pipeline.plan.outcome import unit_id
from asdf_pipeline.plan.selection import overlap
from asdf_pipeline.provenance.ids import link, trace_id
from asdf_pipeline.work.base import Made, UnitWorker
from asdf_pipeline.work.call import call
from asdf_pipeline.work.function_work import FunctionWork
from asdf_pipeline.work.source import StationSource, traces_read

if TYPE_CHECKING:
    from asdf_pipeline.container.traces import TraceHeader
    from asdf_pipeline.function.result import Checked
    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.work.base import Source


class ProcessWork(FunctionWork):
    """A function that is applied to stations, or to parts of them."""

    def begin(self, name: str) -> ProcessWorker:
        """Return a worker (see `Work.begin`)."""
        return ProcessWorker(self, name)


class ProcessWorker(UnitWorker):
    """Has the function called on units; holds the open input."""

    def __init__(self, work: ProcessWork, name: str) -> None:
        super().__init__(work, name)
        self.work = work
        (self.reader,) = work.open_inputs()

    def close(self) -> None:
        """Close the input."""
        self.reader.close()

    def quakeml(self) -> bytes | None:
        """Return the input's events."""
        return self.reader.quakeml()

    def open(self, unit: Unit) -> StationSource:
        """Return the unit's station (see `UnitWorker.open`)."""
        return StationSource([self.reader], unit.station)

    def produce(self, unit: Unit, source: Source) -> Made:
        """Read, have the function called, encode (see `UnitWorker.produce`)."""
        assert isinstance(source, StationSource)
        station, encoding = unit.station, self.work.encoding
        result = self._call(unit, source)
        cut = self._cut(unit, source)
        traces = encode_stream(
            result.stream,
            station,
            unit.output_tag,
            encoding,
            cut,
            exact_names=bool(unit.event),
        )
        name = ""
        if self.work.run_id:
            # One record for all windows of a station: they may be joined.
            name = trace_id(self.work.run_id, unit_id((station,), unit.tag))
            traces = link(traces, name, source.provenance_ids)
        auxiliary = encode_auxiliary(result.auxiliary, encoding, name)
        if not traces and not auxiliary:
            return Made(row=result.row)
        self.work.refuse_unwritten(station)
        stationxml = document = None
        if traces:  # auxiliary data alone does not bring the station along
            stationxml = self.reader.stationxml(station)
        if stationxml is not None:
            document = encode_document(stationxml, encoding)
        product = Product(
            station, unit.output_tag, traces, stationxml, document, auxiliary
        )
        return Made(product, result.row)

    def _call(self, unit: Unit, source: StationSource) -> Checked:
        """Read a station and tag and have the function called on it."""
        read_times, _ = self._windows(unit)
        has_trace = self.work.selection.has_trace

        def wanted(header: TraceHeader) -> bool:
            return has_trace(header) and unit.has_trace(header)

        stream = self.reader.stream(unit.station, unit.tag, read_times, wanted)
        source.note(traces_read(stream))
        source.locate()
        return call(self.work.process, self.reader, stream, unit)

    def _cut(self, unit: Unit, source: StationSource) -> Cut | None:
        """Return how the function's result is cut, by what was read."""
        read_times, kept = self._windows(unit)
        if read_times is None or kept is None:
            return None
        read = source.described(unit.outcome("empty"))
        span = (
            kept[0] if read.start is None else read.start,
            kept[1] if read.end is None else read.end,
        )
        slack = max((offset(1, rate) for rate in read.sampling_rates), default=0)
        return Cut(read_times, kept, span, slack)

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
