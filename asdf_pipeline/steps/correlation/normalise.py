"""Segments and their spectra made comparable: trend, loudness, amplitudes, ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]


def detrended(samples: Array, missing: Array) -> Array:
    """Return segments without mean and linear trend.

    Parameters
    ----------
    samples : numpy.ndarray, shape (n, npts)
        The segments.
    missing : numpy.ndarray of bool, shape (n, npts)
        Which samples do not count; they are zero in what is returned.
    """
    npts = samples.shape[1]
    line = np.linspace(-1, 1, npts)
    complete = ~missing.any(axis=1)
    # Of a line that is odd around the middle, mean and slope are found independently.
    # Not by a product of matrices, whose rounding depends on how many threads make it.
    slope = (samples * line).sum(axis=1) / (line**2).sum()
    result: Array = samples - samples.mean(axis=1, keepdims=True)
    result -= np.outer(slope, line)
    for row in np.flatnonzero(~complete):
        there = ~missing[row]
        trend = np.polynomial.Polynomial.fit(line[there], samples[row, there], 1)
        result[row] = np.where(there, samples[row] - trend(line), 0)
    return result


def normalised(samples: Array, how: str, width: int) -> Array:
    """Return segments in which what is loud counts no more than what is steady.

    Parameters
    ----------
    samples : numpy.ndarray, shape (n, npts)
        The segments.
    how : {"one_bit", "running_mean", "energy"}
        See `spectra`.
    width : int
        Samples of the running mean.
    """
    loudness: Array
    if how == "one_bit":
        loudness = np.abs(samples)
    elif how == "energy":
        loudness = np.sqrt((samples**2).sum(axis=1, keepdims=True))
    else:
        loudness = running_mean(np.abs(samples), width)
    return quotient(samples, loudness)


def quotient(values: Array, amplitudes: Array) -> Array:
    """Return values divided by amplitudes; zero where an amplitude is."""
    result = np.zeros_like(values)
    np.divide(values, amplitudes, out=result, where=amplitudes > 0)
    return result


def running_mean(values: Array, width: int) -> Array:
    """Return the mean of that many values around each, along the last axis.

    At the ends the outermost value stands for those beyond.
    """
    from scipy.ndimage import uniform_filter1d

    mean: Array = uniform_filter1d(values, max(width, 1), mode="nearest")
    return mean


def slopes(npts: int, width: int) -> Array:
    """Return a taper: Hann slopes of that many samples at both ends, and ones.

    As of ObsPy's ``Trace.taper``, the outermost samples are zero.
    """
    taper = np.ones(npts)
    if width > 0:
        rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(width) / width)
        taper[:width] = rise
        taper[npts - width :] *= rise[::-1]
    return taper


def whitened(
    values: Array,
    resolution: float,
    band: tuple[float, float],
    smooth: float,
    slope: float,
) -> tuple[int, Array]:
    """Return spectra of even amplitude within a band, without what is outside.

    As NoisePy's ``noise_module.whiten``: the amplitudes are divided by their running
    mean, and fall off outside of the band as the square of a cosine.

    Parameters
    ----------
    values : numpy.ndarray of complex128, shape (n, bins)
        Spectra of real signals, from frequency 0 on.
    resolution : float
        Hz between two bins.
    band : (float, float)
        In Hz.
    smooth : float
        Width of the running mean in Hz; 0: each bin is divided by its own amplitude.
    slope : float
        Width of what falls off, in Hz.

    Returns
    -------
    int, numpy.ndarray
        The first bin that is kept, and those that are.
    """
    bins = values.shape[1]
    low, high = (min(bins - 1, round(frequency / resolution)) for frequency in band)
    width = round(slope / resolution)
    first, end = max(0, low - width), min(bins, high + width)
    kept = values[:, first:end]
    amplitude = np.abs(kept)
    if smooth > 0:
        amplitude = running_mean(amplitude, round(smooth / resolution))
    kept = quotient(kept, amplitude)
    kept[:, : low - first] *= np.cos(np.linspace(np.pi / 2, np.pi, low - first)) ** 2
    falls = end - high
    kept[:, high - first :] *= np.cos(np.linspace(0, np.pi / 2, falls)) ** 2
    return first, kept
