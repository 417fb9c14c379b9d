"""Which units were begun and which came back: how suspects are known.

When a whole tree or job dies, every unit in flight may be the one that killed it.
The next run takes these last and alone; one that is in flight alone when the job
dies again is the killer. A worker that is told to stop says so, and what it has is no
suspect. Under MPI one that does not say so has died: launchers end the other ranks of
a job by SIGTERM (Open MPI 4.1 and 5.0 do, a second before SIGKILL).
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from asdf_pipeline.files import atomic_write, write_error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BEGUN, ALONE, BACK, SUSPECT, STOPPED = "+", "!", "-", "?", "."


class InFlightLog:
    """The record of units in flight; appended to without fsync.

    What it is for, the death of processes, leaves the page cache alone.

    Attributes
    ----------
    suspects : list of str
        Units that were in flight when an earlier run died.
    killers : list of str
        Units that were in flight alone when it died again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.suspects, self.killers = _read(path)
        try:
            with atomic_write(
                path
            ) as file:  # what is known of suspects outlives this run
                file.writelines(_line(SUSPECT, unit).encode() for unit in self.suspects)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise write_error(path, error) from error

    def begun(self, *unit_ids: str, alone: bool) -> None:
        """Note that a worker takes units."""
        self._note(ALONE if alone else BEGUN, unit_ids)

    def back(self, *unit_ids: str) -> None:
        """Note that units came back, or that their worker's death is known."""
        self._note(BACK, unit_ids)

    def stopped(self, *unit_ids: str) -> None:
        """Note that units are no suspects, for their worker was told to stop.

        Without an id, no unit of this run is.
        """
        self._note(STOPPED, unit_ids or ("",))

    def _note(self, what: str, unit_ids: Sequence[str]) -> None:
        lines = "".join(_line(what, unit_id) for unit_id in unit_ids)
        try:
            os.write(self._file.fileno(), lines.encode())
        except OSError as error:
            raise write_error(self.path, error) from error

    def close(self) -> None:
        """Close the record."""
        self._file.close()


def _line(what: str, unit_id: str) -> str:
    return f"{what}{json.dumps(unit_id)}\n"


def _read(path: Path) -> tuple[list[str], list[str]]:
    """Return the suspects and the killers of the run that a record is of."""
    marks: dict[str, str] = {}
    stopped: set[str] = set()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return [], []
    for line in lines:
        try:
            unit_id = json.loads(line[1:])
        except ValueError:
            continue  # the last line of a writer that was killed
        if line[0] == STOPPED:
            stopped.add(unit_id)
        elif line[0] == BACK:
            marks.pop(unit_id, None)
        else:
            marks[unit_id] = line[0]
    for unit_id in marks if "" in stopped else marks.keys() & stopped:
        # What was suspect before this run, or begun alone, is as suspect as it was.
        marks[unit_id] = "" if marks[unit_id] == BEGUN else SUSPECT
    suspects = [unit_id for unit_id, mark in marks.items() if mark in (BEGUN, SUSPECT)]
    return suspects, [unit_id for unit_id, mark in marks.items() if mark == ALONE]
