"""FDSN web services as a source: what they have, and one unit's waveforms."""

from __future__ import annotations

import io
import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from obspy import Stream
from obspy.clients.fdsn.header import FDSNNoDataException
from obspy.clients.fdsn.mass_downloader.utils import filter_channel_priority

from asdf_pipeline.errors import CallError, InputError
from asdf_pipeline.metadata.events import parse_events
from asdf_pipeline.metadata.inventory import parse
from asdf_pipeline.plan.units import Unit
from asdf_pipeline.stage.fdsn_access import ask, routes
from asdf_pipeline.stage.metadata import documents_of
from asdf_pipeline.stage.waveform_file import cut
from asdf_pipeline.times import SECOND, utc

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from obspy import Inventory
    from obspy.clients.fdsn import Client

    from asdf_pipeline.stage.fdsn_request import Request

_LOGGER = logging.getLogger(__name__)
_DAY = 86_400_000_000_000  # ns

Line = tuple[str, str, str, str, int, int]
"""A line of a bulk request: four codes, first and last time in ns since 1970."""


@dataclass(frozen=True, slots=True)
class Query:
    """What one unit's waveforms are asked for.

    Attributes
    ----------
    url : str
        The data centre.
    lines : tuple of Line
        All of the same times.
    """

    url: str
    lines: tuple[Line, ...]


def read_centres(request: Request) -> dict[str, bytes]:
    """Return the stations with their responses, as StationXML, by data centre.

    Raises
    ------
    InputError
        If there are none, or a service does not answer.
    """
    asked = {
        "starttime": utc(request.start),
        "endtime": utc(request.end),
        **request.codes,
    }
    routed: Mapping[str, Sequence[tuple[str, ...]] | None]
    if request.routing:
        url = "".join(request.urls)
        routed = routes(request.routing, url, asked, request.name)
    else:
        routed = dict.fromkeys(request.urls)
    found = {}
    for url, lines in routed.items():
        client, content = request.access.client(url), io.BytesIO()
        how = {"level": "response", "filename": content, **request.domain}

        def question(
            client: Client = client,
            lines: Sequence[tuple[str, ...]] | None = lines,
            how: Mapping[str, Any] = how,
        ) -> None:
            how["filename"].seek(0)
            how["filename"].truncate()
            if lines is None:
                client.get_stations(**asked, **how)
            else:
                client.get_stations_bulk(lines, **how)

        try:
            ask(question, f"{url}: stations")
        except FDSNNoDataException:
            _LOGGER.info("%s: has no stations such as the request asks for", url)
            continue
        found[url] = content.getvalue()
    if not found:
        msg = f"{request.name}: has no stations such as the request asks for"
        raise InputError(msg)
    return found


def documents(centres: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return each station's StationXML, of the first data centre that has it."""
    found: dict[str, bytes] = {}
    for url, stations in centres.items():
        for station, document in documents_of(stations, url):
            found.setdefault(station, document)
    return found


def read_events(request: Request) -> bytes | None:
    """Return the events as QuakeML, if any are asked for.

    Raises
    ------
    InputError
        If there are none, or the service does not answer.
    """
    if request.events is None:
        return None
    asked = {"starttime": utc(request.start), "endtime": utc(request.end)}
    asked |= request.events
    centres = () if request.routing else request.urls
    url = str(asked.pop("url", "") or next(iter(centres), ""))
    if not url:
        msg = f"{request.name}: events: name the data centre to ask: {{url: USGS}}"
        raise CallError(msg)
    client, content = request.access.client(url), io.BytesIO()

    def question() -> None:
        content.seek(0)
        content.truncate()
        client.get_events(filename=content, **asked)

    try:
        ask(question, f"{url}: events")
    except FDSNNoDataException:
        msg = f"{url}: has no events such as the request asks for"
        raise InputError(msg) from None
    return content.getvalue()


def units_of(
    request: Request, centres: Mapping[str, bytes], quakeml: bytes | None, tag: str
) -> dict[Unit, Query]:
    """Return a unit for each station and day, or window, with what to ask for.

    Parameters
    ----------
    request : Request
        What is wanted.
    centres : mapping of str to bytes
        What `read_centres` returned.
    quakeml : bytes or None
        The events, around which windows are.
    tag : str
        The tag of the waveforms.

    Raises
    ------
    CallError
        If windows are wanted, and there are no events.
    """
    spans = _spans(request, quakeml)
    units: dict[Unit, Query] = {}
    asked: dict[str, str] = {}
    for url, stations in centres.items():
        inventory = parse(stations, url, cache_responses=False)
        for name, channels in _channels(inventory).items():
            if (other := asked.setdefault(name, url)) != url:
                _LOGGER.info("%s: station %s is asked of %s", url, name, other)
                continue
            network, code = name.split(".")
            for first, last in spans:
                wanted = _chosen(
                    request, [c for c in channels if _runs(c, first, last)]
                )
                if not wanted:
                    continue
                rates = {
                    (one.location_code, one.code): one.sample_rate or 0
                    for one in wanted
                }
                lines = tuple(
                    (network, code, location, channel, first, last - 1)
                    for location, channel in sorted(rates)
                )
                samples = round(sum(rates.values()) * (last - first) / SECOND)
                unit = Unit(name, tag, tag, (first, last), samples)
                units[unit] = Query(url, lines)
    return units


def _spans(request: Request, quakeml: bytes | None) -> list[tuple[int, int]]:
    """Return the times that are wanted: days, or windows that do not overlap."""
    start, end = request.start, request.end
    if request.windows is None:
        days = range(start - start % _DAY, end, _DAY)
        return [(max(day, start), min(day + _DAY, end)) for day in days]
    if quakeml is None:
        msg = f"{request.name}: windows: there are no events: ask for some (events)"
        raise CallError(msg)
    before, after = request.windows
    origins = [
        origin.time.ns
        for event in parse_events(quakeml, request.name)
        if (origin := event.preferred_origin() or next(iter(event.origins), None))
    ]
    spans: list[tuple[int, int]] = []
    for origin in sorted(origins):
        first, last = max(origin - before, start), min(origin + after, end)
        if first >= last:
            continue
        if spans and first <= spans[-1][1]:  # nothing comes twice
            first, last = spans[-1][0], max(last, spans.pop()[1])
        spans.append((first, last))
    return spans


def _channels(inventory: Inventory) -> dict[str, list[Any]]:
    """Return the channels' epochs of each station, by its name."""
    found: dict[str, list[Any]] = defaultdict(list)
    for network in inventory:
        for station in network:
            found[f"{network.code}.{station.code}"] += station
    return found


def _chosen(request: Request, channels: list[Any]) -> list[Any]:
    """Return the channels that the priorities leave, as ObsPy's mass downloader does.

    Of each location the channels that come first, then the location that does.
    """
    found = channels
    if request.channel_priorities is not None:
        by_location: dict[str, list[Any]] = defaultdict(list)
        for channel in channels:
            by_location[channel.location_code].append(channel)
        found = []
        for some in by_location.values():
            found += filter_channel_priority(some, "code", request.channel_priorities)
    if request.location_priorities is not None:
        priorities = request.location_priorities
        found = filter_channel_priority(found, "location_code", priorities)
    return found


def _runs(channel: Any, start: int, end: int) -> bool:
    """Return whether a channel's epoch lies within two times."""
    began = channel.start_date is None or channel.start_date.ns < end
    return began and (channel.end_date is None or channel.end_date.ns >= start)


class Downloader:
    """Downloads units' waveforms, with a client for each data centre.

    Parameters
    ----------
    request : Request
        What is wanted.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._clients: dict[str, Client] = {}

    def download(self, query: Query, source_name: str) -> Stream:
        """Return the waveforms of one unit; an empty Stream where there are none.

        Parameters
        ----------
        query : Query
            What to ask for.
        source_name : str
            The source's name, for errors.

        Raises
        ------
        InputError
            If the service does not answer, or refuses to.
        """
        if query.url not in self._clients:
            self._clients[query.url] = self._request.access.client(query.url)
        client = self._clients[query.url]
        bulk = [
            (network, station, location or "--", channel, utc(start), utc(end))
            for network, station, location, channel, start, end in query.lines
        ]
        try:
            found = ask(lambda: client.get_waveforms_bulk(bulk), source_name)
        except FDSNNoDataException:
            return Stream()
        # Services give whole records: their ends are of the days before and after.
        return Stream(list(_cut(found, query.lines[0][4:])))


def _cut(stream: Stream, window: tuple[int, int]) -> Iterator[Any]:
    for trace in stream:
        if (piece := cut(trace, window)) is not None:
            yield piece
