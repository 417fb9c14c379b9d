"""Which pairs of stations are done, and which of their channels belong together."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from asdf_pipeline.errors import CallError

MEAN = "mean"
"""How the windows of a pair are stacked where nothing else is said."""
PREPARE_MEMORY = 1024.0
"""MiB of what was prepared that each worker keeps, by default."""
NETWORKS = ("all", "same", "different")
TILE = 16
"""Stations on a side of a tile: each of its pairs needs an eighth of a preparation, a
sixteenth where a row's stations are kept."""


@dataclass(frozen=True, slots=True)
class PairSelection:
    """Which pairs of the stations of a file are done; all by default.

    Attributes
    ----------
    max_distance, min_distance : float or None
        In km, by the stations' coordinates; both limits belong to it. A pair of which
        a place is not known is left out where one is given.
    networks : {"all", "same", "different"}
        Whether both stations are of one network, or of two, or either.
    autocorrelations : bool
        Whether a station makes a pair with itself.
    components : str or tuple of str
        Which channels of the two stations belong together: ``"all"``, ``"same"`` (of
        equal last letters), or two letters each, the first station's first:
        ``"ZZ"``, ``("ZZ", "ZR")``.
    tile : int
        Stations on a side of a tile; the result does not depend on it.
    """

    max_distance: float | None = None
    min_distance: float | None = None
    networks: str = "all"
    autocorrelations: bool = False
    components: str | tuple[str, ...] = "all"
    tile: int = TILE

    def __post_init__(self) -> None:
        """Check the choices."""
        for name in ("max_distance", "min_distance"):
            value: object = getattr(self, name)
            if value is not None and not (
                isinstance(value, int | float) and 0 <= value < math.inf
            ):
                msg = f"{name} {value!r}: expected a number of km, 0 or more"
                raise CallError(msg)
        if (self.min_distance or 0) > (self.max_distance or math.inf):
            msg = "min_distance is more than max_distance"
            raise CallError(msg)
        if self.networks not in NETWORKS:
            msg = f"networks {self.networks!r}: expected {', '.join(NETWORKS)}"
            raise CallError(msg)
        if self.tile < 1:
            msg = f"tile {self.tile!r}: expected a number of stations, 1 or more"
            raise CallError(msg)
        for two in self.component_pairs or ():
            if re.fullmatch("[A-Za-z0-9]{2}", str(two)) is None:
                msg = (
                    f"components {two!r}: expected 'all', 'same', or two letters, the "
                    "first station's first, such as 'ZZ'"
                )
                raise CallError(msg)

    @property
    def component_pairs(self) -> tuple[str, ...] | None:
        """The pairs of components that are named; None for ``all`` and ``same``."""
        if self.components in ("all", "same"):
            return None
        if isinstance(self.components, str):
            return (self.components,)
        return tuple(self.components)

    def combines(self, channel: str, other: str) -> bool:
        """Tell whether a channel of the first station goes with one of the second."""
        if self.components == "all":
            return True
        two = channel[-1:] + other[-1:]
        named = self.component_pairs
        return two[:1] == two[1:] if named is None else two in named

    def reads(self, channel: str) -> bool:
        """Tell whether a channel is of any use, to the first station or the second."""
        named = self.component_pairs
        return named is None or any(channel[-1:] in two for two in named)

    def has_networks(self, one: str, other: str) -> bool:
        """Tell whether two stations are of wanted networks."""
        if self.networks == "all":
            return True
        same = one.partition(".")[0] == other.partition(".")[0]
        return same == (self.networks == "same")

    @property
    def by_distance(self) -> bool:
        """Whether the stations' places decide."""
        return self.max_distance is not None or self.min_distance is not None


EVERY_PAIR = PairSelection()
