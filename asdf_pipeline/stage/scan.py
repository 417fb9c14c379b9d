"""What the waveform files hold, by their headers alone: station by station."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asdf_pipeline.errors import InputError
from asdf_pipeline.stage.files import Complaints, unpacked
from asdf_pipeline.stage.formats import read_file
from asdf_pipeline.stage.sac_fields import check_time_series
from asdf_pipeline.stage.waveforms import LeftOut, no_waveform
from asdf_pipeline.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import obspy


@dataclass(slots=True)
class Piece:
    """What one file holds of one station.

    Attributes
    ----------
    path : pathlib.Path
        The file, perhaps packed.
    station : str
        ``"NET.STA"``.
    start, end : int
        First and last time in ns since 1970.
    samples : int
        How many there are.
    names : set of str
        One a trace, with times cut to seconds: traces that share one may be the
        same trace, or need longer names.
    """

    path: Path
    station: str
    start: int
    end: int
    samples: int = 0
    names: set[str] = field(default_factory=set)

    def add(self, trace: obspy.Trace) -> None:
        """Count a trace in."""
        stats = trace.stats
        start, end = stats.starttime.ns, stats.endtime.ns
        self.start, self.end = min(self.start, start), max(self.end, end)
        self.samples += stats.npts
        self.names.add(f"{trace.id} {start // SECOND} {end // SECOND}")


def scan(
    files: Iterable[Path], notice: Callable[[obspy.Trace, str], None]
) -> list[Piece]:
    """Return what files hold, by file and station.

    Parameters
    ----------
    files : iterable of pathlib.Path
        In any format that ObsPy reads, packed or not.
    notice : callable
        Called with each trace's header, and the name of its file.

    Raises
    ------
    InputError
        If files cannot be read.
    """
    pieces: list[Piece] = []
    complaints = Complaints()
    left_out = LeftOut()
    for path in files:
        found: dict[str, Piece] = {}
        with complaints.collected(), unpacked(path) as members:
            for member in members:
                source_name = str(path) if member == path else f"{path}, {member.name}"
                stream, _ = read_file(
                    "waveform", member, source_name, quiet=True, headonly=True
                )
                for trace in stream:
                    if why := no_waveform(trace):
                        left_out.add(trace.id, why, source_name)
                        continue
                    check_time_series(trace, source_name)
                    notice(trace, source_name)
                    station = f"{trace.stats.network}.{trace.stats.station}"
                    start = trace.stats.starttime.ns
                    if station not in found:
                        found[station] = Piece(path, station, start, start)
                    found[station].add(trace)
        pieces += found.values()
    left_out.say()
    complaints.end()
    return pieces


def refuse_nothing(pieces: list[Piece], files: list[Path]) -> None:
    """Raise if no file holds any waveform.

    Raises
    ------
    InputError
        Naming the first file.
    """
    if not pieces:
        msg = f"{files[0]}: holds no waveforms"
        raise InputError(msg)
