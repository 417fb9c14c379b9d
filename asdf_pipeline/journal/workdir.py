"""The work directory of one output: what a killed run resumes from.

========================  =====================================================
``lock``, ``owner.json``  who is at work here
``key.json``              what the work depends on; another key discards it
``journal.jsonl``         a line a seal: the segment and the outcomes it holds
``flight``                which units were begun and which came back
``flight.N.RUN``          the same of a batch that a worker far away has
``work.RUN``              what such workers need to know, pickled
``segment-N.h5``          sealed segments; ``.part`` while they are written
``segment-N.RUN.h5``      the same of workers far away
``outcomes.jsonl``        all outcomes so far, written when a run ends
``published.jsonl``       that the output is published, and its outcomes
========================  =====================================================
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asdf_pipeline.errors import WorkDirectoryError
from asdf_pipeline.files import atomic_write, sync_directory, write_error
from asdf_pipeline.journal.in_flight import InFlightLog, discard_flights
from asdf_pipeline.journal.lock import LOCK, OWNER, Lock
from asdf_pipeline.journal.published import PUBLISHED
from asdf_pipeline.journal.segments import PART, Sealed, is_intact
from asdf_pipeline.plan.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

KEY, JOURNAL, OUTCOMES = "key.json", "journal.jsonl", "outcomes.jsonl"
FLIGHT = "flight"
_OWN = re.compile(
    r"(lock|owner|key|journal|flight(\.\d+)?|outcomes|published|merged|work|segment-\d+)"
    r"(\.[0-9a-f]{8})?(\.(jsonl?|h5))?(\.part)?"
)


class WorkDirectory:
    """A work directory, locked, its journal read, and what does not count deleted.

    Parameters
    ----------
    path : pathlib.Path
        The directory; made if it is not there.
    key : mapping of str to (str or None)
        What the work depends on, by name. If it differs from the key of the work
        that is there, or a part of it is None (cannot be known), that work is
        discarded with a log line.

    Attributes
    ----------
    sealed : list of Sealed
        The segments of earlier runs that count.
    lines : dict of str to bytes
        Unit id to outcome (one line of JSON) of all that is journaled.
    in_flight : InFlightLog
        Units begun and come back.

    Raises
    ------
    WorkDirectoryError
        If another run holds it, it cannot be made, or it holds other files.
    """

    def __init__(self, path: Path, key: Mapping[str, str | None]) -> None:
        self.path = path
        self._waits = self._unsynced = False  # see `synced_once`
        try:
            path.mkdir(parents=True, exist_ok=True)
            _refuse_foreign_files(path)
            self._lock = Lock(path)
        except OSError as error:
            msg = f"{path}: the work directory cannot be used: {error.strerror}"
            raise WorkDirectoryError(msg) from error
        try:
            self.sealed: list[Sealed] = []
            self.lines: dict[str, bytes] = {}
            self._open(key)
        except BaseException:
            self._lock.release()
            raise

    def _open(self, key: Mapping[str, str | None]) -> None:
        reason = self._why_not_resume(key)
        if reason:
            log.info("%s: starting afresh: %s", self.path, reason)
        elif reason is None:
            self._read_journal()
        keep = {sealed.name for sealed in self.sealed} if reason is None else set()
        if reason is not None:
            for path in (JOURNAL, PUBLISHED):
                (self.path / path).unlink(missing_ok=True)
            discard_flights(self.path / FLIGHT)
        self._discard(keep)
        try:
            if reason is not None:
                _write_key(self.path / KEY, key)
            self._journal = (self.path / JOURNAL).open("ab", buffering=0)
            self.in_flight = InFlightLog(self.path / FLIGHT)
        except OSError as error:
            raise write_error(self.path, error) from error
        self._number = max((_number(sealed.name) for sealed in self.sealed), default=0)

    def _why_not_resume(self, key: Mapping[str, str | None]) -> str | None:
        """Return None to resume, "" to start quietly, else the reason to discard."""
        try:
            old = json.loads((self.path / KEY).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ""
        except ValueError:
            old = None
        if not isinstance(old, dict):
            return "its key cannot be read"
        changed = [name for name in key if old.get(name) != key[name]]
        if changed:
            return f"{', '.join(changed)} changed"
        unknown = [name for name in key if key[name] is None]
        if unknown:
            return f"whether {', '.join(unknown)} changed cannot be known"
        return None

    def _read_journal(self) -> None:
        end = 0
        for entry in read_journal(self.path):
            end, sealed = entry.end, entry.sealed
            if sealed is not None:
                if not is_intact(self.path / sealed.name, sealed):
                    log.warning(
                        "%s: missing or damaged; its units are done again",
                        self.path / sealed.name,
                    )
                    continue
                self.sealed.append(sealed)
            self.lines |= entry.outcomes
        journal = self.path / JOURNAL
        if journal.exists():  # what a killed run cut off must not come to life again
            os.truncate(journal, end)

    def discard_unsealed(self) -> None:
        """Delete what does not count: it may be what fills the disk."""
        self._discard({sealed.name for sealed in self.sealed})

    def _discard(self, keep: set[str]) -> None:
        for name in _own(self.path):
            if name.startswith(("segment-", "merged", "work.")) and name not in keep:
                (self.path / name).unlink(missing_ok=True)

    @property
    def is_new(self) -> bool:
        """Whether nothing was journaled in it."""
        return os.fstat(self._journal.fileno()).st_size == 0

    def new_segment(self, run: str = "") -> Path:
        """Return the path (``.part``) of a segment that does not exist yet.

        Parameters
        ----------
        run : str
            Eight hexadecimal digits that no other run has, where a worker may go on
            after the run it belongs to died, and write, while the next one is here.
        """
        self._number += 1
        run = run and f".{run}"
        return self.path / f"segment-{self._number:06d}{run}.h5{PART}"

    def record(self, sealed: Sealed | None, outcomes: Mapping[str, bytes]) -> None:
        """Append a seal and its outcomes to the journal, durably."""
        segment = (
            None if sealed is None else [sealed.name, sealed.size, sealed.checksum]
        )
        head = json.dumps({"segment": segment, "outcomes": len(outcomes)}).encode()
        line = b"\n".join([head, *outcomes.values()]) + b"\n"
        journal = self._journal.fileno()
        end = os.fstat(journal).st_size
        try:
            written = os.write(journal, line)
            if written != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301
            self._sync()
        except OSError as error:
            with contextlib.suppress(OSError):  # half a line would hide later ones
                os.truncate(journal, end)
            raise write_error(self.path / JOURNAL, error) from error
        if sealed is not None:
            self.sealed.append(sealed)
        self.lines |= outcomes

    @contextlib.contextmanager
    def synced_once(self) -> Iterator[None]:
        """Let what is recorded within the block become durable at its end, all at once.

        Raises
        ------
        WriteError
            If it does not.
        """
        self._waits = True
        try:
            yield
        finally:
            self._waits = False
        if self._unsynced:
            try:
                self._sync()
            except OSError as error:
                raise write_error(self.path / JOURNAL, error) from error

    def _sync(self) -> None:
        self._unsynced = self._waits
        if not self._waits:
            os.fsync(self._journal.fileno())

    def close(self) -> None:
        """Keep what is there for the next run, and give the lock back.

        May be called again, also after `remove`.
        """
        self._journal.close()
        self.in_flight.close()
        self._lock.release()

    def remove(self) -> None:
        """Delete the directory: its output is published."""
        # The note goes late: until then a kill leaves what the next run understands.
        # The lock goes last, while it is held: no other run can have it meanwhile.
        last = (PUBLISHED, OWNER, LOCK)
        try:
            for name in sorted(set(_own(self.path)) - set(last)):
                (self.path / name).unlink()
            for name in last:
                (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s: cannot be removed: %s", self.path, error.strerror)
        self.close()
        with contextlib.suppress(OSError):  # it holds files of others
            self.path.rmdir()
        sync_directory(self.path.parent)


def _refuse_foreign_files(path: Path) -> None:
    """Refuse a directory with files of others: all ours are deleted in the end."""
    own = set(_own(path))
    others = sorted({child.name for child in path.iterdir()} - own)
    if others and LOCK not in own:
        msg = (
            f"{path}: holds {others[0]!r}, which is no part of a work directory; "
            "name a directory that is empty or does not exist"
        )
        raise WorkDirectoryError(msg)


def _own(path: Path) -> list[str]:
    """Return the names of the files in a directory that are a work directory's own."""
    return [child.name for child in path.iterdir() if _OWN.fullmatch(child.name)]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the journal: a seal, its outcomes, and where it ends in bytes."""

    sealed: Sealed | None
    outcomes: dict[str, bytes]
    end: int


def read_journal(directory: Path) -> Iterator[Entry]:
    """Yield the entries of a work directory's journal.

    They end before the first that is damaged, or cut off as its writer was killed.
    """
    try:
        file = (directory / JOURNAL).open("rb")
    except FileNotFoundError:
        return
    with file:
        while (head := file.readline()).endswith(b"\n"):
            try:
                fields = json.loads(head)
                lines = [file.readline() for _ in range(fields["outcomes"])]
                if lines and not lines[-1].endswith(b"\n"):
                    return
                outcomes = {
                    Outcome.from_json(line).unit_id: line.rstrip() for line in lines
                }
                segment = fields["segment"]
                sealed = None if segment is None else Sealed(*segment)
            except (ValueError, KeyError, TypeError):
                log.warning("%s: damaged at byte %d", file.name, file.tell())
                return
            yield Entry(sealed, outcomes, file.tell())


def _write_key(path: Path, key: Mapping[str, str | None]) -> None:
    """Write the key, whole or not at all: without one all work is discarded."""
    with atomic_write(path) as file:
        file.write(json.dumps(dict(key)).encode())


def _number(name: str) -> int:
    return int(name.removeprefix("segment-").partition(".")[0])
