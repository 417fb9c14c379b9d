"""The key of a run: what its work depends on."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from asdf_pipeline._version import __version__
from asdf_pipeline.files import identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from asdf_pipeline.plan.units import Plan

LIBRARIES = ("numpy", "obspy", "scipy")
"""Whose versions may change what a function returns."""


def run_key(
    inputs: Sequence[Path], plan: Plan, asked: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Return what a run's work depends on, by name: other work does not resume it.

    Parameters
    ----------
    inputs : sequence of pathlib.Path
        The input, and the file that it is compared with.
    plan : Plan
        The run's plan.
    asked : mapping of str to (str or None)
        What else was asked for, by name, such as ``"the function"``; None if it
        cannot be told from others.
    """
    names = ("the input", "the other input")
    return {
        **{name: identity(path) for name, path in zip(names, inputs, strict=False)},
        **asked,
        "the number of units": str(plan.total),  # `status` reads it here
        "asdf_pipeline's version": __version__,
        **{f"{name}'s version": version(name) for name in LIBRARIES},
    }
