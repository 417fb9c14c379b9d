"""A Chromium to be used as people use it: DevTools' protocol, over two pipes."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-dev-shm-usage",  # containers have little of it
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_PATIENCE = 120  # seconds that an answer may take


def program() -> str:
    """Return where Chromium is."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found is not None, "there is no chromium on the PATH"
    return found


class Chromium:
    """A window that shows one page.

    Parameters
    ----------
    page : pathlib.Path
        What it opens.
    folder : pathlib.Path
        For its profile: new for each.
    width, height : int
        Of the page's area, in pixels.
    touch : bool
        Whether it is a screen for fingers.
    """

    def __init__(
        self, page: Path, folder: Path, width: int, height: int, touch: bool = False
    ) -> None:
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        self._process = subprocess.Popen(
            # Chromium reads from its file descriptor 3 and writes to 4.
            ["bash", "-c", f'exec "$@" 3<&{orders} 4>&{answers}', "-", program()]
            + [*OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={folder}"]
            + ["about:blank"],
            pass_fds=(orders, answers),
            stderr=subprocess.DEVNULL,
        )
        os.close(orders)
        os.close(answers)
        self._unread = b""
        self._count = 0
        self._session: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        tab = next(t["targetId"] for t in targets if t["type"] == "page")
        answer = self.call("Target.attachToTarget", targetId=tab, flatten=True)
        self._session = {"sessionId": answer["sessionId"]}
        size = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.call("Emulation.setDeviceMetricsOverride", **size, mobile=touch)
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)
        self.call("Page.enable")
        self.call("Page.navigate", url=page.as_uri())
        self.wait("Page.loadEventFired")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(_PATIENCE)
        os.close(self._orders)
        os.close(self._answers)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the answer to one order; what is told meanwhile goes to `events`."""
        self._count += 1
        order = {"id": self._count, "method": method, "params": params}
        os.write(self._orders, json.dumps(order | self._session).encode() + b"\0")
        while (message := self._next()).get("id") != self._count:
            self.events.append(message)
        assert "result" in message, message
        return message["result"]  # type: ignore[no-any-return]

    def wait(self, method: str) -> None:
        """Wait until something is told that was not told yet."""
        while method not in [event["method"] for event in self.events]:
            self.events.append(self._next())

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._answers], [], [], _PATIENCE)
            read = os.read(self._answers, 1 << 20) if ready else b""
            assert read, "Chromium says nothing more"
            self._unread += read
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)  # type: ignore[no-any-return]

    def evaluate(self, script: str) -> Any:
        """Return what a script in the page gives, or what it promises."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def show(self, name: str) -> dict[str, int]:
        """Scroll to an element at once; return where a middle of what is seen is."""
        return self.evaluate(  # type: ignore[no-any-return]
            f"""(() => {{
                const element = document.getElementById({json.dumps(name)});
                element.scrollIntoView({{behavior: "instant"}});
                const box = element.getBoundingClientRect();
                const bottom = Math.min(box.bottom, innerHeight);
                return {{x: Math.round((box.left + box.right) / 2),
                         y: Math.round((Math.max(box.top, 0) + bottom) / 2)}};
            }})()"""
        )

    def wheel(self, x: int, y: int, distance: float, speed: int) -> None:
        """Turn the wheel over a place, by pixels downwards, at pixels a second."""
        self.call(
            "Input.synthesizeScrollGesture",
            x=x,
            y=y,
            yDistance=-distance,
            speed=speed,
            gestureSourceType="mouse",
        )
