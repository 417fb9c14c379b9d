"""Sealing beside the work: an fsync of 1 GiB takes seconds, and nobody waits for it."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from asdf_pipeline.errors import ASDFPipelineError
from asdf_pipeline.journal.segments import Sealed, seal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class Sealer:
    """Seals closed segments, each in a thread; `drain` yields those that are sealed."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._results: queue.SimpleQueue[
            tuple[Sealed | ASDFPipelineError, Sequence[str]]
        ] = queue.SimpleQueue()

    @property
    def busy(self) -> bool:
        """Whether something is being sealed, or is sealed and not yet drained."""
        return bool(self._threads) or not self._results.empty()

    def begin(self, path: Path, unit_ids: Sequence[str]) -> None:
        """Begin to seal a closed segment that holds the data of these units."""
        thread = threading.Thread(target=self._seal, args=(path, unit_ids), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _seal(self, path: Path, unit_ids: Sequence[str]) -> None:
        try:
            self._results.put((seal(path), unit_ids))
        except ASDFPipelineError as error:
            self._results.put((error, unit_ids))

    def drain(self, *, wait: bool = False) -> Iterator[tuple[Sealed, Sequence[str]]]:
        """Yield what was sealed since the last call, and its units.

        Parameters
        ----------
        wait : bool
            Wait for all that is being sealed. Who forks must: a child that is forked
            beside a thread may inherit a lock that nobody will release (CPython
            issue 6721, bugs.python.org).

        Raises
        ------
        WriteError
            If a segment could not be sealed.
        """
        for thread in self._threads:
            if wait:
                thread.join()
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        while not self._results.empty():
            sealed, unit_ids = self._results.get()
            if isinstance(sealed, ASDFPipelineError):
                raise sealed
            yield sealed, unit_ids
