"""Which units were begun and which came back: how suspects are known.

When a whole tree or job dies, every unit in flight may be the one that killed it.
The next run takes these last and alone; one that is in flight alone when the job
dies again is the killer. A worker that is told to stop says so, and what it has is no
suspect. Under MPI one that does not say so has died: launchers end the other ranks of
a job by SIGTERM (Open MPI 4.1 and 5.0 do, a second before SIGKILL).

A worker far away, that has a batch of units, keeps a record of its own beside the
log's: made before anything is done of the batch, it is also the mark by which the
same batch, handed to another worker, is known to be begun.
"""

from __future__ import annotations

import json
import os
from typing import IO, TYPE_CHECKING, Any, Self

from asdf_pipeline.files import atomic_write, write_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

BEGUN, ALONE, BACK, SUSPECT, STOPPED = "+", "!", "-", "?", "."


class _Record:
    """A record of units in flight; appended to without fsync.

    What it is for, the death of processes, leaves the page cache alone.
    """

    def __init__(self, path: Path, file: IO[Any]) -> None:
        self.path = path
        self._file = file

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


class InFlightLog(_Record):
    """The record of a run.

    Attributes
    ----------
    suspects : list of str
        Units that were in flight when an earlier run died.
    killers : list of str
        Units that were in flight alone when it died again.
    """

    def __init__(self, path: Path) -> None:
        self.suspects, self.killers = _read([path, *_batches(path)])
        try:
            with atomic_write(
                path
            ) as file:  # what is known of suspects outlives this run
                file.writelines(_line(SUSPECT, unit).encode() for unit in self.suspects)
            for batch in _batches(path):
                batch.unlink()
            super().__init__(path, path.open("ab", buffering=0))
        except OSError as error:
            raise write_error(path, error) from error


class BatchFlight(_Record):
    """The record of a batch, a context manager.

    Parameters
    ----------
    path : pathlib.Path
        The log's path with an ending that no other batch of any run has.

    Raises
    ------
    FileExistsError
        If the batch was begun before.
    WriteError
        If the record cannot be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            super().__init__(path, path.open("xb", buffering=0))
        except FileExistsError:
            raise
        except OSError as error:
            raise write_error(path, error) from error

    def __enter__(self) -> Self:
        """Return the record itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the record."""
        self.close()


def unit_at_work(batch: Path) -> str | None:
    """Return the id of the unit, or part of one, that a batch's worker was lost on.

    None where all that was begun came back, nothing was begun, or the worker was told
    to stop.
    """
    unit_id = None
    for mark, noted in _lines(batch):
        unit_id = None if mark in (BACK, STOPPED) else noted
    return unit_id


def discard_flights(log: Path) -> None:
    """Delete a run's record and those of its batches."""
    for path in (log, *_batches(log)):
        path.unlink(missing_ok=True)


def _batches(log: Path) -> Iterator[Path]:
    return log.parent.glob(f"{log.name}.*.*")


def _line(what: str, unit_id: str) -> str:
    return f"{what}{json.dumps(unit_id)}\n"


def _read(paths: Iterable[Path]) -> tuple[list[str], list[str]]:
    """Return the suspects and the killers of the run that records are of."""
    marks: dict[str, str] = {}
    stopped: set[str] = set()
    for path in paths:
        for mark, unit_id in _lines(path):
            if mark == STOPPED:
                stopped.add(unit_id)
            elif mark == BACK:
                marks.pop(unit_id, None)
            else:
                marks[unit_id] = mark
    for unit_id in marks if "" in stopped else marks.keys() & stopped:
        # What was suspect before this run, or begun alone, is as suspect as it was.
        marks[unit_id] = "" if marks[unit_id] == BEGUN else SUSPECT
    suspects = [unit_id for unit_id, mark in marks.items() if mark in (BEGUN, SUSPECT)]
    return suspects, [unit_id for unit_id, mark in marks.items() if mark == ALONE]


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the marks of a record and the units that they are for."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            yield line[0], json.loads(line[1:])
        except ValueError:
            continue  # the last line of a writer that was killed
