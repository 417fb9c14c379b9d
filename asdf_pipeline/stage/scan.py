"""What the waveform files hold, by their headers alone: station by station."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asdf_pipeline.errors import InputError
from asdf_pipeline.stage.calib import say_calib
from asdf_pipeline.stage.codes import Codes
from asdf_pipeline.stage.completion import Completion
from asdf_pipeline.stage.files import InputErrors, name_of, unpacked
from asdf_pipeline.stage.formats import read_file
from asdf_pipeline.stage.sac_fields import check_time_series
from asdf_pipeline.stage.tally import Tally
from asdf_pipeline.stage.waveform_file import no_waveform, station_of
from asdf_pipeline.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import obspy

    from asdf_pipeline.stage.sac import SACHeaders
    from asdf_pipeline.stage.waveform_file import WaveformFile


@dataclass(slots=True)
class Piece:
    """What one file holds of one station.

    Attributes
    ----------
    file : WaveformFile
        The file.
    station : str
        ``"NET.STA"``.
    start, end : int
        First and last time in ns since 1970.
    samples, claimed : int
        How many there are in the wanted times, and in all, by the headers.
    names : set of str
        One a trace, with times cut to seconds: traces that share one may be the
        same trace, or need longer names.
    """

    file: WaveformFile
    station: str
    start: int
    end: int
    samples: int = 0
    claimed: int = 0
    names: set[str] = field(default_factory=set)

    def add(self, trace: obspy.Trace, claimed: int) -> None:
        """Count a trace in, of which the header claimed so many samples."""
        stats = trace.stats
        start, end = stats.starttime.ns, stats.endtime.ns
        self.start, self.end = min(self.start, start), max(self.end, end)
        self.samples += stats.npts
        self.claimed += claimed
        self.names.add(f"{trace.id} {start // SECOND} {end // SECOND}")


def scan(
    files: Iterable[WaveformFile],
    headers: SACHeaders | None = None,
    apply_calib: bool = False,
    codes: Codes | None = None,
) -> list[Piece]:
    """Return what files hold, by file and station.

    Parameters
    ----------
    files : iterable of WaveformFile
        In any format that ObsPy reads, packed or not.
    headers : SACHeaders or None
        What collects what SAC headers say.
    apply_calib : bool
        Whether samples will be multiplied by ``stats.calib``, for the log.
    codes : Codes or None
        Codes for traces whose file has none.

    Raises
    ------
    InputError
        If files cannot be read, or hold traces that stay without codes.
    """
    pieces: list[Piece] = []
    errors = InputErrors()
    left_out, noted = Tally(), Tally()
    completion = Completion(codes or Codes())
    for file in files:
        found: dict[str, Piece] = {}
        with errors.collected(), unpacked(file.path) as members:
            for member in members:
                source_name = name_of(file.path, member)
                stream, _ = read_file(
                    "waveform", member, source_name, quiet=True, headonly=True
                )
                checked = completion.of_file(file.path, member, source_name)
                for number, trace in enumerate(stream, 1):
                    label = checked.complete(trace, number)
                    if why := no_waveform(trace):
                        left_out.add(f"{trace.id} {why}: left out", source_name)
                        continue
                    claimed = trace.stats.npts
                    if file.wanted(trace) is None:
                        continue
                    if not checked.has_codes(trace, label):
                        continue
                    if where := file.check(trace, source_name):
                        said = f"holds {trace.id}, {where}: staged as what it is"
                        noted.add(said, source_name)
                    check_time_series(trace, source_name)
                    if said := say_calib(trace, apply_calib):
                        noted.add(said, source_name)
                    if headers is not None:
                        headers.add(trace, source_name)
                    station = station_of(trace)
                    start = trace.stats.starttime.ns
                    if station not in found:
                        found[station] = Piece(file, station, start, start)
                    found[station].add(trace, claimed)
                checked.refuse_nameless()
        pieces += found.values()
    left_out.log(logging.INFO)
    noted.log(logging.WARNING)
    completion.log()
    errors.raise_collected()
    return pieces


def shared_files(pieces: Iterable[Piece]) -> dict[Path, frozenset[str]]:
    """Return the stations of each file that holds several."""
    found: dict[Path, set[str]] = defaultdict(set)
    for piece in pieces:
        found[piece.file.path].add(piece.station)
    return {path: frozenset(names) for path, names in found.items() if len(names) > 1}


def refuse_nothing(pieces: list[Piece], files: list[WaveformFile]) -> None:
    """Raise if no file holds any waveform.

    Raises
    ------
    InputError
        Naming the first file.
    """
    if not pieces:
        when = "" if files[0].window is None else " in the wanted times"
        msg = f"{files[0].path}: holds no waveforms{when}"
        raise InputError(msg)
