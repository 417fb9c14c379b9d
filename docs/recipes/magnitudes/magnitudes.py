"""Local magnitudes, each of all stations that recorded an event."""

import numpy as np
from obspy.geodetics import gps2dist_azimuth

from asdf_pipeline import Result


def local_magnitude(gather):
    """Return the median of the stations' magnitudes, and each of them.

    The standard formula of IASPEI (2013), of the largest amplitude in nm on a
    Wood-Anderson seismograph, and the distance from the source in km.
    """
    origin = gather.event.preferred_origin() or gather.event.origins[0]
    found = []
    for station in gather.values():
        latitude, longitude, _ = station.coordinates
        ends = latitude, longitude, origin.latitude, origin.longitude
        distance = np.hypot(gps2dist_azimuth(*ends)[0], origin.depth) / 1000
        amplitude = max(abs(trace.data).max() for trace in station.stream)
        correction = 1.11 * np.log10(distance) + 0.00189 * distance - 2.09
        found.append(np.log10(amplitude) + correction)
    event = gather.event.event_descriptions[0].text
    magnitudes = np.array(found), {"stations": list(gather.stations)}
    return Result(
        auxiliary={f"LocalMagnitude/{event}": magnitudes},
        row={"name": event, "ML": round(np.median(found), 2), "stations": len(found)},
    )
