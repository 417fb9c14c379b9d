"""Puts the page together: one HTML file with everything that it needs inside."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from asdf_pipeline._version import __version__
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.files import atomic_write
from asdf_pipeline.provenance.reading import read_runs
from asdf_pipeline.report import availability, charts, collect, samples, words
from asdf_pipeline.report import map as station_map
from asdf_pipeline.report.distributions import histogram, outliers
from asdf_pipeline.text import size_text

if TYPE_CHECKING:
    from pathlib import Path

    from asdf_pipeline.plan.outcome import Outcome

EXAMPLES = 12
"""Stations whose waveforms are shown, unless asked otherwise."""
_NAMED = 300  # stations named under one failure
_OUTLIERS = 24


Kinds = Sequence[tuple[str, Sequence[float], Callable[[float], str]]]


@dataclass(frozen=True)
class Distribution:
    """A histogram, its title and what it says in words."""

    title: str
    chart: Markup
    text: str


def write_page(
    source: Path,
    output: Path | None,
    outcomes: Sequence[Outcome],
    page: Path,
    dataset: str,
    examples: int = EXAMPLES,
) -> None:
    """Write the report of a run.

    Parameters
    ----------
    source : pathlib.Path
        The input file.
    output : pathlib.Path or None
        The file that was made; None where nothing was published.
    outcomes : sequence of Outcome
        What became of each unit.
    page : pathlib.Path
        The HTML file to write, whole or not at all.
    dataset : str
        The data set's name.
    examples : int
        How many stations' waveforms are shown.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    outcomes = sorted(outcomes, key=lambda outcome: outcome.unit_id)
    with ExitStack() as stack:
        reader = stack.enter_context(Reader(source))
        written = None if output is None else stack.enter_context(Reader(output))
        context = gather(reader, written, outcomes, examples)
    context |= {"dataset": dataset, "source": source, "output": output}
    with atomic_write(page) as file:
        file.write(render(context).encode(errors="replace"))


def gather(
    source: Reader, output: Reader | None, outcomes: Sequence[Outcome], examples: int
) -> dict[str, Any]:
    """Return what the template shows."""
    stations = collect.gather_stations(outcomes, source)
    events = collect.gather_events(source)
    tags = {outcome.input_tag for outcome in outcomes}
    when = availability.gather(source, [s.name for s in stations], tags)
    strange = outliers(
        [outcome.station for outcome in outcomes], collect.peaks(outcomes)
    )
    chosen = samples.choose(outcomes, examples, {o.station for o in strange})
    shown_map = map_of(stations, events)
    runs = read_runs(output.provenance()) if output is not None else []
    return {
        "noun": "station",
        "outcomes": outcomes,
        "counts": collect.count(outcomes),
        "facts": words.facts(outcomes, stations, events, when.extent),
        "headline": words.headline(outcomes),
        "map": shown_map,
        "without_coordinates": [s.name for s in stations if not s.has_coordinates],
        "availability": _availability(when, stations),
        "examples": [
            words.Shown.of(example)
            for example in samples.gather(chosen, source, output)
        ],
        "distributions": _distributions(outcomes),
        "outliers": strange[:_OUTLIERS],
        "more_outliers": max(len(strange) - _OUTLIERS, 0),
        "failures": collect.gather_failures(outcomes),
        "named": _NAMED,
        "run": runs[0] if runs else None,
        "data": {
            "table": collect.columns(outcomes, when.gaps),
            "map": shown_map and shown_map["data"],
        },
    }


def map_of(
    stations: Sequence[collect.Station], events: Sequence[collect.Event]
) -> dict[str, Any] | None:
    """Return the map of stations and events; None where no station has a place."""
    located = [station for station in stations if station.has_coordinates]
    if not located:
        return None
    points = [(s.latitude or 0.0, s.longitude or 0.0) for s in located]
    view = station_map.view_with(points, events)
    shown = [event for event in events if station_map.is_shown(view, event)]
    label = words.map_label(located, shown)
    return {
        "drawing": station_map.draw(view, located, shown, label),
        "events": len(shown),
        "outside": len(events) - len(shown),
        "data": {
            "box": view.box,
            "height": round(view.height, 1),
            "name": [station.name for station in located],
            "status": [station.status for station in located],
            "x": [round(view.x(longitude), 1) for _, longitude in points],
            "y": [round(view.y(latitude), 1) for latitude, _ in points],
        },
    }


def _availability(
    when: availability.Availability, stations: Sequence[collect.Station]
) -> dict[str, Any] | None:
    if when.extent is None:
        return None
    label = words.availability_label(when)
    many = len(when.spans) > charts.ROWS
    return {
        "chart": charts.availability_chart(when, stations, label),
        "count": charts.count_chart(when, stations, label) if many else None,
        "start": words.moment(when.extent[0]),
        "end": words.moment(when.extent[1]),
        "each": -(-len(when.spans) // charts.ROWS),
        "gaps": sum(when.gaps.values()),
    }


def _distributions(outcomes: Sequence[Outcome]) -> list[Distribution]:
    written = [outcome for outcome in outcomes if outcome.status == "ok"]
    kinds: Kinds = (
        (
            "Processing time of a station",
            [o.seconds for o in outcomes if o.status != "skipped"],
            words.duration,
        ),
        ("Size written", [float(o.bytes_out) for o in written], size_text),
        ("Largest amplitude", [o.peak or 0.0 for o in written], words.amount),
    )
    return distributions_of(kinds)


def distributions_of(kinds: Kinds) -> list[Distribution]:
    """Return histograms of what has values; each has title, values and their words."""
    found = []
    for title, values, format_value in kinds:
        spread = histogram(values)
        if spread is not None:
            text = words.distribution(spread, values, format_value)
            label = f"Histogram: {title}. {text}"
            chart = charts.histogram_chart(spread, label, format_value)
            found.append(Distribution(title, chart, text))
    return found


def render(
    context: dict[str, Any],
    template: str = "page.html",
    scripts: Sequence[str] = ("map.js", "table.js"),
) -> str:
    """Return the page: template, style, scripts and data in one."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("asdf_pipeline.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= words.FILTERS
    style = _read("page.css")
    script = "\n".join(f"(() => {{\n{_read(name)}\n}})();" for name in scripts)
    return environment.get_template(template).render(
        context,
        style=Markup(style),
        script=Markup(script),
        data=Markup(embedded(context["data"])),
        style_hash=_hash(style),
        script_hash=_hash(script),
        version=__version__,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def embedded(data: object) -> str:
    """Return JSON that ends no script element and starts no comment in it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _read(name: str) -> str:
    return files("asdf_pipeline.report").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return how the page's policy names a style or script that may be used."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
