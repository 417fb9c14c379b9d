"""Make two earthquakes of known magnitude, and what three stations recorded of them.

In nm, as of a Wood-Anderson seismograph, with noise. The second earthquake begins
before the records of the first one end; one station lacks samples.
"""

from pathlib import Path

import numpy as np
import obspy
from obspy.core.event import Catalog, Event, EventDescription, Origin
from obspy.geodetics import gps2dist_azimuth

from asdf_pipeline import ASDFDataSet

RATE = 50.0  # Hz
START = obspy.UTCDateTime("2020-05-01T12:00:00")
EVENTS = {  # s after the start, latitude, longitude, depth in km, magnitude
    "first": (100.0, 48.6, 11.9, 8.0, 3.2),
    "second": (280.0, 47.9, 12.4, 12.0, 4.1),
}
CODES = (("GR", "FUR"), ("GR", "WET"), ("BW", "RJOB"))

Path("data").mkdir(exist_ok=True)
path = Path("data/events.h5")
path.unlink(missing_ok=True)
random = np.random.default_rng(5)
inventory = obspy.read_inventory()
with ASDFDataSet(path) as ds:
    for name, (after, latitude, longitude, depth, _) in EVENTS.items():
        origin = Origin(time=START + after, latitude=latitude, longitude=longitude)
        origin.depth = 1000 * depth
        event = Event(
            resource_id=f"smi:local/{name}",
            origins=[origin],
            event_descriptions=[EventDescription(name)],
        )
        ds.add_quakeml(Catalog([event]))
    for network, code in CODES:
        own = inventory.select(network=network, station=code)
        ds.add_stationxml(own)
        place = own[0][0]
        for name, (after, latitude, longitude, depth, size) in EVENTS.items():
            ends = latitude, longitude, place.latitude, place.longitude
            distance = np.hypot(gps2dist_azimuth(*ends)[0] / 1000, depth)
            correction = 1.11 * np.log10(distance) + 0.00189 * distance - 2.09
            times = np.arange(0, 400, 1 / RATE) - 100 - distance / 3.5
            shape = np.sin(2 * np.pi * 3 * times) * np.exp(-abs(times) / 5)
            data = 10 ** (size - correction) * shape / abs(shape).max()
            data += 0.5 * random.standard_normal(times.size)
            header = {"network": network, "station": code, "channel": "BHN"}
            header |= {"sampling_rate": RATE, "starttime": START + after - 100}
            trace = obspy.Trace(data.astype(np.float32), header)
            event = next(e for e in ds.events if e.event_descriptions[0].text == name)
            pieces = [trace]
            if code == "FUR":  # a third of a second is lost
                begin = trace.stats.starttime
                pieces = [
                    trace.slice(endtime=begin + 75),
                    trace.slice(starttime=begin + 75.34),
                ]
            for piece in pieces:
                ds.add_waveforms(piece, tag="wood_anderson", event_id=event)
