"""Make an event, what a simulation says of two stations, and what they recorded.

The true waves are a tenth larger; they come 1 s later to GR.FUR, and 1.5 s earlier to
GR.WET.
"""

from pathlib import Path

import numpy as np
import obspy
from obspy.core.event import Catalog, Event, Magnitude, Origin
from obspy.geodetics import gps2dist_azimuth

ORIGIN = obspy.UTCDateTime("2008-02-01T12:11:10.3")
LATER = {"FUR": 1.0, "WET": -1.5}  # s
PLACE = {"latitude": 44.5, "longitude": 20.1}

inventory = obspy.read_inventory(f"{obspy.__path__[0]}/core/data/BW_GR_misc.xml")
Path("data").mkdir(exist_ok=True)
event = Event(
    origins=[Origin(time=ORIGIN, depth=10e3, **PLACE)], magnitudes=[Magnitude(mag=5.4)]
)
Catalog([event]).write("data/event.xml", format="QUAKEML")


def displacement(times, distance, scale):
    """Return a wave train in m at times in s after the event; distance in m."""
    waves = np.zeros_like(times)
    for speed, period, size in ((8000, 15, 0.3), (4500, 18, 0.5), (3200, 22, 1.0)):
        phase = np.pi * (times - distance / speed) / period
        waves += size * (1 - 2 * phase**2) * np.exp(-(phase**2))
    return scale * waves


synthetic, observed = obspy.Stream(), obspy.Stream()
random = np.random.default_rng(2)
for station in inventory.select(network="GR")[0]:
    away, _, _ = gps2dist_azimuth(*PLACE.values(), station.latitude, station.longitude)
    for component, scale in zip("ZNE", (1e-5, 6e-6, -4e-6), strict=True):
        ids = {"network": "GR", "station": station.code}
        times = np.arange(-60, 1500, 0.25)
        trace = obspy.Trace(displacement(times, away, scale).astype(np.float32))
        trace.stats.update({**ids, "channel": f"BX{component}", "delta": 0.25})
        trace.stats.starttime = ORIGIN - 60
        synthetic += trace

        times = np.arange(-600.02, 3000, 0.05)
        ground = displacement(times - LATER[station.code], away, 1.1 * scale)
        ground += 1e-9 * random.standard_normal(times.size)
        trace = obspy.Trace(header={**ids, "channel": f"BH{component}", "delta": 0.05})
        trace.stats.starttime = ORIGIN + times[0]
        response = inventory.get_response(trace.id, ORIGIN)
        frequencies = np.fft.rfftfreq(times.size, 0.05)
        counts = response.get_evalresp_response_for_frequencies(frequencies, "DISP")
        data = np.fft.irfft(np.fft.rfft(ground) * counts, times.size)
        trace.data = np.round(data).astype(np.int32)
        observed += trace

synthetic.write("data/synthetic.mseed", format="MSEED")
observed.write("data/observed.mseed", format="MSEED")
