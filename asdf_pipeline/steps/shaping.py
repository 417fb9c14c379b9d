"""The steps `detrend` and `taper`: ObsPy's usual kinds in NumPy, the others by ObsPy.

ObsPy's (1.5) import SciPy, 0.6 s of CPU, and fit a line by a decomposition of a matrix
of two columns, 9 ms for 168,000 samples where the sums of a straight line take 0.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from obspy import Inventory, Stream, Trace


def detrend(
    st: Stream,
    inv: Inventory | None,
    type: str = "linear",
    order: int | None = None,
    dspline: int | None = None,
) -> Stream:
    """Remove a trend from every trace.

    What `obspy.Stream.detrend` does; a line that is fitted (``"linear"``) is ObsPy's
    within 1e-12 of the peak.

    Parameters
    ----------
    st : obspy.Stream
        In any unit.
    inv : obspy.Inventory or None
        Not used.
    type : {"linear", "simple", "demean", "constant", "polynomial", "spline"}
        ``"linear"``: least squares; ``"simple"``: the line through the first and last
        sample; ``"demean"`` and ``"constant"``: the mean.
    order : int, optional
        Of the polynomial or spline, which cannot do without it.
    dspline : int, optional
        Samples between the nodes of the spline, which cannot do without it.

    Returns
    -------
    obspy.Stream
        float64 samples; float32 stays what it is.
    """
    own = _TRENDS.get(type.lower()) if order is None and dspline is None else None
    for trace in st:
        if own is not None and _is_plain(trace):
            trace.data = own(trace.data)
        else:
            trace.detrend(type, **set_options(order=order, dspline=dspline))
    return st


def taper(
    st: Stream,
    inv: Inventory | None,
    max_percentage: float | None = 0.05,
    type: str = "hann",
    max_length: float | None = None,
    side: str = "both",
) -> Stream:
    """Taper every trace towards zero at its ends.

    What `obspy.Stream.taper` does.

    Parameters
    ----------
    st : obspy.Stream
        In any unit.
    inv : obspy.Inventory or None
        Not used.
    max_percentage : float or None
        Longest taper at one end, as a fraction of the trace (0.05 is 5 %); at most 0.5.
    type : str
        Window, as in `obspy.Trace.taper`: ``"hann"``, ``"cosine"``, ``"hamming"``, ...
    max_length : float, optional
        Longest taper at one end, in s; the shorter of the two holds.
    side : {"both", "left", "right"}
        Which end.

    Returns
    -------
    obspy.Stream
        float64 samples; float32 stays what it is.
    """
    window = _WINDOWS.get(type.lower())
    for trace in st:
        lengths = []
        if max_percentage is not None:
            lengths.append(int(max_percentage * len(trace)))
        if max_length is not None:
            lengths.append(int(max_length * trace.stats.sampling_rate))
        wanted = min(lengths, default=-1)
        # ObsPy says what it thinks of all that is unusual.
        usual = 0 < 2 * wanted <= len(trace) and side.lower() in (
            "both",
            "left",
            "right",
        )
        if window is None or not usual or not _is_plain(trace):
            trace.taper(max_percentage, type=type, max_length=max_length, side=side)
        else:
            trace.data = _tapered(trace.data, window, wanted, side.lower())
    return st


# What `preload` is to import: the other kinds are asked for seldom.
detrend.imports = taper.imports = ()  # type: ignore[attr-defined]


def set_options(**options: Any) -> dict[str, Any]:
    """Return the options that are not left to ObsPy."""
    return {name: value for name, value in options.items() if value is not None}


def _is_plain(trace: Trace) -> bool:
    """Tell whether nothing is special about a trace's samples."""
    data = trace.data
    return (
        type(data) is np.ndarray
        and data.size > 1
        and data.dtype.isnative
        and data.dtype.char in "hilqd"
        and bool(np.isfinite(data.sum(dtype=np.float64)))
    )


def _floating(data: NDArray[Any]) -> NDArray[Any]:
    return data if data.dtype.kind == "f" else data.astype(np.float64)


def _without_mean(data: NDArray[Any]) -> NDArray[Any]:
    """Return samples without their mean, as `scipy.signal.detrend` does."""
    return np.asarray(data - data.mean())


def _without_fit(data: NDArray[Any]) -> NDArray[Any]:
    """Return samples without the line that fits them best."""
    samples = _without_mean(data)
    times = np.arange(samples.size) - (samples.size - 1) / 2
    times *= (times @ samples) / (times @ times)
    samples -= times
    return samples


def _without_ends(data: NDArray[Any]) -> NDArray[Any]:
    """Return samples without the line through the first and the last of them."""
    samples = _floating(data)
    first, last = samples[0], samples[-1]
    samples -= first + np.arange(samples.size) * (last - first) / float(
        samples.size - 1
    )
    return samples


_TRENDS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "linear": _without_fit,
    "simple": _without_ends,
    "demean": _without_mean,
    "constant": _without_mean,
}


def _tapered(
    data: NDArray[Any],
    window: Callable[[int], NDArray[np.float64]],
    length: int,
    side: str,
) -> NDArray[Any]:
    """Return samples with so many at the ends multiplied by halves of a window."""
    samples = _floating(data)
    whole = window(2 * length + (2 * length != samples.size))
    if side != "right":
        samples[:length] *= whole[:length]
    if side != "left":
        samples[-length:] *= whole[-length:]
    return samples


def _hann(size: int) -> NDArray[np.float64]:
    """Return `scipy.signal.windows.hann`."""
    return np.asarray(0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, size)))


def _cosine(size: int) -> NDArray[np.float64]:
    """Return `obspy.signal.invsim.cosine_taper` of flanks only."""
    flank = size // 2
    window = np.zeros(size)
    phase = np.pi * np.arange(flank) / max(flank - 1, 1)
    window[:flank] = 0.5 * (1.0 - np.cos(phase))
    window[flank : size - flank] = 1.0
    window[size - flank :] = 0.5 * (1.0 + np.cos(phase if flank > 1 else np.pi))
    return window


_WINDOWS: dict[str, Callable[[int], NDArray[np.float64]]] = {
    "hann": _hann,
    "cosine": _cosine,
}
