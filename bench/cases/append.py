"""Appending one second after another, as who records in real time does."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from bench.inputs import SCRATCH
from bench.measure import CommandFailedError
from bench.rows import Row, at_least, at_most
from bench.run import OURS, PEER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort

TITLE = "Appending pieces of one second (100 Hz)"
FEW = 100

_SCRIPT = """
import importlib, json, pathlib, sys, time
package, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
library = importlib.import_module(package)
import numpy, obspy
pathlib.Path(path).unlink(missing_ok=True)
start = obspy.UTCDateTime("2024-01-01")
steps = numpy.random.default_rng(1).integers(-9, 9, 100 * count)
data = numpy.cumsum(steps).astype("int32")
header = {"network": "XX", "station": "A", "channel": "HHZ", "sampling_rate": 100.0}
with library.ASDFDataSet(path) as ds:
    ds.append_waveforms(obspy.Trace(data[:100], {**header, "starttime": start}), "raw")
    began = time.perf_counter()
    for second in range(1, count):
        piece = data[second * 100 : (second + 1) * 100]
        trace = obspy.Trace(piece, {**header, "starttime": start + second})
        ds.append_waveforms(trace, "raw")
    ds.flush()
    print(json.dumps((time.perf_counter() - began) / (count - 1) * 1e6))
"""


def measure(effort: Effort) -> Iterator[Row]:
    """Yield a row for what a piece costs, and for how that grows with their number."""
    many = 2000 if effort.quick else 10_000
    peer, ours, few = [], [], []
    for _ in range(max(3, effort.repeat)):
        few.append(_append(OURS, FEW))
        ours.append(_append(OURS, many))
        peer.append(_append(PEER, many // 10))  # it becomes no cheaper by more
    yield Row.ratio(
        f"a piece of {many} (pyasdf: of {many // 10})",
        "us",
        peer,
        ours,
        "times faster",
        faster=True,
        goal=at_least(3),
    )
    yield Row.ratio(
        f"a piece of {many}, beside one of {FEW} (ours both)",
        "us",
        few,
        ours,
        "of the cost",
        goal=at_most(1.5),
    )


def _append(package: str, count: int) -> float:
    """Return what a piece costs in microseconds."""
    SCRATCH.mkdir(exist_ok=True)
    log, path = SCRATCH / f"{package}.log", SCRATCH / f"appended_{package}.h5"
    command = [sys.executable, "-W", "ignore", "-c", _SCRIPT, package, str(path)]
    done = subprocess.run(
        [*command, str(count)], capture_output=True, text=True, check=False
    )
    log.write_text(done.stdout + done.stderr)
    path.unlink(missing_ok=True)
    if done.returncode:
        msg = f"appending with {package} failed; see {log}"
        raise CommandFailedError(msg)
    cost: float = json.loads(done.stdout.splitlines()[-1])
    return cost
