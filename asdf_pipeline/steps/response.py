"""The step `remove_response`: ObsPy's method, by way of shared inverses.

ObsPy's `Trace.remove_response` (1.5) inverts each channel's response anew, and takes
Fourier transforms of twice the trace's length, which may have large prime factors.
Here the inverse is shared by all channels that differ in their gains only, the
transform is as long as the next length of small primes, and two traces of one length
are transformed together.
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.errors import FunctionError, ResponseMissingError
from asdf_pipeline.metadata.missing import describe_missing, find_response
from asdf_pipeline.metadata.response import memoised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from obspy import Inventory, Stream, Trace
    from obspy.core.inventory.response import Response

_LOGGER = logging.getLogger(__name__)

FEWEST_SAMPLES = 64
"""Shorter traces are left to ObsPy."""
_AT_ONCE = 2
"""Traces transformed together: pocketfft (NumPy 2) does two in the time of 1.2."""


def remove_response(
    st: Stream,
    inv: Inventory | None,
    output: str = "VEL",
    pre_filt: Sequence[float] | None = None,
    water_level: float | None = 60.0,
    zero_mean: bool = True,
    taper: bool = True,
    taper_fraction: float = 0.05,
    hide_sensitivity_mismatch_warning: bool = False,
    missing: str = "raise",
) -> Stream | None:
    """Deconvolve the instrument response; nothing is written without an Inventory.

    What `obspy.Stream.remove_response` does, but for the length of its Fourier
    transforms: the result differs from ObsPy's by no more than that does (with
    `pre_filt` by less than 1e-6 of the peak inside the taper, without it by what
    ObsPy itself changes from one length to the next below the trace's lowest
    frequencies). Where the lengths agree the results agree within 1e-12.

    Parameters
    ----------
    st : obspy.Stream
        In counts.
    inv : obspy.Inventory or None
        With a response for every trace.
    output : {"VEL", "DISP", "ACC", "DEF"}
        Velocity in m/s, displacement in m, acceleration in m/s**2, or ``"DEF"``: the
        sensor's own input unit.
    pre_filt : sequence of 4 float, optional
        Corner frequencies in Hz, rising, of a cosine taper applied to the spectrum:
        zero below the first and above the last, one between the inner two.
    water_level : float or None
        In dB below the response's peak; None: no water level.
    zero_mean : bool
        Subtract the mean first.
    taper : bool
        Apply a cosine taper first.
    taper_fraction : float
        Fraction of the trace that is tapered, both ends together.
    hide_sensitivity_mismatch_warning : bool
        No warning where the stages' gains contradict the overall sensitivity.
    missing : {"raise", "drop"}
        What becomes of a trace without a response: an error, with which the station
        fails, or left out of the Stream, with a warning in the log.

    Returns
    -------
    obspy.Stream or None
        float64 samples in the unit of `output`; None if there is no Inventory.

    Raises
    ------
    ResponseMissingError
        If the Inventory has no response for a trace; it says what is there instead.
    StationXMLError
        If the station's StationXML cannot be parsed.
    FunctionError
        If `missing` is something else.
    """
    if inv is None:
        return None
    corners = None if pre_filt is None else tuple(pre_filt)
    options: dict[str, Any] = {
        "output": output,
        "water_level": water_level,
        "hide_sensitivity_mismatch_warning": hide_sensitivity_mismatch_warning,
    }
    if missing not in ("raise", "drop"):
        msg = f"missing={missing!r}: expected 'raise' or 'drop'"
        raise FunctionError(msg)
    alike: dict[tuple[int, float], list[tuple[Trace, Response]]] = {}
    for trace in [*st]:
        response = find_response(inv, trace)
        if response is None:
            described = describe_missing(inv, trace)
            if missing == "raise":
                raise ResponseMissingError(described)
            _LOGGER.warning("%s: left out", described)
            st.remove(trace)
        elif len(trace) < FEWEST_SAMPLES or _is_polynomial(response):
            trace.remove_response(
                inv,
                pre_filt=corners,
                zero_mean=zero_mean,
                taper=taper,
                taper_fraction=taper_fraction,
                **options,
            )
        else:
            key = len(trace), trace.stats.delta
            alike.setdefault(key, []).append((trace, response))
    for (samples, _), channels in alike.items():
        window = _window(samples, taper_fraction) if taper else None
        for first in range(0, len(channels), _AT_ONCE):
            some = channels[first : first + _AT_ONCE]
            padded = _padded([trace.data for trace, _ in some], zero_mean, window)
            _deconvolve(padded, some, corners, options)
    return st


# What `preload` is to import: ObsPy's own way is taken for few traces, if any.
remove_response.imports = ()  # type: ignore[attr-defined]


@functools.lru_cache(maxsize=64)
def transform_length(samples: int) -> int:
    """Return the length of the Fourier transform for so many samples.

    The first even length of at least twice the samples whose prime factors are 2, 3
    and 5: pocketfft, NumPy's and SciPy's, has kernels for these in real transforms.
    """
    wanted = max(2 * samples, 2)
    best = 1 << (wanted - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            twos = -(-wanted // three)
            length = three << max((twos - 1).bit_length(), 1)
            best = min(best, length)
            three *= 3
        five *= 5
    return best


def _is_polynomial(response: Response) -> bool:
    """Tell whether ObsPy does without evalresp, and so without a spectrum."""
    stages = response.response_stages
    return not stages or type(stages[0]).__name__ == "PolynomialResponseStage"


def _padded(
    traces: Sequence[NDArray[Any]],
    zero_mean: bool,
    window: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Return traces of one length side by side, prepared and padded with zeros."""
    samples = traces[0].size
    padded = np.empty((len(traces), transform_length(samples)))
    padded[:, samples:] = 0.0
    for row, data in zip(padded[:, :samples], traces, strict=True):
        row[:] = data
        if zero_mean:
            row -= row.mean()
        if window is not None:
            row *= window
    return padded


def _deconvolve(
    padded: NDArray[np.float64],
    channels: Sequence[tuple[Trace, Response]],
    corners: tuple[float, ...] | None,
    options: dict[str, Any],
) -> None:
    """Give traces their samples with the response removed.

    Parameters
    ----------
    padded : numpy.ndarray of float64, shape (k, n)
        What `_padded` made of the samples of k traces.
    channels : sequence of (obspy.Trace, Response)
        The traces and their responses.
    corners : tuple of float or None
        Of the taper of the spectrum.
    options : dict
        Of `MemoisingResponse.inverse`.
    """
    delta, length = channels[0][0].stats.delta, padded.shape[1]
    frequencies = _frequencies(delta, length)
    spectra = np.fft.rfft(padded)
    if corners is not None:
        spectra *= _flanks(delta, length, corners)
    factors = []
    for spectrum, (_, response) in zip(spectra, channels, strict=True):
        inverse, factor = memoised(response).inverse(frequencies, **options)
        spectrum *= inverse
        spectrum[-1] = abs(spectrum[-1])  # as ObsPy has it: real at Nyquist
        factors.append(factor)
    results = np.fft.irfft(spectra, length)
    for (trace, _), result, factor in zip(channels, results, factors, strict=True):
        trace.data = result[: len(trace)] * factor


@functools.lru_cache(maxsize=4)
def _frequencies(delta: float, length: int) -> NDArray[np.float64]:
    """Return the frequencies of a spectrum in Hz, as ObsPy computes them; shared."""
    frequencies = np.linspace(0, 1 / (delta * 2.0), length // 2 + 1)
    frequencies.setflags(write=False)
    return frequencies


@functools.lru_cache(maxsize=4)
def _flanks(
    delta: float, length: int, corners: tuple[float, ...]
) -> NDArray[np.float64]:
    """Return `obspy.signal.invsim.cosine_sac_taper` of a spectrum; shared."""
    first, low, high, last = corners
    frequencies = _frequencies(delta, length)
    rising = 0.5 * (1.0 - np.cos(np.pi * (frequencies - first) / (low - first)))
    falling = 0.5 * (1.0 + np.cos(np.pi * (frequencies - high) / (last - high)))
    flanks = np.select(
        [
            (frequencies >= first) & (frequencies <= low),
            (frequencies > low) & (frequencies < high),
            (frequencies >= high) & (frequencies <= last),
        ],
        [rising, 1.0, falling],
        0.0,
    )
    flanks.setflags(write=False)
    return flanks


@functools.lru_cache(maxsize=4)
def _window(samples: int, fraction: float) -> NDArray[np.float64]:
    """Return `obspy.signal.invsim.cosine_taper` as SAC has it; shared.

    Its flanks are quarters of a cosine; the first and the last sample become zero.
    """
    if not 0 <= fraction <= 1:
        msg = f"taper_fraction {fraction!r}: expected a number from 0 to 1"
        raise ValueError(msg)
    flank = int(samples * fraction / 2 + (0.5 if 0 < fraction < 1 else 0.0))
    begin = max(flank, 1)  # where the first flank ends
    end = min(samples - flank - 1, samples - 2)  # where the last one begins
    window = np.ones(samples)
    rising = np.arange(begin + 1) / begin
    falling = np.arange(samples - end) / (samples - 1 - end)
    window[: begin + 1] = np.cos(np.pi / 2 * (1 - rising))
    window[end:] = np.cos(np.pi / 2 * falling)
    window.setflags(write=False)
    return window
