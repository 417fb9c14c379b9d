"""Codes for traces whose file holds no network or station: a table's, or defaults.

SEG-Y, SU, WIN, Reftek, SEG-2, WAV, PDAS and Q files hold none of the two as ObsPy reads
them, SAC files often no network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.errors import CallError
from asdf_pipeline.stage.codes_table import (
    EMPTY,
    CodesLine,
    check_code,
    plain_number,
    read_codes_table,
)
from asdf_pipeline.stage.layouts import CODES

if TYPE_CHECKING:
    import obspy

    from asdf_pipeline.stage.remote import Place

_PATTERN = re.compile(r"[*?[]")


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a trace's codes.

    Attributes
    ----------
    line : CodesLine or None
        The line of the table that the codes are from, if one fits and it was needed.
    remark : str
        Which codes the trace got and why, for the log; empty where it got none.
    contradiction : str
        Where the table says another network or station than the file, which is kept;
        empty where it does not.
    """

    line: CodesLine | None = None
    remark: str = ""
    contradiction: str = ""


@dataclass(frozen=True)
class Codes:
    """A table of codes, and defaults.

    Attributes
    ----------
    lines : tuple of CodesLine
        The table's, in its order: the first one that fits a trace counts.
    defaults : tuple of str
        Network, station, location and channel for what neither file nor table says.
    table : str
        The table's path, for errors and the log; empty without one.
    """

    lines: tuple[CodesLine, ...] = ()
    defaults: tuple[str, ...] = ("",) * 4
    table: str = ""

    @classmethod
    def read(
        cls,
        table: str | Path | None = None,
        *,
        network: str = "",
        station: str = "",
        location: str = "",
        channel: str = "",
    ) -> Codes:
        """Return the codes of a table, and the defaults.

        Parameters
        ----------
        table : path-like or None
            Text with tabs (see `codes_table.read_codes_table`).
        network, station, location, channel : str
            Defaults; empty for none, as the location ``--`` is.

        Raises
        ------
        InputMissingError
            If there is no such table.
        CallError
            If a line of it, or a default, cannot be; the line is named.
        """
        location = "" if location == EMPTY else location
        defaults = (network, station, location, channel)
        for name, code in zip(CODES, defaults, strict=True):
            try:
                check_code(name, code)
            except CallError as error:
                msg = f"default {error}"
                raise CallError(msg) from None
        lines = () if table is None else read_codes_table(table)
        return cls(lines, defaults, "" if table is None else str(table))

    @property
    def key(self) -> str:
        """What tells these codes from others; line numbers do not count."""
        return repr(([replace(line, number=0) for line in self.lines], self.defaults))

    def of_file(self, place: Place, member: Path) -> FileCodes:
        """Return what the table and the defaults say of one file.

        Parameters
        ----------
        place : pathlib.Path or RemoteFile
            The file.
        member : pathlib.Path
            What was unpacked of it; the file itself where it is not packed. Lines fit
            by the name of either.
        """
        parts = [Path(str(place)).absolute().parts]
        if member.name != place.name:
            parts.append((*parts[0], member.name))
        exact, patterns = self._by_name
        names = {one[-1] for one in parts}
        lines = patterns + [line for name in names for line in exact.get(name, ())]
        return FileCodes(
            self,
            [
                line
                for line in lines
                if any(_ends_with(one, line.parts) for one in parts)
            ],
        )

    @cached_property
    def _by_name(self) -> tuple[dict[str, list[CodesLine]], list[CodesLine]]:
        """The lines by the file's name, and those whose file's name is a pattern.

        A table may have a line for each of thousands of files.
        """
        exact: dict[str, list[CodesLine]] = {}
        patterns = []
        for line in self.lines:
            name = line.parts[-1]
            if _PATTERN.search(name):
                patterns.append(line)
            else:
                exact.setdefault(name, []).append(line)
        return exact, patterns


class FileCodes:
    """What a table and defaults say of the traces of one file."""

    def __init__(self, codes: Codes, lines: list[CodesLine]) -> None:
        self._codes = codes
        self._first: dict[tuple[int | None, str], CodesLine] = {}
        for line in sorted(lines, key=lambda line: line.number):
            self._first.setdefault((line.trace_number, line.channel_number), line)

    def apply(self, trace: obspy.Trace, number: int) -> Applied:
        """Complete a trace's codes in place where it lacks network or station.

        Network and station of the file stay. Location and channel are the table's where
        it says them, for the file's are then mostly the format's own numbers.

        Parameters
        ----------
        trace : obspy.Trace
            Its samples are not needed.
        number : int
            Its number in the file, from 1.
        """
        stats = trace.stats
        before = trace.id
        line = self._line(trace, number)
        said = (None,) * 4 if line is None else line.codes
        whole = bool(stats.network and stats.station)
        other = [
            f"{name} {code}"
            for name, code in zip(CODES[:2], said[:2], strict=True)
            if code and stats[name] not in ("", code)
        ]
        contradiction = ""
        if line is not None and other:
            contradiction = (
                f"{before} is what the file says, {self._codes.table}, line "
                f"{line.number}, says {', '.join(other)}: the file's codes stay"
            )
        if whole:
            return Applied(line, "", contradiction)
        for name, code, default in zip(CODES, said, self._codes.defaults, strict=True):
            if code is not None and (name in CODES[2:] or not stats[name]):
                stats[name] = code
            elif not stats[name]:
                stats[name] = default
        remark = ""
        if trace.id != before:
            source = f"{self._codes.table}, line {line.number}" if line else "defaults"
            remark = f"{before} is staged as {trace.id} ({source})"
        return Applied(line, remark, contradiction)

    def _line(self, trace: obspy.Trace, number: int) -> CodesLine | None:
        """Return the first line that fits a trace, None if none does."""
        if not self._first:
            return None
        channel = channel_number(trace)
        keys = ((number, channel), (number, ""), (None, channel), (None, ""))
        found = [self._first[key] for key in keys if key in self._first]
        return min(found, key=lambda line: line.number, default=None)


def channel_number(trace: obspy.Trace) -> str:
    """Return the format's own channel number, as a table's line has it.

    That is SEG-2's ``CHANNEL_NUMBER``, SEG-Y's and SU's trace number within the field
    record, Reftek's and Q's number, and the channel code elsewhere: WIN's is the number
    in hexadecimal digits.
    """
    stats = trace.stats
    for name in ("segy", "su"):
        if name in stats:
            header = stats[name].trace_header
            return str(header.trace_number_within_the_original_field_record)
    found = stats.channel
    for name, field in (
        ("seg2", "CHANNEL_NUMBER"),
        ("reftek130", "channel_number"),
        ("sh", "RECNO"),
    ):
        found = stats.get(name, {}).get(field, found)
    return plain_number(str(found))


def _ends_with(path: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Return whether a path ends as a pattern says; ``**`` is any depth."""
    if not pattern:
        return True
    *before, last = pattern
    if last == "**":
        ends = range(len(path) + 1)
        return any(_ends_with(path[:end], tuple(before)) for end in ends)
    return (
        bool(path)
        and fnmatchcase(path[-1], last)
        and _ends_with(path[:-1], tuple(before))
    )
