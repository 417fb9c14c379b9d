"""What is measured: one module a case, each with a TITLE and a `measure`."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.rows import Row

NAMES = (
    *("seed", "files", "staging", "bucket", "small", "identity", "burn", "parts"),
    *("scale", "window", "append", "startup", "mpi", "sharing", "modes"),
    *("pairs", "many_pairs", "dispatcher"),
)
"""All cases, in the order of the table."""


@dataclass(frozen=True)
class Effort:
    """How much trouble to take.

    Attributes
    ----------
    quick : bool
        Small inputs: for a look, not for a claim.
    repeat : int
        How often each run is repeated.
    """

    quick: bool
    repeat: int


class Case(Protocol):
    """A module in this package."""

    TITLE: str

    def measure(self, effort: Effort) -> Iterator[Row]:
        """Yield the rows, as they are measured."""


def load(name: str) -> Case:
    """Return a case."""
    module: Case = importlib.import_module(f"{__name__}.{name}")  # type: ignore[assignment]
    return module
