"""One attempt at one unit of staging: read a station's files, encode the traces."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import obspy

from asdf_pipeline.container.arrays import encode_auxiliary
from asdf_pipeline.container.encoded import Product
from asdf_pipeline.container.product import encode_document
from asdf_pipeline.errors import ASDFPipelineError, InputError
from asdf_pipeline.stage.codes import Codes
from asdf_pipeline.stage.files import InputErrors, raise_all
from asdf_pipeline.stage.reading import FileReader
from asdf_pipeline.stage.sac_fields import associate
from asdf_pipeline.stage.sac_kept import kept_fields, path_of
from asdf_pipeline.stage.tally import Tally
from asdf_pipeline.stage.waveform_file import no_waveform, station_of
from asdf_pipeline.stage.waveforms import TraceCollector, encoded
from asdf_pipeline.work.base import Made, Source, UnitWorker, Work

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.stage.fdsn import Downloader, Query
    from asdf_pipeline.stage.fdsn_request import Request
    from asdf_pipeline.stage.remote import Place
    from asdf_pipeline.stage.waveform_file import WaveformFile


@dataclass(frozen=True, slots=True)
class Sources:
    """What the units are made of: plain data, the same for every worker.

    Attributes
    ----------
    files : mapping of str to tuple of WaveformFile
        By unit id.
    shared : mapping of pathlib.Path or RemoteFile to frozenset of str
        Stations of a file that holds several.
    documents : mapping of str to bytes
        StationXML by station.
    quakeml : bytes or None
        The events.
    sac_events : frozenset of str
        Ids of events: traces whose SAC header has one of them belong to it.
    request : Request or None
        The web services of the units that are downloaded.
    queries : mapping of str to Query
        What to ask them for, by unit id.
    split_drift : bool
        Whether traces are split where their records' times part from theirs.
    apply_calib : bool
        Whether samples are multiplied by ``stats.calib``.
    codes : Codes
        Codes for traces whose file has none.
    unreadable : mapping of str to tuple of str
        Why stations cannot be staged, by station.
    """

    files: Mapping[str, tuple[WaveformFile, ...]]
    shared: Mapping[Place, frozenset[str]]
    documents: Mapping[str, bytes]
    quakeml: bytes | None
    sac_events: frozenset[str] = frozenset()
    request: Request | None = None
    queries: Mapping[str, Query] = field(default_factory=dict)
    split_drift: bool = False
    apply_calib: bool = False
    codes: Codes = field(default_factory=Codes)
    unreadable: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StageWork(Work):
    """What every worker of a staging needs to know."""

    sources: Sources

    def begin(self, name: str) -> StageWorker:
        """Return a worker (see `Work.begin`)."""
        return StageWorker(self, name)


@dataclass
class Counts(Source):
    """What was read of a unit's files.

    Attributes
    ----------
    traces, samples : int
        How many.
    """

    traces: int = 0
    samples: int = 0

    def described(self, outcome: Outcome) -> Outcome:
        """Return the outcome with the counts."""
        return replace(outcome, traces_in=self.traces, samples_in=self.samples)


class StageWorker(UnitWorker):
    """Reads the files of units."""

    def __init__(self, work: StageWork, name: str) -> None:
        super().__init__(work, name)
        self.work = work
        sources = work.sources
        self._files = FileReader(
            sources.shared, sources.split_drift, sources.apply_calib, sources.codes
        )
        self._downloader: Downloader | None = None

    def close(self) -> None:
        """Forget the file read last."""
        self._files.close()

    def quakeml(self) -> bytes | None:
        """Return the events."""
        return self.work.sources.quakeml

    def open(self, unit: Unit) -> Counts:
        """Return the counts of a unit that nothing was read of yet."""
        return Counts()

    def produce(self, unit: Unit, source: Source) -> Made:
        """Read and encode (see `UnitWorker.produce`)."""
        assert isinstance(source, Counts)
        station, encoding = unit.station, self.work.encoding
        sources = self.work.sources
        collector = TraceCollector()
        headers: dict[str, Any] = {}
        errors = InputErrors()
        raise_all(map(InputError, sources.unreadable.get(station, ())))
        for streams in self._sources(unit):
            with errors.collected():
                for source_name, stream in streams:
                    if sources.sac_events:
                        associate(stream, sources.sac_events)
                    for one in stream:
                        for trace in encoded(
                            one, source_name, station, unit.tag, encoding
                        ):
                            source.traces += 1
                            source.samples += trace.header.npts
                            if collector.add(trace, source_name):
                                headers |= self._kept(one)
        errors.raise_collected()
        traces = collector.traces()
        stationxml = sources.documents.get(station)
        if not traces and stationxml is None:
            return Made()
        document = stationxml and encode_document(stationxml, encoding)
        auxiliary = encode_auxiliary(headers, encoding)
        return Made(
            Product(station, unit.tag, traces, stationxml, document or None, auxiliary)
        )

    def _kept(self, trace: obspy.Trace) -> dict[str, Any]:
        """Return the auxiliary data that keeps what a trace's SAC header says."""
        if "sac" not in trace.stats:
            return {}
        event = bool(trace.stats.get("asdf", {}).get("event_ids"))
        described = station_of(trace) in self.work.sources.documents
        fields = kept_fields(trace, event, described)
        return {path_of(trace): (np.zeros(1, np.int8), fields)} if fields else {}

    def explain(self, error: BaseException) -> str:
        """Return nothing for an error in the data: its one line says all."""
        return "" if isinstance(error, ASDFPipelineError) else super().explain(error)

    def _sources(self, unit: Unit) -> Iterator[Iterator[tuple[str, obspy.Stream]]]:
        """Yield what each of a unit's sources holds, with its name."""
        sources = self.work.sources
        files = sources.files.get(unit.id, ())
        self._files.expect(files)
        for file in files:
            yield self._files.read(file, unit.station)
        if unit.id in sources.queries and sources.request is not None:
            yield self._download(unit, sources.request)

    def _download(
        self, unit: Unit, request: Request
    ) -> Iterator[tuple[str, obspy.Stream]]:
        from asdf_pipeline.stage.fdsn import Downloader

        if self._downloader is None:
            self._downloader = Downloader(request)
        query = self.work.sources.queries[unit.id]
        source_name = f"{query.url}, {unit.id}"
        stream = self._downloader.download(query, source_name)
        left_out, kept = Tally(), obspy.Stream()
        for trace in stream:
            if why := no_waveform(trace):
                left_out.add(f"{trace.id} {why}: left out", source_name)
            else:
                kept.append(trace)
        left_out.log(logging.INFO)
        yield source_name, kept
