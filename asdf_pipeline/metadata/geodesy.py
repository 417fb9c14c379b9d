"""Distances and azimuths between stations, on the WGS84 ellipsoid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from asdf_pipeline.metadata.stationxml import Coordinates

EARTH_RADIUS_IN_KM = 6371.0088
"""Mean radius of WGS84, (2a + b) / 3."""
LARGEST_ERROR = 0.006
"""Share by which the distance on a sphere differs from the ellipsoid's: its flattening
makes at most 0.56 %."""


def between(one: Coordinates, other: Coordinates) -> tuple[float, float, float]:
    """Return distance, azimuth and back azimuth of two places (Vincenty, 1975).

    Parameters
    ----------
    one, other : (float, float, float)
        Latitude and longitude in degrees; elevations (m) do not enter.

    Returns
    -------
    (float, float, float)
        Distance in km; azimuth of the other place at the first, and of the first at
        the other, both in degrees from north.
    """
    from obspy.geodetics import gps2dist_azimuth

    if one[:2] == other[:2]:
        return 0.0, 0.0, 0.0
    metres, azimuth, back_azimuth = gps2dist_azimuth(*one[:2], *other[:2])
    return float(metres) / 1000, float(azimuth), float(back_azimuth)


def on_sphere(
    one: Coordinates, others: np.ndarray[Any, Any]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the distances (km) of a place from many, on a sphere: haversines.

    Parameters
    ----------
    one : (float, float, float)
        Latitude and longitude in degrees.
    others : numpy.ndarray, shape (n, 2)
        Latitudes and longitudes in degrees.

    Returns
    -------
    numpy.ndarray, shape (n,)
        Each within `LARGEST_ERROR` of the ellipsoid's.
    """
    latitude, longitude = np.radians(one[:2])
    latitudes, longitudes = np.radians(others.T)
    haversine = (
        np.sin((latitudes - latitude) / 2) ** 2
        + np.cos(latitude)
        * np.cos(latitudes)
        * np.sin((longitudes - longitude) / 2) ** 2
    )
    found = 2 * EARTH_RADIUS_IN_KM * np.arcsin(np.sqrt(np.clip(haversine, 0, 1)))
    return np.asarray(found, np.float64)
