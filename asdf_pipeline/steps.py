"""Ready-made processing functions, named in a configuration without writing Python.

Each is called as ``step(st, inv, **parameters)`` with a station's Stream and its
Inventory (or None), and returns the Stream, or None where nothing is to be written.
As in ObsPy, whose methods do the work, the Stream that is passed in is changed and
returned; parameters have ObsPy's names and defaults. `chain` runs several:

>>> parameters = {"steps": ["detrend", {"filter": {"type": "highpass", "freq": 0.1}}]}
"""

from __future__ import annotations

import copy
import functools
import inspect
import json
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import FunctionError, TraceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from obspy import Inventory, Stream
    from obspy.core.event import Catalog, Event

    from asdf_pipeline.work.load import Process

    Step = str | Callable[..., Any] | Mapping[str, Mapping[str, Any] | None]


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
) -> Stream | None:
    """Deconvolve the instrument response; nothing is written without an Inventory.

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

    Returns
    -------
    obspy.Stream or None
        float64 samples in the unit of `output`; None if there is no Inventory.

    Raises
    ------
    ValueError
        If the Inventory has no response for a trace.
    """
    if inv is None:
        return None
    return st.remove_response(
        inventory=inv,
        output=output,
        pre_filt=None if pre_filt is None else tuple(pre_filt),
        water_level=water_level,
        zero_mean=zero_mean,
        taper=taper,
        taper_fraction=taper_fraction,
        hide_sensitivity_mismatch_warning=hide_sensitivity_mismatch_warning,
    )


def detrend(
    st: Stream,
    inv: Inventory | None,
    type: str = "linear",
    order: int | None = None,
    dspline: int | None = None,
) -> Stream:
    """Remove a trend from every trace.

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
        float64 samples.
    """
    return st.detrend(type, **_given(order=order, dspline=dspline))


def taper(
    st: Stream,
    inv: Inventory | None,
    max_percentage: float | None = 0.05,
    type: str = "hann",
    max_length: float | None = None,
    side: str = "both",
) -> Stream:
    """Taper every trace towards zero at its ends.

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
        float64 samples.
    """
    return st.taper(max_percentage, type=type, max_length=max_length, side=side)


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
    frequencies = _given(freq=freq, freqmin=freqmin, freqmax=freqmax)
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


STEPS: dict[str, Callable[..., Any]] = {
    step.__name__: step
    for step in (identity, detrend, taper, filter, resample, remove_response)
}
"""The steps that `resolve` knows by their bare names."""


def resolve(steps: Sequence[Step]) -> tuple[Process, ...]:
    """Return what a list of steps stands for, ready to be called one by one.

    Parameters
    ----------
    steps : sequence
        Each step is a name, or a mapping of one name to its parameters. A name is
        one of this module's steps, ``"path/to/file.py:function"`` or
        ``"package.module:function"``, or the function itself.

    Returns
    -------
    tuple of Process
        With the function, its full name, its parameters and its fingerprint.

    Raises
    ------
    FunctionError
        If a step is unknown, or does not take its parameters.
    """
    # Loading belongs to the work; this module stays importable without it.
    from asdf_pipeline.work.load import load_process

    if isinstance(steps, str) or not steps:
        msg = f"steps: expected a list of at least one step, got {steps!r}"
        raise FunctionError(msg)
    resolved = []
    for number, step in enumerate(steps, 1):
        name, parameters = _taken_apart(step, number)
        function: str | Callable[..., Any] = name
        if isinstance(name, str) and ":" not in name:
            if name not in STEPS:
                msg = (
                    f"step {number}: there is no step {name!r}; the steps are "
                    f"{', '.join(sorted(STEPS))}, or path/to/file.py:function"
                )
                raise FunctionError(msg)
            function = STEPS[name]
            _check_parameters(function, parameters, number)
        try:
            resolved.append(load_process(function, parameters))
        except FunctionError as error:
            msg = f"step {number}: {error}"
            raise FunctionError(msg) from error
    return tuple(resolved)


def chain(
    st: Stream,
    inv: Inventory | None,
    steps: Sequence[Step],
    *,
    event: Event | None = None,
    events: Catalog | None = None,
    tag: str | None = None,
) -> Stream | None:
    """Run several steps, each on what the one before returned.

    Parameters
    ----------
    st : obspy.Stream
        In counts, or whatever the first step takes.
    inv : obspy.Inventory or None
        Given to every step.
    steps : sequence
        As in `resolve`: ``["detrend", {"taper": {"max_percentage": 0.05}}, ...]``.
    event, events, tag
        Passed to the steps whose signatures ask for them.

    Returns
    -------
    obspy.Stream or None
        What the last step returned; None as soon as one returns None.

    Raises
    ------
    FunctionError
        If a step is unknown, or does not take its parameters.
    TraceError
        If a step returns neither Stream, Trace nor None.
    """
    import obspy

    for number, step in enumerate(_resolve_once(steps), 1):
        # A step's own copy: what it does to a list of corners ends with the station.
        parameters = copy.deepcopy(step.parameters)
        offered = {"event": event, "events": events, "tag": tag}
        offered["parameters"] = parameters
        asked = {name: offered[name] for name in step.asks}
        try:
            result = step.function(st, inv, **parameters, **asked)
        except Exception as error:
            error.add_note(f"in step {number}, {step.name}")
            raise
        if result is None:
            return None
        st = obspy.Stream([result]) if isinstance(result, obspy.Trace) else result
        if not isinstance(st, obspy.Stream):
            msg = (
                f"step {number}, {step.name}: returned a {_kind(result)}; expected "
                "an obspy Stream or Trace, or None"
            )
            raise TraceError(msg)
    return st


def _calls(parameters: Mapping[str, Any]) -> tuple[Process, ...]:
    """Return the steps behind the parameters of a chain, as loading it asks for."""
    return resolve(parameters["steps"])


# What the work looks for: these are loaded, checked and fingerprinted with it.
chain.calls = _calls  # type: ignore[attr-defined]


def _resolve_once(steps: Sequence[Step]) -> tuple[Process, ...]:
    """Resolve a list of names once a process, not for every station."""
    try:
        text = json.dumps(steps)
    except TypeError:  # functions among them
        return resolve(steps)
    return _resolved_text(text)


@functools.lru_cache(maxsize=16)
def _resolved_text(text: str) -> tuple[Process, ...]:
    return resolve(json.loads(text))


def _taken_apart(step: object, number: int) -> tuple[Any, dict[str, Any]]:
    if isinstance(step, str) or callable(step):
        return step, {}
    if isinstance(step, dict) and len(step) == 1:
        ((name, parameters),) = step.items()
        if isinstance(name, str) and isinstance(parameters, dict | None):
            return name, parameters or {}
    msg = f"step {number}: expected a name, or name: {{parameter: value}}, got {step!r}"
    raise FunctionError(msg)


def _check_parameters(
    step: Callable[..., Any], parameters: dict[str, Any], number: int
) -> None:
    known = list(inspect.signature(step).parameters)[2:]
    for name in parameters:
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            msg = f"step {number}: {step.__name__} has no parameter {name!r}; {has}"
            raise FunctionError(msg)


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that are not left to ObsPy."""
    return {name: value for name, value in options.items() if value is not None}


# Inside functions that have a parameter `type`, and beside `filter`: not the built-in.
def _kind(value: object) -> str:
    return value.__class__.__name__
