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

from asdf_pipeline.stage.events import read_quakeml
from asdf_pipeline.stage.files import InputErrors
from asdf_pipeline.stage.metadata import read_stations
from asdf_pipeline.stage.sac import SACHeaders
from asdf_pipeline.stage.sac_fields import PREFIX
from asdf_pipeline.stage.scan import refuse_nothing, scan
from asdf_pipeline.text import plural

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.stage.codes import Codes
    from asdf_pipeline.stage.fdsn import Line, Request
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
    requests : dict of Unit to tuple of Line
        What to download, by unit.
    """

    pieces: list[Piece] = field(default_factory=list)
    documents: dict[str, bytes] = field(default_factory=dict)
    quakeml: bytes | None = None
    events: int = 0
    sac_events: frozenset[str] = frozenset()
    requests: dict[Unit, tuple[Line, ...]] = field(default_factory=dict)


def collect(
    waveforms: list[WaveformFile],
    stations: Sequence[Path],
    events: Sequence[Path],
    request: Request | None,
    tag: str,
    *,
    sac_headers: bool,
    apply_calib: bool,
    codes: Codes,
) -> Collected:
    """Return what files hold and services offer.

    Parameters
    ----------
    waveforms : list of WaveformFile
        Files of waveforms.
    stations, events : sequence of pathlib.Path
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

    Raises
    ------
    InputError
        If files cannot be read, or contradict each other, or a service does not answer.
    """
    found, errors = Collected(), InputErrors()
    headers = SACHeaders()
    with errors.collected():
        found.quakeml, found.events = read_quakeml(events)
    with errors.collected():
        collector = headers if sac_headers else None
        found.pieces = scan(waveforms, collector, apply_calib, codes)
        if request is None:
            refuse_nothing(found.pieces, waveforms)
    with errors.collected():
        found.documents = dict(read_stations(stations))
    errors.raise_collected()
    if request is not None:
        described = request.stations()
        found.requests = request.units(described, tag)
        found.documents = {**request.documents(described), **found.documents}
        if found.quakeml is None:
            found.quakeml = request.quakeml()
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
    recorded = {piece.station for piece in found.pieces}
    recorded |= {unit.station for unit in found.requests}
    _warn_of_networks(recorded, found.documents)
    return found


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
