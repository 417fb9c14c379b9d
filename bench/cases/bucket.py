"""Staging an archive out of a bucket: beside the local disk, and a plain script.

The bucket is moto's server on this machine, behind a proxy that holds each request up:
both take CPU of the cores that stage.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import obspy

from bench.inputs import SCRATCH
from bench.measure import measure as run
from bench.rows import Row, at_least, at_most
from bench.run import alternate
from tests.stage.bucket import moto_server, proxy_before, put_tree, set_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort
    from bench.measure import Usage

TITLE = "Staging from a bucket"
RATE = 5.0  # Hz
LATENCY = 0.02  # s
STATIONS = 20


def measure(effort: Effort) -> Iterator[Row]:
    """Yield the rows of local disk and bucket, and of plain script and bucket."""
    days = 5 if effort.quick else 100
    SCRATCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as place:
        folder = Path(place)
        make_archive(folder / "sds", days)
        with bucket_of(folder) as (address, environment):
            ours = [sys.executable, "-m", "asdf_pipeline", "stage", "--tag", "raw"]
            ours += ["--workers", "2", "--progress", "none", "--archive"]
            plain = [sys.executable, "-m", "bench.bucket_script", address, "bench"]
            output = folder / "output.h5"

            def one(command: list[str]) -> Usage:
                output.unlink(missing_ok=True)
                usage = run(command, SCRATCH / "bucket.log", environment, 1200.0)
                return replace(usage, size=output.stat().st_size)

            end = ["--output", str(output)]
            measured = alternate(
                [
                    lambda: one([*ours, str(folder / "sds"), *end]),
                    lambda: one([*ours, "s3://bench", *end]),
                    lambda: one([*plain, str(output)]),
                ],
                effort.repeat,
            )
    local, remote, script = (list(usages) for usages in zip(*measured, strict=True))
    what = f"{STATIONS * days} day files out of a bucket"
    yield Row.ratio(
        f"{what}, beside local disk",
        "s",
        [usage.wall for usage in local],
        [usage.wall for usage in remote],
        "times the time",
        at_most(1.3),
    )
    yield Row.usages(f"{what}, beside a plain script", script, remote, at_least(1))


def make_archive(root: Path, days: int) -> None:
    """Make an SDS archive with a file for each of so many days of each station."""
    steps = np.random.default_rng(0).integers(-200, 200, round(86400 * RATE))
    samples = np.cumsum(steps).astype(np.int32)
    for number in range(STATIONS):
        for day in range(days):
            trace = obspy.Trace(samples + number)
            trace.id = f"XX.S{number:03}..BHZ"
            trace.stats.sampling_rate = RATE
            start = trace.stats.starttime = obspy.UTCDateTime(2024, 1, 1) + (
                day * 86400
            )
            place = root / f"{start.year}/XX/S{number:03}/BHZ.D"
            place.mkdir(parents=True, exist_ok=True)
            name = f"{trace.id}.D.{start.year}.{start.julday:03}"
            trace.write(str(place / name), format="MSEED", encoding="STEIM2")


@contextmanager
def bucket_of(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the address of a slow bucket with a folder's archive, and how to get in."""
    with moto_server(folder) as port, proxy_before(port) as (proxy, address):
        put_tree(f"http://127.0.0.1:{port}", "bench", folder / "sds")
        proxy.latency = LATENCY
        environment = dict(os.environ)
        set_environment(environment, address)
        yield address, environment
