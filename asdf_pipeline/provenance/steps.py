"""The package's steps as activities of SEIS-PROV."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from asdf_pipeline.function.load import UserFunction

PACKAGE = "asdf_pipeline.steps"

_TRENDS = {
    "linear": "linear fit",
    "simple": "simple",
    "demean": "demean",
    "constant": "demean",
}
_UNITS = {"DISP": "m", "VEL": "m/s", "ACC": "m/s^2"}
_FILTERS = {
    "bandpass": ("bp", "Bandpass Filter"),
    "bandstop": ("bs", "Bandstop Filter"),
    "lowpass": ("lp", "Lowpass Filter"),
    "highpass": ("hp", "Highpass Filter"),
}


@dataclass(frozen=True)
class Step:
    """An activity of SEIS-PROV that a function stands for.

    Attributes
    ----------
    type, letters, label : str
        SEIS-PROV's name, two letters and label for it: ``"detrend"``, ``"dt"``,
        ``"Detrend"``. No letters: SEIS-PROV has no word for it.
    attributes : mapping
        By SEIS-PROV's names.
    """

    type: str
    letters: str
    label: str
    attributes: Mapping[str, str | int | float]


def steps_of(process: UserFunction) -> tuple[Step, ...]:
    """Return the activities that a function of the package stands for.

    Parameters
    ----------
    process : UserFunction
        The function and its parameters.

    Returns
    -------
    tuple of Step
        Empty for a user's own function, as nobody knows what it does.
    """
    function = inspect.unwrap(process.function)
    if not _is_shipped(function):
        return ()
    if hasattr(function, "calls"):  # a chain
        return tuple(
            step for one in function.calls(process.parameters) for step in _one(one)
        )
    return _one(process)


def _is_shipped(function: Callable[..., Any]) -> bool:
    return str(getattr(function, "__module__", "")).startswith(PACKAGE)


def _one(process: UserFunction) -> tuple[Step, ...]:
    """Return the activities of one step; one without a type if SEIS-PROV has none."""
    function = inspect.unwrap(process.function)
    describe_step = _STEPS.get(function.__name__) if _is_shipped(function) else None
    if describe_step is not None:
        bound = inspect.signature(function).bind(None, None, **process.parameters)
        bound.apply_defaults()
        steps = tuple(describe_step(**dict(list(bound.arguments.items())[2:])))
        if steps or describe_step is _identity:
            return steps
    return (Step("", "", process.name, {"parameters": repr(process.parameters)}),)


def _identity() -> Iterator[Step]:
    return iter(())


def _detrend(type: str, **_: Any) -> Iterator[Step]:
    if type in _TRENDS:
        method = {"detrending_method": _TRENDS[type]}
        yield Step("detrend", "dt", "Detrend", method)


def _taper(
    type: str, side: str, max_percentage: float | None, **_: Any
) -> Iterator[Step]:
    if max_percentage is not None:
        attributes: dict[str, str | int | float] = {
            "window_type": type,
            "taper_width": float(max_percentage),
            "side": side,
        }
        yield Step("taper", "tp", "Taper", attributes)


def _filter(
    type: str,
    freq: float | None,
    freqmin: float | None,
    freqmax: float | None,
    corners: int,
    zerophase: bool,
) -> Iterator[Step]:
    if type not in _FILTERS:
        return
    letters, label = _FILTERS[type]
    frequencies = {
        "": freq,
        "lower": freqmin,
        # For bandstop filters SEIS-PROV 0.1 has this with a slip, and no other.
        "uppoer" if type == "bandstop" else "upper": freqmax,
    }
    attributes: dict[str, str | int | float] = {"filter_type": "Butterworth"}
    attributes |= {
        f"{which}_corner_frequency".lstrip("_"): float(value)
        for which, value in frequencies.items()
        if value is not None
    }
    attributes |= {"filter_order": corners, "number_of_passes": 2 if zerophase else 1}
    yield Step(f"{type}_filter", letters, label, attributes)


def _resample(sampling_rate: float, window: str | None, **_: Any) -> Iterator[Step]:
    attributes: dict[str, str | int | float] = {
        "new_sampling_rate": float(sampling_rate)
    }
    if isinstance(window, str):
        attributes["frequency_domain_window"] = window
    yield Step("resample", "rs", "Resample", attributes)


def _remove_response(
    output: str,
    pre_filt: Any,
    water_level: float | None,
    zero_mean: bool,
    taper: bool,
    taper_fraction: float,
    **_: Any,
) -> Iterator[Step]:
    # In the order in which ObsPy does it.
    if zero_mean:
        yield from _detrend("demean")
    if taper:
        yield from _taper("cosine", "both", taper_fraction / 2)
    if pre_filt is not None:
        limits = ",".join(f"{float(frequency):.10f}" for frequency in pre_filt)
        attributes: dict[str, str | int | float] = {
            "filter_type": "Cosine SAC Taper",
            "sac_cosine_taper_frequency_limits": limits,
        }
        yield Step("bandpass_filter", "bp", "Bandpass Filter", attributes)
    attributes = {"input_units": "counts"}
    if water_level is not None:
        attributes["water_level"] = float(water_level)
    if output in _UNITS:
        attributes["output_units"] = _UNITS[output]
    yield Step("remove_response", "rr", "Remove Response", attributes)


def _rotate(**_: Any) -> Iterator[Step]:
    yield Step("rotate", "rt", "Rotate", {})


def _no_activity(**_: Any) -> Iterator[Step]:
    """Yield none: SEIS-PROV's cut has times, and these differ by station.

    For what merges and leaves out it has no activity.
    """
    return iter(())


_STEPS: dict[str, Callable[..., Iterator[Step]]] = {
    "identity": _identity,
    "detrend": _detrend,
    "taper": _taper,
    "filter": _filter,
    "resample": _resample,
    "remove_response": _remove_response,
    "cut": _no_activity,
    "merge": _no_activity,
    "reject": _no_activity,
    "rotate": _rotate,
}
