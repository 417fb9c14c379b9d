"""A run's report in a notebook."""

from __future__ import annotations

from pathlib import Path

from asdf_pipeline.engine.report import RunReport
from asdf_pipeline.plan.outcome import Outcome


def test_shows_counts_and_the_first_failures_escaped() -> None:
    failures = [
        Outcome(
            f"XX.S{k:02d}",
            "raw",
            "done",
            "failed",
            error_type="ValueError",
            error_message="<img src=x onerror=alert(1)>",
            traceback="Traceback <b>" if k else "",
        )
        for k in range(12)
    ]
    report = RunReport(Path("<out>.h5"), {"ok": 1200, "failed": 12}, 3.25, 7, failures)
    text = report._repr_html_()
    assert "1,212 units" in text
    assert "7 of them taken over" in text
    assert "&lt;out&gt;.h5" in text
    assert text.count("<details>") == 9
    assert "and 2 more" in text
    assert "<img" not in text
    assert "Traceback &lt;b&gt;" in text


def test_shows_no_more_than_there_is() -> None:
    text = RunReport(Path("out.h5"), {"ok": 3}, 0.5)._repr_html_()
    assert "failed" not in text
    assert "taken over" not in text
