"""What a function of two stations is told of the pair."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from asdf_pipeline.metadata.geodesy import between

if TYPE_CHECKING:
    from asdf_pipeline.metadata.stationxml import Coordinates
    from asdf_pipeline.plan.pair_selection import PairSelection


@dataclass(frozen=True, slots=True)
class Pair:
    """Two stations, in their stated order; what a function's argument ``pair`` gets.

    Attributes
    ----------
    stations : (str, str)
        ``"NET.STA"`` of the first and the second.
    coordinates : tuple of (float, float, float) or None
        Of each: latitude and longitude in degrees, elevation in m; None where it is
        not known.
    distance : float or None
        In km, on the WGS84 ellipsoid; None where a place is not known.
    azimuth, back_azimuth : float or None
        Of the second station at the first, and of the first at the second, in degrees
        from north.
    window : (int, int) or None
        Start and end of the window in ns since 1970; None where there are none.
    """

    stations: tuple[str, str]
    coordinates: tuple[Coordinates | None, Coordinates | None]
    distance: float | None
    azimuth: float | None
    back_azimuth: float | None
    window: tuple[int, int] | None
    _selection: PairSelection

    @classmethod
    def of(
        cls,
        stations: tuple[str, str],
        coordinates: tuple[Coordinates | None, Coordinates | None],
        selection: PairSelection,
    ) -> Pair:
        """Return the pair of two stations."""
        one, other = coordinates
        distance, azimuth, back_azimuth = (
            (None, None, None) if one is None or other is None else between(one, other)
        )
        return cls(
            stations, coordinates, distance, azimuth, back_azimuth, None, selection
        )

    def at(self, window: tuple[int, int] | None) -> Pair:
        """Return the same pair in a window."""
        return self if window is None else replace(self, window=window)

    def combines(self, channel: str, other: str) -> bool:
        """Tell whether two channels belong together, by the run's ``components``.

        Parameters
        ----------
        channel, other : str
            Code of a channel of the first and the second station; its last letter is
            the component.
        """
        return self._selection.combines(channel, other)

    def fields(self) -> dict[str, Any]:
        """Return the attributes of an `Outcome` that say this."""
        fields: dict[str, Any] = {
            "others_at": self.coordinates[1:],
            "distance_in_km": self.distance,
            "azimuth": self.azimuth,
            "back_azimuth": self.back_azimuth,
        }
        if self.coordinates[0] is not None:
            names = ("latitude", "longitude", "elevation_in_m")
            fields |= zip(names, self.coordinates[0], strict=True)
        return fields
