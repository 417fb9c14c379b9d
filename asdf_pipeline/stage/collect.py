"""What there is to stage: the headers of all files, StationXML, events, services.

No waveform is decoded here; one process does it before the units are handed out. All
files that cannot be staged are named together.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asdf_pipeline.errors import InputError
from asdf_pipeline.stage.events import read_quakeml
from asdf_pipeline.stage.files import InputErrors, raise_all
from asdf_pipeline.stage.metadata import read_stations
from asdf_pipeline.stage.sac import SACHeaders
from asdf_pipeline.stage.sac_fields import PREFIX
from asdf_pipeline.stage.scan import pieces_by_place, scan
from asdf_pipeline.text import plural

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.stage.codes import Codes
    from asdf_pipeline.stage.fdsn import Query
    from asdf_pipeline.stage.fdsn_request import Request
    from asdf_pipeline.stage.remote import Place
    from asdf_pipeline.stage.scan import Piece
    from asdf_pipeline.stage.waveform_file import WaveformFile

_LOGGER = logging.getLogger(__name__)
_EVENT_ID = re.compile(rf"(?<=publicID=[\"']){PREFIX}/event/[0-9a-f]+".encode())


@dataclass
class Collected:
    """What was found.

    Attributes
    ----------
    pieces : list of Piece
        What the waveform files hold, by file and station.
    documents : dict of str to bytes
        StationXML by station.
    quakeml : bytes or None
        The events.
    events : int
        How many of them are from files or SAC headers.
    sac_events : frozenset of str
        Ids of those that are of SAC headers: a trace belongs to its header's.
    requests : dict of Unit to Query
        What to download, by unit.
    unreadable : dict of str to list of InputError
        Why stations cannot be staged; by the file's name where it is not known which
        they are.
    """

    pieces: list[Piece] = field(default_factory=list)
    documents: dict[str, bytes] = field(default_factory=dict)
    quakeml: bytes | None = None
    events: int = 0
    sac_events: frozenset[str] = frozenset()
    requests: dict[Unit, Query] = field(default_factory=dict)
    unreadable: dict[str, list[InputError]] = field(default_factory=dict)


def collect(
    waveforms: list[WaveformFile],
    stations: Sequence[Place],
    events: Sequence[Place],
    request: Request | None,
    tag: str,
    *,
    sac_headers: bool,
    apply_calib: bool,
    codes: Codes,
    may_fail: bool,
) -> Collected:
    """Return what files hold and services offer.

    Parameters
    ----------
    waveforms : list of WaveformFile
        Files of waveforms.
    stations, events : sequence of pathlib.Path or RemoteFile
        Files of station metadata, and of events; they go before what services and SAC
        headers say.
    request : Request or None
        What to ask of FDSN web services.
    tag : str
        The tag of the waveforms.
    sac_headers : bool
        Whether events and stations that nothing else describes are made of SAC headers.
    apply_calib : bool
        Whether samples will be multiplied by ``stats.calib``, for the log.
    codes : Codes
        Codes for traces whose file has none.
    may_fail : bool
        Whether files of waveforms that cannot be read are no error yet.

    Raises
    ------
    InputError
        If files cannot be read, or contradict each other, or a service does not answer.
    """
    found, errors = Collected(), InputErrors()
    headers = SACHeaders()
    with errors.collected():
        found.quakeml, found.events = read_quakeml(events)
    told: list[WaveformFile] = []
    scanned: list[WaveformFile] = []
    for file in waveforms:
        (told if _is_told_by_place(file, codes) else scanned).append(file)
    collector = headers if sac_headers else None
    found.pieces, unreadable = scan(scanned, collector, apply_calib, codes)
    for one in unreadable:
        for station in one.failing:
            found.unreadable.setdefault(station, []).append(one.error)
    if not may_fail:
        with errors.collected():
            raise_all(one.error for one in unreadable)
    found.pieces += pieces_by_place(told)
    with errors.collected():
        if request is None and not found.pieces and not unreadable:
            raise nothing_in(waveforms)
    with errors.collected():
        found.documents = dict(read_stations(stations))
    errors.raise_collected()
    if request is not None:
        from asdf_pipeline.stage import fdsn

        centres = fdsn.read_centres(request)
        if found.quakeml is None:
            found.quakeml = fdsn.read_events(request)
        found.requests = fdsn.units_of(request, centres, found.quakeml, tag)
        found.documents = {**fdsn.documents(centres), **found.documents}
    made = headers.documents(found.documents)
    if made:
        found.documents |= made
        _LOGGER.info("StationXML made of SAC headers: %s", ", ".join(made))
    if found.quakeml is None and headers.events:
        found.quakeml, found.events = headers.quakeml()
        count = plural(found.events, "event")
        _LOGGER.info("%s made of SAC headers", count)
    # Also where a file describes them: what `export` wrote beside its SAC files.
    there = {name.decode() for name in _EVENT_ID.findall(found.quakeml or b"")}
    found.sac_events = frozenset(there & headers.events.keys())
    recorded = {piece.station for piece in found.pieces} | found.unreadable.keys()
    recorded |= {unit.station for unit in found.requests}
    _warn_of_networks(recorded, found.documents)
    return found


def nothing_in(files: Sequence[WaveformFile]) -> InputError:
    """Return the error of files that hold no waveform; it names the first of them."""
    when = "" if files[0].window is None else " in the wanted times"
    return InputError(f"{files[0].path}: holds no waveforms{when}")


def _is_told_by_place(file: WaveformFile, codes: Codes) -> bool:
    """Return whether a file need not be read before its station's turn.

    SAC headers may say events and stations, a table of codes another station.
    """
    is_sac = file.path.name.lower().endswith(".sac")
    return file.span is not None and not is_sac and not codes.lines


def _warn_of_networks(recorded: Collection[str], described: Collection[str]) -> None:
    """Warn of stations whose network differs between waveforms and StationXML.

    Parameters
    ----------
    recorded, described : collection of str
        ``"NET.STA"`` of those with waveforms, and of those with StationXML.
    """
    alone: dict[str, list[str]] = defaultdict(list)
    for name in sorted(set(described) - set(recorded)):
        alone[name.partition(".")[2]].append(name)
    for name in sorted(set(recorded) - set(described)):
        if others := alone.get(name.partition(".")[2]):
            _LOGGER.warning(
                "StationXML without waveforms: %s; waveforms without StationXML: %s: "
                "one of them has another network code: make them the same",
                *(", ".join(others), name),
            )
