"""A data set for the kill campaign: many small stations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import obspy

from asdf_pipeline import ASDFDataSet

if TYPE_CHECKING:
    from pathlib import Path


def make_example(folder: Path, stations: int) -> Path:
    """Return a file of so many stations, each with a trace of each of two events."""
    path = folder / "example.h5"
    rng = np.random.default_rng(3)
    inventory = obspy.read_inventory().select(station="RJOB")
    with ASDFDataSet(path) as data_set:
        data_set.add_quakeml(obspy.read_events()[:2])
        events = data_set.events
        for number in range(stations):
            stream = obspy.read()[:2]
            code = f"S{number:03d}"
            for trace in stream:
                trace.stats.network, trace.stats.station = "XX", code
                trace.data = rng.integers(-999, 999, 2000, np.int32)
            for trace, event in zip(stream, events, strict=True):
                data_set.add_waveforms(trace, tag="raw_recording", event_id=event)
            own = inventory.copy()
            own[0].code = "XX"
            for epoch in own[0]:
                epoch.code = code
            data_set.add_stationxml(own)
    return path
