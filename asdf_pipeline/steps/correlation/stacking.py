"""One correlation out of those of many windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.function.result import Result
from asdf_pipeline.steps.correlation.pairs import lags_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    Array = np.ndarray[Any, Any]


def stack(windows: Iterable[Result]) -> Result | None:
    """Stack the correlations of a pair's windows.

    Each counts by the number of segments in it, ``ngood``, so that the result is the
    mean over all segments, and its ``ngood`` their number.

    Parameters
    ----------
    windows : iterable of Result
        What `correlate` returned for each window, in order of time.

    Returns
    -------
    Result or None
        As of `correlate`; the parameters are those of the first window. None where
        there is no window.
    """
    sums: dict[str, tuple[Array, dict[str, Any]]] = {}
    for window in windows:
        for path, value in window.auxiliary.items():
            assert isinstance(value, tuple)
            data, parameters = value
            weighted = np.multiply(data, parameters["ngood"], dtype=np.float64)
            if path not in sums:
                sums[path] = weighted, dict(parameters)
                continue
            total, known = sums[path]
            total += weighted
            known["ngood"] += parameters["ngood"]
    if not sums:
        return None
    means = {
        path: ((total / known["ngood"]).astype(np.float32), known)
        for path, (total, known) in sums.items()
    }
    return Result(auxiliary=means, row=lags_of(means))
