"""How data sets and stations show themselves: as text, and as HTML in notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from asdf_pipeline.container.names import tag_of
from asdf_pipeline.metadata.events import count_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asdf_pipeline.dataset.reading import Readable
    from asdf_pipeline.dataset.station import Station

_SHOWN = 20  # stations in a table; a file may hold 100,000


def _facts(data_set: Readable) -> list[tuple[str, str]]:
    facts = [
        ("Format version", data_set.asdf_format_version_in_file),
        ("Size", data_set.pretty_filesize),
        ("Events", str(count_events(data_set.open_file.reader.quakeml()))),
        ("Stations", str(len(data_set.waveforms))),
    ]
    if kinds := data_set.auxiliary_data.list():
        facts.append(("Auxiliary data", ", ".join(kinds)))
    if documents := data_set.provenance.list():
        facts.append(("Provenance documents", ", ".join(documents)))
    return facts


def data_set_text(data_set: Readable) -> str:
    """Return a data set's summary, a line a fact."""
    lines = [f"ASDF file '{data_set.filename}'"]
    lines += [f"    {name}: {value}" for name, value in _facts(data_set)]
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def data_set_html(data_set: Readable) -> str:
    """Return a data set's summary as HTML, with its first stations."""
    names = data_set.waveforms.list()
    rows = []
    for name in names[:_SHOWN]:
        station = data_set.waveforms[name]
        has_xml = "yes" if "StationXML" in station else "no"
        rows.append((name, " ".join(station.get_waveform_tags()), has_xml))
    more = len(names) - len(rows)
    rest = f"<p>and {more} more</p>" if more else ""
    return (
        f"<p><b>ASDF file</b> {escape(data_set.filename)}</p>"
        f"{_table(('', ''), _facts(data_set))}"
        f"{_table(('Station', 'Tags', 'StationXML'), rows)}{rest}"
    )


def station_text(station: Station, filtered: bool) -> str:
    """Return a station's summary."""
    tags = station.get_waveform_tags()
    has_xml = "a" if "StationXML" in station else "no"
    chosen = " (as filtered)" if filtered else ""
    lines = [
        f"Station {station._station_name}{chosen}",
        f"    has {has_xml} StationXML",
        f"    {len(tags)} waveform tag(s): {', '.join(tags)}",
    ]
    return "\n".join(lines)


def station_html(station: Station) -> str:
    """Return a station's summary as HTML."""
    rows = [
        (tag, str(sum(tag_of(name) == tag for name in station.list())))
        for tag in station.get_waveform_tags()
    ]
    has_xml = "with" if "StationXML" in station else "without"
    return (
        f"<p><b>Station</b> {escape(station._station_name)}, {has_xml} StationXML</p>"
        f"{_table(('Tag', 'Traces'), rows)}"
    )
