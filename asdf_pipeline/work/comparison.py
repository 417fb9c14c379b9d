"""One attempt at a station of two data sets: a pair whose members are in two files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asdf_pipeline.container.arrays import encode_auxiliary
from asdf_pipeline.container.encoded import Product
from asdf_pipeline.container.product import encode_document, encode_stream
from asdf_pipeline.plan.outcome import unit_id
from asdf_pipeline.provenance.ids import link, trace_id
from asdf_pipeline.work.base import Made, UnitWorker
from asdf_pipeline.work.call import call_two
from asdf_pipeline.work.function_work import FunctionWork
from asdf_pipeline.work.source import StationSource
from asdf_pipeline.work.station_data import StationData

if TYPE_CHECKING:
    from pathlib import Path

    from asdf_pipeline.function.result import Checked
    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.work.base import Source


@dataclass(frozen=True, kw_only=True)
class ComparisonWork(FunctionWork):
    """A function that compares the stations of two data sets.

    Attributes
    ----------
    other : pathlib.Path
        The data set that the input is compared with, station by station.
    """

    other: Path

    @property
    def inputs(self) -> list[Path]:
        """The two data sets (see `Work.inputs`)."""
        return [self.input, self.other]

    def begin(self, name: str) -> ComparisonWorker:
        """Return a worker (see `Work.begin`)."""
        return ComparisonWorker(self, name)


class ComparisonWorker(UnitWorker):
    """Has the function called on stations of both; holds the open inputs."""

    def __init__(self, work: ComparisonWork, name: str) -> None:
        super().__init__(work, name)
        self.work = work
        self.readers = work.open_inputs()

    def close(self) -> None:
        """Close the inputs."""
        for reader in self.readers:
            reader.close()

    def quakeml(self) -> bytes | None:
        """Return the first input's events."""
        return self.readers[0].quakeml()

    def open(self, unit: Unit) -> StationSource:
        """Return the unit's station (see `UnitWorker.open`)."""
        return StationSource(self.readers, unit.station)

    def produce(self, unit: Unit, source: Source) -> Made:
        """Read, have the function called, encode (see `UnitWorker.produce`)."""
        assert isinstance(source, StationSource)
        station, encoding = unit.station, self.work.encoding
        result = self._call(unit, source)
        traces = encode_stream(result.stream, station, unit.output_tag, encoding)
        name = ""
        if self.work.run_id:
            name = trace_id(self.work.run_id, unit_id((station,), unit.tag))
            traces = link(traces, name, source.provenance_ids)
        auxiliary = encode_auxiliary(result.auxiliary, encoding, name)
        if not traces and not auxiliary:
            return Made(row=result.row)
        self.work.refuse_unwritten(station)
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
        """Have the function called on a station of both data sets."""
        a, b = (
            StationData(reader, unit.station, self.work.selection)
            for reader in self.readers
        )
        source.locate()
        try:
            return call_two(self.work.process, a, b, unit.station)
        finally:
            source.note([*a.streams.read, *b.streams.read])
            source.locate()
