"""One attempt at one unit of staging: read a station's files, encode the traces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.encoded import Product
from asdf_pipeline.container.product import encode_document
from asdf_pipeline.errors import ASDFPipelineError, InputError
from asdf_pipeline.stage.batches import LARGEST
from asdf_pipeline.stage.files import Complaints, unpacked
from asdf_pipeline.stage.formats import read_file
from asdf_pipeline.stage.sac_fields import associate
from asdf_pipeline.stage.waveforms import LeftOut, TraceCollector, encoded, no_waveform
from asdf_pipeline.work.base import Work, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import obspy
    from obspy.clients.fdsn import Client

    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.stage.fdsn import Line, Request


@dataclass(frozen=True, slots=True)
class Sources:
    """What the units are made of: plain data, the same for every worker.

    Attributes
    ----------
    files : mapping of str to tuple of pathlib.Path
        By unit id.
    shared : mapping of pathlib.Path to frozenset of str
        Stations of a file that holds several.
    documents : mapping of str to bytes
        StationXML by station.
    quakeml : bytes or None
        The events.
    sac_events : bool
        Whether traces are associated with the event of their SAC header.
    request : Request or None
        The web services of the units that are downloaded.
    lines : mapping of str to tuple of Line
        What to ask them for, by unit id.
    """

    files: Mapping[str, tuple[Path, ...]]
    shared: Mapping[Path, frozenset[str]]
    documents: Mapping[str, bytes]
    quakeml: bytes | None
    sac_events: bool = False
    request: Request | None = None
    lines: Mapping[str, tuple[Line, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StageWork(Work):
    """What every worker of a staging needs to know."""

    sources: Sources

    def begin(self, name: str) -> StageWorker:
        """Return a worker (see `Work.begin`)."""
        return StageWorker(self, name)


@dataclass
class _Opened:
    """The file read last, kept while other stations may be wanted of it."""

    path: Path | None = None
    streams: list[tuple[str, obspy.Stream]] = field(default_factory=list)


class StageWorker(Worker):
    """Reads the files of units."""

    def __init__(self, work: StageWork, name: str) -> None:
        super().__init__(work, name)
        self.work = work
        self._last = _Opened()
        self._client: Client | None = None

    def close(self) -> None:
        """Forget the file read last."""
        self._last = _Opened()

    def quakeml(self) -> bytes | None:
        """Return the events."""
        return self.work.sources.quakeml

    def produce(self, unit: Unit, record: dict[str, Any]) -> Product | None:
        """Read and encode (see `Worker.produce`)."""
        station, encoding = unit.station, self.work.encoding
        sources = self.work.sources
        claims = TraceCollector()
        count = samples = 0
        complaints = Complaints()
        for streams in self._sources(unit):
            with complaints.collected():
                for source_name, stream in streams:
                    if sources.sac_events:
                        associate(stream)
                    for trace in encoded(
                        stream, source_name, station, unit.tag, encoding
                    ):
                        count += 1
                        samples += trace.header.npts
                        claims.admit(trace, source_name)
        complaints.end()
        traces = claims.traces()
        record |= {"traces_in": count, "samples_in": samples}
        stationxml = sources.documents.get(station)
        if not traces and stationxml is None:
            record["status"] = "empty"
            return None
        document = stationxml and encode_document(stationxml, encoding)
        product = Product(station, unit.tag, traces, stationxml, document or None)
        headers = [trace.header for trace in traces]
        record |= {
            "status": "ok",
            "traces_out": len(traces),
            "samples_out": sum(header.npts for header in headers),
            "start": min((header.starttime for header in headers), default=None),
            "end": max((header.endtime for header in headers), default=None),
            "sampling_rates": tuple(sorted({h.sampling_rate for h in headers})),
            "channels": tuple(sorted({f"{h.location}.{h.channel}" for h in headers})),
            "digest": product.digest,
            "bytes_out": product.nbytes,
        }
        return product

    def explain(self, error: BaseException) -> str:
        """Return nothing for an error in the data: its one line says all."""
        return "" if isinstance(error, ASDFPipelineError) else super().explain(error)

    def _sources(self, unit: Unit) -> Iterator[Iterator[tuple[str, obspy.Stream]]]:
        """Yield what each of a unit's sources holds, with its name."""
        sources = self.work.sources
        for path in sources.files.get(unit.id, ()):
            yield self._read(path, unit.station)
        if unit.id in sources.lines and sources.request is not None:
            yield self._download(unit, sources.request)

    def _download(
        self, unit: Unit, request: Request
    ) -> Iterator[tuple[str, obspy.Stream]]:
        from asdf_pipeline.stage.fdsn import download

        if self._client is None:
            self._client = request.client()
        source_name = f"{request.url}, {unit.id}"
        stream = download(self._client, self.work.sources.lines[unit.id], source_name)
        left_out = LeftOut()
        for trace in stream:
            if why := no_waveform(trace):
                left_out.add(trace.id, why, source_name)
        left_out.say()
        yield source_name, stream

    def _read(self, path: Path, station: str) -> Iterator[tuple[str, obspy.Stream]]:
        """Yield what a file, or each member of a packed one, holds."""
        expected = self.work.sources.shared.get(path, frozenset({station}))
        if path == self._last.path:
            yield from self._last.streams
            return
        self._last = _Opened()
        read: list[tuple[str, obspy.Stream]] = []
        size = 0
        with unpacked(path) as files:
            for member in files:
                source_name = str(path) if member == path else f"{path}, {member.name}"
                stream, _ = read_file("waveform", member, source_name)
                _check_stations(stream, source_name, expected)
                read.append((source_name, stream))
                size += sum(trace.stats.npts for trace in stream)
                if len(expected) == 1 or size > LARGEST:
                    read.clear()
                yield source_name, stream
        if len(read) == len(files):
            self._last = _Opened(path, read)


def _check_stations(
    stream: obspy.Stream, source_name: str, expected: frozenset[str]
) -> None:
    """Refuse a file that is not what it was when it was scanned.

    Raises
    ------
    InputError
        Naming a station that would be lost.
    """
    for trace in stream:
        station = f"{trace.stats.network}.{trace.stats.station}"
        if station not in expected and not no_waveform(trace):
            wanted = ", ".join(sorted(expected))
            msg = (
                f"{source_name}: holds station {station}, where {wanted}"
                " was expected: it changed while it was staged, or is misplaced"
            )
            raise InputError(msg)
