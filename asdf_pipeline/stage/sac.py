"""Events and stations made of SAC headers, where no other file describes them."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING

import xxhash
from obspy import UTCDateTime
from obspy.core.event import Catalog, Event, Magnitude, Origin
from obspy.core.inventory import Channel, Inventory, Network, Station

from asdf_pipeline.errors import StationXMLError
from asdf_pipeline.metadata.stationxml import trimmed
from asdf_pipeline.stage.formats import warnings_as_lines
from asdf_pipeline.stage.sac_fields import PREFIX, event_of, impossible, number
from asdf_pipeline.stage.sac_picks import SACPick, picks_of
from asdf_pipeline.stage.waveform_file import station_of
from asdf_pipeline.times import utc

if TYPE_CHECKING:
    from collections.abc import Iterable

    import obspy

    from asdf_pipeline.stage.sac_fields import SACEvent

_LOGGER = logging.getLogger(__name__)


class SACHeaders:
    """The events and stations of SAC headers.

    Attributes
    ----------
    events : dict of str to SACEvent
        By id.
    """

    def __init__(self) -> None:
        self.events: dict[str, SACEvent] = {}
        self._picks: dict[str, set[SACPick]] = {}
        self._stations: dict[str, _SACStation] = {}

    def add(self, trace: obspy.Trace, source_name: str) -> None:
        """Add what a trace's header says.

        Parameters
        ----------
        trace : obspy.Trace
            Its samples are not needed.
        source_name : str
            The file that it is from.
        """
        if "sac" not in trace.stats:
            return
        if fields := impossible(trace):
            _LOGGER.warning(
                "%s: trace %s: impossible in its SAC header, and left out: %s",
                *(source_name, trace.id, ", ".join(fields)),
            )
        if (event := event_of(trace)) is not None:
            known = self.events.get(event.id)
            if known is not None and known.magnitude is not None:
                event = known
            self.events[event.id] = event
            self._picks.setdefault(event.id, set()).update(picks_of(trace))
        latitude, longitude = number(trace, "stla"), number(trace, "stlo")
        if latitude is None or longitude is None:
            return
        coordinates = (latitude, longitude, number(trace, "stel"))
        station = station_of(trace)
        known_station = self._stations.setdefault(
            station, _SACStation(coordinates, source_name)
        )
        if known_station.coordinates != coordinates:
            _LOGGER.warning(
                "%s: station %s is at %s, in %s at %s, which is kept",
                *(
                    source_name,
                    station,
                    coordinates,
                    known_station.source_name,
                    known_station.coordinates,
                ),
            )
        known_station.add(trace)

    def quakeml(self) -> tuple[bytes | None, int]:
        """Return the events as QuakeML, None if there are none, and their number."""
        if not self.events:
            return None, 0
        digest = xxhash.xxh3_64_hexdigest("\n".join(sorted(self.events)).encode())
        catalog = Catalog(
            [
                _quakeml_event(event, sorted(self._picks[event.id]))
                for event in sorted(self.events.values(), key=_key)
            ],
            resource_id=f"{PREFIX}/{digest}",
        )
        content = io.BytesIO()
        catalog.write(content, format="QUAKEML")
        return content.getvalue(), len(catalog)

    def documents(self, known: Iterable[str]) -> dict[str, bytes]:
        """Return a minimal StationXML of each station that has none.

        Parameters
        ----------
        known : iterable of str
            Stations with a document from elsewhere.
        """
        found = {}
        for name in sorted(self._stations.keys() - set(known)):
            station = self._stations[name]
            try:
                with warnings_as_lines(station.source_name):
                    found[name] = station.document(name)
            except (ValueError, StationXMLError) as error:
                _LOGGER.warning(
                    "%s: no StationXML made of station %s: %s",
                    *(station.source_name, name, error),
                )
        return found


def _key(event: SACEvent) -> tuple[int, str]:
    return event.time, event.id


def _quakeml_event(event: SACEvent, picks: Iterable[SACPick]) -> Event:
    origin = Origin(
        resource_id=event.origin_id,
        time=utc(event.time),
        latitude=event.latitude,
        longitude=event.longitude,
        depth=None if event.depth is None else event.depth * 1000,
    )
    magnitudes = []
    if event.magnitude is not None:
        magnitudes = [
            Magnitude(
                resource_id=event.magnitude_id,
                mag=event.magnitude,
                origin_id=event.origin_id,
            )
        ]
    made = Event(
        resource_id=event.id,
        origins=[origin],
        magnitudes=magnitudes,
        picks=[pick.quakeml() for pick in picks],
    )
    made.preferred_origin_id = origin.resource_id
    return made


class _SACStation:
    """What the headers say of one station."""

    def __init__(
        self, coordinates: tuple[float, float, float | None], source_name: str
    ) -> None:
        self.coordinates = coordinates
        self.source_name = source_name
        self._channels: dict[tuple[str, str], obspy.Trace] = {}

    def add(self, trace: obspy.Trace) -> None:
        """Add a trace's channel, unless there was a trace of it before."""
        key = (trace.stats.location, trace.stats.channel)
        self._channels.setdefault(key, trace)

    def document(self, name: str) -> bytes:
        """Return the StationXML: codes, coordinates, orientations; no response."""
        network, _, code = name.rpartition(".")
        latitude, longitude, elevation = self.coordinates
        if elevation is None:
            _LOGGER.info("%s: station %s: no elevation: 0 m", self.source_name, name)
            elevation = 0.0
        channels = []
        for (location, channel), trace in sorted(self._channels.items()):
            inclination = number(trace, "cmpinc")
            channels.append(
                Channel(
                    code=channel,
                    location_code=location,
                    latitude=latitude,
                    longitude=longitude,
                    elevation=elevation,
                    depth=number(trace, "stdp") or 0.0,
                    azimuth=number(trace, "cmpaz"),
                    dip=None if inclination is None else inclination - 90,
                    sample_rate=trace.stats.sampling_rate,
                )
            )
        station = Station(
            code=code,
            latitude=latitude,
            longitude=longitude,
            elevation=elevation,
            channels=channels,
        )
        inventory = Inventory(
            networks=[Network(code=network, stations=[station])],
            source="SAC headers",
            sender=None,
            created=UTCDateTime(0),
            module="asdf_pipeline",
            module_uri="",
        )
        content = io.BytesIO()
        inventory.write(content, format="STATIONXML")
        return trimmed(content.getvalue())  # as one that a file describes
