"""The ready-made steps do what ObsPy does, alone and one after the other."""

from __future__ import annotations

import copy
import inspect
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import obspy
import pytest

from asdf_pipeline import steps
from asdf_pipeline.errors import FunctionError, ResponseMissingError, TraceError
from asdf_pipeline.function.load import load_function
from asdf_pipeline.metadata.stages import cache_statistics, clear_cache
from asdf_pipeline.steps.response import transform_length

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asdf_pipeline.function.load import UserFunction

BANDPASS = {"type": "bandpass", "freqmin": 0.5, "freqmax": 5.0}


@pytest.fixture(scope="module")
def inventory() -> obspy.Inventory:
    return obspy.read_inventory()


@pytest.fixture(scope="module")
def recording() -> obspy.Stream:
    """Return BW.RJOB as a digitiser gives it: integer counts."""
    stream = obspy.read()
    for trace in stream:
        trace.data = np.round(trace.data * 10).astype(np.int32)
    return stream


def deviation(one: obspy.Stream, other: obspy.Stream) -> float:
    """Return the largest difference as a share of the peak."""
    peak = max(np.abs(trace.data).max() for trace in other)
    pairs = zip(one, other, strict=True)
    return max(np.abs(a.data - b.data).max() for a, b in pairs) / (peak or 1.0)


def assert_same(one: obspy.Stream, other: obspy.Stream) -> None:
    assert len(one) == len(other) > 0
    for a, b in zip(one, other, strict=True):
        assert a.data.dtype == b.data.dtype
        assert a.data.tobytes() == b.data.tobytes()
        assert (a.id, a.stats.starttime, a.stats.sampling_rate) == (
            b.id,
            b.stats.starttime,
            b.stats.sampling_rate,
        )


CALLS: list[tuple[str, dict[str, Any], Callable[[obspy.Stream], Any]]] = [
    ("detrend", {"type": "simple"}, lambda st: st.detrend("simple")),
    ("detrend", {"type": "constant"}, lambda st: st.detrend("constant")),
    ("detrend", {"type": "demean"}, lambda st: st.detrend("demean")),
    (
        "detrend",
        {"type": "polynomial", "order": 3},
        lambda st: st.detrend("polynomial", order=3),
    ),
    (
        "detrend",
        {"type": "spline", "order": 2, "dspline": 500},
        lambda st: st.detrend("spline", order=2, dspline=500),
    ),
    ("taper", {}, lambda st: st.taper(0.05)),
    (
        "taper",
        {"max_percentage": 0.5, "type": "Cosine", "side": "right"},
        lambda st: st.taper(0.5, type="cosine", side="right"),
    ),
    (
        "taper",
        {"max_percentage": 0.00034, "type": "cosine"},
        lambda st: st.taper(0.00034, type="cosine"),
    ),
    (
        "taper",
        {"max_percentage": 0.3, "type": "hamming"},
        lambda st: st.taper(0.3, type="hamming"),
    ),
    (
        "taper",
        {"max_percentage": None, "max_length": 3.0, "side": "left", "type": "cosine"},
        lambda st: st.taper(None, type="cosine", max_length=3.0, side="left"),
    ),
    (
        "filter",
        BANDPASS,
        lambda st: st.filter("bandpass", freqmin=0.5, freqmax=5.0),
    ),
    (
        "filter",
        {"type": "lowpass", "freq": 2.0, "corners": 2, "zerophase": True},
        lambda st: st.filter("lowpass", freq=2.0, corners=2, zerophase=True),
    ),
    ("resample", {"sampling_rate": 25.0}, lambda st: st.resample(25.0)),
    (
        "resample",
        {"sampling_rate": 25.0, "no_filter": False, "window": None},
        lambda st: st.resample(25.0, no_filter=False, window=None),
    ),
]


@pytest.mark.parametrize(("name", "parameters", "direct"), CALLS)
def test_equals_obspys_own_call(
    recording: obspy.Stream,
    name: str,
    parameters: dict[str, Any],
    direct: Callable[[obspy.Stream], Any],
) -> None:
    stream, expected = recording.copy(), recording.copy()
    direct(expected)
    given = copy.deepcopy(parameters)
    result = getattr(steps, name)(stream, None, **parameters)
    assert_same(result, expected)
    # In place, as in ObsPy; the parameters are left alone.
    assert result is stream
    assert parameters == given


@pytest.mark.parametrize("dtype", ["int16", "int32", "int64", "float32", "float64"])
def test_a_line_is_fitted_as_obspy_does(recording: obspy.Stream, dtype: str) -> None:
    stream = recording.copy()
    for trace in stream:
        trend = np.linspace(3000, 7000, len(trace))
        trace.data = (trace.data + trend).astype(dtype)
    expected = stream.copy().detrend("linear")
    result = steps.detrend(stream, None)
    assert [trace.data.dtype for trace in result] == [t.data.dtype for t in expected]
    assert deviation(result, expected) < 1e-12


@pytest.mark.parametrize("size", [2, 3, 7])
@pytest.mark.parametrize(
    "call", [("detrend", "linear"), ("detrend", "simple"), ("taper", 0.5)], ids=str
)
def test_few_samples_are_as_obspy_has_them(call: tuple[Any, ...], size: int) -> None:
    name, *arguments = call
    stream = obspy.Stream([obspy.Trace(np.arange(size) ** 2 + 1.0)])
    expected = getattr(stream.copy(), name)(*arguments)
    result = (
        steps.detrend(stream, None, *arguments)
        if name == "detrend"
        else steps.taper(stream, None, *arguments)
    )
    np.testing.assert_allclose(result[0].data, expected[0].data, atol=1e-12)


@pytest.mark.parametrize(
    ("data", "call"),
    [
        (np.array([1.0, np.nan, 2.0]), ("detrend", "linear")),
        (np.ma.masked_array([1.0, 2.0, 3.0], [0, 1, 0]), ("detrend", "linear")),
        (np.ones(9), ("detrend", "upwards")),
        (np.ones(9), ("taper", 0.5, "square")),
        (np.ones(9), ("taper", 0.5, "hann", None, "top")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_obspy_refuses_is_refused(data: Any, call: tuple[Any, ...]) -> None:
    name, *arguments = call
    stream = obspy.Stream([obspy.Trace(data)])
    with pytest.raises(Exception, match=r".*") as expected:  # noqa: PT011
        getattr(stream.copy(), name)(*arguments)
    with pytest.raises(type(expected.value), match=re.escape(str(expected.value))):
        getattr(steps, name)(stream, None, *arguments)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"output": "DISP", "pre_filt": [0.05, 0.1, 30.0, 40.0]},
        {"output": "ACC", "water_level": None, "pre_filt": [0.05, 0.1, 30.0, 40.0]},
        {"zero_mean": False, "taper": False},
        {"taper_fraction": 0.2, "hide_sensitivity_mismatch_warning": True},
    ],
    ids=str,
)
def test_remove_response_equals_obspys(
    recording: obspy.Stream, inventory: obspy.Inventory, parameters: dict[str, Any]
) -> None:
    stream, expected = recording.copy(), recording.copy()
    before = copy.deepcopy(inventory)
    given = copy.deepcopy(parameters)
    expected.remove_response(inventory, **parameters)
    result = steps.remove_response(stream, inventory, **parameters)
    assert result is not None
    assert deviation(result, expected) < 1e-12  # both take 6000 points
    assert inventory == before
    assert parameters == given


@pytest.mark.parametrize("samples", [2, 63, 64, 65, 2999, 3001, 12_007])
def test_remove_response_of_any_length(
    recording: obspy.Stream, inventory: obspy.Inventory, samples: int
) -> None:
    # ObsPy at the step's own length of the transform: it pads with zeros, too.
    def lengthened(npts: int) -> int:
        return transform_length(samples)

    stream = obspy.Stream([trace.copy() for trace in recording[:1]])
    noise = np.random.default_rng(samples).integers(-1000, 1000, samples)
    stream[0].data = noise.astype(np.int32)
    expected = stream.copy()
    with pytest.MonkeyPatch.context() as patch:
        if samples >= 64:
            patch.setattr("obspy.signal.util._npts2nfft", lengthened)
        expected.remove_response(inventory, pre_filt=(0.5, 1, 30, 40))
    steps.remove_response(stream, inventory, pre_filt=(0.5, 1, 30, 40))
    assert stream[0].data.dtype == np.float64
    assert deviation(stream, expected) < 1e-12


def test_remove_response_differs_from_obspys_by_its_length_only(
    recording: obspy.Stream, inventory: obspy.Inventory
) -> None:
    stream = obspy.Stream([recording[0].copy()])
    noise = np.random.default_rng(1).normal(size=42_001)  # ObsPy takes 2 x 42,001
    stream[0].data = 1000 * noise
    expected = stream.copy()
    expected.remove_response(inventory, pre_filt=(0.1, 0.2, 30, 40))
    steps.remove_response(stream, inventory, pre_filt=(0.1, 0.2, 30, 40))
    for one in (stream, expected):
        one[0].data = one[0].data[2101:-2101]  # inside the taper
    assert 0 < deviation(stream, expected) < 1e-6


def test_gains_share_one_inverse(
    recording: obspy.Stream, inventory: obspy.Inventory
) -> None:
    clear_cache()
    results = []
    for gain in (1.0, 3.7e-5):
        scaled = copy.deepcopy(inventory)
        for channel in (c for network in scaled for s in network for c in s):
            for stage in channel.response.response_stages[:1]:
                stage.stage_gain *= gain
            channel.response.instrument_sensitivity.value *= gain
        result = steps.remove_response(recording.copy()[:1], scaled)
        assert result is not None
        results.append(result[0].data * gain)
        evaluations = cache_statistics().evaluations
    assert evaluations == 3  # the sensor, the digitiser, their inverse
    one, other = results
    assert np.abs(one - other).max() < 1e-12 * np.abs(one).max()


@pytest.mark.parametrize("samples", [1, 2, 3, 1000, 168_000, 168_001, 999_983])
def test_transforms_have_small_factors(samples: int) -> None:
    length = transform_length(samples)
    assert length % 2 == 0
    assert 2 * samples <= length <= 2.2 * samples + 2
    for factor in (2, 3, 5):
        while length % factor == 0:
            length //= factor
    assert length == 1


def test_remove_response_without_inventory_gives_none(recording: obspy.Stream) -> None:
    stream = recording.copy()
    assert steps.remove_response(stream, None) is None
    assert_same(stream, recording)


def no_response(inventory: obspy.Inventory) -> None:
    for station in inventory[-1]:
        station.select(channel="EHN")[0].response = None


MISSING: dict[str, tuple[dict[str, Any], str]] = {
    "channel": ({"channel": "XYZ"}, r"has channels \.EHZ, \.EHN, \.EHE"),
    "location": ({"location": "00"}, "has the channel at location ''"),
    "epoch": (
        {"starttime": obspy.UTCDateTime(1999, 1, 1)},
        r"has the channel from 2001-05-15\S* to 2006-12-12\S*, from 2006-12-13\S* to "
        r"2007-12-17\S*, from 2007-12-17\S* on",
    ),
    "station": ({"station": "OTHER"}, r"has station GR\.FUR, GR\.WET, BW\.RJOB"),
    "response": ({}, "has the channel at that time, without a response"),
}


@pytest.mark.parametrize("what", MISSING)
def test_remove_response_that_finds_none_says_what_is_there(
    recording: obspy.Stream, inventory: obspy.Inventory, what: str
) -> None:
    stream, (changes, said) = recording.copy(), MISSING[what]
    stream[1].stats.update(changes)
    if what == "response":
        inventory = inventory.copy()
        no_response(inventory)
    started = stream[1].stats.starttime
    expected = rf"{stream[1].id} at {started}: no response; the StationXML {said}"
    with pytest.raises(ResponseMissingError, match=expected):
        steps.remove_response(stream, inventory)


def test_remove_response_may_leave_a_channel_out(
    recording: obspy.Stream,
    inventory: obspy.Inventory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = recording.copy()
    stream[1].stats.channel = "XYZ"
    result = steps.remove_response(stream, inventory, missing="drop")
    assert result is not None
    assert [trace.stats.channel for trace in result] == ["EHZ", "EHE"]
    assert "BW.RJOB..XYZ at 2009-08-24T00:20:03" in caplog.text
    assert "left out" in caplog.text
    with pytest.raises(FunctionError, match="expected 'raise' or 'drop'"):
        steps.remove_response(stream, inventory, missing="ignore")


def test_defaults_are_obspys() -> None:
    for step, method in (
        (steps.remove_response, obspy.Trace.remove_response),
        (steps.taper, obspy.Trace.taper),
        (steps.resample, obspy.Trace.resample),
    ):
        obspys = inspect.signature(method).parameters
        for name, parameter in list(inspect.signature(step).parameters.items())[2:]:
            default = obspys[name].default if name in obspys else inspect.Parameter
            if default is not inspect.Parameter and (step, name) != (
                steps.taper,
                "max_percentage",  # ObsPy has none
            ):
                assert parameter.default == default, (step, name)


def test_identity_changes_nothing(recording: obspy.Stream) -> None:
    stream = recording.copy()
    assert steps.identity(stream, None) is stream
    assert_same(stream, recording)


def test_every_step_is_there_by_name() -> None:
    of_pairs = {"Spectra", "spectra", "correlate", "stack"}
    public = set(steps.__all__) - {"STEPS", "checked", "resolve"} - of_pairs
    assert public == set(steps.STEPS) | {"chain"}
    needed: dict[str, dict[str, Any]] = {
        "chain": {"steps": ["identity"]},
        "cut": {"before": 1, "after": 2},
        "filter": BANDPASS,
        "resample": {"sampling_rate": 10.0},
        "rotate": {"method": "NE->RT"},
    }
    for name in public:
        process = load_function(f"asdf_pipeline.steps:{name}", needed.get(name))
        assert process.function is getattr(steps, name)


@pytest.fixture
def own_steps(tmp_path: Path) -> Path:
    path = tmp_path / "own_steps.py"
    path.write_text(
        """
loaded = []

def double(st, inv, factor=2.0):
    for trace in st:
        trace.data = trace.data * factor
    return st

def first(st, inv):
    return st[0]

def forget(st, inv, corners):
    assert corners == [1.0, 2.0], corners
    corners.clear()
    return st

def tagged(st, inv, tag):
    for trace in st:
        trace.stats.channel = tag
    return st

def numbers(st, inv):
    return [1, 2]

def broken(st, inv):
    raise ZeroDivisionError("on purpose")
"""
    )
    return path


def test_chain_is_its_steps_in_order(
    recording: obspy.Stream, inventory: obspy.Inventory, own_steps: Path
) -> None:
    expected = recording.copy()
    expected.detrend("linear")
    expected.taper(0.05)
    expected.remove_response(inventory, output="DISP", pre_filt=(0.1, 0.2, 30, 40))
    expected.filter("bandpass", freqmin=0.5, freqmax=5.0)
    expected.resample(25.0)
    for trace in expected:
        trace.data = trace.data * 3.0
    wanted = [
        "detrend",
        {"taper": {"max_percentage": 0.05}},
        {"remove_response": {"output": "DISP", "pre_filt": [0.1, 0.2, 30, 40]}},
        {"filter": BANDPASS},
        {"resample": {"sampling_rate": 25.0}},
        {"identity": None},
        {f"{own_steps}:double": {"factor": 3.0}},
    ]
    given = copy.deepcopy(wanted)
    for _ in range(2):
        result = steps.chain(recording.copy(), inventory, steps=wanted)
        assert result is not None
        assert deviation(result, expected) < 1e-12
    assert wanted == given


def test_chain_takes_functions_too(recording: obspy.Stream) -> None:
    def negate(st: obspy.Stream, inv: object) -> obspy.Stream:
        for trace in st:
            trace.data = -trace.data
        return st

    result = steps.chain(recording.copy(), None, [negate, steps.identity, negate])
    assert result is not None
    assert_same(result, recording)


def test_chain_ends_where_a_step_returns_none(
    recording: obspy.Stream, own_steps: Path
) -> None:
    wanted = ["detrend", "remove_response", f"{own_steps}:broken"]
    assert steps.chain(recording.copy(), None, wanted) is None


def test_a_trace_goes_on_as_a_stream(recording: obspy.Stream, own_steps: Path) -> None:
    wanted = [f"{own_steps}:first", {"filter": BANDPASS}]
    result = steps.chain(recording.copy(), None, wanted)
    expected = obspy.Stream([recording[0].copy()])
    expected.filter("bandpass", freqmin=0.5, freqmax=5.0)
    assert isinstance(result, obspy.Stream)
    assert_same(result, expected)


def test_a_step_cannot_change_the_parameters_of_the_next_station(
    recording: obspy.Stream, own_steps: Path
) -> None:
    wanted = [{f"{own_steps}:forget": {"corners": [1.0, 2.0]}}]
    for _ in range(3):
        assert steps.chain(recording.copy(), None, wanted) is not None
    assert wanted[0][f"{own_steps}:forget"]["corners"] == [1.0, 2.0]


def test_a_step_gets_what_it_asks_for(recording: obspy.Stream, own_steps: Path) -> None:
    wanted = ["detrend", f"{own_steps}:tagged"]
    process = load_function(steps.chain, {"steps": wanted})
    assert process.asks == ("tag",)
    result = steps.chain(recording.copy(), None, wanted, tag="raw")
    assert result is not None
    assert {trace.stats.channel for trace in result} == {"raw"}
    # Reading the events for a function that does not ask would cost every station.
    assert load_function(steps.chain, {"steps": ["detrend"]}).asks == ()


def test_a_step_that_returns_something_else_fails(
    recording: obspy.Stream, own_steps: Path
) -> None:
    wanted = ["detrend", f"{own_steps}:numbers"]
    with pytest.raises(TraceError, match=r"step 2, .*numbers: returned a list"):
        steps.chain(recording.copy(), None, wanted)


def test_an_error_says_in_which_step(recording: obspy.Stream, own_steps: Path) -> None:
    wanted = ["detrend", f"{own_steps}:broken"]
    with pytest.raises(ZeroDivisionError, match="on purpose") as caught:
        steps.chain(recording.copy(), None, wanted)
    assert caught.value.__notes__ == [f"in step 2, {own_steps}:broken"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            ["detrend", "detrendd"],
            "step 2: there is no step 'detrendd'; the steps are cut, detrend, filter, "
            "identity, merge, reject, remove_response, resample, rotate, taper, or ",
        ),
        (
            ["detrend", {"filter": {"frequency": 1.0}}],
            "step 2: filter has no parameter 'frequency'; it has type, freq, freqmin",
        ),
        ([{"cut": {"events": 1}}], "cut has no parameter 'events'; it has before, aft"),
        ([{"identity": {"x": 1}}], "step 1: identity has no parameter 'x'; it has no"),
        (["filter"], "step 1: .*steps:filter.*missing a required argument: 'type'"),
        ([{"taper": None, "type": "hann"}], "step 1: expected a name, or name:"),
        ([{"taper": [0.05]}], "step 1: expected a name, or name:"),
        ([5], "step 1: expected a name, or name:"),
        (["missing.py:mine"], r"step 1: missing.py: no such file"),
        (["asdf_pipeline.steps:nothing"], "step 1: asdf_pipeline.steps: has no"),
        (5, "expected a list of at least one step"),
        ([], "expected a list of at least one step"),
        ("detrend", "expected a list of at least one step"),
        (None, "expected a list of at least one step"),
    ],
)
def test_a_wrong_list_is_found_before_any_work(wanted: Any, message: str) -> None:
    with pytest.raises(FunctionError, match=message) as caught:
        load_function("asdf_pipeline.steps:chain", {"steps": wanted})
    assert "\n" not in str(caught.value)
    with pytest.raises(FunctionError, match=message):
        steps.chain(obspy.read(), None, wanted)


def test_a_changed_step_is_other_work(own_steps: Path) -> None:
    wanted = {"steps": [f"{own_steps}:double"]}
    before = load_function(steps.chain, wanted)
    assert before.fingerprint is not None

    def run(process: UserFunction) -> float:
        stream = obspy.Stream([obspy.Trace(np.ones(10))])
        return float(process.function(stream, None, **process.parameters)[0].data[0])

    assert run(before) == 2.0
    assert load_function(steps.chain, wanted).fingerprint == before.fingerprint
    own_steps.write_text(own_steps.read_text().replace("2.0", "40.0"))
    after = load_function(steps.chain, wanted)
    assert after.fingerprint != before.fingerprint
    assert run(after) == 40.0


def test_what_cannot_be_hashed_does_not_resume() -> None:
    generator = (number for number in range(3))

    def unhashable(st: obspy.Stream, inv: object) -> obspy.Stream:
        next(generator)
        return st

    process = load_function(steps.chain, {"steps": [unhashable]})
    assert process.fingerprint is None
    assert "generator" in process.unhashable


def test_resolved_steps_say_what_they_are(own_steps: Path) -> None:
    resolved = steps.resolve(["detrend", {f"{own_steps}:double": {"factor": 3}}])
    assert [step.name for step in resolved] == [
        "asdf_pipeline.steps:detrend",
        f"{own_steps}:double",
    ]
    assert [step.parameters for step in resolved] == [{}, {"factor": 3}]
    assert all(step.fingerprint for step in resolved)
