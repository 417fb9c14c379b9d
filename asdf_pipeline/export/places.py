"""Where exported files go: paths made of a layout and of what a trace is."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.errors import CallError, TraceError
from asdf_pipeline.stage.layouts import CODES, LAYOUTS, fields_of, fill, segments
from asdf_pipeline.times import SECOND, calendar

if TYPE_CHECKING:
    from collections.abc import Iterable

    import obspy

EXAMPLE = "{network}.{station}.{location}.{channel}.{start}"
"""A template by which each trace gets a file of its own."""
_DATES = ("year", "jday", "month", "day")
_TIMES = ("start", "end")
_FIELD = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Places:
    """The paths of exported files.

    Attributes
    ----------
    root : pathlib.Path
        The directory below which all of them are.
    template : str
        The path below it, of fields in braces (see `stage.layouts`).
    """

    root: Path
    template: str

    @classmethod
    def of(cls, to: str | os.PathLike[str], layout: str | None = None) -> Places:
        """Return the paths that a call describes.

        Parameters
        ----------
        to : path-like
            A directory, or with its fields the template of the files' paths.
        layout : str or None
            A name in `stage.layouts.LAYOUTS` or a template of paths below the
            directory.

        Raises
        ------
        CallError
            If that is no template, or leads out of the directory.
        """
        text = os.fspath(to)
        if layout is not None:
            if _FIELD.search(text):
                msg = f"{text}: name a directory, or give the template without a layout"
                raise CallError(msg)
            root, template = Path(text), LAYOUTS.get(layout, layout)
        else:
            parts = Path(text).parts
            first = next((k for k, one in enumerate(parts) if "{" in one), len(parts))
            root, template = Path(*parts[:first]), "/".join(parts[first:])
            if not template:
                msg = (
                    f"{text}: a directory needs a layout ({', '.join(LAYOUTS)}), or "
                    f"the template of its files' paths, such as {text}/{EXAMPLE}"
                )
                raise CallError(msg)
        segments(template)  # unknown fields are refused
        fixed = [_FIELD.sub("x", part) for part in template.split("/")]
        if (
            any(not part or part.startswith(".") for part in fixed)
            or "{" in "".join(fixed)
            or "}" in "".join(fixed)
            or "any" in fields_of(template)
        ):
            msg = (
                f"{template!r}: no template of a file's path: fields in braces, no "
                "empty and no hidden names, no '..', and not {any}"
            )
            raise CallError(msg)
        return cls(root, template)

    @property
    def by_day(self) -> bool:
        """Whether a file is of one day: traces are split at midnight (UTC)."""
        fields = fields_of(self.template)
        names_day = {"year", "jday"} <= fields or {"year", "month", "day"} <= fields
        return names_day and fields.isdisjoint(_TIMES)

    def path(self, trace: obspy.Trace, tag: str, day: int | None = None) -> str:
        """Return the path of a trace's file, below the root.

        Parameters
        ----------
        trace : obspy.Trace
            The trace.
        tag : str
            Its tag.
        day : int or None
            The day's beginning in ns since 1970; None for that of the first sample.

        Raises
        ------
        TraceError
            If a code cannot stand in a path.
        """
        stats = trace.stats
        start = int(stats.starttime.ns)
        values = {code: str(stats[code]) for code in CODES} | {"tag": tag}
        for name, value in values.items():
            if "/" in value or not value.isprintable():
                msg = f"trace {trace.id}: its {name} {value!r} cannot stand in a path"
                raise TraceError(msg)
        date = calendar(start if day is None else day)
        values |= {
            "start": _compact(start),
            "end": _compact(int(stats.endtime.ns)),
            "year": f"{date.year:04d}",
            "jday": f"{date.timetuple().tm_yday:03d}",
            "month": f"{date.month:02d}",
            "day": f"{date.day:02d}",
            "version": "",
        }
        path = fill(self.template, values)
        if any(not part or part.startswith(".") for part in path.split("/")):
            msg = (
                f"trace {trace.id}: would be {path!r}, which is hidden, or no file's "
                "path: pad the empty code, as in {network:_<2}, or put it elsewhere"
            )
            raise TraceError(msg)
        return path

    def stem(self, codes: Iterable[str], tag: str) -> str:
        """Return what the paths of a channel's files have in common.

        Parameters
        ----------
        codes : iterable of str
            Network, station, location, channel.
        tag : str
            Tag.
        """
        values = dict.fromkeys((*_DATES, *_TIMES), "*")
        named = dict(zip(CODES, codes, strict=True))
        return fill(self.template, {**values, **named, "tag": tag, "version": ""})


def _compact(time: int) -> str:
    """Return a time as it stands in a file's name: with a fraction if it has one."""
    seconds, rest = calendar(time), time % SECOND
    text = seconds.isoformat().replace("-", "").replace(":", "")
    if rest % 1000:
        return f"{text}.{rest:09d}"
    return f"{text}.{rest // 1000:06d}" if rest else text
