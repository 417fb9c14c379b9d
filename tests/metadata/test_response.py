"""Memoised responses equal ObsPy's, whatever was kept before."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import obspy
import pytest
from obspy.core.inventory import (
    CoefficientsTypeResponseStage,
    FIRResponseStage,
    InstrumentSensitivity,
    PolesZerosResponseStage,
    PolynomialResponseStage,
    Response,
    ResponseListResponseStage,
    ResponseStage,
)
from obspy.core.inventory.response import ResponseListElement

from asdf_pipeline.metadata import stages as module
from asdf_pipeline.metadata.evaluations import ENTRY_OVERHEAD, Evaluations
from asdf_pipeline.metadata.response import MemoisingResponse, memoise
from asdf_pipeline.metadata.stages import (
    FEWEST_FREQUENCIES,
    PROBES,
    cache_statistics,
    clear_cache,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

OBSPY = Path(obspy.__file__).parent
OUTPUTS = ("DISP", "VEL", "ACC", "DEF")
FREQUENCIES = np.linspace(0.0, 10.0, 500)


def obspy_stationxml() -> list[str]:
    """Return all StationXML documents that ObsPy's wheel brings."""
    found = []
    for path in sorted(OBSPY.rglob("*")):
        named = "data" in path.parts and "xml" in path.name.lower()
        if named and path.is_file():
            start = path.read_bytes()[:2000]
            if b"FDSNStationXML" in start:
                found.append(path.relative_to(OBSPY).as_posix())
    return found


DOCUMENTS = obspy_stationxml()


@pytest.fixture(autouse=True)
def _cold() -> Iterator[None]:
    clear_cache()
    yield
    clear_cache()


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that fills with the size of each evaluation by ObsPy itself."""
    sizes: list[int] = []
    evaluate = Response.get_evalresp_response_for_frequencies

    def count(self: Response, frequencies: Any, *others: Any, **more: Any) -> Any:
        sizes.append(len(frequencies))
        return evaluate(self, frequencies, *others, **more)

    monkeypatch.setattr(Response, "get_evalresp_response_for_frequencies", count)
    return sizes


def outcome(
    response: Response, frequencies: Any = FREQUENCIES, **arguments: Any
) -> tuple[NDArray[np.complex128] | None, str, list[str]]:
    """Return result, exception and warnings of an evaluation."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = response.get_evalresp_response_for_frequencies(
                frequencies, **arguments
            )
        except Exception as error:  # noqa: BLE001
            return None, repr(error), [str(warning.message) for warning in caught]
    return result, "", [str(warning.message) for warning in caught]


def assert_as_obspy(memoised: Response, plain: Response, **arguments: Any) -> None:
    expected, error, said = outcome(plain, **arguments)
    for state in ("cold", "warm"):
        got, got_error, got_said = outcome(memoised, **arguments)
        assert got_error == error, state
        # Where ObsPy has to do it all after the probe, it says it all twice.
        assert set(got_said) == set(said), state
        if expected is None:
            assert got is None
            continue
        assert got is not None
        peak = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12 * peak)


def channels(inventory: obspy.Inventory) -> list[Any]:
    return [
        channel for network in inventory for station in network for channel in station
    ]


def both(inventory: obspy.Inventory) -> list[tuple[Response, Response, float]]:
    """Return each channel's (plain, memoising) responses and its Nyquist in Hz."""
    memoising = copy.deepcopy(inventory)
    memoise(memoising)
    return [
        (plain.response, other.response, (plain.sample_rate or 20.0) / 2)
        for plain, other in zip(channels(inventory), channels(memoising), strict=True)
        if plain.response is not None
    ]


def rjob() -> Response:
    """Return the response of BW.RJOB: sensor, digitiser gain, two FIR stages."""
    inventory = obspy.read_inventory(str(OBSPY / "core/data/BW_RJOB.xml"))
    memoise(inventory)
    return channels(inventory)[0].response


def anmo() -> Response:
    """Return the response of IU.ANMO: sensor, digitiser gain, asymmetric FIR stage."""
    path = OBSPY / "core/tests/data/IU_ANMO_00_BHZ.xml"
    inventory = obspy.read_inventory(str(path))
    memoise(inventory)
    return channels(inventory)[0].response


def plain(response: Response) -> Response:
    """Return an ObsPy Response of the same content."""
    other = copy.deepcopy(response)
    other.__class__ = Response
    return other


def test_obspy_brings_its_stationxml() -> None:
    assert len(DOCUMENTS) >= 50


@pytest.mark.parametrize("document", DOCUMENTS)
def test_equals_obspy_on_its_own_stationxml(document: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inventory = obspy.read_inventory(str(OBSPY / document), format="STATIONXML")
    # Beyond Nyquist too: a user may ask for any frequencies.
    for response, memoising, nyquist in both(inventory):
        for output in OUTPUTS:
            assert_as_obspy(
                memoising,
                response,
                frequencies=np.linspace(0.0, 1.7 * nyquist, 80),
                output=output,
                hide_sensitivity_mismatch_warning=True,
            )


@pytest.mark.parametrize(
    ("document", "count"),
    [("core/data/BW_GR_misc.xml", 30), ("core/tests/data/IU_ANMO_BH.xml", 9)],
)
def test_usual_channels_are_never_evaluated_twice(
    sizes: list[int], document: str, count: int
) -> None:
    responses = both(obspy.read_inventory(str(OBSPY / document)))
    assert len(responses) == count
    for _, memoising, _ in responses:
        for output in OUTPUTS:
            outcome(memoising, output=output)
    evaluations = cache_statistics().evaluations
    assert sizes.count(FREQUENCIES.size) <= evaluations < 2 * len(OUTPUTS) * count
    sizes.clear()
    for _, memoising, _ in responses:
        for output in OUTPUTS:
            outcome(memoising, output=output)
    assert set(sizes) <= {PROBES}
    assert cache_statistics().evaluations == evaluations


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("stages", [(2, None), (None, 1), (1, 3), (3, 4), (9, None)])
def test_selected_stages(stages: tuple[int | None, int | None], output: str) -> None:
    response = rjob()
    assert_as_obspy(
        response,
        plain(response),
        output=output,
        start_stage=stages[0],
        end_stage=stages[1],
    )


def test_the_bytes_do_not_depend_on_what_was_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    response = rjob()
    cold = outcome(response)[0]
    assert cold is not None
    warm = outcome(response)[0]
    assert cache_statistics().hits == 2

    clear_cache()
    other = copy.deepcopy(response)
    other.response_stages[0].stage_gain *= 1.234
    outcome(other)
    after_another = outcome(response)[0]

    monkeypatch.setattr(module, "_evaluations", Evaluations(limit=0))
    never_kept = outcome(response)[0]
    assert cache_statistics().entries == 0
    for again in (warm, after_another, never_kept):
        assert again is not None
        assert again.tobytes() == cold.tobytes()


def test_other_gains_hit() -> None:
    response = rjob()
    outcome(response)
    assert cache_statistics().evaluations == 2
    for factor in (1.01, 0.5, 123.0):
        other = copy.deepcopy(response)
        for stage in other.response_stages:
            stage.stage_gain *= factor
        other.instrument_sensitivity.value *= factor**4
        assert_as_obspy(other, plain(other))
    assert cache_statistics().evaluations == 2


def test_another_sensor_shares_the_digitiser() -> None:
    response = rjob()
    outcome(response)
    other = copy.deepcopy(response)
    other.response_stages[0].poles = [root * 1.1 for root in other.get_paz().poles]
    assert_as_obspy(other, plain(other))
    statistics = cache_statistics()
    assert statistics.evaluations == 3
    assert statistics.hits == 3


def test_get_evalresp_response_and_remove_response_use_it() -> None:
    inventory = obspy.read_inventory()
    stream = obspy.read()
    expected = stream.copy()
    expected.remove_response(inventory, output="DISP", water_level=30)
    memoise(inventory)
    attached = stream.copy()
    attached.attach_response(inventory)
    attached.remove_response(output="DISP", water_level=30)
    stream.remove_response(inventory, output="DISP", water_level=30)
    for one, two, three in zip(expected, attached, stream, strict=True):
        tolerance = 1e-12 * np.abs(one.data).max()
        np.testing.assert_allclose(two.data, one.data, rtol=0, atol=tolerance)
        assert two.data.tobytes() == three.data.tobytes()
    # Three channels of one instrument, two passes.
    assert cache_statistics().evaluations == 2
    assert cache_statistics().hits == 10


def _first_pole(response: Response) -> None:
    stage = response.response_stages[0]
    stage.poles = [1.05 * stage.poles[0], *stage.poles[1:]]


def _first_zero(response: Response) -> None:
    response.response_stages[0].zeros = [-0.1, *response.response_stages[0].zeros[1:]]


def _kind_of_poles(response: Response) -> None:
    response.response_stages[0].pz_transfer_function_type = "LAPLACE (HERTZ)"


def _normalization_factor(response: Response) -> None:
    response.response_stages[0].normalization_factor *= 1.3


def _gain(response: Response) -> None:
    response.response_stages[-1].stage_gain *= 3


def _gain_frequency(response: Response) -> None:
    response.response_stages[-1].stage_gain_frequency = 8.0


def _fir_coefficient(response: Response) -> None:
    stage = response.response_stages[-1]
    stage.numerator = [2.0 * stage.numerator[0] + 0.001, *stage.numerator[1:]]


def _sampling_rate(response: Response) -> None:
    stage = response.response_stages[-1]
    stage.decimation_input_sample_rate = stage.decimation_input_sample_rate * 1.001


def _correction(response: Response) -> None:
    response.response_stages[-1].decimation_correction = 0.25


def _input_units(response: Response) -> None:
    response.response_stages[0].input_units = "NM/S**2"


def _sensitivity_frequency(response: Response) -> None:
    # evalresp then computes the normalisation that it took as given before.
    response.instrument_sensitivity.frequency = 3.7


@pytest.mark.parametrize(
    ("change", "groups"),
    [
        (_first_pole, 1),
        (_first_zero, 1),
        (_kind_of_poles, 1),
        (_normalization_factor, 1),
        (_gain, 0),
        (_gain_frequency, 1),
        (_fir_coefficient, 1),
        (_sampling_rate, 2),
        (_correction, 2),
        (_input_units, 2),  # left to ObsPy, all of it
        (_sensitivity_frequency, 2),
    ],
)
def test_a_changed_response_gives_the_new_result(
    sizes: list[int], change: Callable[[Response], None], groups: int
) -> None:
    response = anmo()
    before = outcome(response)[0]
    change(response)
    evaluations = cache_statistics().evaluations
    after = outcome(response)[0]
    # The changed groups are evaluated again, and ObsPy need not do the whole.
    assert cache_statistics().evaluations - evaluations == groups
    assert sizes.count(FREQUENCIES.size) <= groups
    assert cache_statistics().evaluations == 2 + groups
    assert_as_obspy(response, plain(response))
    assert before is not None
    assert after is not None
    assert not np.allclose(before, after, rtol=1e-9, atol=0)


def test_symmetric_fir_is_part_of_the_key() -> None:
    response = anmo()
    numerator = [float(value) for value in response.response_stages[-1].numerator]
    results = []
    for symmetry in ("EVEN", "ODD", "NONE"):
        old = response.response_stages[-1]
        response.response_stages[-1] = FIRResponseStage(
            old.stage_sequence_number,
            old.stage_gain,
            old.stage_gain_frequency,
            old.input_units,
            old.output_units,
            symmetry=symmetry,
            coefficients=numerator[:31],
            decimation_input_sample_rate=old.decimation_input_sample_rate,
            decimation_factor=old.decimation_factor,
            decimation_offset=old.decimation_offset,
            decimation_delay=old.decimation_delay,
            decimation_correction=old.decimation_correction,
        )
        assert_as_obspy(response, plain(response))
        results.append(outcome(response)[0])
    # ObsPy normalises the last, and evaluates the sensor too.
    assert cache_statistics().evaluations == 5
    assert not np.allclose(results[0], results[1])
    assert not np.allclose(results[0], results[2])


def test_digital_sensor_takes_its_rate_from_later_stages() -> None:
    # Without a decimation of its own evalresp's stage 1 depends on stage 2's.
    def digital(rate: float) -> MemoisingResponse:
        first = PolesZerosResponseStage(
            1, 2.0, 1.0, "M/S", "V", "DIGITAL (Z-TRANSFORM)", 1.0, [0.5], [0.1], 1.0
        )
        second = CoefficientsTypeResponseStage(
            2,
            3.0,
            1.0,
            "V",
            "COUNTS",
            "DIGITAL",
            numerator=[0.25, 0.5, 0.25],
            denominator=[],
            decimation_input_sample_rate=rate,
            decimation_factor=2,
            decimation_offset=0,
            decimation_delay=0.0,
            decimation_correction=0.0,
        )
        sensitivity = InstrumentSensitivity(6.0, 1.0, "M/S", "COUNTS")
        return MemoisingResponse(None, sensitivity, response_stages=[first, second])

    for rate in (40.0, 100.0):
        assert_as_obspy(digital(rate), plain(digital(rate)))
    assert cache_statistics().evaluations == 4


def test_the_sensitivity_warning_comes_each_time(
    capfd: pytest.CaptureFixture[str],
) -> None:
    response = rjob()
    response.instrument_sensitivity.value *= 2
    for _ in range(2):
        response.get_evalresp_response_for_frequencies(FREQUENCIES)
        assert capfd.readouterr().err.count("sensitivities") == 1
        response.get_evalresp_response_for_frequencies(
            FREQUENCIES, hide_sensitivity_mismatch_warning=True
        )
        assert capfd.readouterr().err == ""
    response.instrument_sensitivity.value /= 2
    response.get_evalresp_response_for_frequencies(FREQUENCIES)
    assert capfd.readouterr().err == ""


def test_the_result_is_the_callers() -> None:
    response = rjob()
    for arguments in ({}, {"end_stage": 1}):
        first = response.get_evalresp_response_for_frequencies(FREQUENCIES, **arguments)
        expected = first.copy()
        first[:] = np.nan
        again = response.get_evalresp_response_for_frequencies(FREQUENCIES, **arguments)
        assert again.tobytes() == expected.tobytes()
        assert again.flags.writeable


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    one = FREQUENCIES.size * 16 + ENTRY_OVERHEAD
    monkeypatch.setattr(module, "_evaluations", Evaluations(limit=3 * one + 100))
    response = rjob()
    for scale in (1.0, 1.1, 1.2, 1.3):
        outcome(response, FREQUENCIES * scale)
        assert cache_statistics().nbytes <= 3 * one + 100
    assert cache_statistics().entries == 3
    assert cache_statistics().evaluations == 8
    # The last one used stays.
    outcome(response, FREQUENCIES * 1.3)
    assert cache_statistics().evaluations == 8
    # What alone is too large is not kept, and drives nothing out.
    outcome(response, np.linspace(0, 10, 4 * FREQUENCIES.size))
    assert cache_statistics().evaluations == 10
    assert cache_statistics().entries == 3


def test_kept_arrays_are_read_only() -> None:
    kept = Evaluations(limit=1000)
    array = kept.get(b"key", lambda: np.zeros(3, complex))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_an_evaluation_that_fails_is_not_kept() -> None:
    kept = Evaluations(limit=1000)

    def fail() -> NDArray[Any]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        kept.get(b"key", fail)
    assert kept.get(b"key", lambda: np.ones(1, complex))[0] == 1


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, copy.copy, None],
    ids=["deepcopy", "copy", "pickle"],
)
def test_copies_and_pickles_go_on_memoising(
    copied: Callable[[Response], Response] | None,
) -> None:
    response = rjob()
    expected = outcome(response)[0]
    assert expected is not None
    other = copied(response) if copied else pickle.loads(pickle.dumps(response))
    assert type(other) is MemoisingResponse
    assert other == response
    assert other == plain(response)
    assert plain(response) == other
    got = outcome(other)[0]
    assert got is not None
    assert got.tobytes() == expected.tobytes()
    assert cache_statistics().evaluations == 2


def _without_sensitivity(response: Response) -> None:
    response.instrument_sensitivity = None


def _without_gain(response: Response) -> None:
    response.response_stages[1].stage_gain = None


def _without_gain_frequency(response: Response) -> None:
    response.response_stages[1].stage_gain_frequency = None


def _zero_gain(response: Response) -> None:
    response.response_stages[0].stage_gain = 0.0


def _polynomial(response: Response) -> None:
    response.response_stages[0] = PolynomialResponseStage(
        1, 1.0, 1.0, "M/S", "V", 0.0, 50.0, 0.0, 1.0, 0.1, [0.0, 2.0]
    )


def _response_list(response: Response) -> None:
    elements = [ResponseListElement(f, 1.0 / (1 + f), -f) for f in range(13)]
    response.response_stages[:] = [
        ResponseListResponseStage(
            1, 1.0, 1.0, "M/S", "COUNTS", response_list_elements=elements
        )
    ]


def _stage_twice(response: Response) -> None:
    response.response_stages.append(response.response_stages[0])


def _no_stages(response: Response) -> None:
    response.response_stages.clear()


def _stage_zero(response: Response) -> None:
    response.response_stages.append(ResponseStage(0, 1.0, 1.0, None, None))


def _no_number(response: Response) -> None:
    response.response_stages[0].stage_gain = "large"


def _units_that_do_not_meet(response: Response) -> None:
    response.response_stages[2].input_units = "PA"


def _missing_units(response: Response) -> None:
    response.response_stages[0].input_units = None
    response.response_stages[0].output_units = None


def _unknown_units(response: Response) -> None:
    response.response_stages[0].input_units = "FURLONG"


def _missing_stage(response: Response) -> None:
    del response.response_stages[1]


def _scaled_later_units(response: Response) -> None:
    gain_only = ResponseStage(1, 2.0, 1.0, "NM/S", "NM/S")
    for stage in response.response_stages:
        stage.stage_sequence_number += 1
    response.response_stages[0].input_units = "NM/S"
    response.response_stages.insert(0, gain_only)


UNUSUAL = (
    _without_sensitivity,
    _without_gain,
    _without_gain_frequency,
    _zero_gain,
    _polynomial,
    _response_list,
    _stage_twice,
    _no_stages,
    _stage_zero,
    _no_number,
    _units_that_do_not_meet,
    _missing_units,
    _unknown_units,
    _missing_stage,
    _scaled_later_units,
)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("change", UNUSUAL)
def test_the_unusual_is_obspys(change: Callable[[Response], None], output: str) -> None:
    response = rjob()
    change(response)
    assert_as_obspy(response, plain(response), output=output)


@pytest.mark.parametrize(
    "arguments",
    [
        {"output": "SPEED"},
        {"output": "vel"},
        {"start_stage": "first"},
        {"frequencies": np.arange(100)},
        {"frequencies": np.arange(100.0, dtype=np.float32)},
        {"frequencies": np.ones((100, 2))},
        {"frequencies": np.arange(200.0)[::2]},
        {"frequencies": list(np.linspace(0.1, 5.0, 100))},
        {"frequencies": []},
        {"frequencies": np.linspace(1.0, 2.0, FEWEST_FREQUENCIES - 1)},
        {"frequencies": np.full(100, np.nan)},
    ],
    ids=[
        "no such output",
        "lower case",
        "stage by name",
        "integers",
        "float32",
        "two-dimensional",
        "strided",
        "list",
        "none",
        "few",
        "not a number",
    ],
)
def test_unusual_arguments_are_obspys(arguments: dict[str, Any]) -> None:
    response = rjob()
    assert_as_obspy(response, plain(response), **arguments)


def test_memoise_leaves_everything_else() -> None:
    inventory = obspy.read_inventory()
    before = copy.deepcopy(inventory)
    channels(inventory)[0].response = None
    channels(before)[0].response = None
    memoise(inventory)
    memoise(inventory)
    assert inventory == before
    kinds = {type(channel.response) for channel in channels(inventory)}
    assert kinds == {type(None), MemoisingResponse}
