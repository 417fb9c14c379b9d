"""A small data set, and the command, for the tests of teams."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import obspy
import pyasdf
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STATIONS = tuple(f"XX.S{number:02d}" for number in range(12))
BARE = "XX.S07"
"""The station that has no StationXML."""
pytest.register_assert_rewrite("tests.team.contract")


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of twelve stations made by pyasdf; one has no StationXML."""
    path = tmp_path_factory.mktemp("example") / "example.h5"
    inventory = obspy.read_inventory().select(station="RJOB")
    rng = np.random.default_rng(7)
    with pyasdf.ASDFDataSet(str(path)) as data_set:
        data_set.add_quakeml(obspy.read_events())
        event = data_set.events[0]
        for number, name in enumerate(STATIONS):
            stream = obspy.read()
            for trace in stream:
                trace.stats.network, trace.stats.station = name.split(".")
                trace.data = rng.integers(-999, 999, 500 + 100 * number, np.int32)
            data_set.add_waveforms(stream, tag="raw_recording", event_id=event)
            data_set.add_waveforms(stream[:1], tag="other")
            if name != BARE:
                own = inventory.copy()
                own[0].code, code = name.split(".")
                for epoch in own[0]:
                    epoch.code = code
                data_set.add_stationxml(own)
    return path


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs ``asdf-pipeline`` with arguments."""

    def command(
        *args: object, before: Sequence[str] = (), timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        words = [*before, sys.executable, "-m", "asdf_pipeline", *map(str, args)]
        return subprocess.run(
            words,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            cwd=Path(__file__).parent,
        )

    return command
