"""evalresp's formulas in NumPy give evalresp's numbers, or leave it to ObsPy."""

from __future__ import annotations

import math
import subprocess
import sys
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import obspy
import pytest
from obspy.core.inventory import FIRResponseStage, Response, ResponseStage

from asdf_pipeline.metadata import formulas
from asdf_pipeline.metadata.formulas import UnsupportedError
from tests.metadata.test_response import (
    DOCUMENTS,
    OBSPY,
    OUTPUTS,
    anmo,
    both,
    plain,
    rjob,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


def by_formulas(
    response: Response, frequencies: NDArray[np.float64], output: str
) -> NDArray[np.complex128]:
    """Return a response by the formulas, or raise UnsupportedError."""
    stages = sorted(
        response.response_stages, key=lambda stage: stage.stage_sequence_number
    )
    sensitivity = response.instrument_sensitivity
    if sensitivity is None or any(
        not stage.stage_gain or stage.stage_gain_frequency is None for stage in stages
    ):
        raise UnsupportedError  # as StageChain does
    formulas.computed_sensitivity(response, stages)
    normalised_at = float(sensitivity.frequency or 0.0)
    product = formulas.evaluate(stages, frequencies, output, normalised_at)
    return product * math.prod(float(stage.stage_gain) for stage in stages)


def assert_evalresps(
    response: Response, highest: float, outputs: Sequence[str] = OUTPUTS
) -> None:
    frequencies = np.linspace(0.0, highest, 100)
    for output in outputs:
        got = by_formulas(response, frequencies, output)
        expected = response.get_evalresp_response_for_frequencies(frequencies, output)
        peak = np.abs(expected).max()
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-13 * peak)


@pytest.mark.filterwarnings("ignore")
def test_all_that_obspy_brings() -> None:
    counts: Counter[str] = Counter()
    for document in DOCUMENTS:
        inventory = obspy.read_inventory(str(OBSPY / document), format="STATIONXML")
        for response, _, nyquist in both(inventory):
            if not response.response_stages:
                continue
            try:
                by_formulas(response, np.linspace(0, nyquist, 9), "VEL")
            except (UnsupportedError, AttributeError, TypeError, ValueError):
                counts["left to ObsPy"] += 1
                continue
            assert_evalresps(response, 1.7 * nyquist, ("VEL",))
            counts["by formulas"] += 1
    assert counts["by formulas"] > 2 * counts["left to ObsPy"] > 0, counts


def fir(symmetry: str, coefficients: Sequence[float], **more: Any) -> Response:
    """Return the response of BW.RJOB with another last stage."""
    response = plain(rjob())
    options = {
        "decimation_input_sample_rate": float(
            response.response_stages[-1].decimation_input_sample_rate
        ),
        "decimation_factor": 2,
        "decimation_offset": 0,
        "decimation_delay": 0.011,
        "decimation_correction": 0.013,
        "stage_gain_frequency": 0.0,
    } | more
    response.response_stages[-1] = FIRResponseStage(
        stage_sequence_number=len(response.response_stages),
        stage_gain=1.0,
        input_units="COUNTS",
        output_units="COUNTS",
        symmetry=symmetry,
        coefficients=coefficients,
        **options,
    )
    return response


@pytest.mark.parametrize("frequency", [0.0, 3.0])
@pytest.mark.parametrize(
    ("symmetry", "coefficients"),
    [
        ("NONE", [0.1, 0.6, 0.35, -0.05]),
        ("NONE", [0.1, 0.4, 0.4, 0.1]),
        ("NONE", [0.25, 0.5, 0.25]),
        ("NONE", [0.25] * 4),
        ("NONE", [1.0]),
        ("NONE", []),
        ("ODD", [0.1, 0.2, 0.4]),
        ("EVEN", [0.1, 0.4]),
        ("EVEN", [0.3, 0.4]),  # not normalised by evalresp
    ],
)
def test_kinds_of_fir_filters(
    symmetry: str, coefficients: list[float], frequency: float
) -> None:
    response = fir(symmetry, coefficients, stage_gain_frequency=frequency)
    assert_evalresps(response, 300.0)


def _hertz(response: Response) -> None:
    response.response_stages[0].pz_transfer_function_type = "LAPLACE (HERTZ)"


def _displacement(response: Response) -> None:
    response.response_stages[0].input_units = "m"


def _acceleration(response: Response) -> None:
    response.response_stages[0].input_units = "M/S**2"


def _pressure(response: Response) -> None:
    response.response_stages[0].input_units = "PA"


def _another_frequency(response: Response) -> None:
    response.instrument_sensitivity.frequency = 3.7


def _pole_at_zero(response: Response) -> None:
    response.response_stages[0].poles = [0j, *response.response_stages[0].poles]


def _gain_only(response: Response) -> None:
    response.response_stages.append(ResponseStage(5, 3.0, 1.0, None, None))


@pytest.mark.parametrize(
    "change",
    [
        *(_hertz, _displacement, _acceleration, _pressure, _another_frequency),
        *(_pole_at_zero, _gain_only),
    ],
)
def test_what_may_be_otherwise(change: Callable[[Response], None]) -> None:
    response = plain(rjob())
    change(response)
    assert_evalresps(response, 100.0)


def _unknown_units(response: Response) -> None:
    response.response_stages[0].input_units = "FURLONGS"


def _centimetres(response: Response) -> None:
    response.response_stages[0].input_units = "CM/S"


def _units_part(response: Response) -> None:
    response.response_stages[1].input_units = "M"


def _twice(response: Response) -> None:
    response.response_stages[-1].stage_sequence_number = 2


def _no_sensitivity(response: Response) -> None:
    response.instrument_sensitivity.value = 0.0


def _digital_poles(response: Response) -> None:
    response.response_stages[0].pz_transfer_function_type = "DIGITAL (Z-TRANSFORM)"


def _zero_response(response: Response) -> None:
    response.response_stages[0].stage_gain_frequency = 0.0


def _denominators(response: Response) -> None:
    response.response_stages[-1].denominator = [1.0, 0.5]


def _unnormalised(response: Response) -> None:
    stage = response.response_stages[-1]
    stage.numerator = [1.1 * float(one) for one in stage.numerator]


def _part_of_decimation(response: Response) -> None:
    response.response_stages[-1].decimation_delay = None


@pytest.mark.parametrize(
    "change",
    [
        *(_unknown_units, _centimetres, _units_part, _twice, _no_sensitivity),
        *(_digital_poles, _zero_response, _denominators, _unnormalised),
        _part_of_decimation,
    ],
)
def test_what_is_left_to_obspy(change: Callable[[Response], None]) -> None:
    response = plain(anmo())
    change(response)
    with pytest.raises(UnsupportedError):
        by_formulas(response, np.linspace(0, 100, 9), "VEL")


def test_contradicting_sensitivities_are_warned_of(
    capfd: pytest.CaptureFixture[str],
) -> None:
    frequencies = np.linspace(0, 100, 200)
    for factor, said in ((1.04, False), (1.06, True)):
        for hide in (False, True):
            response = rjob()
            response.instrument_sensitivity.value *= factor
            response.inverse(frequencies, "VEL", 60.0, hide)
            assert ("differ by more than 5" in capfd.readouterr().err) == (
                said and not hide
            )


def test_a_response_is_inverted_without_obspy_signal() -> None:
    code = """
import sys, warnings
import obspy
from asdf_pipeline.steps import remove_response
stream = remove_response(obspy.read(), obspy.read_inventory())
assert stream[0].data.dtype == float
assert "obspy.signal" not in sys.modules and "scipy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_warnings_of_units_are_obspys() -> None:
    response = rjob()
    response.response_stages[0].input_units = "FURLONGS"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        response.inverse(np.linspace(0, 100, 200), "VEL", 60.0)
    assert any("FURLONGS" in str(one.message) for one in caught)
