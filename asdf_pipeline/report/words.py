"""Numbers and findings of the report in words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from asdf_pipeline import text
from asdf_pipeline.report import charts
from asdf_pipeline.report.svg import integer, power_text
from asdf_pipeline.text import size_text
from asdf_pipeline.times import SECOND, iso_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup

    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.report.availability import Availability, Span
    from asdf_pipeline.report.collect import Event, Station
    from asdf_pipeline.report.distributions import Histogram
    from asdf_pipeline.report.samples import Example, Recording


plural = partial(text.plural, say=integer)


def duration(seconds: float) -> str:
    """Return a time span as people read it: ``"2 h 5 min"``."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 99.5:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days = seconds / 86400
    return f"{days:.3g} days" if days < 900 else f"{days / 365.25:.3g} years"


def amount(value: float) -> str:
    """Return a number with three digits: ``"0.025"``, ``"2.5·10⁻⁶"``."""
    text = f"{value:.3g}"
    if "e" not in text:
        return text
    if 1000 <= abs(value) < 1e6:
        return integer(float(text))
    digits, power = text.split("e")
    raised = power_text(int(power), plain=0)
    return raised if digits == "1" else f"{digits}·{raised}"


def moment(time: int) -> str:
    """Return a time in ns since 1970 to the second."""
    return iso_text(time).replace("T", " ")


def clock(text: str) -> str:
    """Return an ISO 8601 time in UTC as people read it."""
    try:
        found = datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return text
    return found.strftime("%Y-%m-%d %H:%M:%S UTC")


_NAMES = {"io": "Writing", "python": "Python", "resumed": "Taken over"}

FILTERS: dict[str, Callable[..., str]] = {
    "integer": integer,
    "size": size_text,
    "duration": duration,
    "amount": amount,
    "plural": plural,
    "clock": clock,
    "circumstance": lambda name: _NAMES.get(name, name.replace("_", " ").capitalize()),
}


def headline(outcomes: Sequence[Outcome], unit: str = "station") -> str:
    """Return how it went, in one sentence."""
    total = len(outcomes)
    of = {
        status: sum(outcome.status == status for outcome in outcomes)
        for status in ("ok", "empty", "failed", "skipped")
    }
    tags = {outcome.input_tag for outcome in outcomes}
    noun = unit if len(tags) == 1 else f"{unit} and tag"
    many = f"{unit}s" if len(tags) == 1 else f"{unit}s and tags"
    if not total:
        return "There was nothing to process."
    if of["ok"] == total:
        return f"All {plural(total, noun, many)} were processed and written."
    parts = [f"{integer(of['ok'])} of {plural(total, noun, many)} were written"]
    if of["failed"]:
        parts.append(f"{integer(of['failed'])} failed")
    if of["empty"]:
        parts.append(f"for {integer(of['empty'])} the function returned nothing")
    if of["skipped"]:
        parts.append(f"{integer(of['skipped'])} were skipped")
    return f"{'; '.join(parts)}."


def facts(
    outcomes: Sequence[Outcome],
    stations: Sequence[Station],
    events: Sequence[Event],
    extent: Span | None,
) -> list[tuple[str, str]]:
    """Return the numbers of the summary: name and value."""
    written = [outcome for outcome in outcomes if outcome.status == "ok"]
    networks = {station.name.partition(".")[0] for station in stations}
    found = [
        ("Stations", integer(len(stations))),
        ("Networks", integer(len(networks))),
        ("Events", integer(len(events))),
        ("Traces written", integer(sum(o.traces_out for o in written))),
        ("Samples written", _large(sum(o.samples_out for o in written))),
        ("Size written", size_text(sum(o.bytes_out for o in written))),
        ("Processing time, all workers", duration(sum(o.seconds for o in outcomes))),
    ]
    if extent is not None:
        span = (extent[1] - extent[0]) / SECOND
        found.append(("Span of the data", duration(span) if span else "one moment"))
    return found


def _large(value: int) -> str:
    if value < 1_000_000:
        return integer(value)
    power = min(int(math.log10(value)) // 3, 4)
    unit = ("", "", "million", "billion", "trillion")[power]
    return f"{value / 1000**power:.3g} {unit}"


def map_label(stations: Sequence[Station], events: Sequence[Event]) -> str:
    """Return what the map shows, in words."""
    counts = {
        status: sum(station.status == status for station in stations)
        for status in ("ok", "failed", "empty", "skipped")
    }
    parts = [
        f"{integer(number)} {status}" for status, number in counts.items() if number
    ]
    with_events = f" and {plural(len(events), 'event')}" if events else ""
    return (
        f"Map of {plural(len(stations), 'station')} ({', '.join(parts)}){with_events}. "
        "The table of stations below has the same in text."
    )


def availability_label(when: Availability) -> str:
    """Return what the chart of availability shows, in words."""
    assert when.extent is not None
    start, end = when.extent
    return (
        f"Availability of {plural(len(when.spans), 'station')} from {moment(start)} "
        f"to {moment(end)}, with {plural(sum(when.gaps.values()), 'gap')}."
    )


def distribution(
    spread: Histogram, values: Sequence[float], format_value: Callable[[float], str]
) -> str:
    """Return median and ends of a distribution in words."""
    usable = [value for value in values if value > 0 and math.isfinite(value)]
    low, middle, high = map(format_value, (min(usable), spread.median, max(usable)))
    return f"Median {middle}, from {low} to {high}."


@dataclass(frozen=True)
class Shown:
    """One station of the sample, drawn."""

    outcome: Outcome
    reason: str
    panels: list[tuple[str, str, Markup, Markup]]

    @classmethod
    def of(cls, example: Example) -> Shown:
        """Return an example with its charts and what they show in words."""
        panels = []
        for panel in example.panels:
            name = f"{example.outcome.station}.{panel.channel}"
            kinds = (("before", panel.before), ("after", panel.after))
            text = " · ".join(
                [
                    f"{kind}: peak {amount(r.peak)}, {r.rate:g} Hz"
                    for kind, r in kinds
                    if r is not None
                ]
                + [_since([r for _, r in kinds if r is not None])]
            )
            waves = charts.wave_chart(panel, f"Waveform of {name}. {text}")
            levels = charts.spectrum_chart(
                panel, f"Spectrum of {name}.{_top(panel.after)}"
            )
            panels.append((name, text, waves, levels))
        return cls(example.outcome, example.reason, panels)


def _since(recordings: Sequence[Recording]) -> str:
    starts = [curve.start for r in recordings for curve in r.curves]
    return f"from {moment(min(starts))}" if starts else ""


def _top(recording: Recording | None) -> str:
    if recording is None or not len(recording.frequencies):
        return ""
    frequency = float(recording.frequencies[int(recording.level.argmax())])
    return f" After processing it is largest at {amount(frequency)} Hz."
