"""Layouts of archives: how a file's path follows from its codes and its times.

A layout is a template of fields in braces::

    {year}/{network}/{station}/{channel}.D/...

``{network}``, ``{station}``, ``{location}`` and ``{channel}`` are codes, ``{year}``,
``{jday}`` (001 to 366), ``{month}`` and ``{day}`` dates, ``{version}`` is nothing or
``#`` and a number, of which the largest counts, ``{any}`` is any text. ``{tag}`` is a
trace's tag, ``{start}`` and ``{end}`` are its times, such as ``20240131T120000`` and,
where there are fractions of a second, ``20240131T120000.250000``: for writing; what
is read may be any there. ``{station:_<5}`` is a code that is padded to five characters
by underscores, as Python's `format` does it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from asdf_pipeline.errors import CallError

if TYPE_CHECKING:
    from collections.abc import Mapping

CODES = ("network", "station", "location", "channel")

LAYOUTS = {
    # SeisComP's; its type D is waveforms.
    "sds": "{year}/{network}/{station}/{channel}.D/"
    "{network}.{station}.{location}.{channel}.D.{year}.{jday}",
    # The Buffer of Uniform Data of the IRIS DMC.
    "bud": "{network}/{station}/{station}.{network}.{location}.{channel}.{year}.{jday}",
    # scedc.caltech.edu/cloud: bucket scedc-pds.
    "scedc": "continuous_waveforms/{year}/{year}_{jday}/"
    "{network:_<2}{station:_<5}{channel:_<3}{location:_<3}{year}{jday}.ms",
    # ncedc.org/db/cloud.html: bucket ncedc-pds.
    "ncedc": "continuous_waveforms/{network}/{year}/{year}.{jday}/"
    "{station}.{network}.{channel}.{location}.D.{year}.{jday}",
    # docs.earthscope.org: bucket earthscope-geophysical-data; a station's channels in
    # one file, and behind the access point for other networks its version.
    "earthscope": "miniseed/{network}/{year}/{jday}/"
    "{station}.{network}.{year}.{jday}{version}",
}
"""Templates by name: another layout is another line here."""

_DATES = {"year": r"\d{4}", "jday": r"\d{3}", "month": r"\d\d", "day": r"\d\d"}
_OTHERS = {
    "version": r"(?:#\d+)?",
    "any": r"[^/]*",
    "tag": r"[^/]*?",
    **dict.fromkeys(("start", "end"), r"\d{8}T\d{6}(?:\.\d+)?"),
}
_EMPTY = ("network", "location")  # codes that may be
_FIELD = re.compile(r"\{(\w+)(?::(.)<(\d+))?\}")


@dataclass(frozen=True, slots=True)
class Segment:
    """What one part of a path, between two slashes, is and says.

    Attributes
    ----------
    pattern : re.Pattern
        What a name must match as a whole.
    fields : tuple of (str, str)
        Field and padding of each of the pattern's groups.
    parts : tuple of (str, str, str, int)
        Text, and the field that follows it (empty at the end), its padding and width.
    """

    pattern: re.Pattern[str]
    fields: tuple[tuple[str, str], ...]
    parts: tuple[tuple[str, str, str, int], ...]

    def read(self, name: str, known: Mapping[str, str]) -> dict[str, str] | None:
        """Return the fields of a name, with what is known of the folders above it.

        None if the name is not of this form, or contradicts what is known.
        """
        match = self.pattern.fullmatch(name)
        if match is None:
            return None
        fields = dict(known)
        for (field, padding), text in zip(self.fields, match.groups(), strict=True):
            value = text.rstrip(padding) if padding else text
            if fields.setdefault(field, value) != value:
                return None
        return fields

    def begin(self, known: Mapping[str, str]) -> tuple[str, bool]:
        """Return how the names begin that have these fields, and if that is all.

        Parameters
        ----------
        known : mapping of str to str
            Values of some fields.
        """
        begin = ""
        for text, field, padding, width in self.parts:
            begin += text
            if not field:
                return begin, True
            if field not in known:
                return begin, False
            begin += known[field].ljust(width, padding or " ")
        raise AssertionError  # the last part has no field


@cache
def segments(layout: str) -> tuple[Segment, ...]:
    """Return the parts of a layout, from the archive's root to its files.

    Parameters
    ----------
    layout : str
        A name in `LAYOUTS`, or a template.

    Raises
    ------
    CallError
        If it is neither, or a field is unknown.
    """
    template = LAYOUTS.get(layout, layout)
    if not _FIELD.search(template):
        msg = (
            f"layout {layout!r}: expected {', '.join(LAYOUTS)}, or a template of "
            "fields such as {network}/{station}/{channel}.{year}.{jday}"
        )
        raise CallError(msg)
    return tuple(_segment(part, layout) for part in template.strip("/").split("/"))


def fields_of(layout: str) -> frozenset[str]:
    """Return the fields that a layout has, known or not."""
    template = LAYOUTS.get(layout, layout)
    return frozenset(match[1] for match in _FIELD.finditer(template))


def fill(layout: str, values: Mapping[str, str]) -> str:
    """Return a layout's path of these values, by field.

    Raises
    ------
    KeyError
        If a field has no value.
    """

    def filled(match: re.Match[str]) -> str:
        field, padding, width = match.groups()
        value = values[field]
        return value.ljust(int(width), padding) if padding else value

    return _FIELD.sub(filled, LAYOUTS.get(layout, layout))


def _segment(template: str, layout: str) -> Segment:
    pattern, fields, parts, end = "", [], [], 0
    for match in _FIELD.finditer(template):
        field, padding, width = match.groups()
        pattern += f"{re.escape(template[end : match.start()])}({_of(field, width)})"
        if not _of(field, width):
            known = ", ".join((*CODES, *_DATES, *_OTHERS))
            msg = f"layout {layout!r}: unknown field {field!r}; known: {known}"
            raise CallError(msg)
        fields.append((field, padding or ""))
        text = template[end : match.start()]
        parts.append((text, field, padding or "", int(width or 0)))
        end = match.end()
    parts.append((template[end:], "", "", 0))
    whole = re.compile(pattern + re.escape(template[end:]))
    return Segment(whole, tuple(fields), tuple(parts))


def _of(field: str, width: str | None) -> str:
    """Return the regular expression of a field's text, empty for an unknown one."""
    if field in CODES:
        if width is not None:
            return rf"[^/]{{{width}}}"
        return "[^/.]*" if field in _EMPTY else "[^/.]+"
    return {**_DATES, **_OTHERS}.get(field, "")


def matches(code: str, patterns: str) -> bool:
    """Return whether a code matches one of several patterns.

    Parameters
    ----------
    code : str
        Of a network, station, location or channel.
    patterns : str
        Patterns of the shell, separated by commas; ``--`` is the empty code.
    """
    return patterns == "*" or any(
        fnmatchcase(code, pattern.strip().replace("--", ""))
        for pattern in patterns.split(",")
    )


def days_of(fields: Mapping[str, str]) -> tuple[date, date]:
    """Return the first and last day that a path may be of, by the fields it has.

    Raises
    ------
    ValueError
        If there is no such day.
    """
    return _days(*(fields.get(name, "") for name in _DATES))


@lru_cache(1024)  # an archive has the same days for each channel
def _days(year: str, jday: str, month: str, day: str) -> tuple[date, date]:
    if not year:
        return date.min, date.max
    if jday:
        first = last = date(int(year), 1, 1) + timedelta(int(jday) - 1)
    elif month:
        first = date(int(year), int(month), int(day or 1))
        following = date(int(year) + int(month) // 12, int(month) % 12 + 1, 1)
        last = first if day else following - timedelta(1)
    else:
        first, last = date(int(year), 1, 1), date(int(year), 12, 31)
    return first, last
