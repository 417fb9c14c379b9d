"""Log lines about many traces, counted."""

from __future__ import annotations

import logging
from collections import Counter

_LOGGER = logging.getLogger(__name__)


class Tally:
    """Counts what is said of many traces, so that each thing is one log line."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def add(self, said: str, source_name: str) -> None:
        """Count something said of a trace of a file."""
        self._counts[said] += 1
        self._first.setdefault(said, source_name)

    def log(self, level: int) -> None:
        """Log what was said, each with the first file and how often."""
        for said, count in self._counts.items():
            times = "" if count == 1 else f" ({count} times, here first)"
            _LOGGER.log(level, "%s: %s%s", self._first[said], said, times)
