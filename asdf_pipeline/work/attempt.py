"""One attempt at one unit: read, have the function called, encode what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asdf_pipeline.container.arrays import encode_auxiliary
from asdf_pipeline.container.encoded import Product
from asdf_pipeline.container.product import Cut, encode_document, encode_stream
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.traces import offset
from asdf_pipeline.errors import TraceError
from asdf_pipeline.function.preload import preload
from asdf_pipeline.plan.outcome import unit_id
from asdf_pipeline.plan.selection import EVERYTHING, overlap
from asdf_pipeline.provenance.ids import link, trace_id
from asdf_pipeline.work.base import Made, UnitWorker, Work
from asdf_pipeline.work.call import call, compare
from asdf_pipeline.work.source import StationSource, traces_read
from asdf_pipeline.work.station_data import StationData

if TYPE_CHECKING:
    from pathlib import Path

    from asdf_pipeline.container.traces import TraceHeader
    from asdf_pipeline.function.load import UserFunction
    from asdf_pipeline.function.result import Checked
    from asdf_pipeline.plan.selection import Selection, Windows
    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.work.base import Source


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
    no_events : bool
        Whether the files' events are left alone.
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
    no_events: bool = False
    writes: bool = True

    @property
    def inputs(self) -> list[Path]:
        """The input, and what it is compared with (see `Work.inputs`)."""
        return [path for path in (self.input, self.other) if path is not None]

    def begin(self, name: str) -> ProcessWorker:
        """Return a worker (see `Work.begin`)."""
        return ProcessWorker(self, name)

    def preload(self) -> None:
        """Import what the function's code names (see `Work.preload`)."""
        function = self.process.function
        calls = getattr(function, "calls", None)  # those of steps.chain
        called = calls(self.process.parameters) if calls else ()
        preload(function, *(one.function for one in called))


class ProcessWorker(UnitWorker):
    """Has the function called on units; holds the open inputs."""

    def __init__(self, work: ProcessWork, name: str) -> None:
        super().__init__(work, name)
        self.work = work
        self.reader = Reader(work.input, cache_responses=work.cache_responses)
        self.readers = [self.reader]
        if work.other is not None:
            self.readers.append(Reader(work.other, work.cache_responses))
        if work.no_events:
            for reader in self.readers:
                reader.ignore_events()

    def close(self) -> None:
        """Close the inputs."""
        for reader in self.readers:
            reader.close()

    def quakeml(self) -> bytes | None:
        """Return the input's events."""
        return self.reader.quakeml()

    def open(self, unit: Unit) -> StationSource:
        """Return the unit's station (see `UnitWorker.open`)."""
        return StationSource(self.readers, unit.station)

    def produce(self, unit: Unit, source: Source) -> Made:
        """Read, have the function called, encode (see `UnitWorker.produce`)."""
        assert isinstance(source, StationSource)
        station, encoding = unit.station, self.work.encoding
        if self.work.other is None:
            result = self._call(unit, source)
        else:
            result = self._compare(unit, source)
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

    def _compare(self, unit: Unit, source: StationSource) -> Checked:
        """Have the function called on a station of both data sets."""
        a, b = (
            StationData(reader, unit.station, self.work.selection)
            for reader in self.readers
        )
        source.locate()
        try:
            return compare(self.work.process, a, b)
        finally:
            source.note([*a.streams.read, *b.streams.read])
            source.locate()

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
