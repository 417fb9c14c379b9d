"""SDS archives: a tree with a file a channel and day, chosen by patterns and days.

The layout is that of SeisComP: ``YEAR/NET/STA/CHA.TYPE/NET.STA.LOC.CHA.TYPE.YEAR.DAY``,
of which type ``D`` (waveforms) is read.
"""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.errors import CallError, InputMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(
    r"(?P<network>[^.]*)\.(?P<station>[^.]+)\.(?P<location>[^.]*)\.(?P<channel>[^.]+)"
    r"\.D\.(?P<year>\d{4})\.(?P<day>\d{3})"
)
_CODES = ("network", "station", "location", "channel")


@dataclass(frozen=True)
class SDS:
    """Days of an archive.

    Attributes
    ----------
    root : pathlib.Path
        The directory with a directory for each year.
    network, station, location, channel : str
        Patterns of the shell; several are separated by commas. ``--`` is the empty
        location.
    first, last : datetime.date or None
        Days, both of them staged; None: no limit.
    """

    root: Path
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
        *,
        starttime: str | None = None,
        endtime: str | None = None,
        **codes: str,
    ) -> SDS:
        """Return a selection as it is written: days as text, no pattern for all.

        Raises
        ------
        CallError
            If a day cannot be read.
        """
        first = read_day(starttime) if starttime else None
        last = read_day(endtime) if endtime else None
        return cls(Path(root), **codes, first=first, last=last)

    def files(self) -> list[Path]:
        """Return the files of the selection, sorted.

        Raises
        ------
        CallError
            If the days are in the wrong order.
        InputMissingError
            If there is no such archive, or no such file in it.
        """
        if self.first and self.last and self.first > self.last:
            msg = f"{self.root}: the first day {self.first} is after {self.last}"
            raise CallError(msg)
        if not self.root.is_dir():
            msg = f"{self.root}: no such directory with an SDS archive"
            raise InputMissingError(msg)
        found = sorted(self._matches())
        if not found:
            codes = ".".join(getattr(self, code) for code in _CODES)
            msg = (
                f"{self.root}: no day of {codes} from {self.first or 'the beginning'} "
                f"to {self.last or 'the end'} in this SDS archive "
                "(YEAR/NET/STA/CHA.D/NET.STA.LOC.CHA.D.YEAR.DAY)"
            )
            raise InputMissingError(msg)
        return found

    def _matches(self) -> Iterator[Path]:
        tree = glob.iglob(f"{glob.escape(str(self.root))}/[0-9]*/*/*/*.D/*.D.*")  # noqa: PTH207 - far faster
        for name in tree:
            path = Path(name)
            match = _NAME.fullmatch(path.name)
            if match is not None and self._takes(match) and path.is_file():
                yield path

    def _takes(self, match: re.Match[str]) -> bool:
        day = date(int(match["year"]), 1, 1) + timedelta(int(match["day"]) - 1)
        if (self.first and day < self.first) or (self.last and day > self.last):
            return False
        return all(
            any(
                fnmatchcase(match[code], pattern.strip().replace("--", ""))
                for pattern in getattr(self, code).split(",")
            )
            for code in _CODES
        )


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
