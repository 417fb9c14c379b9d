"""An export: what is asked, what there is to do, and the table of files it makes."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

from asdf_pipeline.container.names import STATIONXML, TraceName
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.engine import Assignment, Layout, run
from asdf_pipeline.engine.report import describe_failures
from asdf_pipeline.errors import CallError, ProcessingFailedError, TagError, TraceError
from asdf_pipeline.export.attempt import EVENTS, QUAKEML, ExportWork
from asdf_pipeline.export.formats import format_named
from asdf_pipeline.export.places import Places
from asdf_pipeline.export.writing import Rules
from asdf_pipeline.plan.key import run_key
from asdf_pipeline.plan.planning import make_plan
from asdf_pipeline.plan.selection import EVERYTHING, Windows
from asdf_pipeline.plan.units import Plan, Unit
from asdf_pipeline.text import plural, size_text
from asdf_pipeline.times import SECOND, iso_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from asdf_pipeline.engine import RunReport
    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.plan.selection import Selection

log = logging.getLogger(__name__)

_DAY = Windows(86_400 * SECOND)
COLUMNS = (
    *("path", "station", "tag", "traces", "samples", "start", "end"),
    *("bytes", "xxh3_128"),
)
"""Of the table of files."""


@dataclass(frozen=True)
class ExportTask(Assignment):
    """Waveforms to be written as files (see `Assignment` for the rest).

    The units are stations and tags, or days of them where the layout names days. No
    ASDF file is made: what is published at the end is the table of files.

    Attributes
    ----------
    input : path-like
        The ASDF file.
    places : Places
        Where files go.
    format : str
        A name in `formats.FORMATS`.
    tags : sequence of str
        Only waveforms of these; empty: of all.
    selection : Selection
        What of the file is exported.
    metadata : bool
        Whether StationXML and QuakeML are written beside the waveforms.
    overwrite : bool
        Whether files that are there with other content are replaced.
    lossy : bool
        Whether what the format cannot hold is rounded or left out.
    event : str
        Resource id of the event of traces that name none.
    table : path-like, optional
        Where the table of files is written, as CSV; it must not exist. By default it is
        ``NAME.export.csv`` in the root, and replaced.
    """

    input: str | Path
    places: Places
    format: str
    tags: Sequence[str] = ()
    selection: Selection = EVERYTHING
    metadata: bool = True
    overwrite: bool = False
    lossy: bool = False
    event: str = ""
    table: str | Path | None = None

    @property
    def output_path(self) -> None:
        """None: no ASDF file is made."""
        return

    @property
    def table_path(self) -> Path:
        """The table's absolute path."""
        name = f"{Path(self.input).stem}.export.csv"
        return Path(self.table or self.places.root / name).absolute()

    @property
    def replaces(self) -> bool:
        """Whether the table of an earlier export is replaced."""
        return self.table is None

    @property
    def directory(self) -> Path:
        """The work directory's path: of this file and these places alone."""
        if self.work_dir is not None:
            return Path(self.work_dir)
        text = repr((Path(self.input).resolve(), self.places.template, self.format))
        name = f".export-{xxhash.xxh3_64_hexdigest(text.encode())}.work"
        return self.places.root.absolute() / name

    @property
    def inputs(self) -> Sequence[Path]:
        """The file to read."""
        return [Path(self.input)]

    @property
    def rules(self) -> Rules:
        """How files are written."""
        return Rules(format_named(self.format), self.lossy, self.overwrite)

    def lay_out(self) -> Exporting:
        """Plan, and refuse paths that two units would share.

        Raises
        ------
        TagError
            If no waveforms have a wanted tag.
        CallError
            If that is nothing, or files of two units would have one path.
        InputError
            If the input cannot be read.
        """
        with Reader(self.input) as reader:
            plan = self._plan(reader)
            self._refuse_shared(reader, plan)
            if self.event and reader.event([self.event]) is None:
                msg = f"{self.input}: has no event {self.event!r}"
                raise CallError(msg)
            units = list(plan.units)
            if self.metadata:
                units += self._documents(reader, plan)
        plan = replace(plan, units=tuple(units))
        key = run_key(
            self.inputs,
            plan,
            {
                "the places": repr(self.places),
                "the format": repr((self.rules, self.event)),
                "the tags": repr(sorted(self.tags)),
                "the selection": repr(self.selection),
                "the metadata": repr(self.metadata),
            },
        )
        return Exporting(source=str(self.input), plan=plan, key=key, quakeml=None)

    def _plan(self, reader: Reader) -> Plan:
        """Return the units of waveforms."""
        there = {tag for station in reader.stations() for tag in reader.tags(station)}
        if missing := sorted(set(self.tags) - there):
            msg = (
                f"{reader.path}: no waveforms with tag {', '.join(missing)}; tags in "
                f"the file: {', '.join(sorted(there)) or 'none'}"
            )
            raise TagError(msg)
        if not there:
            msg = f"{reader.path}: holds no waveforms"
            raise TagError(msg)
        wanted = sorted(self.tags or there)
        # Nothing is written under a tag, and those of other programs need not be valid.
        tag_map = {tag: f"export_{number}" for number, tag in enumerate(wanted)}
        windows = _DAY if self.places.by_day else None
        return make_plan(reader, tag_map, self.selection, windows)

    def _refuse_shared(self, reader: Reader, plan: Plan) -> None:
        """Refuse a template by which files of two stations or tags have one path."""
        owners: dict[str, tuple[str, str]] = {}
        done = set()
        for unit in plan.units:
            own = unit.station, unit.tag
            if own in done:
                continue
            done.add(own)
            for name in reader.names(unit.station):
                try:
                    parts = TraceName.parse(name)
                except TraceError:
                    continue  # it fails when it is read
                if parts.tag != unit.tag or not self.selection.has_channel(
                    parts.location, parts.channel
                ):
                    continue
                codes = parts.network, parts.station, parts.location, parts.channel
                path = self.places.stem(codes, parts.tag)
                other = owners.setdefault(path, own)
                if other != own:
                    what = "{tag}" if other[0] == own[0] else "{network} and {station}"
                    both = f"{other[0]} ({other[1]}) and of {own[0]} ({own[1]})"
                    msg = (
                        f"{self.places.template!r}: files of {both} would have one "
                        f"path: add {what}, or select one of them"
                    )
                    raise CallError(msg)

    @staticmethod
    def _documents(reader: Reader, plan: Plan) -> list[Unit]:
        """Return the units that write StationXML and QuakeML."""
        units = [
            Unit(station, STATIONXML, STATIONXML)
            for station in sorted({unit.station for unit in plan.units})
            if STATIONXML in reader.contents(station)
        ]
        if reader.quakeml() is not None:
            units.append(Unit(EVENTS, QUAKEML, QUAKEML))
        return units

    def work(self, layout: Layout | None, brief: object) -> ExportWork:
        """Return what a worker needs (see `Assignment.work`)."""
        return ExportWork(
            input=Path(self.input),
            places=replace(self.places, root=self.places.root.absolute()),
            rules=self.rules,
            selection=self.selection,
            event=self.event,
        )


@dataclass(kw_only=True)
class Exporting(Layout):
    """The units of an export."""

    brief: object = field(default=None, init=False)

    def table(self, outcomes: Iterable[Outcome]) -> pd.DataFrame:
        """Return the table of files; the log says what was lost, and how much."""
        outcomes = list(outcomes)
        table = file_table(outcomes)
        rows = [outcome.row for outcome in outcomes if outcome.row]
        losses = Counter(loss for row in rows for loss in row["losses"])
        for loss, count in sorted(losses.items()):
            log.warning(
                "%s: %s: lost or rounded in the files of %s",
                *(self.source, loss, plural(count, "unit")),
            )
        there = sum(row["there"] for row in rows)
        log.info(
            "%s: %s, %s, %d of them there already",
            self.source,
            plural(len(table), "file"),
            size_text(float(table["bytes"].sum())),
            there,
        )
        return table

    def failed(
        self, failures: Sequence[Outcome], table: Path, stays: Path | None = None
    ) -> ProcessingFailedError:
        """Return the error of an export of which a unit failed."""
        return ProcessingFailedError(
            f"{self.source}: {describe_failures(failures)}. All other files are "
            f"written; the same command tries again only what failed. Outcomes: {table}"
        )


def file_table(outcomes: Iterable[Outcome]) -> pd.DataFrame:
    """Return the files that an export wrote or found, one a line, sorted by path.

    Columns are `COLUMNS`: paths below the root, times as ISO 8601 texts.
    """
    import pandas as pd

    lines = []
    for outcome in outcomes:
        for one in (outcome.row or {}).get("files", ()):
            times = {
                name: iso_text(one[name], fraction=True)
                for name in ("start", "end")
                if name in one
            }
            lines.append(
                {
                    **dict.fromkeys(COLUMNS),
                    "station": outcome.station,
                    "tag": outcome.input_tag,
                    **one,
                    **times,
                }
            )
    lines.sort(key=lambda line: str(line["path"]))
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    counts = ["traces", "samples", "bytes"]
    return table.astype(dict.fromkeys(counts, "Int64"))


def export(task: ExportTask) -> RunReport:
    """Do an export; under MPI every rank calls this.

    Raises
    ------
    ASDFPipelineError
        See `engine.run`.
    """
    _ = task.rules  # an unknown format is refused before a directory is made
    root = task.places.root
    is_new = not root.exists()
    root.mkdir(parents=True, exist_ok=True)
    try:
        return run(task)
    except BaseException:
        if is_new:
            with contextlib.suppress(OSError):  # what holds files stays
                root.rmdir()
        raise
