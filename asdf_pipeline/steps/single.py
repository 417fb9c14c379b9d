"""Single steps: one method of ObsPy's each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asdf_pipeline.steps.shaping import set_options

if TYPE_CHECKING:
    from obspy import Inventory, Stream


def identity(st: Stream, inv: Inventory | None) -> Stream:
    """Return the Stream as it is.

    Parameters
    ----------
    st : obspy.Stream
        A station's traces of one tag.
    inv : obspy.Inventory or None
        Not used.

    Returns
    -------
    obspy.Stream
        The same.
    """
    return st


def filter(
    st: Stream,
    inv: Inventory | None,
    type: str,
    freq: float | None = None,
    freqmin: float | None = None,
    freqmax: float | None = None,
    corners: int = 4,
    zerophase: bool = False,
) -> Stream:
    """Apply a Butterworth filter to every trace.

    Parameters
    ----------
    st : obspy.Stream
        In any unit.
    inv : obspy.Inventory or None
        Not used.
    type : {"bandpass", "bandstop", "lowpass", "highpass"}
        Which frequencies pass.
    freq : float, optional
        Corner frequency of a lowpass or highpass, in Hz.
    freqmin, freqmax : float, optional
        Corner frequencies of a bandpass or bandstop, in Hz.
    corners : int
        Order of the filter.
    zerophase : bool
        Apply it forwards and backwards: no phase shift, twice the order.

    Returns
    -------
    obspy.Stream
        float64 samples.
    """
    frequencies = set_options(freq=freq, freqmin=freqmin, freqmax=freqmax)
    return st.filter(type, corners=corners, zerophase=zerophase, **frequencies)


def resample(
    st: Stream,
    inv: Inventory | None,
    sampling_rate: float,
    window: str | None = "hann",
    no_filter: bool = True,
    strict_length: bool = False,
) -> Stream:
    """Resample every trace by way of its spectrum.

    Parameters
    ----------
    st : obspy.Stream
        In any unit.
    inv : obspy.Inventory or None
        Not used.
    sampling_rate : float
        New sampling rate in Hz.
    window : str or None
        Applied to the spectrum; as in `obspy.Trace.resample`.
    no_filter : bool
        No lowpass before; False: a steep one (Chebyshev) below the new Nyquist
        frequency.
    strict_length : bool
        Raise a ValueError where the trace's end would move.

    Returns
    -------
    obspy.Stream
        float64 samples.
    """
    return st.resample(
        sampling_rate, window=window, no_filter=no_filter, strict_length=strict_length
    )
