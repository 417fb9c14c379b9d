"""From the results of a pair's windows to one: their mean, or as a function says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from asdf_pipeline.errors import AuxiliaryError
from asdf_pipeline.function.result import Checked

NUMBER_OF_WINDOWS = "number_of_windows"
"""The parameter of stacked auxiliary data that says of how many windows it is made."""


@dataclass(slots=True)
class _Sum:
    parameters: Mapping[str, Any]
    dtype: np.dtype[Any]
    total: np.ndarray[Any, Any]
    windows: int = 1


@dataclass(slots=True)
class Mean:
    """The mean of each array over the windows that have one of its path.

    Attributes
    ----------
    windows : int
        How many results were added.
    """

    name: str
    windows: int = 0
    _sums: dict[str, _Sum] = field(default_factory=dict)

    def add(self, result: Checked) -> None:
        """Add a window's result.

        Raises
        ------
        AuxiliaryError
            If an array has another shape than in the windows before, or is none of
            numbers.
        """
        self.windows += 1
        for path, value in result.auxiliary.items():
            array, parameters = unpacked(value)
            if not (isinstance(array, np.ndarray) and array.dtype.kind in "iufc"):
                msg = f"{self.name}: {path!r} cannot be stacked: no array of numbers"
                raise AuxiliaryError(msg)
            known = self._sums.get(path)
            if known is None:
                wide = np.complex128 if array.dtype.kind == "c" else np.float64
                kept = array.dtype if array.dtype.kind in "fc" else np.dtype(wide)
                self._sums[path] = _Sum(parameters, kept, array.astype(wide))
                continue
            if known.total.shape != array.shape:
                msg = (
                    f"{self.name}: {path!r} has shape {array.shape} in one window, "
                    f"{known.total.shape} in another: they cannot be stacked"
                )
                raise AuxiliaryError(msg)
            known.total += array
            known.windows += 1

    def result(self) -> Checked:
        """Return the mean of what was added; parameters are the first window's."""
        from obspy import Stream

        auxiliary = {
            path: (
                (one.total / one.windows).astype(one.dtype),
                {**one.parameters, NUMBER_OF_WINDOWS: one.windows},
            )
            for path, one in self._sums.items()
        }
        return Checked(Stream(), auxiliary, None)


def unpacked(value: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return an array and its parameters, of an array alone none."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], Mapping):
        return value
    return value, {}


def counted(result: Checked, windows: int) -> Checked:
    """Return a stacked result whose arrays say of how many windows they are made."""
    auxiliary = {}
    for path, value in result.auxiliary.items():
        array, parameters = unpacked(value)
        auxiliary[path] = (array, {NUMBER_OF_WINDOWS: windows, **parameters})
    return Checked(result.stream, auxiliary, result.row)
