"""The stages of a response in groups, evaluated once for all that have them in common.

Most of a response removal is evalresp on FIR stages that a whole array of stations
shares, while gains, and often sensors, differ. So evaluations are kept for two groups
of stages, the first stage (the sensor) and all later ones (the digitiser), both for
unit gain, keyed by everything that evalresp reads of them. The response is their
product, times the gains. It is made in this same way whether or not an evaluation was
kept before, so the bytes do not depend on the history of the process.

Groups are evaluated by `formulas` where these hold, else by ObsPy.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import math
import warnings
from array import array
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash
from obspy.core.inventory.response import (
    CoefficientsTypeResponseStage,
    FIRResponseStage,
    InstrumentSensitivity,
    PolesZerosResponseStage,
    Response,
    ResponseStage,
)

from asdf_pipeline.metadata import formulas
from asdf_pipeline.metadata.evaluations import CacheStatistics, Evaluations
from asdf_pipeline.metadata.formulas import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

CACHE_BYTES = 128 * 2**20  # per process; one group of a 168,000-sample trace: 2.6 MB
FEWEST_FREQUENCIES = 64  # below, evalresp costs less than the bookkeeping
PROBES = 4  # frequencies at which a product of groups is compared with ObsPy's response

_WARNED_OF = 0.049  # evalresp warns of sensitivities that differ by 0.05
_MOST_COMPARED = 10_000

# Also what is not even a number or a stage: ObsPy says so in its own way.
LEFT_TO_OBSPY = (UnsupportedError, AttributeError, TypeError, ValueError)

_evaluations = Evaluations(CACHE_BYTES)
_compared: set[bytes] = set()  # keys of responses that agreed with ObsPy's


def cache_statistics() -> CacheStatistics:
    """Return what this process's cache of evaluations did so far."""
    return _evaluations.statistics()


def clear_cache() -> None:
    """Drop all evaluations kept by this process."""
    _evaluations.clear()
    _compared.clear()


def probe_indices(frequencies: NDArray[Any]) -> NDArray[np.intp]:
    """Return the indices of the frequencies at which responses are compared."""
    return np.linspace(0, frequencies.size - 1, PROBES, dtype=np.intp)


def invert(
    response: NDArray[np.complex128], water_level: float | None
) -> NDArray[np.complex128]:
    """Invert a response in place, as `obspy.Trace.remove_response` does; return it.

    Without ObsPy's own function: `obspy.signal` takes 1.3 s to import (ObsPy 1.5).
    """
    if water_level is None:
        response[0] = 0.0
        np.reciprocal(response[1:], out=response[1:])
        return response
    modulus = np.abs(response)
    level = modulus.max() * 10.0 ** (-water_level / 20.0)
    low = (modulus < level) & (modulus > 0.0)
    response[low] *= level / modulus[low]
    np.reciprocal(response, out=response, where=modulus > 0.0)
    return response


class StageChain:
    """The selected stages of one response, for one set of frequencies.

    Parameters
    ----------
    quiet : bool
        Whether evalresp is told not to warn where the stages' gains contradict the
        overall sensitivity.

    Attributes
    ----------
    gain : float
        Product of the stages' gains.
    by_formulas : bool
        Whether `formulas` holds for all stages.
    is_quiet : bool
        Whether evalresp would say nothing about them.

    Raises
    ------
    UnsupportedError
        For anything whose product of groups might not be the whole.
    """

    def __init__(
        self,
        response: Response,
        frequencies: NDArray[Any],
        start_stage: int | None,
        end_stage: int | None,
        quiet: bool,
    ) -> None:
        if (
            frequencies.dtype != np.float64
            or frequencies.ndim != 1
            or frequencies.size < FEWEST_FREQUENCIES
            or not frequencies.flags.c_contiguous
        ):
            raise UnsupportedError
        sensitivity = response.instrument_sensitivity
        # Without it the frequency at which evalresp normalises hangs on the group.
        if sensitivity is None:
            raise UnsupportedError
        first = -math.inf if start_stage is None else start_stage
        last = math.inf if end_stage is None else end_stage
        selected = sorted(
            (
                stage
                for stage in response.response_stages
                if first <= stage.stage_sequence_number <= last
            ),
            key=lambda stage: stage.stage_sequence_number,
        )
        if not selected:
            raise UnsupportedError
        # evalresp takes the overall sensitivity for a lone stage without gain.
        if not all(
            stage.stage_gain and stage.stage_gain_frequency is not None
            for stage in selected
        ):
            raise UnsupportedError
        self._response = response
        self._frequencies = frequencies
        self._groups = [group for group in (selected[:1], selected[1:]) if group]
        self.gain = math.prod(float(stage.stage_gain) for stage in selected)
        # evalresp fills in a digital stage's sampling rate from any other stage.
        self._common = repr(
            (
                _number(sensitivity.frequency or 0.0),
                sensitivity.input_units,
                sensitivity.output_units,
                [_decimation(stage) for stage in response.response_stages],
            )
        ).encode()
        self._contents = [b"".join(map(_content, group)) for group in self._groups]
        self._digest_of_frequencies = xxhash.xxh3_128_digest(frequencies.data)
        even = _digest_of_even(float(frequencies[-1]), frequencies.size)
        self.by_formulas = self.is_quiet = False
        if even == self._digest_of_frequencies:
            with contextlib.suppress(*LEFT_TO_OBSPY):
                computed = formulas.computed_sensitivity(response, selected)
                stated = float(sensitivity.value)
                self.by_formulas = True
                self.is_quiet = (
                    quiet
                    or len(selected) < len(response.response_stages)
                    or abs(stated - computed) < _WARNED_OF * abs(stated)
                )

    def is_compared(self, output: str) -> bool:
        """Tell whether this response, but for its gains, agreed with ObsPy's before."""
        key = self._key(output.upper(), *self._contents)
        return self.by_formulas and self.is_quiet and key in _compared

    def note_compared(self, output: str) -> None:
        """Note that the response agreed with ObsPy's."""
        if len(_compared) >= _MOST_COMPARED:
            _compared.clear()
        _compared.add(self._key(output.upper(), *self._contents))

    def evaluate(self, output: str) -> NDArray[np.complex128]:
        """Return the response as a new array."""
        product = self._with_unit_gain(output)
        product.view(np.float64)[:] *= self.gain
        return product

    def inverse(self, output: str, water_level: float | None) -> NDArray[np.complex128]:
        """Return the inverse for unit gain, then the response at the probes.

        Returns
        -------
        numpy.ndarray of complex128, shape (n + PROBES,)
            Read-only, shared with later calls.
        """

        def evaluate() -> NDArray[np.complex128]:
            response = self._with_unit_gain(output)
            probes = response[probe_indices(response)]
            return np.concatenate((invert(response, water_level), probes))

        what = f"inverse {output.upper()} {water_level!r}"
        return _evaluations.get(self._key(what, *self._contents), evaluate)

    def _key(self, what: str, *contents: bytes) -> bytes:
        """Return the digest of all that an array depends on."""
        key = xxhash.xxh3_128(f"{what} {self.by_formulas}".encode())
        for part in (self._common, *contents, self._digest_of_frequencies):
            key.update(part)
        return key.digest()

    def _with_unit_gain(self, output: str) -> NDArray[np.complex128]:
        """Return the response for unit gain as a new array."""
        parts: list[NDArray[np.complex128]] = []
        for group, content in zip(self._groups, self._contents, strict=True):
            # Units are converted from those of the first stage, and only once.
            units = "DEF" if parts else output.upper()
            evaluate = functools.partial(self._evaluate, group, units)
            parts.append(_evaluations.get(self._key(units, content), evaluate))
        return parts[0] * parts[1] if len(parts) == 2 else parts[0].copy()

    def _evaluate(
        self, group: list[ResponseStage], units: str
    ) -> NDArray[np.complex128]:
        """Return evalresp's result for a group of stages, each with unit gain."""
        own = self._response.instrument_sensitivity
        if self.by_formulas:
            normalised_at = float(own.frequency or 0.0)
            return formulas.evaluate(group, self._frequencies, units, normalised_at)
        stages = [copy.copy(stage) for stage in self._response.response_stages]
        for stage in stages:
            stage.stage_gain = 1.0
        sensitivity = InstrumentSensitivity(
            1.0, own.frequency, own.input_units, own.output_units
        )
        response = Response(
            self._response.resource_id, sensitivity, response_stages=stages
        )
        with warnings.catch_warnings():  # the whole chain has warned already
            warnings.simplefilter("ignore")
            evaluation: NDArray[np.complex128]
            evaluation = response.get_evalresp_response_for_frequencies(
                self._frequencies,
                units,
                group[0].stage_sequence_number,
                group[-1].stage_sequence_number,
                hide_sensitivity_mismatch_warning=True,
            )
        return evaluation


@functools.lru_cache(maxsize=8)
def _digest_of_even(last: float, count: int) -> bytes:
    """Return the digest of evenly spaced frequencies, as ObsPy makes them."""
    if not math.isfinite(last):
        return b""
    return bytes(xxhash.xxh3_128_digest(np.linspace(0.0, last, count).data))


def _content(stage: ResponseStage) -> bytes:
    """Return all that evalresp reads of a stage, but for its gain."""
    kind = type(stage)
    own: tuple[object, ...] = ()
    numbers: list[bytes] = []
    if kind is PolesZerosResponseStage:
        own = (
            stage.pz_transfer_function_type,
            _number(stage.normalization_factor),
            _number(stage.normalization_frequency),
        )
        numbers = [
            np.array(roots, dtype=np.complex128).tobytes()
            for roots in (stage.zeros, stage.poles)
        ]
    elif kind is CoefficientsTypeResponseStage:
        own = (stage.cf_transfer_function_type,)
        numbers = [_floats(stage.numerator), _floats(stage.denominator)]
    elif kind is FIRResponseStage:
        own = (stage.symmetry,)
        numbers = [_floats(stage.coefficients)]
    elif kind is not ResponseStage:
        raise UnsupportedError
    described = (
        kind.__name__,
        stage.stage_sequence_number,
        stage.input_units,
        stage.output_units,
        _number(stage.stage_gain_frequency),
        own,
        [len(part) for part in numbers],
    )
    return b"".join([repr(described).encode(), *numbers])


def _decimation(stage: ResponseStage) -> tuple[float | None, ...]:
    """Return a stage's number and what evalresp reads of its decimation."""
    return (
        stage.stage_sequence_number,
        _number(stage.decimation_input_sample_rate),
        _number(stage.decimation_factor),
        _number(stage.decimation_offset),
        _number(stage.decimation_delay),
        _number(stage.decimation_correction),
    )


def _floats(values: Iterable[float]) -> bytes:
    """Return float64 bytes (array: 3 times as fast as numpy on ObsPy's floats)."""
    return array("d", values).tobytes()


def _number(value: Any) -> float | None:
    """Return a plain float, whose repr is all that there is to it."""
    return None if value is None else float(value)
