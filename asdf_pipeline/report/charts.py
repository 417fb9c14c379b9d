"""Charts of the report: availability, waveforms, spectra, distributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from asdf_pipeline.report.availability import coverage, drawable
from asdf_pipeline.report.svg import (
    WIDTH,
    bars,
    count_ticks,
    decade_ticks,
    element,
    figure,
    number,
    path,
    polyline,
    time_ticks,
)
from asdf_pipeline.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asdf_pipeline.report.availability import Availability, Span
    from asdf_pipeline.report.collect import Station
    from asdf_pipeline.report.distributions import Histogram
    from asdf_pipeline.report.samples import Curve, Panel, Recording

ROWS = 120
"""Stations up to which each has its own row in the chart of availability."""
_BINS = 300
_LEVELS = 5
_SMALLEST = 0.004  # of the width, that a span or gap is drawn with at least
_QUIET = -90.0  # dB, the lowest level drawn


def availability_chart(
    availability: Availability, stations: Sequence[Station], label: str
) -> Markup:
    """Return stations against time: a row each, or shares where they are many."""
    extent = availability.extent
    if extent is None:
        return Markup("")
    if extent[0] == extent[1]:
        extent = (extent[0], extent[1] + SECOND)
    shown = [station for station in stations if station.name in availability.spans]
    if len(shown) <= ROWS:
        return _station_rows(availability, shown, extent, label)
    return _shared_rows(availability, shown, extent, label)


def _station_rows(
    availability: Availability, stations: Sequence[Station], extent: Span, label: str
) -> Markup:
    row = 14 if len(stations) <= 60 else 12
    height = max(row * len(stations), 30)
    drawn, ticks = [], []
    for index, station in enumerate(stations):
        y = (index + 0.5) * row
        spans = drawable(availability.spans[station.name], extent, _SMALLEST)
        line = bars([(_x(start, extent), _x(end, extent)) for start, end in spans], y)
        drawn.append(path(line, class_=f"span {station.status}"))
        ticks.append((1 - y / height, station.name))
    return figure(
        height,
        label,
        drawn,
        time_ticks(*extent),
        ticks,
        margin=_margin(stations),
        data_rows=row,
    )


def _margin(stations: Sequence[Station]) -> int:
    """Return the width for their names: the same for charts one above the other."""
    longest = max(len(station.name) for station in stations)
    return min(20 + 7 * longest, 140)


def _shared_rows(
    availability: Availability, stations: Sequence[Station], extent: Span, label: str
) -> Markup:
    names = [station.name for station in stations]
    share = coverage(availability.spans, names, extent, _BINS)
    # Rows of as many stations each: one of few would be the darkest of all.
    edges = np.linspace(0, len(names), ROWS + 1).astype(int)
    mean = np.add.reduceat(share, edges[:-1]) / np.diff(edges)[:, np.newaxis]
    # Recordings of events fill little of any bin: shades are relative.
    level = np.ceil(mean / (mean.max() or 1.0) * _LEVELS - 1e-9).astype(int)
    row = 4
    drawn = [
        path(
            "".join(
                _runs(level[index] == shade, (index + 0.5) * row)
                for index in range(ROWS)
            ),
            class_=f"share share-{shade}",
        )
        for shade in range(1, _LEVELS + 1)
    ]
    ticks = [(1 - (k + 0.5) / ROWS, names[edges[k]]) for k in range(0, ROWS, 6)]
    return figure(
        ROWS * row,
        label,
        drawn,
        time_ticks(*extent),
        ticks,
        margin=_margin(stations),
        grid=False,
    )


def _runs(where: np.ndarray[tuple[int], np.dtype[np.bool_]], y: float) -> str:
    padded = np.concatenate(([False], where, [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1]) * (WIDTH / _BINS)
    return bars(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True), y)


def count_chart(
    availability: Availability, stations: Sequence[Station], label: str
) -> Markup:
    """Return the number of stations with data against time."""
    extent = availability.extent
    if extent is None or extent[0] == extent[1]:
        return Markup("")
    shown = [station for station in stations if station.name in availability.spans]
    names = [station.name for station in shown]
    share = coverage(availability.spans, names, extent, _BINS)
    total = (share > 0).sum(axis=0)
    height, most = 70, max(float(total.max()), 1.0)
    ys = height * (1 - total / (most * 1.05))
    xs = np.repeat(np.arange(_BINS + 1) * (WIDTH / _BINS), 2)[1:-1]
    line = polyline(xs.tolist(), np.repeat(ys, 2).tolist())
    area = f"{line} {WIDTH},{height} 0,{height}Z"
    drawn = [path(area, class_="area"), path(line, class_="line")]
    ticks = [(share / 1.05, text) for share, text in count_ticks(most)]
    return figure(
        height, label, drawn, time_ticks(*extent), ticks, margin=_margin(shown)
    )


def histogram_chart(
    histogram: Histogram, label: str, format_value: Callable[[float], str]
) -> Markup:
    """Return a distribution as bars; `format_value` gives the labels of its axis."""
    height, most = 110, max(histogram.counts)
    width = WIDTH / len(histogram.counts)
    drawn = [
        element(
            "rect",
            x=number(index * width + 1),
            y=number(height * (1 - count / (most * 1.05))),
            width=number(width - 2),
            height=number(height * count / (most * 1.05)),
            class_="bar",
        )
        for index, count in enumerate(histogram.counts)
        if count
    ]
    middle = (math.log10(histogram.median) - histogram.low) / (
        histogram.high - histogram.low
    )
    drawn.append(path(f"M{number(WIDTH * middle)},0V{height}", class_="median"))
    ticks = [(share / 1.05, text) for share, text in count_ticks(most)]
    return figure(
        height,
        label,
        drawn,
        _log_ticks(histogram.low, histogram.high, format_value),
        ticks,
    )


def _log_ticks(
    low: float, high: float, format_value: Callable[[float], str] | None = None
) -> list[tuple[float, str]]:
    """Return ticks on a logarithmic axis, also where it spans no power of ten."""
    if math.floor(high) - math.ceil(low) >= 2:
        return decade_ticks(low, high, format_value)
    steps = [
        digit * 10.0**power
        for power in range(math.floor(low), math.ceil(high) + 1)
        for digit in (1, 2, 5)
    ]
    inside = [(math.log10(value) - low, value) for value in steps]
    return [
        (offset / (high - low), format_value(value) if format_value else f"{value:.3g}")
        for offset, value in inside
        if 0 <= offset <= high - low
    ]


def wave_chart(panel: Panel, label: str) -> Markup:
    """Return a channel before (above) and after (below) against time."""
    kinds = (("before", panel.before), ("after", panel.after))
    recordings = [(kind, recording) for kind, recording in kinds if recording]
    curves = [curve for _, recording in recordings for curve in recording.curves]
    if not curves:
        return Markup("")
    extent = (min(c.start for c in curves), max(c.end for c in curves))
    if extent[0] == extent[1]:
        extent = (extent[0], extent[1] + SECOND)
    height = 92
    half = height / len(recordings)
    drawn = []
    for row, (kind, recording) in enumerate(recordings):
        for solid in (False, True):
            pieces = [
                _wave(curve, recording, extent, half * (row + 0.5), half)
                for curve in recording.curves
                if curve.is_envelope == solid
            ]
            kind_ = f"wave {kind}{' solid' if solid else ''}"
            drawn.append(path("".join(pieces), class_=kind_))
    return figure(height, label, drawn, time_ticks(*extent, most=5), margin=2)


def _wave(
    curve: Curve, recording: Recording, extent: Span, middle: float, height: float
) -> str:
    scale = 0.46 * height / (recording.peak or 1.0)
    left, right = _x(curve.start, extent), _x(curve.end, extent)
    xs = np.linspace(left, right, len(curve.low))
    low, high = middle - curve.low * scale, middle - curve.high * scale
    if not curve.is_envelope:
        return polyline(xs.tolist(), low.tolist())
    around = np.concatenate([xs, xs[::-1]]), np.concatenate([high, low[::-1]])
    return polyline(around[0].tolist(), around[1].tolist(), closed=True)


def spectrum_chart(panel: Panel, label: str) -> Markup:
    """Return the amplitude spectra of a channel before and after."""
    kinds = (("before", panel.before), ("after", panel.after))
    shown = [(kind, r) for kind, r in kinds if r is not None and len(r.frequencies)]
    if not shown:
        return Markup("")
    low = math.log10(min(r.frequencies[0] for _, r in shown))
    high = math.log10(max(r.frequencies[-1] for _, r in shown))
    floor = max(min(float(r.level.min()) for _, r in shown), _QUIET)
    floor = min(10 * math.floor(floor / 10), -20)
    height = 92
    drawn = [
        path(
            polyline(
                ((np.log10(r.frequencies) - low) / (high - low) * WIDTH).tolist(),
                (np.maximum(r.level, floor) / floor * height).tolist(),
            ),
            class_=f"curve {kind}",
        )
        for kind, r in shown
    ]
    levels = [
        (1 - value / floor, f"{value:g}")
        for value in range(0, floor - 1, -20 if floor > -70 else -40)
    ]
    return figure(height, label, drawn, _log_ticks(low, high), levels, margin=36)


def _x(time: int, extent: Span) -> float:
    return (time - extent[0]) / (extent[1] - extent[0]) * WIDTH
