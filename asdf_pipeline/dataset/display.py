"""How data sets and stations show themselves: as text, and as HTML in notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SHOWN = 20
"""Stations in a table; a file may hold 100,000."""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def data_set_html(
    filename: str,
    facts: Sequence[tuple[str, str]],
    stations: Sequence[tuple[str, Sequence[str], bool]],
    more: int,
) -> str:
    """Return a data set's summary as HTML.

    Parameters
    ----------
    filename : str
        Its file.
    facts : sequence of (str, str)
        Names and values.
    stations : sequence of (str, sequence of str, bool)
        Names, tags, and whether there is a StationXML, of the first `SHOWN`.
    more : int
        How many stations there are beside these.
    """
    rows = [
        (name, " ".join(tags), "yes" if has_xml else "no")
        for name, tags, has_xml in stations
    ]
    rest = f"<p>and {more} more</p>" if more else ""
    return (
        f"<p><b>ASDF file</b> {escape(filename)}</p>{_table(('', ''), facts)}"
        f"{_table(('Station', 'Tags', 'StationXML'), rows)}{rest}"
    )


def station_text(
    name: str, tags: Sequence[str], *, has_stationxml: bool, filtered: bool
) -> str:
    """Return a station's summary, in pyasdf's words."""
    return "\n".join(
        (
            f"{'Filtered contents' if filtered else 'Contents'} of the data set for "
            f"station {name}:",
            f"    - Has {'a' if has_stationxml else 'no'} StationXML file",
            f"    - {len(tags)} Waveform Tag(s):",
            "        " + "\n        ".join(tags),
        )
    )


def station_html(name: str, traces: Mapping[str, int], *, has_stationxml: bool) -> str:
    """Return a station's summary as HTML: its tags with their numbers of traces."""
    rows = [(tag, str(number)) for tag, number in traces.items()]
    has_xml = "with" if has_stationxml else "without"
    return (
        f"<p><b>Station</b> {escape(name)}, {has_xml} StationXML</p>"
        f"{_table(('Tag', 'Traces'), rows)}"
    )
