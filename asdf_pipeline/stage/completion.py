"""Completing codes while headers are scanned: what is refused, what is logged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from asdf_pipeline.errors import InputError
from asdf_pipeline.stage.codes import channel_number
from asdf_pipeline.stage.tally import Tally
from asdf_pipeline.text import plural

if TYPE_CHECKING:
    from pathlib import Path

    import obspy

    from asdf_pipeline.stage.codes import Codes, FileCodes
    from asdf_pipeline.stage.codes_table import CodesLine
    from asdf_pipeline.stage.remote import Place

_LOGGER = logging.getLogger(__name__)
_MOST_NAMED = 5


class Completion:
    """Completes the codes of all files' traces; keeps what the log should say.

    Parameters
    ----------
    codes : Codes
        The table and the defaults.
    """

    def __init__(self, codes: Codes) -> None:
        self.codes = codes
        self.completed, self.contradicted = Tally(), Tally()
        self.used: set[CodesLine] = set()

    def of_file(self, place: Place, member: Path, source_name: str) -> FileCompletion:
        """Return what completes the codes of one file's traces (see `Codes.of_file`).

        Parameters
        ----------
        place : pathlib.Path or RemoteFile
            The file.
        member : pathlib.Path
            What was unpacked of it.
        source_name : str
            Its name, for errors and log lines.
        """
        return FileCompletion(self, self.codes.of_file(place, member), source_name)

    def log(self) -> None:
        """Log which codes were given, and which lines contradict files or fit none."""
        self.completed.log(logging.INFO)
        self.contradicted.log(logging.WARNING)
        unused = [line for line in self.codes.lines if line not in self.used]
        for line in unused[:_MOST_NAMED]:
            _LOGGER.warning(
                "%s, line %d: fits no trace that is staged: are the file's pattern and "
                "the trace's number right?",
                *(self.codes.table, line.number),
            )
        if len(unused) > _MOST_NAMED:
            more = plural(len(unused) - _MOST_NAMED, "more line")
            _LOGGER.warning("%s: %s fit no trace", self.codes.table, more)


class FileCompletion:
    """Completes the codes of one file's traces; refuses what stays nameless."""

    def __init__(self, all_files: Completion, codes: FileCodes, name: str) -> None:
        self._all, self._codes, self._name = all_files, codes, name
        self._nameless: list[str] = []
        self._completed: dict[tuple[str, int, int], str] = {}

    def complete(self, trace: obspy.Trace, number: int) -> str:
        """Complete a trace's codes in place (see `FileCodes.apply`).

        Returns
        -------
        str
            The trace's number, with the format's own channel number if there is one.

        Raises
        ------
        InputError
            If another trace of the file then is of the same channel and times.
        """
        channel = channel_number(trace)
        label = f"{number} (channel {channel})" if channel else str(number)
        applied = self._codes.apply(trace, number)
        if applied.line is not None:
            self._all.used.add(applied.line)
        if applied.contradiction:
            self._all.contradicted.add(applied.contradiction, self._name)
        if not applied.remark:
            return label
        self._all.completed.add(applied.remark, self._name)
        stats = trace.stats
        key = trace.id, stats.starttime.ns, stats.endtime.ns
        other = self._completed.setdefault(key, label)
        if other != label and stats.npts:
            msg = (
                f"{self._name}: traces {other} and {label} would both be {trace.id} "
                f"from {stats.starttime} on: tell them apart in the table (--codes) "
                "by trace_number or channel_number"
            )
            raise InputError(msg)
        return label

    def has_codes(self, trace: obspy.Trace, label: str) -> bool:
        """Return whether a trace has a station's name; if not, note it as nameless.

        Parameters
        ----------
        trace : obspy.Trace
            After `complete`.
        label : str
            What `complete` returned.
        """
        if trace.stats.network or trace.stats.station:
            return True
        self._nameless.append(label)
        return False

    def refuse_nameless(self) -> None:
        """Refuse the file if a trace of it has neither network nor station.

        Raises
        ------
        InputError
            Naming both ways to give it codes.
        """
        if not self._nameless:
            return
        named = ", ".join(self._nameless[:_MOST_NAMED])
        if len(self._nameless) > _MOST_NAMED:
            named += f" and {len(self._nameless) - _MOST_NAMED} more"
        who = f"trace {named} has"
        if len(self._nameless) > 1:
            who = f"traces {named} have"
        table = self._all.codes.table
        remedy = f"no line of {table} fits: add one" if table else "give a table"
        msg = (
            f"{self._name}: {who} neither network nor station code: {remedy} "
            "(--codes FILE.tsv, columns file, network, station, ...), or "
            "--default-network and --default-station"
        )
        raise InputError(msg)
