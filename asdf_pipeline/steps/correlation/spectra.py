"""A station's record, prepared for its correlations with all others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from asdf_pipeline.steps.correlation.normalise import (
    detrended,
    normalised,
    slopes,
    whitened,
)
from asdf_pipeline.steps.correlation.segments import cut_segments
from asdf_pipeline.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from obspy import Stream, Trace

    Array = np.ndarray[Any, Any]

_SAME = 1e-6  # samples; segments that are late by the same within this share phases


class Record(Protocol):
    """What is prepared: an `asdf_pipeline.StationData`, of which this is needed."""

    @property
    def stream(self) -> Stream:
        """The waveforms."""

    @property
    def station(self) -> str:
        """``"NET.STA"``."""

    @property
    def window(self) -> tuple[int, int] | None:
        """The window of a run by windows, in ns since 1970."""


@dataclass(frozen=True)
class Spectra:
    """Spectra of a station's channels, as `correlate` takes them.

    Attributes
    ----------
    station : str
        ``"NET.STA"``.
    sampling_rate : float
        In Hz.
    npts : int
        Samples of a segment.
    nfft : int
        Samples of the transform; what is beyond `npts` is zero.
    maxlag : int
        Largest lag, in samples, that these are long enough for.
    first : int
        Number of the frequency that the first bin is of: ``first / (nfft * dt)``.
        Frequencies that are not there have no amplitude.
    channels : tuple of str
        ``"LOC.CHA"``, sorted.
    starts : numpy.ndarray of int64, shape (n,)
        When each segment begins, in ns since 1970, ascending.
    there : numpy.ndarray of bool, shape (channels, n)
        Which segments each channel has.
    values : numpy.ndarray of complex64, shape (bins, channels, n)
        As if each segment's first sample had been taken at its start; zero where there
        is none. Segments are innermost: it is over them that products are summed.
    """

    station: str
    sampling_rate: float
    npts: int
    nfft: int
    maxlag: int
    first: int
    channels: tuple[str, ...]
    starts: Array = field(repr=False)
    there: Array = field(repr=False)
    values: Array = field(repr=False)


def spectra(
    station: Record,
    length: float | None = None,
    step: float | None = None,
    maxlag: float | None = None,
    gaps: float = 0.0,
    detrend: bool = True,
    time_norm: Literal["one_bit", "running_mean", "energy"] | None = None,
    time_norm_length: float | None = None,
    taper: float = 0.05,
    whiten: Sequence[float] | None = None,
    whiten_smooth: float = 0.0,
    whiten_slope: float | None = None,
    circular: bool = False,
) -> Spectra | None:
    """Prepare a station's record for `correlate`.

    What is done to each segment, in this order, is what Bensen et al. (2007),
    doi:10.1111/j.1365-246X.2007.03374.x, describe, and NoisePy
    (``noise_module.cut_trace_make_stat``, ``noise_processing``) does.

    Parameters
    ----------
    station : StationData
        Its ``stream`` is prepared: traces of one sampling rate, in any unit.
    length : float, optional
        Of a segment, in s. Not given: the window's in a run by windows, else an hour.
    step : float, optional
        How long after a segment the next begins, in s: half of the length makes them
        overlap by half. Not given: the length. Segments begin at whole multiples of
        it since 1970, so at full hours for 3600, and within the window.
    maxlag : float, optional
        Largest lag, in s; not given: all that the length allows.
    gaps : float
        The largest share of a segment's samples that may be missing; they count as
        zero. Segments with more are left out, and so are those in which a sample is
        not finite or all samples are the same.
    detrend : bool
        Remove the mean and the linear trend (least squares).
    time_norm : {"one_bit", "running_mean", "energy"}, optional
        In time: keep the signs only; divide by the running mean of absolute values;
        divide by the root of the sum of squares, which makes the correlation one of
        coefficients from -1 to 1.
    time_norm_length : float, optional
        Of the running mean, in s; half the longest period of interest is usual.
    taper : float
        Hann taper at each end, as a fraction of the segment; at most 0.5.
    whiten : (float, float), optional
        Give all frequencies between these two, in Hz, the same amplitude, and those
        outside none.
    whiten_smooth : float
        Divide the amplitudes by their running mean over this many Hz; 0: by themselves,
        so that nothing but phases is left.
    whiten_slope : float, optional
        Over how many Hz on each side of the band the amplitude goes to zero, as the
        square of a cosine. Not given: a fifth of the lower frequency.
    circular : bool
        Do not pad with zeros, as NoisePy does not: the end of a segment is correlated
        with its beginning.

    Returns
    -------
    Spectra or None
        None where no segment is left.

    Raises
    ------
    ValueError
        If the channels have different sampling rates, or traces that overlap have
        different samples, or a parameter is out of its range.
    """
    st = station.stream
    if not len(st):
        return None
    from scipy import fft

    rate = _one_rate(st)
    if length is None:
        begin, end = station.window or (0, 3600 * SECOND)
        length = (end - begin) / SECOND
    step = length if step is None else step
    npts = round(length * rate)
    lag = npts - 1 if maxlag is None else round(maxlag * rate)
    lag = min(lag, npts // 2 if circular else npts - 1)
    nfft = fft.next_fast_len(npts if circular else npts + lag, real=True)
    _check(npts, step, gaps, taper, time_norm, time_norm_length, whiten)
    channels: dict[str, list[Trace]] = {}
    for trace in st:
        stats = trace.stats
        channels.setdefault(f"{stats.location}.{stats.channel}", []).append(trace)
    first = 0
    found = {}
    for name in sorted(channels):
        segments = cut_segments(channels[name], length, step, gaps, station.window)
        if not len(segments.starts):
            continue
        samples = segments.samples
        if detrend:
            samples = detrended(samples, segments.missing)
        if time_norm is not None:
            width = round((time_norm_length or 0.0) * rate)
            samples = normalised(samples, time_norm, width)
        if taper > 0:
            samples *= slopes(npts, round(taper * npts))
        values = fft.rfft(samples, nfft)
        late = segments.late
        if late.any():
            if np.ptp(late) * rate < _SAME:
                late = late[:1]
            frequencies = fft.rfftfreq(nfft, 1 / rate)
            values *= np.exp(np.outer(-2j * np.pi * late, frequencies))
        if whiten is not None:
            resolution = rate / nfft
            slope = whiten[0] / 5 if whiten_slope is None else whiten_slope
            first, values = whitened(
                values, resolution, (whiten[0], whiten[1]), whiten_smooth, slope
            )
        found[name] = segments.starts, values.astype(np.complex64)
    if not found:
        return None
    return Spectra(
        station=station.station,
        sampling_rate=rate,
        npts=npts,
        nfft=nfft,
        maxlag=lag,
        first=first,
        channels=tuple(found),
        **_together(list(found.values())),
    )


def _together(channels: Sequence[tuple[Array, Array]]) -> dict[str, Array]:
    """Return the starts of all channels' segments, which are there, and spectra."""
    starts = np.unique(np.concatenate([starts for starts, _ in channels]))
    there = np.zeros((len(channels), len(starts)), bool)
    bins = channels[0][1].shape[1]
    values = np.zeros((bins, len(channels), len(starts)), np.complex64)
    for number, (own, spectra) in enumerate(channels):
        places = np.searchsorted(starts, own)
        there[number, places] = True
        if len(own) == len(starts):
            values[:, number] = spectra.T
        else:
            values[:, number, places] = spectra.T
    return {"starts": starts, "there": there, "values": values}


def _one_rate(st: Stream) -> float:
    """Return the traces' sampling rate in Hz.

    Raises
    ------
    ValueError
        If they have several; it names a trace of each.
    """
    rates = {trace.stats.sampling_rate: trace.id for trace in st}
    if len(rates) > 1:
        names = ", ".join(f"{name} {rate:g} Hz" for rate, name in rates.items())
        msg = (
            f"channels with different sampling rates cannot be correlated: {names}; "
            "select some, or resample them first (the step 'resample')"
        )
        raise ValueError(msg)
    return float(*rates)


def _check(
    npts: int,
    step: float,
    gaps: float,
    taper: float,
    time_norm: str | None,
    time_norm_length: float | None,
    whiten: Sequence[float] | None,
) -> None:
    """Check parameters.

    Raises
    ------
    ValueError
        Naming the one that is wrong.
    """
    msg = ""
    if npts < 2:
        msg = "length: a segment must have two samples or more"
    elif step <= 0:
        msg = f"step: {step} is not a time in s"
    elif not 0 <= gaps < 1:
        msg = f"gaps: {gaps} is not a share from 0 to below 1"
    elif not 0 <= taper <= 0.5:
        msg = f"taper: {taper} is not a share from 0 to 0.5"
    elif time_norm not in (None, "one_bit", "running_mean", "energy"):
        msg = f"time_norm: {time_norm!r} is not one_bit, running_mean or energy"
    elif time_norm == "running_mean" and not time_norm_length:
        msg = "time_norm: running_mean needs time_norm_length, in s"
    elif whiten is not None and not (len(whiten) == 2 and 0 <= whiten[0] < whiten[1]):
        msg = f"whiten: {whiten!r} is not a lower and a higher frequency in Hz"
    if msg:
        raise ValueError(msg)
