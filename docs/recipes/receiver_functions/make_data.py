"""Make two events, and what IU.ANMO recorded of them.

P waves, of which a fifth is converted to S waves that come 5 s later; of the sensors
none points to the north.
"""

from pathlib import Path

import numpy as np
import obspy
from obspy.core.event import Catalog, Event, Origin
from obspy.geodetics import gps2dist_azimuth, locations2degrees
from obspy.signal.rotate import rotate_lqt_zne
from obspy.taup import TauPyModel

EVENTS = {  # origin time: latitude, longitude, depth in km
    "2013-05-24T05:44:49": (54.89, 153.22, 598.0),
    "2014-04-01T23:46:47": (-19.61, -70.77, 25.0),
}
STATION = (34.9459, -106.4572)
TIMES = np.arange(0, 1800, 0.05)

Path("data").mkdir(exist_ok=True)
random = np.random.default_rng(3)
model = TauPyModel("iasp91")
catalog = Catalog()
for text, (latitude, longitude, depth) in EVENTS.items():
    origin = Origin(time=obspy.UTCDateTime(text), depth=1000 * depth)
    origin.latitude, origin.longitude = latitude, longitude
    catalog.append(Event(origins=[origin]))

    ends = latitude, longitude, *STATION
    arrival = model.get_travel_times(depth, locations2degrees(*ends), ["P"])[0]
    pulse = np.exp(-((2 * (TIMES - arrival.time)) ** 2))
    converted = 0.2 * np.roll(pulse, 100)
    angles = gps2dist_azimuth(*ends)[2], arrival.incident_angle
    up, north, east = rotate_lqt_zne(pulse, converted, np.zeros_like(pulse), *angles)
    azimuths = np.radians([328, 58])
    one, two = (north * np.cos(angle) + east * np.sin(angle) for angle in azimuths)

    for channel, data in (("BHZ", up), ("BH1", one), ("BH2", two)):
        counts = 1e5 * data + 50 * random.standard_normal(TIMES.size)
        trace = obspy.Trace(np.round(counts).astype(np.int32), {"delta": 0.05})
        trace.stats.update({"network": "IU", "station": "ANMO", "channel": channel})
        # The station has a second sensor, which the configuration leaves out.
        for location in ("00", "10"):
            trace.stats.update({"location": location, "starttime": origin.time})
            trace.write(f"data/{trace.id}.{text[:10]}.mseed", format="MSEED")
catalog.write("data/events.xml", format="QUAKEML")
