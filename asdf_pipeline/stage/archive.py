"""Archives: trees of files by station, channel and day, chosen by patterns and days."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.errors import CallError, InputError, InputMissingError
from asdf_pipeline.stage.layouts import CODES, LAYOUTS, days_of, matches, segments
from asdf_pipeline.stage.waveform_file import WaveformFile
from asdf_pipeline.text import one_line
from asdf_pipeline.times import ALWAYS, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DAY = timedelta(1)


@dataclass(frozen=True)
class Archive:
    """Days of an archive.

    Attributes
    ----------
    root : pathlib.Path
        Its directory.
    layout : str
        A name in `layouts.LAYOUTS`, or a template.
    network, station, location, channel : str
        Patterns of the shell; several are separated by commas. ``--`` is the empty
        location.
    first, last : datetime.date or None
        Days, both of them staged; None: no limit.
    """

    root: Path
    layout: str = "sds"
    network: str = "*"
    station: str = "*"
    location: str = "*"
    channel: str = "*"
    first: date | None = None
    last: date | None = None

    @classmethod
    def chosen(
        cls,
        root: str | Path,
        layout: str = "sds",
        *,
        starttime: str | None = None,
        endtime: str | None = None,
        **codes: str,
    ) -> Archive:
        """Return a selection as it is written: days as text, no pattern for all.

        Raises
        ------
        CallError
            If a day cannot be read.
        """
        first = read_day(starttime) if starttime else None
        last = read_day(endtime) if endtime else None
        return cls(Path(root), layout, **codes, first=first, last=last)

    @property
    def patterns(self) -> tuple[str, str, str, str]:
        """Patterns of network, station, location and channel."""
        return self.network, self.station, self.location, self.channel

    @property
    def window(self) -> tuple[int, int] | None:
        """First and last ns since 1970 of the days; None for no limit at all."""
        if self.first is None and self.last is None:
            return None
        first = ALWAYS[0] if self.first is None else _midnight(self.first)
        last = ALWAYS[1] if self.last is None else _midnight(self.last + _DAY)
        return first, last - 1

    def files(self) -> list[WaveformFile]:
        """Return the files of the days, and of the day before and the day after.

        Few archives split their files at midnight exactly: the first seconds of a day
        are at the end of the file before, so that the neighbours are looked into, too.

        Raises
        ------
        CallError
            If the days are in the wrong order, or the layout is unknown.
        InputMissingError
            If there is no such archive, or no such file in it.
        """
        if self.first and self.last and self.first > self.last:
            msg = f"{self.root}: the first day {self.first} is after {self.last}"
            raise CallError(msg)
        parts = segments(self.layout)
        if not self.root.is_dir():
            msg = f"{self.root}: no such directory with an archive"
            raise InputMissingError(msg)
        found: dict[tuple[tuple[str, str], ...], tuple[int, WaveformFile]] = {}
        for path, fields in self._listed(str(self.root), 0, {}, len(parts)):
            version = int(fields.pop("version", "").lstrip("#") or 0)
            codes = tuple(fields.get(code) for code in CODES)
            file = WaveformFile(Path(path), codes, self.patterns, self.window)
            key = tuple(sorted(fields.items()))
            if key not in found or found[key][0] < version:
                found[key] = version, file
        if not found:
            template = LAYOUTS.get(self.layout, self.layout)
            msg = (
                f"{self.root}: no day of {'.'.join(self.patterns)} from "
                f"{self.first or 'the beginning'} to {self.last or 'the end'} in this "
                f"archive (layout {template})"
            )
            raise InputMissingError(msg)
        return sorted((file for _, file in found.values()), key=lambda one: one.path)

    def _listed(
        self, folder: str, depth: int, known: Mapping[str, str], depths: int
    ) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield path and fields of the files below a folder, wanted ones alone.

        Folders that hold nothing of the selection are not looked into.
        """
        segment = segments(self.layout)[depth]
        try:
            with os.scandir(folder) as entries:
                found = list(entries)
        except OSError as error:
            msg = f"{folder}: cannot be listed: {error.strerror or one_line(error)}"
            raise InputError(msg) from error
        for entry in found:
            fields = segment.read(entry.name, known)
            if fields is None or not self._takes(fields):
                continue
            if depth + 1 < depths:
                if entry.is_dir():
                    yield from self._listed(entry.path, depth + 1, fields, depths)
            elif entry.is_file():
                yield entry.path, fields

    def _takes(self, fields: Mapping[str, str]) -> bool:
        """Return whether a path may be of the selection, by the fields known so far."""
        try:
            first, last = days_of(fields)
        except ValueError:  # month 13
            return False
        if (self.first and last < self.first - _DAY) or (
            self.last and first > self.last + _DAY
        ):
            return False
        return all(
            matches(fields[code], patterns)
            for code, patterns in zip(CODES, self.patterns, strict=True)
            if code in fields
        )


def _midnight(day: date) -> int:
    """Return when a day begins in ns since 1970."""
    return (day - date(1970, 1, 1)).days * 86400 * SECOND


def read_day(text: str) -> date:
    """Return a day given as ``2024-01-31`` or ``2024-031``.

    Raises
    ------
    CallError
        If it is neither.
    """
    try:
        if match := re.fullmatch(r"(\d{4})-([0-3]\d\d)", text):
            return date(int(match[1]), 1, 1) + timedelta(int(match[2]) - 1)
        return date.fromisoformat(text)
    except ValueError:
        msg = f"{text!r}: expected a day, such as 2024-01-31 or 2024-031"
        raise CallError(msg) from None
