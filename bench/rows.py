"""The rows of the table: what was measured, and what was wanted of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from bench.run import median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measure import Usage


@dataclass(frozen=True)
class Goal:
    """What a figure should be: at least, or at most."""

    value: float
    at_least: bool = True

    def met(self, figure: float) -> bool:
        """Tell whether a figure is as wanted."""
        return figure >= self.value if self.at_least else figure <= self.value

    def __str__(self) -> str:
        """Return the goal as text."""
        return f"{'≥' if self.at_least else '≤'} {self.value:g}"


def at_least(value: float) -> Goal:
    """Return the goal of a figure that should not be lower."""
    return Goal(value)


def at_most(value: float) -> Goal:
    """Return the goal of a figure that should not be higher."""
    return Goal(value, at_least=False)


@dataclass(frozen=True)
class Row:
    """One measured figure.

    Attributes
    ----------
    what : str
        What was measured.
    unit : str
        Of `peer` and `ours`.
    peer, ours : float or None
        The two measurements: pyasdf's, or whatever `figure` compares with, and ours.
    figure : float
        What the goal is about, mostly their ratio; the median of all repetitions.
    spread : (float, float)
        Least and greatest of all repetitions.
    meaning : str
        What the figure says: ``"times faster"``.
    goal : Goal or None
        What it should be.
    cpu : (float, float, float) or None
        Seconds of CPU of the two, and how many times less ours is.
    """

    what: str
    unit: str
    peer: float | None
    ours: float | None
    figure: float
    spread: tuple[float, float]
    meaning: str
    goal: Goal | None = None
    cpu: tuple[float, float, float] | None = None

    @classmethod
    def usages(
        cls,
        what: str,
        peer: Sequence[Usage],
        ours: Sequence[Usage],
        goal: Goal | None = None,
    ) -> Self:
        """Return the row of two runs: how many times faster ours was, CPU beside."""
        walls = [usage.wall for usage in peer], [usage.wall for usage in ours]
        row = cls.ratio(what, "s", *walls, "times faster", goal, faster=True)
        if not all(usage.cpu for usage in peer):
            return row  # it was killed
        pairs = list(zip(peer, ours, strict=True))
        cpu = (
            median(usage.cpu for usage in peer),
            median(usage.cpu for usage in ours),
            median(theirs.cpu / own.cpu for theirs, own in pairs),
        )
        return replace(row, cpu=cpu)

    @classmethod
    def ratio(
        cls,
        what: str,
        unit: str,
        peer: Sequence[float],
        ours: Sequence[float],
        meaning: str,
        goal: Goal | None = None,
        *,
        faster: bool = False,
    ) -> Self:
        """Return the row of a ratio: ours to pyasdf's, or how many times faster."""
        pairs = list(zip(peer, ours, strict=True))
        ratios = [theirs / own if faster else own / theirs for theirs, own in pairs]
        return cls(
            what,
            unit,
            median(peer),
            median(ours),
            median(ratios),
            (min(ratios), max(ratios)),
            meaning,
            goal,
        )

    @classmethod
    def value(
        cls, what: str, unit: str, values: Sequence[float], goal: Goal | None = None
    ) -> Self:
        """Return the row of a figure of ours alone."""
        middle = median(values)
        spread = (min(values), max(values))
        return cls(what, unit, None, middle, middle, spread, unit, goal)

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        return None if self.goal is None else self.goal.met(self.figure)
