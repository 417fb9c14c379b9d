"""Make two days of two stations: noise that passes both, and an earthquake.

The noise gets to GR.WET 25 s after GR.FUR. The earthquake is a thousand times louder,
and gets to GR.WET 60 s before GR.FUR.
"""

from pathlib import Path

import numpy as np
import obspy
from scipy.signal import butter, sosfilt

RATE = 10.0  # Hz
COUNTS = 9.4e8  # for 1 m/s, about what both sensors have between 0.02 and 0.5 Hz
START = obspy.UTCDateTime("2008-01-01T06:00:00")
NPTS = int(2 * 86400 * RATE)
LATER = {"FUR": 0.0, "WET": 25.0}  # s
QUAKE = {"FUR": 100_060.0, "WET": 100_000.0}  # s after the start

random = np.random.default_rng(1)
# Loud at the microseism's 0.1 to 0.2 Hz, and at all other frequencies a little.
shared = random.standard_normal(NPTS + 1000)
shared += 20 * sosfilt(butter(2, [0.1, 0.2], "band", fs=RATE, output="sos"), shared)
times = np.arange(NPTS) / RATE

Path("data").mkdir(exist_ok=True)
for station in ("FUR", "WET"):
    first = 1000 - round(LATER[station] * RATE)
    velocity = 1e-7 * (shared[first : first + NPTS] + random.standard_normal(NPTS))
    since = times - QUAKE[station]
    velocity += 1e-3 * np.sin(0.4 * since) * np.exp(-abs(since) / 300) * (since > 0)
    trace = obspy.Trace(np.round(COUNTS * velocity + 0.01 * times).astype(np.int32))
    trace.stats.update({"network": "GR", "station": station, "channel": "BHZ"})
    trace.stats.update({"sampling_rate": RATE, "starttime": START})
    trace.write(f"data/GR.{station}.mseed", format="MSEED")
