"""How a run's report shows itself in notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from asdf_pipeline.plan.outcome import STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from asdf_pipeline.plan.outcome import Outcome

_SHOWN = 10  # failures; a run may have thousands
# Okabe and Ito's palette, told apart by colour-blind people.
_COLOURS = {"ok": "#0072b2", "empty": "#7d8590", "failed": "#c44e00"}


def report_html(
    output: Path | None,
    counts: Mapping[str, int],
    failures: Sequence[Outcome],
    seconds: float,
    resumed: int,
) -> str:
    """Return what a run did, as HTML: counts, and the first failures with traceback.

    Parameters
    ----------
    output, counts, failures, seconds, resumed
        As `RunReport` has them.
    """
    rows = "".join(
        f"<tr><td style='text-align:left;border-left:6px solid "
        f"{_COLOURS.get(status, '#9a4f82')}'>{status}</td>"
        f"<td>{counts[status]:,}</td></tr>"
        for status in STATUSES
        if counts.get(status)
    )
    taken = f", {resumed:,} of them taken over" if resumed else ""
    total = sum(counts.values())
    shown = "".join(map(_failure, failures[:_SHOWN]))
    more = len(failures) - _SHOWN
    rest = f"<p>and {more:,} more in <code>.failures</code></p>" if more > 0 else ""
    return (
        f"<p><b>{total:,} units</b>{taken}, in {seconds:.1f} s: "
        f"<code>{escape(str(output))}</code></p>"
        f"<table><tbody>{rows}</tbody></table>{shown}{rest}"
    )


def _failure(outcome: Outcome) -> str:
    message = f"{outcome.error_type}: {outcome.error_message}"
    title = f"<b>{escape(outcome.station)}</b> ({escape(outcome.input_tag)})"
    if not outcome.traceback:
        return f"<p>{title} {escape(message)}</p>"
    return (
        f"<details><summary>{title} {escape(message[:200])}</summary>"
        f"<pre>{escape(outcome.traceback)}</pre></details>"
    )
