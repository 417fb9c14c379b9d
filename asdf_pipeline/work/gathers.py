"""One attempt at one gather: have the function called, encode what it returned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from asdf_pipeline.container.arrays import encode_auxiliary
from asdf_pipeline.container.encoded import Product
from asdf_pipeline.container.product import encode_document, encode_stream
from asdf_pipeline.errors import TraceError
from asdf_pipeline.function.result import check_result
from asdf_pipeline.provenance.ids import link, trace_id
from asdf_pipeline.work.base import Made, Source, UnitWorker
from asdf_pipeline.work.call import asked_of, lent
from asdf_pipeline.work.function_work import FunctionWork
from asdf_pipeline.work.gather import Gather
from asdf_pipeline.work.source import ReadCounts

if TYPE_CHECKING:
    from obspy import Stream, Trace

    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.plan.units import Unit


class GatherWork(FunctionWork):
    """A function that is applied to gathers."""

    def begin(self, name: str) -> GatherWorker:
        """Return a worker (see `Work.begin`)."""
        return GatherWorker(self, name)


class GatherSource(Source):
    """A gather, and what was read of it."""

    def __init__(self, gather: Gather) -> None:
        self.gather = gather

    @property
    def read(self) -> ReadCounts:
        """What was read so far."""
        counts = ReadCounts()
        for data in self.gather.touched:
            counts.add(ReadCounts.of(data.streams.read))
        return counts

    def described(self, outcome: Outcome) -> Outcome:
        """Return the outcome with the stations that were touched, and what was read."""
        touched = tuple(sorted(data.station for data in self.gather.touched))
        return replace(outcome, gathered=touched, **self.read.fields())


class GatherWorker(UnitWorker):
    """Has the function called on gathers; holds the open input."""

    def __init__(self, work: GatherWork, name: str) -> None:
        super().__init__(work, name)
        self.work = work
        (self.reader,) = work.open_inputs()

    def close(self) -> None:
        """Close the input."""
        self.reader.close()

    def quakeml(self) -> bytes | None:
        """Return the input's events."""
        return self.reader.quakeml()

    def open(self, unit: Unit) -> GatherSource:
        """Return the gather, nothing read yet (see `UnitWorker.open`)."""
        return GatherSource(
            Gather(self.reader, unit, self.work.selection, self.work.windows)
        )

    def produce(self, unit: Unit, source: Source) -> Made:
        """Have the function called, encode (see `UnitWorker.produce`)."""
        assert isinstance(source, GatherSource)
        function, gather = self.work.process, source.gather
        try:
            with lent():
                value = function.function(
                    gather, **function.parameters, **asked_of(function)
                )
        finally:
            for data in gather.touched:
                data.take_back()
        result = check_result(value, unit.name, compares=True)
        former = source.read.provenance_ids
        record = trace_id(self.work.run_id, unit.id) if self.work.run_id else ""
        products = [
            self._of_station(unit, station, stream, record, former)
            for station, stream in _by_station(unit, result.stream).items()
        ]
        products = [one for one in products if one.traces]
        auxiliary = encode_auxiliary(result.auxiliary, self.work.encoding, record)
        if not products and not auxiliary:
            return Made(row=result.row)
        self.work.refuse_unwritten(unit.name)
        first, *others = products or [Product("", unit.output_tag, ())]
        whole = replace(first, auxiliary=auxiliary, others=tuple(others))
        return Made(whole, result.row)

    def _of_station(
        self,
        unit: Unit,
        station: str,
        stream: list[Trace],
        record: str,
        former: set[str],
    ) -> Product:
        """Return what the function wrote of one station, encoded."""
        encoding = self.work.encoding
        traces = encode_stream(
            stream, station, unit.output_tag, encoding, exact_names=True
        )
        if record:
            traces = link(traces, record, former)
        stationxml = self.reader.stationxml(station) if traces else None
        document = None
        if stationxml is not None:
            document = encode_document(stationxml, encoding)
        return Product(station, unit.output_tag, traces, stationxml, document)


def _by_station(unit: Unit, stream: Stream) -> dict[str, list[Trace]]:
    """Return traces by station, in the order of the names.

    Raises
    ------
    TraceError
        If one is of a station that is not in the gather.
    """
    found: dict[str, list[Trace]] = {}
    for trace in stream:
        station = f"{trace.stats.network}.{trace.stats.station}"
        if station not in unit.gathered:
            msg = (
                f"{unit.name}: the function returned trace {trace.id}, whose station "
                "is not in the gather: an array's beam is written under the name of "
                "one of its stations, or as auxiliary data"
            )
            raise TraceError(msg)
        found.setdefault(station, []).append(trace)
    return dict(sorted(found.items()))
