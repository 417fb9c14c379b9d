"""FDSN web services as a source: what to ask for, and one unit's waveforms.

A request is a small YAML file, in the terms of the services themselves::

    url: http://service.example.org
    network: BW
    station: "*"
    channel: EH?
    starttime: 2024-01-01
    endtime: 2024-01-31T12:00:00
    domain: {latitude: 48, longitude: 11, maxradius: 2}
    events: {minmagnitude: 6}
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from obspy import Stream
from obspy.clients.fdsn import Client
from obspy.clients.fdsn.header import FDSNException, FDSNNoDataException

from asdf_pipeline.errors import CallError, InputError
from asdf_pipeline.metadata.inventory import parse
from asdf_pipeline.plan.units import Unit
from asdf_pipeline.stage.metadata import documents_of
from asdf_pipeline.stage.waveform_file import cut
from asdf_pipeline.text import kind_of, one_line
from asdf_pipeline.times import SECOND, utc, utc_ns

if TYPE_CHECKING:
    from collections.abc import Callable


_LOGGER = logging.getLogger(__name__)
_DAY = 86_400_000_000_000  # ns
_ATTEMPTS = 3
PAUSE = 5.0
"""Seconds before a request is sent again that failed."""

_KEYS = frozenset(
    {"url", "network", "station", "location", "channel", "starttime", "endtime"}
    | {"domain", "events"}
)
_NEEDED = ("url", "starttime", "endtime")
_DOMAIN = frozenset(
    {"minlatitude", "maxlatitude", "minlongitude", "maxlongitude"}
    | {"latitude", "longitude", "minradius", "maxradius"}
)

Line = tuple[str, str, str, str, int, int]
"""A line of a bulk request: four codes, first and last time in ns since 1970."""


@dataclass(frozen=True)
class Request:
    """What is asked of the web services of one data centre.

    Attributes
    ----------
    url : str
        Where they are, without ``/fdsnws``; or a name that ObsPy knows.
    start, end : int
        In ns since 1970; the end is not included.
    codes, domain : mapping of str to object
        Parameters of the station service.
    events : mapping of str to object, or None
        Parameters of the event service; None: no events.
    """

    url: str
    start: int
    end: int
    codes: Mapping[str, Any] = field(default_factory=dict)
    domain: Mapping[str, Any] = field(default_factory=dict)
    events: Mapping[str, Any] | None = None

    @classmethod
    def read(cls, content: Mapping[str, Any], source_name: str) -> Request:
        """Return the request that a YAML file spells.

        Parameters
        ----------
        content : mapping
            What the file holds.
        source_name : str
            Its name, for errors.

        Raises
        ------
        CallError
            If a key is unknown, missing, or not what it should be.
        """
        domain = content.get("domain") or {}
        _refuse_unknown(content, _KEYS, source_name)
        _refuse_unknown(domain, _DOMAIN, f"{source_name}: domain")
        missing = [key for key in _NEEDED if not content.get(key)]
        if missing:
            msg = f"{source_name}: {', '.join(missing)}: missing"
            raise CallError(msg)
        try:
            start, end = (utc_ns(str(content[key])) for key in ("starttime", "endtime"))
        except (TypeError, ValueError) as error:
            msg = f"{source_name}: starttime, endtime: {error}"
            raise CallError(msg) from None
        if start >= end:
            msg = f"{source_name}: the endtime is not after the starttime"
            raise CallError(msg)
        codes = {
            key: str(content[key])
            for key in ("network", "station", "location", "channel")
            if content.get(key) is not None
        }
        return cls(
            str(content["url"]), start, end, codes, domain, content.get("events")
        )

    def client(self) -> Client:
        """Return a client; nothing is sent yet."""
        try:
            return Client(self.url, _discover_services=False)
        except (FDSNException, ValueError) as error:
            msg = f"{self.url}: no data centre: {one_line(error)}"
            raise CallError(msg) from None

    def stations(self) -> bytes:
        """Return the stations with their responses, as StationXML.

        Raises
        ------
        InputError
            If there are none, or the service does not answer.
        """
        client, content = self.client(), io.BytesIO()
        times = {"starttime": utc(self.start), "endtime": utc(self.end)}

        def ask() -> None:
            content.seek(0)
            content.truncate()
            client.get_stations(
                level="response", filename=content, **times, **self.codes, **self.domain
            )

        self._document(ask, "stations")
        return content.getvalue()

    def _document(self, ask: Callable[[], None], what: str) -> None:
        try:
            _persist(ask, f"{self.url}: {what}")
        except FDSNNoDataException:
            msg = f"{self.url}: has no {what} such as the request asks for"
            raise InputError(msg) from None

    def documents(self, stations: bytes) -> dict[str, bytes]:
        """Return each station's StationXML, cut out of that of all."""
        return dict(documents_of(stations, self.url))

    def quakeml(self) -> bytes | None:
        """Return the events, if any are asked for.

        Raises
        ------
        InputError
            If there are none, or the service does not answer.
        """
        if self.events is None:
            return None
        client, content = self.client(), io.BytesIO()
        asked = {"starttime": utc(self.start), "endtime": utc(self.end)}

        def ask() -> None:
            content.seek(0)
            content.truncate()
            client.get_events(filename=content, **{**asked, **(self.events or {})})

        self._document(ask, "events")
        return content.getvalue()

    def units(self, stations: bytes, tag: str) -> dict[Unit, tuple[Line, ...]]:
        """Return a unit for each station and day, with what to ask for."""
        units: dict[Unit, tuple[Line, ...]] = {}
        for network in parse(stations, self.url, cache_responses=False):
            for code in sorted({station.code for station in network}):
                for start in range(self.start - self.start % _DAY, self.end, _DAY):
                    first, last = max(start, self.start), min(start + _DAY, self.end)
                    rates = {
                        (channel.location_code, channel.code): channel.sample_rate or 0
                        for station in network
                        for channel in station
                        if station.code == code and _runs(channel, first, last)
                    }
                    if not rates:
                        continue
                    lines = tuple(
                        (network.code, code, location, channel, first, last - 1)
                        for location, channel in sorted(rates)
                    )
                    samples = round(sum(rates.values()) * (last - first) / SECOND)
                    station = f"{network.code}.{code}"
                    units[Unit(station, tag, tag, (first, last), samples)] = lines
        return units


def download(client: Client, lines: tuple[Line, ...], source_name: str) -> Stream:
    """Return the waveforms of one unit; an empty Stream where there are none.

    Parameters
    ----------
    client : obspy.clients.fdsn.Client
        From `Request.client`.
    lines : tuple of Line
        What to ask for.
    source_name : str
        The source's name, for errors.

    Raises
    ------
    InputError
        If the service does not answer, three times.
    """
    bulk = [
        (network, station, location or "--", channel, utc(start), utc(end))
        for network, station, location, channel, start, end in lines
    ]
    found: list[Stream] = []

    def ask() -> None:
        found[:] = [client.get_waveforms_bulk(bulk)]

    try:
        _persist(ask, source_name)
    except FDSNNoDataException:
        return Stream()
    # Services give whole records: their ends are of the days before and after.
    window = lines[0][4:]
    return Stream([piece for trace in found[0] if (piece := cut(trace, window))])


def _persist(ask: Callable[[], None], source_name: str) -> None:
    """Ask again where a service did not answer.

    Raises
    ------
    FDSNNoDataException
        If it has nothing.
    InputError
        If it goes on not to answer.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return ask()
        except FDSNNoDataException:
            raise
        except (FDSNException, OSError, TypeError) as error:
            trouble = one_line(error)
        if attempt < _ATTEMPTS:
            _LOGGER.warning("%s: %s: asking again", source_name, trouble)
            time.sleep(PAUSE)
    msg = f"{source_name}: {trouble} (asked {_ATTEMPTS} times)"
    raise InputError(msg)


def _refuse_unknown(content: Any, known: frozenset[str], source_name: str) -> None:
    if not isinstance(content, Mapping):
        msg = f"{source_name}: expected a mapping, not {kind_of(content)}"
        raise CallError(msg)
    unknown = sorted(set(content) - known)
    if unknown:
        keys = ", ".join(sorted(known))
        msg = f"{source_name}: unknown key {unknown[0]!r}; known: {keys}"
        raise CallError(msg)


def _runs(channel: Any, start: int, end: int) -> bool:
    """Return whether a channel's epoch lies within two times."""
    began = channel.start_date is None or channel.start_date.ns < end
    return began and (channel.end_date is None or channel.end_date.ns >= start)
