"""Putting files into one ASDF file: what is asked, and what there is to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline._version import __version__
from asdf_pipeline.container.names import check_tag
from asdf_pipeline.engine import Assignment, Layout, RunReport, run
from asdf_pipeline.errors import CallError, InputError
from asdf_pipeline.plan.units import Plan, Unit
from asdf_pipeline.stage.attempt import Sources, StageWork
from asdf_pipeline.stage.batches import batches
from asdf_pipeline.stage.codes import Codes
from asdf_pipeline.stage.collect import collect, nothing_in
from asdf_pipeline.stage.files import find_files
from asdf_pipeline.stage.remote import RemoteFile, same_place, state_of
from asdf_pipeline.stage.scan import shared_files
from asdf_pipeline.stage.waveform_file import WaveformFile
from asdf_pipeline.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.stage.archive import Archive
    from asdf_pipeline.stage.fdsn_request import Request
    from asdf_pipeline.stage.remote import Place


@dataclass(frozen=True)
class StageTask(Assignment):
    """Files to be put into one new ASDF file (see `Assignment` for the rest).

    The units are the stations: a worker reads a station's files, one after the
    other, and encodes them.

    Attributes
    ----------
    output : path-like
        The new file.
    tag : str
        The tag of the waveforms, such as ``"raw_recording"``.
    waveforms, stations, events : sequence of str
        Patterns of files (see `files.find_files`) in any format that ObsPy reads.
    archives : sequence of Archive
        Archives of which the selected days are staged too.
    request : Request or None
        What to download from FDSN web services.
    sac_headers : bool
        Whether events and stations that no file describes are made of SAC headers.
    split_drift : bool
        Whether traces are split where the times of their miniSEED records part from
        start + n / rate by more than half a sample.
    apply_calib : bool
        Whether samples are multiplied by the factor that some formats have in their
        headers (``stats.calib``: K-NET, GSE2, ...); they become float64.
    codes : Codes
        Codes for traces whose file has no network or station.
    """

    output: str | Path
    tag: str
    waveforms: Sequence[str] = ()
    stations: Sequence[str] = ()
    events: Sequence[str] = ()
    archives: Sequence[Archive] = ()
    request: Request | None = None
    sac_headers: bool = True
    split_drift: bool = False
    apply_calib: bool = False
    codes: Codes = field(default_factory=Codes)

    @property
    def output_path(self) -> Path:
        """The output's absolute path."""
        return Path(self.output).absolute()

    @property
    def inputs(self) -> Sequence[Path]:
        """Nothing: the work directory keeps patterns apart from what is made."""
        return ()

    def lay_out(self) -> Staging:
        """Find and scan the files (see `Assignment.lay_out`).

        Raises
        ------
        TagError
            If the tag is not valid.
        InputMissingError
            If a pattern matches no file.
        InputError
            If files cannot be read, or contradict each other.
        """
        check_tag(self.tag)
        waveforms = self._waveforms()
        stations = find_files(self.stations, "stations")
        events = find_files(self.events, "events")
        if not waveforms and self.request is None:
            msg = "no waveforms were named: nothing to stage"
            raise CallError(msg)
        found = collect(
            waveforms,
            stations,
            events,
            self.request,
            self.tag,
            sac_headers=self.sac_headers,
            apply_calib=self.apply_calib,
            codes=self.codes,
            may_fail=self.max_failures != 0,
        )
        files = batches(found.pieces, self.tag)
        units = [*files, *found.requests]
        # Of metadata alone, or of files that cannot be read.
        others = found.documents.keys() | found.unreadable.keys()
        for station in sorted(others - {one.station for one in units}):
            units.append(Unit(station, self.tag, self.tag))
        sources = Sources(
            {unit.id: parts for unit, parts in files.items()},
            shared_files(found.pieces),
            found.documents,
            found.quakeml,
            found.sac_events,
            self.request,
            {unit.id: query for unit, query in found.requests.items()},
            self.split_drift,
            self.apply_calib,
            self.codes,
            {
                station: tuple(str(error) for error in errors)
                for station, errors in found.unreadable.items()
            },
        )
        plan = Plan(tuple(units))
        key: dict[str, str | None] = {
            "the files": state_of(
                [*(file.path for file in waveforms), *stations, *events]
            ),
            "the archives": repr(self.archives),
            "the request": repr(self.request),
            "the tag": self.tag,
            "the use of headers": repr(
                (self.sac_headers, self.split_drift, self.apply_calib)
            ),
            "the codes": self.codes.key,
            "the number of units": str(len(units)),  # `status` reads it here
            "the encoding": str(self.encoding),
            "asdf_pipeline's version": __version__,
        }
        counts = plural(len(waveforms), "waveform file"), plural(found.events, "event")
        return Staging(
            source=", ".join(counts),
            plan=plan,
            key=key,
            quakeml=found.quakeml,
            brief=sources,
            # A file that is mended, or left out, is another work; a server may answer.
            retries=self.request is not None
            or any(isinstance(file.path, RemoteFile) for file in waveforms),
            waveforms=waveforms if self.request is None else (),
        )

    def _waveforms(self) -> list[WaveformFile]:
        """Return the files of the patterns and of the archives, each once."""
        files = [WaveformFile(path) for path in find_files(self.waveforms, "waveforms")]
        files += [file for archive in self.archives for file in archive.files()]
        once: dict[Place, WaveformFile] = {}
        for file in files:
            once.setdefault(same_place(file.path), file)
        return list(once.values())

    def work(self, layout: Layout | None, brief: object) -> StageWork:
        """Return what a worker needs (see `Assignment.work`)."""
        assert isinstance(brief, Sources)
        return StageWork(encoding=self.encoding, sources=brief)


@dataclass(kw_only=True)
class Staging(Layout):
    """Files and the units that they make.

    Attributes
    ----------
    waveforms : sequence of WaveformFile
        All files, where nothing but files is staged.
    """

    waveforms: Sequence[WaveformFile] = ()

    def failed(
        self, failures: Sequence[Outcome], table: Path, stays: Path | None = None
    ) -> InputError:
        """Return the error of the first station that cannot be staged."""
        more = ""
        if len(failures) > 1:
            others = plural(len(failures) - 1, "more station")
            more = f" (and {others} cannot be staged)"
        return InputError(
            f"{failures[0].error_message}{more}; with --max-failures {len(failures)} "
            "the others are staged"
        )

    def nothing(self, outcomes: Sequence[Outcome]) -> InputError | None:
        """Return the error of files none of which holds a waveform that is wanted."""
        made = any(one.traces_out or one.status == "failed" for one in outcomes)
        return None if made or not self.waveforms else nothing_in(self.waveforms)


def stage(
    waveforms: Iterable[str],
    stations: Iterable[str],
    events: Iterable[str],
    tag: str,
    output: Path | str,
    *,
    backend: str = "auto",
    workers: int = -1,
    sac_headers: bool = True,
    split_drift: bool = False,
    apply_calib: bool = False,
    codes: Codes | None = None,
    max_failures: int | str | None = 0,
    outcomes: Path | str | None = None,
) -> RunReport:
    """Put waveforms, station metadata and events into one new ASDF file.

    Parameters
    ----------
    waveforms, stations, events : iterable of str
        Patterns of files (see `files.find_files`) in any format that ObsPy reads.
    tag : str
        The tag of the waveforms, such as ``"raw_recording"``.
    output : pathlib.Path or str
        The new file; until it is complete, what is done is kept beside it, in
        ``<output>.work``, from which the same call goes on.
    backend, workers
        See `team.form_team`.
    sac_headers, split_drift, apply_calib, codes
        See `StageTask`.
    max_failures : int or str, optional
        How many stations may fail, a number or a percentage (``"10%"``); they are not
        staged, and the report names them. None: any number. A file that cannot be
        read, and of which nobody knows the station, counts as one.
    outcomes : pathlib.Path or str, optional
        Where a table of what became of each station is to be kept (JSON lines).

    Raises
    ------
    OutputExistsError
        If the output exists.
    TagError
        If the tag is not valid.
    InputMissingError
        If a pattern matches no file.
    InputError
        If a file cannot be read or kept, or two files contradict each other.
    """
    return run(
        StageTask(
            output,
            tag,
            tuple(waveforms),
            tuple(stations),
            tuple(events),
            sac_headers=sac_headers,
            split_drift=split_drift,
            apply_calib=apply_calib,
            codes=codes or Codes(),
            backend=backend,
            workers=workers,
            io="segments",
            max_failures=max_failures,
            outcomes=outcomes,
            progress="none",
        )
    )
