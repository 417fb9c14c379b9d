"""Archives: trees of files by station, channel and day, chosen by patterns and days."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.errors import CallError, InputError, InputMissingError
from asdf_pipeline.stage.layouts import CODES, LAYOUTS, days_of, matches, segments
from asdf_pipeline.stage.remote import (
    Entry,
    RemoteFile,
    described,
    entries,
)
from asdf_pipeline.stage.stores import is_remote
from asdf_pipeline.stage.waveform_file import WaveformFile
from asdf_pipeline.text import one_line
from asdf_pipeline.times import ALWAYS, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from asdf_pipeline.stage.layouts import Segment

_DAY = timedelta(1)


@dataclass(frozen=True)
class Archive:
    """Days of an archive.

    Attributes
    ----------
    root : pathlib.Path or str
        Its directory, or its address: ``s3://bucket``.
    layout : str
        A name in `layouts.LAYOUTS`, or a template.
    network, station, location, channel : str
        Patterns of the shell; several are separated by commas. ``--`` is the empty
        location.
    first, last : datetime.date or None
        Days, both of them staged; None: no limit.
    """

    root: Path | str
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
        place = root if isinstance(root, str) and is_remote(root) else Path(root)
        return cls(place, layout, **codes, first=first, last=last)

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
        InputError
            If it cannot be listed.
        """
        if self.first and self.last and self.first > self.last:
            msg = f"{self.root}: the first day {self.first} is after {self.last}"
            raise CallError(msg)
        parts = segments(self.layout)
        if isinstance(self.root, Path) and not self.root.is_dir():
            msg = f"{self.root}: no such directory with an archive"
            raise InputMissingError(msg)
        found: dict[tuple[tuple[str, str], ...], tuple[int, WaveformFile]] = {}
        for entry, fields in self._listed(parts):
            version = int(fields.pop("version", "").lstrip("#") or 0)
            codes = tuple(fields.get(code) for code in CODES)
            place = entry.file if isinstance(entry, Entry) else Path(entry.path)
            assert place is not None
            file = WaveformFile(place, codes, self.patterns, self.window)
            if isinstance(place, RemoteFile) and _says_all(fields):
                first, last = days_of(fields)
                span = _midnight(first), _midnight(last + _DAY) - 1
                file = replace(file, span=span)
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
        return sorted(
            _with_versions([file for _, file in found.values()]),
            key=lambda file: str(file.path),
        )

    def _listed(
        self, parts: Sequence[Segment]
    ) -> Iterator[tuple[os.DirEntry[str] | Entry, dict[str, str]]]:
        """Yield the files of the selection, with the fields of their paths.

        Folders that hold nothing of it are not looked into. Those of one depth are
        looked into together, for a server lists several at a time.
        """
        folders: list[tuple[str, dict[str, str]]] = [(str(self.root), {})]
        for segment in parts:
            is_last = segment is parts[-1]
            below = []
            listed = self._entries(segment, folders, is_last)
            for (_, known), found in zip(folders, listed, strict=True):
                for entry in found:
                    fields = segment.read(entry.name, known)
                    if fields is None or not self._takes(fields):
                        continue
                    if is_last and entry.is_file():
                        yield entry, fields
                    elif not is_last and entry.is_dir():
                        below.append((entry.path, fields))
            folders = below

    def _entries(
        self,
        segment: Segment,
        folders: Sequence[tuple[str, Mapping[str, str]]],
        is_last: bool,
    ) -> Iterator[Iterable[os.DirEntry[str] | Entry]]:
        """Yield what each folder holds, or what there may be of the selection in it."""
        if isinstance(self.root, Path):
            yield from (_scanned(folder) for folder, _ in folders)
            return
        begins = [segment.begin({**self._fixed, **known}) for _, known in folders]
        asked = [
            (folder, begin if is_last else "")
            for (folder, _), (begin, is_whole) in zip(folders, begins, strict=True)
            if is_last or not is_whole
        ]
        answers = iter(entries(asked))
        for (folder, _), (begin, is_whole) in zip(folders, begins, strict=True):
            if is_last or not is_whole:
                yield next(answers)
            else:  # folders are names alone: no need to ask
                yield [Entry(begin, f"{folder.rstrip('/')}/{begin}")]

    @property
    def _fixed(self) -> dict[str, str]:
        """The codes that are no patterns."""
        return {
            code: pattern.strip().replace("--", "")
            for code, pattern in zip(CODES, self.patterns, strict=True)
            if not re.search(r"[*?[,]", pattern)
        }

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


def _scanned(folder: str) -> list[os.DirEntry[str]]:
    """Return what a folder of this machine holds.

    Raises
    ------
    InputError
        If it cannot be listed.
    """
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError as error:
        msg = f"{folder}: cannot be listed: {error.strerror or one_line(error)}"
        raise InputError(msg) from error


def _with_versions(files: Sequence[WaveformFile]) -> list[WaveformFile]:
    """Return files, those of servers with what tells them from themselves changed."""
    bare = [one.path for one in files if isinstance(one.path, RemoteFile)]
    known = {file.url: file for file in described(bare)}
    return [replace(one, path=known.get(str(one.path), one.path)) for one in files]


def _says_all(fields: Mapping[str, str]) -> bool:
    """Return whether a path says which station and day a file is of."""
    dated = {"year", "jday"} <= fields.keys() or {"month", "day"} <= fields.keys()
    return dated and {"network", "station"} <= fields.keys()


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
