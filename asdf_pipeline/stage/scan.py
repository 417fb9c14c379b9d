"""What the waveform files hold, by their headers alone: station by station."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asdf_pipeline.errors import InputError
from asdf_pipeline.stage.ahead import Downloads
from asdf_pipeline.stage.codes import Codes
from asdf_pipeline.stage.files import name_of, unpacked
from asdf_pipeline.stage.formats import read_file
from asdf_pipeline.stage.inspection import Inspection
from asdf_pipeline.stage.remote import RemoteFile
from asdf_pipeline.stage.waveform_file import station_of
from asdf_pipeline.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import obspy

    from asdf_pipeline.stage.remote import Place
    from asdf_pipeline.stage.sac import SACHeaders
    from asdf_pipeline.stage.waveform_file import WaveformFile


_UNKNOWN = 1_000_000  # samples that a file counts for whose size is not known


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that cannot be staged.

    Attributes
    ----------
    file : WaveformFile
        The file.
    stations : tuple of str
        ``"NET.STA"`` of those that it was found to hold.
    error : InputError
        Why not.
    """

    file: WaveformFile
    stations: tuple[str, ...]
    error: InputError

    @property
    def failing(self) -> tuple[str, ...]:
        """The stations that cannot be staged without it, by name.

        By the file's name where nobody can know which they are.
        """
        if self.stations:
            return self.stations
        network, station = self.file.codes[:2]
        if network is None or station is None:
            return (str(self.file.path),)
        return (f"{network}.{station}",)


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
    files: Sequence[WaveformFile],
    headers: SACHeaders | None = None,
    apply_calib: bool = False,
    codes: Codes | None = None,
) -> tuple[list[Piece], list[Unreadable]]:
    """Return what files hold, by file and station, and which cannot be staged.

    Parameters
    ----------
    files : sequence of WaveformFile
        In any format that ObsPy reads, packed or not.
    headers : SACHeaders or None
        What collects what SAC headers say.
    apply_calib : bool
        Whether samples will be multiplied by ``stats.calib``, for the log.
    codes : Codes or None
        Codes for traces whose file has none.

    Returns
    -------
    list of Piece
        What was found.
    list of Unreadable
        Files that cannot be read, or hold traces that stay without codes.
    """
    pieces: list[Piece] = []
    unreadable: list[Unreadable] = []
    inspection = Inspection(headers, apply_calib, codes or Codes())
    with Downloads.of(file.path for file in files) as downloads:
        for file in files:
            found: dict[str, Piece] = {}
            try:
                _scan_one(file, inspection, downloads, found)
            except InputError as error:
                unreadable.append(Unreadable(file, tuple(found), error))
            else:
                pieces += found.values()
    inspection.log()
    return pieces, unreadable


def _scan_one(
    file: WaveformFile,
    inspection: Inspection,
    downloads: Downloads,
    found: dict[str, Piece],
) -> None:
    """Put what one file holds into pieces by station."""
    with unpacked(file.path, downloads) as members:
        for member in members:
            source_name = name_of(file.path, member)
            stream, _ = read_file(
                "waveform", member, source_name, quiet=True, headonly=True
            )
            traces = inspection.of_member(file, member, stream, source_name)
            for trace, claimed in traces:
                station = station_of(trace)
                start = trace.stats.starttime.ns
                if station not in found:
                    found[station] = Piece(file, station, start, start)
                found[station].add(trace, claimed)


def pieces_by_place(files: Iterable[WaveformFile]) -> list[Piece]:
    """Return what files hold by what their places say; they are not read.

    Of one station and time nothing more is known than that it may be in all of them.
    """
    pieces = []
    for file in files:
        assert file.span is not None
        station = f"{file.codes[0]}.{file.codes[1]}"
        size = file.path.size if isinstance(file.path, RemoteFile) else None
        # Steim's compression leaves a byte or two of a sample.
        samples = _UNKNOWN if size is None else size
        names = {f"{station} {file.span}"}
        pieces.append(Piece(file, station, *file.span, samples, 0, names))
    return pieces


def shared_files(pieces: Iterable[Piece]) -> dict[Place, frozenset[str]]:
    """Return the stations of each file that holds several."""
    found: dict[Place, set[str]] = defaultdict(set)
    for piece in pieces:
        found[piece.file.path].add(piece.station)
    return {path: frozenset(names) for path, names in found.items() if len(names) > 1}
