"""Which units were begun and which came back: how suspects are known.

When a whole tree or job dies, every unit in flight may be the one that killed it.
The next run takes these last and alone; one that is in flight alone when the job
dies again is the killer. A run that is told to stop says so, and makes no suspects.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from asdf_pipeline.files import atomic_write, write_error

if TYPE_CHECKING:
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

    def begun(self, unit_id: str, *, alone: bool) -> None:
        """Note that a worker takes a unit."""
        self._note(ALONE if alone else BEGUN, unit_id)

    def back(self, unit_id: str) -> None:
        """Note that a unit came back, or that its worker's death is known."""
        self._note(BACK, unit_id)

    def stopped(self) -> None:
        """Note that this run was told to stop: nothing in flight is suspect."""
        self._note(STOPPED, "")

    def _note(self, what: str, unit_id: str) -> None:
        try:
            os.write(self._file.fileno(), _line(what, unit_id).encode())
        except OSError as error:
            raise write_error(self.path, error) from error

    def close(self) -> None:
        """Close the record."""
        self._file.close()


def _line(what: str, unit_id: str) -> str:
    return f"{what}{json.dumps(unit_id)}\n"


def _read(path: Path) -> tuple[list[str], list[str]]:
    state: dict[str, str] = {}
    stopped = False
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
            stopped = True
        elif line[0] == BACK:
            state.pop(unit_id, None)
        else:
            state[unit_id] = line[0]
    if stopped:
        return [unit for unit, mark in state.items() if mark in (SUSPECT, ALONE)], []
    suspects = [unit for unit, mark in state.items() if mark != ALONE]
    return suspects, [unit for unit, mark in state.items() if mark == ALONE]
