"""One hour out of a month: how much of the file is read."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from bench.inputs import SCRATCH, Input
from bench.measure import CommandFailedError
from bench.rows import Row
from bench.run import OURS, PEER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "Reading one hour out of a long trace (40 Hz)"

_SCRIPT = """
import importlib, json, sys, pathlib, time
package, path = sys.argv[1:]
library = importlib.import_module(package)
import obspy
def bytes_read():
    text = pathlib.Path("/proc/self/io").read_text()
    return int(text.split("rchar: ")[1].split()[0])
start = obspy.UTCDateTime("2013-05-25T12:00:00")
with library.ASDFDataSet(path, mode="r") as ds:
    before, began = bytes_read(), time.perf_counter()
    stream = ds.get_waveforms(
        "XB", "00000", "", "BHZ", start, start + 3600, "raw_recording"
    )
    seconds = time.perf_counter() - began
    print(json.dumps([bytes_read() - before, seconds, stream[0].stats.npts]))
"""


def measure(effort: Effort) -> Iterator[Row]:
    """Yield a row for a file of either package."""
    days = 4 if effort.quick else 30
    for maker in (PEER, OURS):
        long = Input(1, days * 86_400 * 40, ("BHZ",), maker=maker)
        figures = {package: _read(package, long) for package in (PEER, OURS)}
        size = long.path.stat().st_size / 1e6
        yield Row.ratio(
            f"megabytes read of a {days}-day file of {size:.0f} MB by {maker}",
            "MB",
            [figures[PEER][0] / 1e6],
            [figures[OURS][0] / 1e6],
            "of pyasdf's",
        )
        yield Row.ratio(
            f"time to read it, {days}-day file by {maker}",
            "ms",
            [figures[PEER][1] * 1e3],
            [figures[OURS][1] * 1e3],
            "times faster",
            faster=True,
        )


def _read(package: str, long: Input) -> tuple[int, float]:
    log = SCRATCH / f"{package}.log"
    command = [sys.executable, "-c", _SCRIPT, package, str(long.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    log.write_text(done.stdout + done.stderr)
    if done.returncode:
        msg = f"reading a window with {package} failed; see {log}"
        raise CommandFailedError(msg)
    size, seconds, samples = json.loads(done.stdout.splitlines()[-1])
    assert abs(samples - 3600 * 40) <= 3  # pyasdf gives one more at either end
    return size, seconds
