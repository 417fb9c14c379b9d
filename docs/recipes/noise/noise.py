"""Steps for ambient noise: what is loud must not count more than what is steady."""

import numpy as np


def one_bit(st, inv):
    """Keep the sign of each sample only."""
    for trace in st:
        trace.data = np.sign(trace.data)
    return st


def whiten(st, inv, freqmin, freqmax):
    """Give all frequencies (in Hz) of a band the same amplitude, the others none."""
    for trace in st:
        spectrum = np.fft.rfft(trace.data)
        frequencies = np.fft.rfftfreq(trace.stats.npts, trace.stats.delta)
        ends = [0.8 * freqmin, freqmin, freqmax, 1.2 * freqmax]
        amplitudes = np.interp(frequencies, ends, [0, 1, 1, 0])
        spectrum *= amplitudes / np.maximum(np.abs(spectrum), 1e-20)
        trace.data = np.fft.irfft(spectrum, trace.stats.npts)
    return st
