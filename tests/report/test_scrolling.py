"""A report of 10,000 stations is light enough to scroll: in a real browser.

How smoothly is measured, by ``python -m bench.scroll``; here nothing may be stuck.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asdf_pipeline.report.page import write_page
from tests.report.chromium import Chromium
from tests.report.synthetic import make

if TYPE_CHECKING:
    from pathlib import Path

WATCH = """
    longest = 0;
    new PerformanceObserver((list) => {
      for (const task of list.getEntries()) longest = Math.max(longest, task.duration);
    }).observe({type: "longtask"});
"""
ROWS = "[...document.querySelectorAll('#table tbody [aria-rowindex]')]"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scrolling")
    source, output, outcomes = make(folder, 10_000)
    write_page(source, output, outcomes, folder / "report.html", "many")
    return folder / "report.html"


@pytest.mark.requires("chromium")
@pytest.mark.parametrize("width", [1280, 400])
def test_ten_thousand_stations_scroll(report: Path, tmp_path: Path, width: int) -> None:
    assert report.stat().st_size < 10e6
    with Chromium(report, tmp_path / "profile", width, 800) as browser:
        browser.evaluate(WATCH)
        end = browser.evaluate("document.documentElement.scrollHeight - innerHeight")
        browser.wheel(3, 400, end, speed=8000)
        assert browser.evaluate("scrollY") == pytest.approx(end, abs=2)

        browser.wheel(**browser.show("table"), distance=62_000, speed=62_000)
        assert browser.evaluate("document.getElementById('table').scrollTop") == 62_000
        # What is in sight came along, and nothing else exists.
        rows = browser.evaluate(f"{ROWS}.map((row) => row.ariaRowIndex)")
        assert rows == [str(index) for index in range(int(rows[0]), int(rows[-1]) + 1)]
        assert int(rows[0]) < 2002 < int(rows[-1])
        assert len(rows) < 100
        assert browser.evaluate("document.getElementsByTagName('*').length") < 5000
        assert browser.evaluate("longest") < 3000  # ms
