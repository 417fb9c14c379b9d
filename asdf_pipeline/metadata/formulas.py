"""evalresp's formulas in NumPy, for the stages that nearly all responses are made of.

ObsPy (1.5) evaluates responses by evalresp (3.3, in C), which takes a sine and a cosine
for each FIR coefficient and frequency, and comes with `obspy.signal`, which takes 1.3 s
to import. Here are the same formulas (`calc_fctns.c` and `resp_fctns.c` of evalresp)
for poles and zeros of Laplace transforms, FIR filters and plain gains, on evenly spaced
frequencies. What evalresp would refuse or warn of, and what is not here, raises
`UnsupportedError`: ObsPy is to be asked.
"""

from __future__ import annotations

import functools
import math
from array import array
from typing import TYPE_CHECKING, Any

import numpy as np
from obspy.core.inventory.response import (
    CoefficientsTypeResponseStage,
    FIRResponseStage,
    PolesZerosResponseStage,
    ResponseStage,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray
    from obspy.core.inventory.response import Response

    Complex = NDArray[np.complex128]

_DISPLACEMENT, _VELOCITY, _ACCELERATION = "displacement", "velocity", "acceleration"
_UNITS = {
    **dict.fromkeys(("M",), _DISPLACEMENT),
    **dict.fromkeys(("M/S", "M/SEC"), _VELOCITY),
    **dict.fromkeys(("M/S**2", "M/(S**2)", "M/SEC**2", "M/(SEC**2)"), _ACCELERATION),
    **dict.fromkeys(("V", "VOLT", "VOLTS"), "volts"),
    **dict.fromkeys(("COUNT", "COUNTS"), "counts"),
    **dict.fromkeys(("PA", "PASCAL", "PASCALS"), "pressure"),
}
"""What ObsPy makes of a stage's units; others are left to it."""
_OF_OUTPUT = {"DISP": _DISPLACEMENT, "VEL": _VELOCITY, "ACC": _ACCELERATION}
_NORMALISED = 0.02  # FIR_NORM_TOL: how far the sum of FIR coefficients may be from 1


class UnsupportedError(Exception):
    """The response is of a kind that is left to ObsPy."""


def computed_sensitivity(
    response: Response, selected: Sequence[ResponseStage]
) -> float:
    """Return the overall sensitivity that evalresp computes of the stages' gains.

    Parameters
    ----------
    response : obspy.core.inventory.response.Response
        With an overall sensitivity.
    selected : sequence of ResponseStage
        The stages that are evaluated, by their numbers, each with a gain.

    Raises
    ------
    UnsupportedError
        If a stage is of a kind that is not here, or evalresp would raise or say more
        than that these sensitivities differ.
    """
    numbers = [stage.stage_sequence_number for stage in selected]
    stated = response.instrument_sensitivity
    if len(set(numbers)) != len(numbers) or not stated.value:
        raise UnsupportedError
    normalised_at = float(stated.frequency or 0.0)
    before: str | None = None
    total = 1.0
    for stage in selected:
        gain_only = type(stage) is ResponseStage
        units = stage.input_units, stage.output_units
        taken, given = (_UNITS.get(str(unit).upper()) for unit in units)
        if gain_only and before is not None and units == (None, None):
            taken = given = before
        if taken is None or given is None:
            raise UnsupportedError
        if not gain_only:
            if before not in (None, taken):
                raise UnsupportedError
            before = given
        _check_decimation(stage, response)
        level = abs(_of_stage(stage, np.array([normalised_at]), normalised_at)[0])
        total *= float(stage.stage_gain)
        if _is_reset(stage, normalised_at):
            total *= level
    if not math.isfinite(total):
        raise UnsupportedError
    return total


def evaluate(
    stages: Sequence[ResponseStage],
    frequencies: NDArray[np.float64],
    output: str,
    normalised_at: float,
) -> Complex:
    """Return the frequency response of stages, each with unit gain.

    Parameters
    ----------
    stages : sequence of ResponseStage
        Of a response that `computed_sensitivity` takes.
    frequencies : numpy.ndarray of float64, shape (n,)
        In Hz, evenly spaced, from 0 on.
    output : {"DISP", "VEL", "ACC", "DEF"}
        What the units of the first stage are converted to; ``"DEF"``: they are not.
        UnsupportedError for any other.
    normalised_at : float
        Frequency of the overall sensitivity in Hz: a stage whose gain is of another
        frequency is normalised there.

    Returns
    -------
    numpy.ndarray of complex128, shape (n,)
        A new array.
    """
    product = np.ones(len(frequencies), np.complex128)
    for stage in stages:
        product *= _of_stage(stage, frequencies, normalised_at)
    _convert(product, frequencies, str(stages[0].input_units).upper(), output)
    return product


def _check_decimation(stage: ResponseStage, response: Response) -> None:
    """Refuse what ObsPy or evalresp refuses of a stage's decimation."""
    said = (
        stage.decimation_input_sample_rate,
        stage.decimation_factor,
        stage.decimation_offset,
        stage.decimation_delay,
        stage.decimation_correction,
    )
    if type(stage) is PolesZerosResponseStage:
        if None in said:  # ObsPy fills it in for evalresp, which makes nothing of it
            response.get_sampling_rates()  # warns or raises
    elif type(stage) is ResponseStage:
        if any(value is not None for value in said):
            raise UnsupportedError
    elif None in said or not said[0]:
        raise UnsupportedError


def _is_reset(stage: ResponseStage, normalised_at: float) -> bool:
    """Tell whether evalresp normalises a stage anew (`norm_resp`)."""
    stated_at = [float(stage.stage_gain_frequency)]
    if type(stage) is PolesZerosResponseStage:
        stated_at.append(float(stage.normalization_frequency))
    elif type(stage) is ResponseStage:
        return False
    return any(one != normalised_at for one in stated_at)


def _of_stage(
    stage: ResponseStage, frequencies: NDArray[np.float64], normalised_at: float
) -> Complex:
    """Return a stage's response for unit gain, normalised as evalresp does."""
    if type(stage) is ResponseStage:
        return np.ones(len(frequencies), np.complex128)
    of: Callable[[NDArray[np.float64]], Complex]
    if type(stage) is PolesZerosResponseStage:
        of = functools.partial(_laplace, stage)
        factor = float(stage.normalization_factor)
    else:
        weights, delays, is_real = _fir(stage)
        if not weights.size:
            return np.ones(len(frequencies), np.complex128)
        of = functools.partial(_sum, weights, delays, is_real)
        factor = 1.0
    if _is_reset(stage, normalised_at):
        stated_at = float(stage.stage_gain_frequency)
        levels = [abs(of(np.array([one]))[0]) for one in (normalised_at, stated_at)]
        if not all(0.0 < level < math.inf for level in levels):
            raise UnsupportedError
        factor = 1.0 / levels[1]
    response = of(frequencies)
    response *= factor
    return response


def _laplace(
    stage: PolesZerosResponseStage, frequencies: NDArray[np.float64]
) -> Complex:
    """Return the product of zeros by that of poles (`analog_trans`)."""
    kind = stage.pz_transfer_function_type
    if kind == "LAPLACE (RADIANS/SECOND)":
        omega = 2.0 * math.pi * frequencies
    elif kind == "LAPLACE (HERTZ)":
        omega = frequencies
    else:
        raise UnsupportedError
    above, below = (
        _product([complex(root) for root in roots], omega)
        for roots in (stage.zeros, stage.poles)
    )
    nothing = below == 0  # a pole at 0 Hz
    above[nothing], below[nothing] = 0.0, 1.0
    above /= below
    return above


def _product(roots: Sequence[complex], omega: NDArray[np.float64]) -> Complex:
    product = np.ones(omega.size, np.complex128)
    factor = np.empty(omega.size, np.complex128)
    for root in roots:
        factor.real = -root.real
        np.subtract(omega, root.imag, out=factor.imag)
        product *= factor
    return product


def _fir(
    stage: CoefficientsTypeResponseStage | FIRResponseStage,
) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """Return a FIR filter's coefficients, their delays in s, and whether it is real.

    A filter that is symmetric has no delay, whatever its decimation says (`check_sym`,
    `calc_resp`).
    """
    interval = 1.0 / float(stage.decimation_input_sample_rate)
    half = False
    if type(stage) is FIRResponseStage:
        weights = _floats(stage.coefficients)
        if stage.symmetry in ("ODD", "EVEN"):
            half = True
            mirrored = weights[::-1]
            weights = np.append(weights, mirrored[stage.symmetry == "ODD" :])
        elif stage.symmetry != "NONE":
            raise UnsupportedError
    elif type(stage) is CoefficientsTypeResponseStage and not len(stage.denominator):
        if str(stage.cf_transfer_function_type).lower() != "digital":
            raise UnsupportedError
        weights = _floats(stage.numerator)
    else:
        raise UnsupportedError
    if weights.size and not half and not abs(weights.sum() - 1.0) < _NORMALISED:
        raise UnsupportedError  # evalresp normalises them, and says so
    delays: NDArray[np.float64] = interval * np.arange(weights.size, dtype=float)
    if np.array_equal(weights, weights[::-1]):
        return weights, delays - interval * (weights.size - 1) / 2, True
    return weights, delays - float(stage.decimation_correction), False


def _floats(values: Iterable[float]) -> NDArray[np.float64]:
    """Return an array (by way of `array`: 3 times as fast on ObsPy's floats)."""
    return np.array(array("d", values))


def _sum(
    weights: NDArray[np.float64],
    delays: NDArray[np.float64],
    is_real: bool,
    frequencies: NDArray[np.float64],
) -> Complex:
    """Return the sum of ``weights * exp(-2 pi i frequency * delays)``.

    Every frequency is the sum of a coarse and a fine one, every term the product of
    theirs: a product of matrices does what takes a sine and a cosine a term.
    """
    count = frequencies.size
    step = float(frequencies[-1]) / (count - 1) if count > 1 else 0.0
    fine = math.isqrt(count - 1) + 1
    coarse = -(-count // fine)
    first = 0.0 if count > 1 else float(frequencies[0])
    turn = -2j * math.pi * delays
    across = np.exp(np.outer(step * np.arange(fine), turn))
    along = np.exp(np.outer(first + step * fine * np.arange(coarse), turn))
    along *= weights
    total: Complex = (along @ across.T).reshape(-1)[:count]
    if is_real:
        total.imag = 0.0
    return total


def _convert(
    response: Complex, frequencies: NDArray[np.float64], units: str, output: str
) -> None:
    """Convert a response to another kind of ground motion (`convert_to_units`)."""
    if output == "DEF":
        return
    if output not in _OF_OUTPUT:
        raise UnsupportedError
    given, wanted = _UNITS[units], _OF_OUTPUT[output]
    order = [_DISPLACEMENT, _VELOCITY, _ACCELERATION]
    # evalresp takes what is no ground motion for velocity.
    times = order.index(wanted) - (order.index(given) if given in order else 1)
    turn: Any = 2j * math.pi * frequencies
    for _ in range(-times):
        response *= turn
    for _ in range(times):
        with np.errstate(divide="ignore", invalid="ignore"):
            response /= turn
        response[frequencies == 0] = 0.0
