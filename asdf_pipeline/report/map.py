"""The map: stations coloured by what became of them, and events, over real coasts.

Plate carrée with the scale of the middle latitude: true to shape where a network is,
and linear, so that the page zooms by changing the view box.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from asdf_pipeline.plan.outcome import STATUSES
from asdf_pipeline.report import coastlines
from asdf_pipeline.report.svg import WIDTH, dots, element, number, path, polyline

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asdf_pipeline.report.collect import Event, Station

_SMALLEST = 0.5  # degrees of latitude that a map shows at least
_AROUND = 3.0  # and that it shows where the stations fill a quarter of it
_ROOM = 0.12  # of the stations' extent, on every side
_NEAR = 2.5  # times as wide a map as the stations need shows the events too
_STARS = 300  # events that are drawn
_STRIP = 200  # stations whose dots are one path
_DRAWN = ("ok", "skipped", "empty", "failed")  # the last lies on top


@dataclass(frozen=True)
class View:
    """What the map shows.

    Attributes
    ----------
    west, south, east, north : float
        In degrees; longitudes may go beyond 180.
    """

    west: float
    south: float
    east: float
    north: float

    @property
    def height(self) -> float:
        """Height in units of the drawing."""
        middle = math.radians((self.south + self.north) / 2)
        stretch = max(math.cos(middle), 0.15)
        return WIDTH * (self.north - self.south) / ((self.east - self.west) * stretch)

    def x(self, longitude: float) -> float:
        """Return where a longitude is, in units of the drawing."""
        turned = (longitude - self.west) % 360
        # What lies just west of the view must not come out on its far side.
        middle = (self.east - self.west) / 2
        turned = (turned - middle + 180) % 360 - 180 + middle
        return turned / (self.east - self.west) * WIDTH

    def y(self, latitude: float) -> float:
        """Return where a latitude is, in units of the drawing."""
        return (self.north - latitude) / (self.north - self.south) * self.height

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        return self.west, self.south, self.east, self.north


def view_of(points: Sequence[tuple[float, float]], shape: float = 0.56) -> View:
    """Return the view that holds all points (latitude, longitude).

    Parameters
    ----------
    shape : float
        Height by width that the map comes close to.
    """
    latitudes = np.array([latitude for latitude, _ in points])
    turns = np.sort(np.array([longitude for _, longitude in points]) % 360)
    # The map is cut where the widest gap between longitudes is.
    gaps = np.diff(np.concatenate([turns, turns[:1] + 360]))
    cut = int(gaps.argmax())
    west = float(turns[(cut + 1) % len(turns)])
    span = 360 - float(gaps[cut])
    world = _world(west + span + (360 - span) / 2)
    if span > 170:
        return world
    south, north = float(latitudes.min()), float(latitudes.max())
    around = min(4 * max(north - south, span), _AROUND)
    tall = max((north - south) * (1 + 2 * _ROOM), around, _SMALLEST)
    middle, centre = (south + north) / 2, west + span / 2
    stretch = max(math.cos(math.radians(middle)), 0.15)
    wide = max(span * (1 + 2 * _ROOM), _SMALLEST)
    wide, tall = max(wide, tall / shape / stretch), max(tall, wide * shape * stretch)
    if wide > 340:
        return world
    centre = (centre + 180) % 360 - 180
    north = min(middle + tall / 2, 90.0)
    south = max(north - tall, -90.0)
    return View(centre - wide / 2, south, centre + wide / 2, south + tall)


def view_with(points: Sequence[tuple[float, float]], events: Sequence[Event]) -> View:
    """Return the view that holds all points, and the events if they are near."""
    view = view_of(points)
    if events:
        wider = view_of([*points, *((e.latitude, e.longitude) for e in events)])
        if wider.east - wider.west <= _NEAR * (view.east - view.west):
            return wider
    return view


def _world(west: float) -> View:
    """Return the whole world, cut at a longitude; as is usual where that is near."""
    west = (west + 180) % 360 - 180
    if min(west + 180, 180 - west) < 30:
        west = -180.0
    return View(west, -62, west + 360, 84)


def draw(
    view: View, stations: Sequence[Station], events: Sequence[Event], label: str
) -> Markup:
    """Return the map.

    Parameters
    ----------
    stations : sequence of Station
        Those with coordinates.
    events : sequence of Event
        The largest are drawn.
    label : str
        What it shows in words.
    """
    located: dict[str, list[Station]] = {status: [] for status in STATUSES}
    for station in stations:
        located[station.status].append(station)
    size = _dot_size(len(stations))
    layers = [
        layer for status in _DRAWN for layer in _layer(view, status, located[status])
    ]
    drawing = element(
        "svg",
        path(_lines(view, coastlines.land(view.box), closed=True), class_="land"),
        path(_lines(view, coastlines.borders(view.box)), class_="border"),
        path(_lines(view, coastlines.shores(view.box)), class_="shore"),
        *layers,
        viewBox=f"0 0 {WIDTH} {number(view.height)}",
        preserveAspectRatio="none",
        class_=f"ground dots-{size}",
        aria_hidden="true",
    )
    stars = [
        _star(view, event)
        for event in sorted(events, key=lambda event: event.magnitude or 0.0)[-_STARS:]
        if is_shown(view, event)
    ]
    over = element(
        "svg",
        element("g", class_="net"),
        *stars,
        element("g", class_="scale"),
        class_="over",
        aria_hidden="true",
    )
    return element("div", drawing, over, class_="map", role="img", aria_label=label)


def _dot_size(count: int) -> str:
    return "large" if count <= 300 else "medium" if count <= 2500 else "small"


def _layer(view: View, status: str, stations: Sequence[Station]) -> list[Markup]:
    """Return the dots of one status: outlines and fills, from west to east in strips.

    A browser draws the whole of a path wherever a part of it is seen: with all dots in
    one, zooming and moving a map of 10,000 stations is slow.
    """
    points = sorted(
        (view.x(station.longitude or 0.0), view.y(station.latitude or 0.0))
        for station in stations
    )
    strips = [dots(points[k : k + _STRIP]) for k in range(0, len(points), _STRIP)]
    return [
        path(strip, class_=f"dot {kind} {status}")
        for kind in ("outline", "inside")
        for strip in strips
    ]


def _lines(view: View, shapes: Iterable[Any], closed: bool = False) -> str:
    """Return shapes as one path, without what is smaller than a pixel."""
    scale_x = WIDTH / (view.east - view.west)
    scale_y = view.height / (view.north - view.south)
    parts = []
    for shape in shapes:
        xs = (shape[:, 0] - view.west) * scale_x
        ys = (view.north - shape[:, 1]) * scale_y
        if closed and np.ptp(xs) < 0.7 and np.ptp(ys) < 0.7:
            continue
        keep = _spread(xs, ys)
        parts.append(polyline(xs[keep].tolist(), ys[keep].tolist(), closed))
    return "".join(parts)


def _spread(xs: Any, ys: Any, least: float = 0.4) -> Any:
    """Return which points to keep: those in another cell than the one before."""
    cells = np.floor(np.stack([xs, ys], axis=1) / least)
    keep = np.any(np.diff(cells, axis=0, prepend=cells[:1] + 9) != 0, axis=1)
    keep[-1] = True
    return keep


def is_shown(view: View, event: Event) -> bool:
    """Return whether an event lies within the view."""
    x = view.x(event.longitude)
    return 0 <= x <= WIDTH and view.south <= event.latitude <= view.north


_STAR = (
    "M0,-9 2.2,-3 8.6,-2.8 3.5,1.1 5.3,7.3 0,3.7 -5.3,7.3 -3.5,1.1 -8.6,-2.8 -2.2,-3Z"
)


def _star(view: View, event: Event) -> Markup:
    x, y = view.x(event.longitude), view.y(event.latitude)
    return element(
        "svg",
        element("path", d=_STAR),
        element("title", event.text),
        x=f"{100 * x / WIDTH:.3f}%",
        y=f"{100 * y / view.height:.3f}%",
        data_x=number(x),
        data_y=number(y),
        class_="star",
    )
