"""``python -m bench.scroll``: how smoothly a report scrolls, in Chromium.

Makes reports of 60 and of 10,000 stations, turns the wheel over them in windows of 1280
and of 400 pixels, and prints a table of each: the time from one frame on the screen to
the next, frames with holes (a part was not painted in time), and the longest task of
the page's scripts and layout meanwhile. All times are in ms.
"""

from __future__ import annotations

import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.report.page import write_page
from tests.report.chromium import Chromium
from tests.report.synthetic import make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STATIONS = (60, 10_000)
WIDTHS, HEIGHT = (1280, 400), 800
CATEGORIES = ["cc,benchmark", "disabled-by-default-devtools.timeline.frame"]
HOLES = "has_missing_content", "checkerboarded_needs_raster"
WATCH = """
    tasks = []; answers = [];
    for (const [type, list] of [["longtask", tasks], ["event", answers]])
      new PerformanceObserver((found) =>
        list.push(...found.getEntries().map((entry) => entry.duration))
      ).observe({type, buffered: true, durationThreshold: 16});
"""
PAUSE = "new Promise((done) => setTimeout(done, 500))"
LOADED = """({
    "first paint at": performance.getEntriesByType("paint")[0].startTime,
    "loaded at": performance.getEntriesByType("navigation")[0].loadEventEnd,
    "longest task": Math.max(0, ...tasks),
    "elements": document.getElementsByTagName("*").length,
})"""
HEAD = """(() => {
    const head = document.querySelectorAll("th button")[%d];
    head.scrollIntoView({block: "nearest"});
    const box = head.getBoundingClientRect();
    return [box.x + 9, box.y + 9];
})()"""
CLEAR = """
    document.getElementById("search").value = "";
    document.getElementById("search").dispatchEvent(new Event("input"));
"""


class Window(Chromium):
    """A window that is used in other ways than by its wheel."""

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """Do something with the mouse at a place."""
        order = {"type": f"mouse{kind}", "x": x, "y": y, "clickCount": 1}
        self.call("Input.dispatchMouseEvent", **order, button="left", **more)

    def point(self, x: int, y: int) -> None:
        """Move over the map."""
        for step in range(80):
            self.mouse("Moved", x - step, y + step % 40)

    def zoom(self, x: int, y: int) -> None:
        """Turn the wheel over the map with Ctrl held."""
        for _ in range(24):
            self.mouse("Wheel", x, y, deltaX=0, deltaY=-30, modifiers=2)

    def drag(self, x: int, y: int) -> None:
        """Move the map."""
        self.mouse("Pressed", x, y)
        for step in range(60):
            self.mouse("Moved", x + step, y + step / 2)
        self.mouse("Released", x + 60, y + 30)

    def answer(self, act: Callable[[], None]) -> float:
        """Return the longest time from what is done to the frame that shows it."""
        self.evaluate(f"{PAUSE}.then(() => {{ answers.length = 0; }})")
        act()
        return float(self.evaluate(f"{PAUSE}.then(() => Math.max(0, ...answers))"))

    def search(self, text: str) -> None:
        """Type into the table's search."""
        self.evaluate("document.getElementById('search').focus()")
        for key in text:
            self.call("Input.dispatchKeyEvent", type="keyDown", text=key, key=key)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def sort(self) -> None:
        """Press the heads of the first four columns, twice each."""
        for press in range(8):
            place = self.evaluate(HEAD % (press // 2))
            self.mouse("Pressed", *place)
            self.mouse("Released", *place)

    def frames(self, act: Callable[[], None]) -> list[dict[str, Any]]:
        """Return what became of each frame on the screen while something is done."""
        self.evaluate("tasks.length = 0")
        self.events.clear()
        self.call("Tracing.start", traceConfig={"includedCategories": CATEGORIES})
        start = time.monotonic() * 1e6  # Chromium's clock
        act()
        self.call("Tracing.end")
        self.wait("Tracing.tracingComplete")
        told = [
            e["params"] for e in self.events if e["method"] == "Tracing.dataCollected"
        ]
        parts = [p for t in told for p in t["value"] if p["name"] == "PipelineReporter"]
        begun: dict[tuple[int, str], dict[str, Any]] = {}
        ended = []
        for part in sorted(parts, key=lambda part: part["ts"]):
            key = (part["pid"], part["id2"]["local"])
            if part["ph"] == "b":
                begun[key] = part["args"].get("frame_reporter", {})
                continue
            frame = begun.pop(key, {})
            if "PRESENTED" in frame.get("state", "") and part["ts"] > start:
                ended.append(frame | {"ms": part["ts"] / 1000})
        return ended


def scenes(window: Window, width: int) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield what is done, one after the other, and how."""
    end = window.evaluate("document.documentElement.scrollHeight - innerHeight")
    for speed in (3000, 12_000):
        yield f"down, {speed} px/s", partial(window.wheel, 3, 400, end, speed)
        yield f"up, {speed} px/s", partial(window.wheel, 3, 400, -end, speed)
    for name in ("map", "availability"):
        window.show(name)
        yield f"over the {name}", partial(window.wheel, width // 2, 400, 600, 800)
    for speed in (1500, 30_000):
        place = window.show("table")
        turn = partial(window.wheel, **place, distance=3 * speed, speed=speed)
        yield f"table, {speed} px/s", turn
    place = window.show("map-frame")
    yield "map: point", partial(window.point, **place)
    yield "map: zoom", partial(window.zoom, **place)
    yield "map: drag", partial(window.drag, **place)


def measure(page: Path, folder: Path, width: int) -> Iterator[str]:
    """Yield the lines of a table."""
    with Window(page, folder, width, HEIGHT) as window:
        window.evaluate(WATCH)
        window.evaluate(PAUSE)
        loaded = window.evaluate(LOADED)
        yield ", ".join(f"{name} {value:.0f}" for name, value in loaded.items())
        window.show("table")
        yield f"search: {window.answer(partial(window.search, 'bhz s01')):.0f} a key"
        yield f"sort: {window.answer(window.sort):.0f}"
        window.evaluate(CLEAR)
        window.show("main")
        yield "| | frames | median | 95 % | 99 % | longest | > 50 ms | holes | task |"
        yield f"|---{8 * '|---:'}|"
        for name, act in scenes(window, width):
            window.evaluate(PAUSE)
            frames = window.frames(act)
            if "px/s" in name or "over" in name:
                frames = [f for f in frames if f["scroll_state"] != "SCROLL_NONE"]
            gaps = np.diff(np.unique([round(frame["ms"]) for frame in frames]))
            if len(gaps) < 10:
                continue  # there was nothing to scroll
            times = [*np.percentile(gaps, (50, 95, 99)), gaps.max()]
            holes = sum(any(frame[hole] for hole in HOLES) for frame in frames)
            longest = window.evaluate("Math.max(0, ...tasks)")
            cells = [f"{time:.0f}" for time in times]
            cells += [f"{(gaps > 50).sum()}", f"{holes}", f"{longest:.0f}"]
            yield f"| {name} | {len(frames)} | {' | '.join(cells)} |"


def main() -> None:
    """Measure each report in each window."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        for count in map(int, sys.argv[1:] or STATIONS):
            folder = Path(scratch, str(count))
            folder.mkdir()
            source, output, outcomes = make(folder, count)
            page = folder / "report.html"
            write_page(source, output, outcomes, page, "synthetic")
            for width in WIDTHS:
                print(f"\n{count} stations, {width} x {HEIGHT} pixels\n")
                for line in measure(page, folder / f"{width}", width):
                    print(line, flush=True)


if __name__ == "__main__":
    main()
