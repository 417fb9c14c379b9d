"""What is shown while a run goes on: a bar on a terminal, lines in a log."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import CallError
from asdf_pipeline.work.tracebacks import shortened

if TYPE_CHECKING:
    from tqdm import tqdm

    from asdf_pipeline.journal.ledger import Ledger
    from asdf_pipeline.plan.outcome import Outcome

WAYS = ("auto", "bar", "lines", "none")
EVERY = 5.0
"""Seconds between two lines."""


class Progress:
    """Shows a ledger's progress on standard error.

    Parameters
    ----------
    way : {"auto", "bar", "lines", "none"}
        ``auto`` is a bar on a terminal and lines elsewhere.
    total : int
        How many units there are.
    levels : int
        Innermost levels shown of a traceback.
    """

    def __init__(self, way: str, total: int, levels: int) -> None:
        if way not in WAYS:
            msg = f"progress {way!r}: expected one of {', '.join(WAYS)}"
            raise CallError(msg)
        if way == "auto":
            way = "bar" if sys.stderr.isatty() else "lines"
        self.way = way
        self._total = total
        self._levels = levels
        self._bar: tqdm[Any] | None = None
        self._ledger: Ledger | None = None
        self._last = time.monotonic()

    def start(self, ledger: Ledger) -> None:
        """Begin to show a ledger's progress."""
        self._ledger = ledger
        if self.way == "bar":
            from tqdm import tqdm

            tqdm.monitor_interval = 0  # no thread beside our forks
            self._bar = tqdm(
                total=self._total,
                initial=ledger.computed,
                unit=" units",
                dynamic_ncols=True,
            )
            self.tick()

    def on_outcome(self, outcome: Outcome) -> None:
        """Show what the author of a function that failed needs to see."""
        if outcome.status == "failed":
            trace = shortened(outcome.traceback, self._levels)
            self.say(
                f"\n{outcome.title}, tag {outcome.input_tag}"
                f"{outcome.when}, {outcome.worker}:\n"
                f"{trace or outcome.error_message}\n"
            )
        self.tick()

    def tick(self) -> None:
        """Show where things are, if it is time to."""
        with contextlib.suppress(OSError):  # a full disk under the log ends no run
            self._tick()

    def _tick(self) -> None:
        ledger = self._ledger
        if ledger is None or self.way == "none":
            return
        if self._bar is not None:
            megabytes = ledger.bytes_out / 1e6 / max(ledger.seconds, 1e-3)
            failed = ledger.counts.get("failed", 0)
            self._bar.set_postfix_str(
                f"{failed} failed, {megabytes:.1f} MB/s", refresh=False
            )
            self._bar.update(ledger.computed - self._bar.n)
        elif time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            self.say(self._line(ledger))

    def _line(self, ledger: Ledger) -> str:
        computed = ledger.computed
        fresh = computed - ledger.resumed
        left = ""
        if fresh:
            seconds = (ledger.total - computed) * ledger.seconds / fresh
            left = f", {seconds:.0f} s left"
        failed = ledger.counts.get("failed", 0)
        megabytes = ledger.bytes_out / 1e6 / max(ledger.seconds, 1e-3)
        return (
            f"{computed} of {ledger.total} computed, {ledger.done} sealed, "
            f"{failed} failed, {megabytes:.1f} MB/s{left}"
        )

    def say(self, text: str) -> None:
        """Write text to standard error without spoiling a bar."""
        with contextlib.suppress(OSError):
            if self._bar is not None:
                self._bar.write(text, file=sys.stderr)
            else:
                print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self.tick()
            with contextlib.suppress(OSError):
                self._bar.close()
            self._bar = None
