"""Small means to draw: escaped elements, paths, ticks.

A chart's text keeps its size on any screen: the area where curves are drawn is
stretched to the page's width, ticks and labels are placed by percentages.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from asdf_pipeline.times import SECOND, calendar, calendar_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

WIDTH = 1000
"""Units from the left to the right end of a stretched drawing."""

Tick = tuple[float, str]
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)
_HOURS = (1, 2, 3, 6, 12)
_DAYS = (1, 2, 3, 4, 5, 7, 10, 14)
_MONTHS = (1, 2, 3, 6)


def element(name: str, *children: object, **attributes: object) -> Markup:
    """Return an element; attributes and text are escaped, None is left out.

    ``class_`` stands for ``class``, an underscore within a name for a hyphen, as in
    ``stroke_width``; ``viewBox`` and the like stay as they are.
    """
    pairs = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), value)
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), pairs, inside)


def number(value: float) -> str:
    """Return a coordinate with at most one decimal."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def polyline(xs: Iterable[float], ys: Iterable[float], closed: bool = False) -> str:
    """Return a path through points, without those that repeat at this precision."""
    parts: list[str] = []
    last = ""
    for x, y in zip(xs, ys, strict=True):
        point = f"{number(x)},{number(y)}"
        if point != last:
            parts.append(point)
            last = point
    if len(parts) < 2:
        return ""
    return f"M{' '.join(parts)}{'Z' if closed else ''}"


def dots(points: Iterable[tuple[float, float]]) -> str:
    """Return a path of no length at each point: drawn as dots by the line's ends."""
    return "".join(f"M{number(x)},{number(y)}h0" for x, y in points)


def bars(spans: Iterable[tuple[float, float]], y: float) -> str:
    """Return a path of horizontal lines, each from one x to another."""
    return "".join(
        f"M{number(left)},{number(y)}H{number(right)}" for left, right in spans
    )


def stretched(height: float, *children: object) -> Markup:
    """Return a drawing 1000 units wide that is stretched to the width it gets."""
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {WIDTH} {number(height)}",
        preserveAspectRatio="none",
        width="100%",
        height=number(height),
    )


def percent(x: float) -> str:
    """Return where a tick is, as a share of the width."""
    return f"{round(100 * x, 2):g}%"


def count_ticks(highest: float, most: int = 3) -> list[Tick]:
    """Return ticks at round whole numbers from 0, as shares of the highest."""
    raw = max(highest / most, 1.0)
    power = 10 ** math.floor(math.log10(raw))
    step = next(k * power for k in (1, 2, 5, 10) if k * power >= raw * (1 - 1e-9))
    count = math.floor(highest / step + 1e-9)
    return [(k * step / highest, integer(k * step)) for k in range(count + 1)]


def decade_ticks(
    low: float,
    high: float,
    format_value: Callable[[float], str] | None = None,
    most: int = 6,
) -> list[Tick]:
    """Return ticks at powers of ten between two logarithms (base 10).

    Parameters
    ----------
    low, high : float
        Ends of the axis.
    format_value : callable, optional
        Gives the labels; else they are the numbers.
    most : int
        How many ticks there may be.
    """
    first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    every = max(1, math.ceil((last - first + 1) / most))
    return [
        (
            (power - low) / ((high - low) or 1.0),
            format_value(10.0**power) if format_value else power_text(power),
        )
        for power in range(first, last + 1, every)
    ]


def integer(value: float) -> str:
    """Return a whole number with thin spaces between thousands."""
    return f"{int(value):,}".replace(",", "\u202f")


def power_text(power: int, plain: int = 3) -> str:
    """Return a power of ten as people write it: up to a power as a plain number."""
    if -plain <= power <= plain:
        return f"{10.0**power:g}"
    return "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def time_ticks(start: int, end: int, most: int = 6) -> list[Tick]:
    """Return ticks at round times.

    Parameters
    ----------
    start, end : int
        In ns since 1970.
    most : int
        How many there may be.
    """
    seconds = max((end - start) / SECOND, 1e-3)
    times, form = _round_times(calendar(start), seconds, most)
    midnight = (0, 0, 0)
    texts = [
        time.strftime(
            "%Y-%m-%d"
            if "%H" in form and (time.hour, time.minute, time.second) == midnight
            else form
        )
        for time in times
    ]
    shares = [(calendar_ns(time) - start) / (end - start) for time in times]
    return [
        (share, text)
        for share, text in zip(shares, texts, strict=True)
        if 0 <= share <= 1
    ]


def _round_times(
    first: datetime, seconds: float, most: int
) -> tuple[list[datetime], str]:
    day = first.replace(hour=0, minute=0, second=0)
    for step in (*_STEPS, *(3600 * hours for hours in _HOURS)):
        if seconds / step <= most:
            begin = day + timedelta(seconds=(first - day).seconds // step * step)
            form = "%H:%M:%S" if step < 60 else "%H:%M"
            return _every(begin, timedelta(seconds=step), most + 2), form
    for days in _DAYS:
        if seconds / 86400 / days <= most:
            return _every(day, timedelta(days=days), most + 2), "%Y-%m-%d"
    months = seconds / 86400 / 30
    for step in (*_MONTHS, *(12 * years for years in (1, 2, 5, 10, 20, 50))):
        if months / step <= most:
            break
    count = first.year * 12 + first.month - 1
    begin_month = count // step * step
    numbers = [begin_month + k * step for k in range(most + 2)]
    times = [
        datetime(n // 12, n % 12 + 1, 1)  # noqa: DTZ001 - all times are UTC
        for n in numbers
        if n < 9999 * 12
    ]
    return times, "%Y" if step >= 12 else "%Y-%m"


def _every(begin: datetime, step: timedelta, count: int) -> list[datetime]:
    return [begin + k * step for k in range(count)]


def path(d: str, **attributes: object) -> Markup:
    """Return a path whose line keeps its width when stretched; none for no points."""
    if not d:
        return Markup("")
    return element("path", d=d, vector_effect="non-scaling-stroke", **attributes)


def figure(
    height: int,
    label: str,
    drawn: Sequence[Markup],
    x_ticks: Sequence[Tick] = (),
    y_ticks: Sequence[Tick] = (),
    margin: int = 44,
    grid: bool = True,
    **attributes: Any,
) -> Markup:
    """Return a chart: curves, ticks on the left and below, and what it shows in words.

    Parameters
    ----------
    height : int
        Of the area with the curves, in pixels.
    label : str
        The alternative text.
    drawn : sequence of Markup
        What is in the area, in units of 1000 (width) by `height`.
    x_ticks, y_ticks : sequence of (float, str)
        Share of the axis (y from below) and label.
    margin : int
        Pixels for the labels on the left.
    grid : bool
        Whether ticks have lines across the area.
    """
    below = 20 if x_ticks else 2
    lines = [
        element("line", x1=percent(x), x2=percent(x), y1=0, y2=height, class_="grid")
        for x, _ in x_ticks
        if grid
    ]
    lines += [
        element("line", x1=0, x2="100%", y1=y, y2=y, class_="grid")
        for y in (number(height * (1 - share)) for share, _ in y_ticks)
        if grid
    ]
    labels = [
        element(
            "text",
            text,
            x=percent(x),
            y=height + 15,
            class_=f"tick {_anchor(x)}{' alt' if index % 2 else ''}",
        )
        for index, (x, text) in enumerate(x_ticks)
    ]
    left = [
        element(
            "text",
            text,
            x=margin - 6,
            y=number(min(max(height * (1 - share) + 4, 10), height)),
            class_="tick end",
        )
        for share, text in y_ticks
    ]
    size = height + below
    return element(
        "div",
        element("svg", *left, width=margin, height=size, aria_hidden="true"),
        element("svg", *lines, stretched(height, *drawn), *labels, height=size),
        class_="chart",
        role="img",
        aria_label=label,
        **attributes,
    )


def _anchor(x: float) -> str:
    if x < 0.04:
        return "start"
    return "end" if x > 0.96 else "middle"
