"""Which pairs of stations are done, and in which tiles they are handed out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asdf_pipeline.container.names import check_input_tag
from asdf_pipeline.errors import CallError, StationXMLError, TagError
from asdf_pipeline.metadata.geodesy import LARGEST_ERROR, between, on_sphere
from asdf_pipeline.plan.selection import EVERYTHING, Selection
from asdf_pipeline.plan.units import Plan, Unit, tile_of
from asdf_pipeline.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.metadata.stationxml import Coordinates

NETWORKS = ("all", "same", "different")
TILE = 16
"""Stations on a side of a tile: each of its pairs needs an eighth of a preparation, a
sixteenth where a row's stations are kept."""


@dataclass(frozen=True, slots=True)
class PairSelection:
    """Which pairs of the stations of a file are done; all by default.

    Attributes
    ----------
    max_distance, min_distance : float or None
        In km, by the stations' coordinates; both limits belong to it. A pair of which
        a place is not known is left out where one is given.
    networks : {"all", "same", "different"}
        Whether both stations are of one network, or of two, or either.
    autocorrelations : bool
        Whether a station makes a pair with itself.
    components : str or tuple of str
        Which channels of the two stations belong together: ``"all"``, ``"same"`` (of
        equal last letters), or two letters each, the first station's first:
        ``"ZZ"``, ``("ZZ", "ZR")``.
    tile : int
        Stations on a side of a tile; the result does not depend on it.
    """

    max_distance: float | None = None
    min_distance: float | None = None
    networks: str = "all"
    autocorrelations: bool = False
    components: str | tuple[str, ...] = "all"
    tile: int = TILE

    def __post_init__(self) -> None:
        """Check the choices."""
        for name in ("max_distance", "min_distance"):
            value: object = getattr(self, name)
            if value is not None and not (
                isinstance(value, int | float) and 0 <= value < math.inf
            ):
                msg = f"{name} {value!r}: expected a number of km, 0 or more"
                raise CallError(msg)
        if (self.min_distance or 0) > (self.max_distance or math.inf):
            msg = "min_distance is more than max_distance"
            raise CallError(msg)
        if self.networks not in NETWORKS:
            msg = f"networks {self.networks!r}: expected {', '.join(NETWORKS)}"
            raise CallError(msg)
        if self.tile < 1:
            msg = f"tile {self.tile!r}: expected a number of stations, 1 or more"
            raise CallError(msg)
        for two in self.component_pairs or ():
            if re.fullmatch("[A-Za-z0-9]{2}", str(two)) is None:
                msg = (
                    f"components {two!r}: expected 'all', 'same', or two letters, the "
                    "first station's first, such as 'ZZ'"
                )
                raise CallError(msg)

    @property
    def component_pairs(self) -> tuple[str, ...] | None:
        """The pairs of components that are named; None for ``all`` and ``same``."""
        if self.components in ("all", "same"):
            return None
        if isinstance(self.components, str):
            return (self.components,)
        return tuple(self.components)

    def combines(self, channel: str, other: str) -> bool:
        """Tell whether a channel of the first station goes with one of the second."""
        if self.components == "all":
            return True
        two = channel[-1:] + other[-1:]
        named = self.component_pairs
        return two[:1] == two[1:] if named is None else two in named

    def reads(self, channel: str) -> bool:
        """Tell whether a channel is of any use, to the first station or the second."""
        named = self.component_pairs
        return named is None or any(channel[-1:] in two for two in named)

    def has_networks(self, one: str, other: str) -> bool:
        """Tell whether two stations are of wanted networks."""
        if self.networks == "all":
            return True
        same = one.partition(".")[0] == other.partition(".")[0]
        return same == (self.networks == "same")

    @property
    def by_distance(self) -> bool:
        """Whether the stations' places decide."""
        return self.max_distance is not None or self.min_distance is not None


EVERY_PAIR = PairSelection()


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
    return Plan(tuple(units), without=tuple(without), not_located=tuple(unknown))


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
