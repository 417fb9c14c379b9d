"""The page in a real browser: it works offline, runs nothing hostile, is accessible."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from asdf_pipeline.plan.outcome import Outcome
from asdf_pipeline.report.page import write_page
from tests.report.chromium import OPTIONS, Chromium, program
from tests.report.synthetic import make

HOSTILE = (
    "</script><script>document.title='hostile'</script>"
    "<img src=x onerror=\"document.title='hostile'\">"
)
SHOWN = "document.querySelector('.ground').getAttribute('viewBox')"


def browse(page: Path, folder: Path, *options: str) -> str:
    """Return the document after its scripts ran, with no way to any host."""
    done = subprocess.run(
        [
            program(),
            *OPTIONS,
            f"--user-data-dir={folder / 'profile'}",
            "--window-size=1280,900",
            "--virtual-time-budget=20000",
            "--enable-logging=stderr",
            *options,
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    assert not console, console  # an error, or a refused request
    return done.stdout


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    source, output, outcomes = make(folder, 60)
    hostile = Outcome(
        f"XX.{HOSTILE}",
        HOSTILE,
        HOSTILE,
        "failed",
        latitude=45.0,
        longitude=8.0,
        channels=(HOSTILE,),
        error_type=HOSTILE,
        error_message=HOSTILE,
        traceback=HOSTILE,
        worker=HOSTILE,
    )
    write_page(source, output, [*outcomes, hostile], folder / "report.html", "Alps")
    return folder / "report.html"


@pytest.mark.requires("chromium")
def test_scripts_fill_table_and_map(page: Path, tmp_path: Path) -> None:
    dom = browse(page, tmp_path)
    assert re.search(r'id="found"[^>]*>61 rows<', dom)
    assert 'aria-rowindex="3"' in dom
    assert re.search(r'<g class="net"><line', dom)


@pytest.mark.requires("chromium")
def test_nothing_hostile_runs(page: Path, tmp_path: Path) -> None:
    dom = browse(page, tmp_path)
    assert "<title>Alps · asdf_pipeline report</title>" in dom
    assert "<img" not in dom


def slide(browser: Chromium, place: dict[str, int], *ways: tuple[int, int]) -> None:
    """Slide a finger for each of the ways, all from near a place, and lift them."""
    for step in range(2, 12):
        fingers = [
            {
                "id": k,
                "x": place["x"] + dx * step / 10,
                "y": place["y"] + dy * step / 10,
            }
            for k, (dx, dy) in enumerate(ways)
        ]
        kind = "touchStart" if step == 2 else "touchMove"
        browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=fingers)
    browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    browser.evaluate("new Promise((done) => setTimeout(done, 300))")


@pytest.mark.requires("chromium")
def test_two_fingers_zoom_the_map_and_one_scrolls(page: Path, tmp_path: Path) -> None:
    with Chromium(page, tmp_path / "profile", 400, 800, touch=True) as browser:
        place = browser.show("map")
        start = browser.evaluate("scrollY")
        slide(browser, place, (-50, -50), (50, 50))
        zoomed = browser.evaluate(SHOWN)
        assert float(zoomed.split()[2]) < 300  # of 1000
        slide(browser, place, (0, -50))
        assert browser.evaluate(SHOWN) != zoomed
        assert browser.evaluate("[visualViewport.scale, scrollY]") == [1, start]
        browser.evaluate("document.querySelector('[data-zoom=\"0\"]').click()")
        slide(browser, place, (0, -50))
        assert browser.evaluate("scrollY") > start


@pytest.mark.requires("chromium", "axe")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_is_accessible(page: Path, tmp_path: Path, scheme: str) -> None:
    axe = Path(os.environ["ASDF_PIPELINE_AXE"]).read_text(encoding="utf-8")
    check = """
        axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => {
          const found = violations.map((v) => ({
            impact: v.impact, id: v.id, help: v.help,
            nodes: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200)),
          }));
          const note = document.createElement("pre");
          note.id = "axe";
          note.textContent = JSON.stringify(found);
          document.body.append(note);
        });"""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    text = text.replace(
        "</body>", f"<script>{axe}</script><script>{check}</script></body>"
    )
    copy = tmp_path / "checked.html"
    copy.write_text(text, encoding="utf-8")
    colours = {"light": "1", "dark": "0"}[scheme]
    dom = browse(copy, tmp_path, f"--blink-settings=preferredColorScheme={colours}")
    found = re.search(r'<pre id="axe">(.*?)</pre>', dom, re.DOTALL)
    assert found, "axe said nothing"
    violations = json.loads(html.unescape(found[1]))
    assert [v for v in violations if v["impact"] in ("serious", "critical")] == []
