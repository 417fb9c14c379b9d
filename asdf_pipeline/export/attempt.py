"""One attempt at one unit of an export: read, write the files."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.names import STATIONXML
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import ASDFPipelineError, TraceError
from asdf_pipeline.export.sac_header import event_place, header_of
from asdf_pipeline.export.writing import (
    Rules,
    Written,
    write_document,
    write_waveforms,
)
from asdf_pipeline.plan.selection import EVERYTHING, Windows, overlap
from asdf_pipeline.stage.sac_kept import KeptHeaders
from asdf_pipeline.work.base import Made, UnitWorker, Work
from asdf_pipeline.work.source import StationSource, traces_read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import obspy

    from asdf_pipeline.export.places import Places
    from asdf_pipeline.export.sac_header import EventPlace
    from asdf_pipeline.plan.selection import Selection
    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.work.base import Source

QUAKEML = "QuakeML"
"""The tag of the unit that writes the events, as `STATIONXML` is of those that write
StationXML: no waveforms have one of capitals."""
STATIONS = "stations"
"""The directory, below the root, of StationXML."""
EVENTS = "events.xml"
"""The name, below the root, of QuakeML."""
_NO_PLACE = {
    "event_ids": "ids of events",
    "labels": "labels",
    "provenance_id": "ids of provenance records",
}
"""What only ASDF holds of a trace, by its name in ``stats.asdf``."""


@dataclass(frozen=True, kw_only=True)
class ExportWork(Work):
    """What every worker of an export needs to know.

    Attributes
    ----------
    input : pathlib.Path
        The file.
    places : Places
        Where files go.
    rules : Rules
        How they are written.
    selection : Selection
        What of the file is exported.
    event : str
        Resource id of the event of traces that name none; empty: they have none.
    """

    input: Path
    places: Places
    rules: Rules
    selection: Selection = EVERYTHING
    event: str = ""

    def begin(self, name: str) -> ExportWorker:
        """Return a worker (see `Work.begin`)."""
        return ExportWorker(self, name)


class ExportWorker(UnitWorker):
    """Writes the files of units."""

    def __init__(self, work: ExportWork, name: str) -> None:
        super().__init__(work, name)
        self.work = work
        self.reader = Reader(work.input)
        self._kept = KeptHeaders(self.reader)
        self._event: tuple[tuple[str, ...], Any] = ((), None)

    def close(self) -> None:
        """Close the input."""
        self.reader.close()

    def quakeml(self) -> bytes | None:
        """Return nothing: no segment is made."""
        return None

    def open(self, unit: Unit) -> StationSource:
        """Return the unit's station (see `UnitWorker.open`)."""
        return StationSource([self.reader], unit.station)

    def produce(self, unit: Unit, source: Source) -> Made:
        """Write the unit's files; the row names them (see `UnitWorker.produce`)."""
        assert isinstance(source, StationSource)
        if unit.tag == QUAKEML:
            return self._document(EVENTS, self.reader.quakeml())
        if unit.tag == STATIONXML:
            # Without a network it would be hidden.
            station = unit.station if unit.station[0] != "." else f"_{unit.station}"
            name = f"{STATIONS}/{station}.xml"
            return self._document(name, self.reader.stationxml(unit.station))
        stream = self._read(unit)
        source.note(traces_read(stream))
        source.locate()
        day = None
        if unit.window is not None and self.work.places.by_day:
            day = unit.window[0]
        by_path: dict[str, list[obspy.Trace]] = defaultdict(list)
        for trace in stream:
            by_path[self.work.places.path(trace, unit.tag, day)].append(trace)
        files: list[dict[str, Any]] = []
        losses: set[str] = set()
        there = 0
        for path, traces in sorted(by_path.items()):
            written = self._write(path, traces)
            files.append(_described(path, written, traces))
            losses.update(written.losses)
            there += written.was_there
        for name, said in _NO_PLACE.items():
            if name == "event_ids" and self.work.rules.form.name == "SAC":
                continue  # the header says which event it was
            if any(trace.stats.asdf.get(name) for trace in stream):
                losses.add(said)
        return _made(files, there, losses)

    def explain(self, error: BaseException) -> str:
        """Return nothing for an error in the data: its one line says all."""
        return "" if isinstance(error, ASDFPipelineError) else super().explain(error)

    def _read(self, unit: Unit) -> obspy.Stream:
        """Return the unit's traces, but for those without samples."""
        selection = self.work.selection
        times = unit.window
        if times is not None and self.work.places.by_day:
            times = overlap(Windows.kept(times), selection.times)
        stream = self.reader.stream(unit.station, unit.tag, times, selection.has_trace)
        stream.traces = [trace for trace in stream if trace.stats.npts]
        return stream

    def _document(self, name: str, content: bytes | None) -> Made:
        if content is None:
            return Made()
        rules = self.work.rules
        written = write_document(self.work.places.root / name, content, rules.overwrite)
        return _made([_described(name, written)], int(written.was_there), ())

    def _write(self, path: str, traces: Sequence[obspy.Trace]) -> Written:
        rules = self.work.rules
        if len(traces) > 1 and not rules.form.several:
            first, second = traces[0], traces[1]
            msg = (
                f"traces {first.id} of {first.stats.starttime} and {second.id} of "
                f"{second.stats.starttime} would both be {path}, and {rules.form.name} "
                "holds one: add {start} to the template"
            )
            raise TraceError(msg)
        headers: list[Mapping[str, Any]] = []
        if rules.form.name == "SAC":
            headers = [self._sac_header(traces[0])]
        return write_waveforms(self.work.places.root / path, traces, rules, headers)

    def _sac_header(self, trace: obspy.Trace) -> dict[str, Any]:
        station = f"{trace.stats.network}.{trace.stats.station}"
        inventory = self.reader.inventory(station, lazy=False)
        return header_of(trace, inventory, self._event_of(trace), self._kept.of(trace))

    def _event_of(self, trace: obspy.Trace) -> EventPlace | None:
        """Return the event that a trace belongs to; the last one is kept."""
        details = trace.stats.asdf
        ids = tuple(str(one) for one in details.get("event_ids", ()))
        ids = ids or ((self.work.event,) if self.work.event else ())
        if ids != self._event[0]:
            self._event = ids, self.reader.event(ids)
        return event_place(self._event[1], details)


def _described(
    path: str, written: Written, traces: Sequence[obspy.Trace] = ()
) -> dict[str, Any]:
    """Return a line of the table of files."""
    line: dict[str, Any] = {"path": path}
    if traces:
        line |= {
            "traces": len(traces),
            "samples": sum(trace.stats.npts for trace in traces),
            "start": min(int(trace.stats.starttime.ns) for trace in traces),
            "end": max(int(trace.stats.endtime.ns) for trace in traces),
        }
    return line | {"bytes": written.size, "xxh3_128": written.checksum}


def _made(files: list[dict[str, Any]], there: int, losses: Iterable[str]) -> Made:
    if not files:
        return Made()
    return Made(row={"files": files, "there": there, "losses": sorted(losses)})
