"""The pairs of a file's stations, in the tiles in which they are handed out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from asdf_pipeline.container.names import check_input_tag
from asdf_pipeline.errors import CallError, StationXMLError, TagError
from asdf_pipeline.metadata.geodesy import LARGEST_ERROR, between, on_sphere
from asdf_pipeline.plan.pair_selection import EVERY_PAIR, PairSelection
from asdf_pipeline.plan.selection import EVERYTHING, Selection
from asdf_pipeline.plan.units import Plan, Unit, tile_of
from asdf_pipeline.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.metadata.stationxml import Coordinates


def plan_pairs(
    reader: Reader,
    tag: str | None,
    selection: Selection = EVERYTHING,
    pairs: PairSelection = EVERY_PAIR,
) -> Plan:
    """Return the plan for the pairs of a file's stations, in tiles.

    The members of a pair are in the order of their names, and so are the pairs.

    Parameters
    ----------
    reader : Reader
        The open input.
    tag : str or None
        Which waveforms are read; None for the only tag of the stations.
    selection : Selection
        Which stations, channels and times are read.
    pairs : PairSelection
        Which pairs of them are done.

    Raises
    ------
    TagError
        If no station has waveforms with the tag, or no tag is named and there are
        several.
    CallError
        If the selection leaves no pair to do.
    """
    tags = {
        station: set(reader.tags(station))
        for station in reader.stations()
        if selection.has_station(station)
    }
    if tag is None:
        tag = _only_tag(reader, tags)
    check_input_tag(tag)
    stations = [station for station, found in tags.items() if tag in found]
    if not stations:
        there = ", ".join(sorted(set().union(*tags.values()))) or "none"
        msg = f"{reader.path}: no waveforms with tag {tag}; tags in the file: {there}"
        raise TagError(msg)
    stations = stations[: selection.limit]
    places = _places(reader, stations, selection) if pairs.by_distance else {}
    units = []
    size = pairs.tile
    for begin in range(0, len(stations), size):
        rows = range(begin, min(begin + size, len(stations)))
        chosen = {row: _partners(row, stations, places, pairs) for row in rows}
        # Only columns that have a pair: the stations near to others are few.
        columns = sorted({column for found in chosen.values() for column in found})
        for first in range(0, len(columns), size):
            tile = set(columns[first : first + size])
            parts = tuple(
                Unit(stations[row], tag, "", others=(stations[column],))
                for row in rows
                for column in chosen[row]
                if column in tile
            )
            units.append(tile_of(parts))
    if not units:
        msg = (
            f"{reader.path}: the selection leaves no pair of "
            f"{plural(len(stations), 'station')} with tag {tag}"
        )
        raise CallError(msg)
    without = [station for station in tags if tag not in tags[station]]
    unknown = [name for name, place in places.items() if place is None]
    return Plan(
        tuple(units),
        without=tuple(without),
        joins=False,
        not_located=tuple(unknown),
    )


def _only_tag(reader: Reader, tags: dict[str, set[str]]) -> str:
    """Return the tag that all stations share that have any."""
    found = sorted(set().union(*tags.values()))
    if len(found) != 1:
        msg = (
            f"{reader.path}: has waveforms with tags {', '.join(found) or '(none)'}: "
            "name the one to read (tag)"
        )
        raise TagError(msg)
    return found[0]


def _places(
    reader: Reader, stations: Sequence[str], selection: Selection
) -> dict[str, Coordinates | None]:
    """Return where each station is, None where it does not say."""
    found: dict[str, Coordinates | None] = {}
    for station in stations:
        try:
            found[station] = reader.coordinates(station, selection.times)
        except StationXMLError:
            found[station] = None  # damaged: as good as not there
    return found


def _partners(
    row: int,
    stations: Sequence[str],
    places: dict[str, Coordinates | None],
    pairs: PairSelection,
) -> list[int]:
    """Return with which stations, from a station on, it makes a pair."""
    first = row if pairs.autocorrelations else row + 1
    near = range(first, len(stations))
    own = stations[row]
    found = near if not pairs.by_distance else _near(row, near, stations, places, pairs)
    return [column for column in found if pairs.has_networks(own, stations[column])]


def _near(
    row: int,
    columns: range,
    stations: Sequence[str],
    places: dict[str, Coordinates | None],
    pairs: PairSelection,
) -> Iterator[int]:
    """Yield the stations that are within the limits of distance from one."""
    own = places[stations[row]]
    known = [column for column in columns if places[stations[column]] is not None]
    if own is None or not known:
        return
    lowest, highest = pairs.min_distance or 0.0, pairs.max_distance or math.inf
    if pairs.max_distance is not None:
        highest = pairs.max_distance
    others = [places[stations[column]] for column in known]
    about = on_sphere(own, np.array([one[:2] for one in others if one is not None]))
    for column, other, distance in zip(known, others, about, strict=True):
        assert other is not None
        slack = distance * LARGEST_ERROR * 2
        sure = lowest + slack <= distance <= highest - slack
        out = distance + slack < lowest or distance - slack > highest
        # Only near a limit does the ellipsoid decide: 30 us a pair.
        if sure or (not out and lowest <= between(own, other)[0] <= highest):
            yield column
