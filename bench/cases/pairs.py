"""Correlating all pairs of stations, beside NoisePy and beside NumPy alone."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.inputs import SCRATCH
from bench.launch import NotMeasuredError
from bench.measure import measure as measured
from bench.noise import Noise, largest_difference
from bench.rows import Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cases import Effort
    from bench.measure import Usage

TITLE = "Correlations of all pairs: 3 channels, a day of hourly windows"
NOISEPY_PYTHON = "ASDF_PIPELINE_NOISEPY_PYTHON"
"""Environment variable naming an interpreter that has ``noisepy-seis``."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def measure(effort: Effort) -> Iterator[Row]:
    """Yield rows: the same correlations, their time and memory, the overhead."""
    noise = Noise(12, 5.0) if effort.quick else Noise(60, 20.0)
    pairs = noise.stations * (noise.stations + 1) // 2
    bare, alone = [], []
    for _ in range(effort.repeat):
        bare.append(_bare(noise))
        alone.append(_ours(noise, "prepare_plainly", workers=1).cpu)
    yield Row.ratio(
        f"CPU of {pairs} pairs, beside FFTs and products in NumPy alone",
        "s",
        bare,
        alone,
        "of the cost",
        at_most(1.2),
    )
    if not effort.quick:
        noise = Noise(60, 5.0)  # at 20 Hz, its own default, NoisePy takes half an hour
    python = os.environ.get(NOISEPY_PYTHON)
    if not python:
        msg = f"no NoisePy here: set {NOISEPY_PYTHON}=/path/to/python"
        raise NotMeasuredError(msg)
    theirs, ours, differences = [], [], []
    for _ in range(effort.repeat):
        theirs.append(_noisepys(noise, python))
        ours.append(_ours(noise, "prepare", workers=2, keep=True))
        differences.append(largest_difference(noise, _OUTPUT, _FOLDER, 6))
    yield Row.value(
        "largest difference from NoisePy, of the peak", "", differences, at_most(1e-6)
    )
    for what, unit in (("wall", "s"), ("cpu", "s"), ("tree", "MB")):
        yield Row.ratio(
            f"{'memory' if what == 'tree' else what} of {pairs} pairs, beside NoisePy",
            unit,
            [getattr(usage, what) for usage in theirs],
            [getattr(usage, what) for usage in ours],
            "of NoisePy's",
            at_most(0.5) if what == "wall" else None,
        )


_OUTPUT = SCRATCH / "pairs.h5"
_FOLDER = SCRATCH / "noisepy-output"


def _ours(noise: Noise, prepare: str, workers: int, *, keep: bool = False) -> Usage:
    """Correlate with this package; the output is measured."""
    _OUTPUT.unlink(missing_ok=True)
    arguments = ["pairs", str(noise.path), str(_OUTPUT), prepare, str(workers)]
    usage = measured(
        [sys.executable, "-m", "bench.pairs_script", *arguments],
        SCRATCH / "pairs.log",
        watch=keep,
    )
    usage = dataclasses.replace(usage, size=_OUTPUT.stat().st_size)
    if not keep:
        _OUTPUT.unlink()
    return usage


def _bare(noise: Noise) -> float:
    """Return the seconds of CPU of what cannot be done without."""
    log = SCRATCH / "bare.log"
    command = [sys.executable, "-m", "bench.pairs_script", "bare", str(noise.path)]
    measured(command, log, ONE_THREAD)
    return float(log.read_text().splitlines()[-1])


def _noisepys(noise: Noise, python: str) -> Usage:
    """Correlate with NoisePy."""
    shutil.rmtree(_FOLDER, ignore_errors=True)
    script = Path(__file__).parents[1] / "noisepy_script.py"
    arguments = [str(noise.folder), str(_FOLDER), json.dumps(noise.configuration())]
    return measured(
        [python, str(script), *arguments],
        SCRATCH / "noisepy.log",
        ONE_THREAD,
        time_limit=1800.0,
        watch=True,
    )
