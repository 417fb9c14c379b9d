"""Correlations are what their formula says, of the samples that both records have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import obspy
import pytest

from asdf_pipeline import steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from asdf_pipeline.function.result import Result
    from asdf_pipeline.steps import Spectra

    Array = np.ndarray[Any, Any]

START = obspy.UTCDateTime("2020-05-01T00:00:00")
RATE = 10.0  # Hz
PATH = "CrossCorrelation/GR_FUR/GR_WET/BHZ_BHZ"


def trace(data: Array, station: str = "FUR", late: float = 0.0, **stats: Any) -> Any:
    header = {"network": "GR", "station": station, "channel": "BHZ"}
    header |= {"sampling_rate": RATE, "starttime": START + late, **stats}
    return obspy.Trace(data, header)


def noise(npts: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).standard_normal(npts)


def correlation(
    one: Any, other: Any, path: str = PATH, **parameters: Any
) -> tuple[Array, dict[str, Any]]:
    """Return the correlation of two traces, or lists of them, and its parameters."""
    result = correlated(one, other, **parameters)
    assert result is not None
    data, found = result.auxiliary[path]
    assert isinstance(data, np.ndarray)
    return data, dict(found)


class Station(NamedTuple):
    """A station's record, as `spectra` gets it."""

    stream: obspy.Stream
    station: str
    window: tuple[int, int] | None = None


def prepared(traces: Any, **parameters: Any) -> Spectra | None:
    traces = traces if isinstance(traces, list) else [traces]
    stats = traces[0].stats
    station = Station(obspy.Stream(traces), f"{stats.network}.{stats.station}")
    return steps.spectra(station, **parameters)


def correlated(
    one: Any,
    other: Any,
    sides: Any = "both",
    location_codes: bool = False,
    pair: Any = None,
    **parameters: Any,
) -> Result | None:
    a, b = (prepared(traces, **parameters) for traces in (one, other))
    return steps.correlate(a, b, sides, location_codes, pair)


PLAIN: dict[str, Any] = {"detrend": False, "taper": 0.0}


@pytest.mark.parametrize("npts", [100, 135, 360])
def test_it_is_the_sum_of_products(npts: int) -> None:
    one, other = noise(npts, 1), noise(npts, 2)
    found, parameters = correlation(
        trace(one), trace(other, "WET"), length=npts / RATE, **PLAIN
    )
    expected = np.correlate(other, one, "full")  # sum of one(t) other(t + lag)
    assert len(found) == 2 * npts - 1
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()
    assert parameters["first_lag"] == -parameters["maxlag"] == -(npts - 1) / RATE


def test_what_comes_later_to_the_second_has_a_positive_lag() -> None:
    shared = noise(10_000)
    one, other = trace(shared[250:]), trace(shared[:-250], "WET")  # 25 s later
    for maxlag in (30.0, 60.0):
        data, parameters = correlation(one, other, length=600, maxlag=maxlag)
        lags = parameters["first_lag"] + parameters["dt"] * np.arange(len(data))
        assert lags[0] == -lags[-1] == -maxlag
        assert lags[data.argmax()] == pytest.approx(25.0)
    assert parameters["ngood"] == 1


def test_of_several_segments_their_mean() -> None:
    one, other = noise(1000, 1), noise(1000, 2)
    found, parameters = correlation(
        trace(one), trace(other, "WET"), length=20, maxlag=5, **PLAIN
    )
    pieces = [slice(begin, begin + 200) for begin in range(0, 1000, 200)]
    expected = np.mean(
        [np.correlate(other[s], one[s], "full")[149:250] for s in pieces], axis=0
    )
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()
    assert parameters["ngood"] == 5
    assert parameters["time"] == START.timestamp
    halves, parameters = correlation(
        trace(one), trace(other, "WET"), length=20, step=10, maxlag=5
    )
    assert parameters["ngood"] == 9


def test_segments_are_those_that_both_have_whole() -> None:
    one, other = noise(1000, 1), noise(1000, 2)
    parts = [trace(one[:450]), trace(one[470:], late=47)]  # not from 45 to 47 s
    late = trace(other[250:], "WET", late=25)  # nor the second before 25 s
    found, parameters = correlation(parts, late, length=20, maxlag=5, **PLAIN)
    assert parameters["ngood"] == 2  # from 60 s on
    assert parameters["time"] == START.timestamp + 60
    expected, _ = correlation(
        trace(one[600:], late=60), trace(other[600:], "WET", late=60), length=20,
        maxlag=5, **PLAIN,
    )  # fmt: skip
    # float32; sums are rounded otherwise as the segments lie in memory.
    assert abs(found - expected).max() <= 1e-6 * abs(expected).max()
    _, parameters = correlation(parts, late, length=20, gaps=0.1)
    assert parameters["ngood"] == 3
    assert correlated(parts[0], parts[1]) is None
    nothing = prepared(parts, length=900)
    assert nothing is None
    assert steps.correlate(nothing, None) is None


def test_missing_samples_count_as_zero() -> None:
    data = noise(200) + 100
    masked = np.ma.masked_array(data, mask=np.arange(200) // 10 == 5)
    filled = np.where(masked.mask, 0, data - 100)
    one = trace(masked)
    found, _ = correlation(one, trace(noise(200, 2), "WET"), length=20, gaps=0.1)
    expected, _ = correlation(
        trace(filled), trace(noise(200, 2), "WET"), length=20, detrend=True
    )
    # But for the trend of the other samples, which is theirs alone.
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


@pytest.mark.parametrize("bad", [np.nan, np.inf, None])
def test_segments_without_a_signal_do_not_count(bad: float | None) -> None:
    one, other = noise(1000, 1), noise(1000, 2)
    if bad is None:
        one[200:400] = 3.0
    else:
        one[250] = bad
    found, parameters = correlation(trace(one), trace(other, "WET"), length=20)
    assert parameters["ngood"] == 4
    assert np.isfinite(found).all()


@pytest.mark.parametrize("late", [0.03, -0.04, 0.05, 1e-6])
def test_samples_between_those_of_the_other(late: float) -> None:
    # A signal known at all times: what is sampled when does not matter.
    random = np.random.default_rng(3)
    frequencies = random.uniform(0.1, 3.0, 60)
    phases = random.uniform(0, 2 * np.pi, 60)

    def ground(times: Array, delay: float) -> Array:
        turns = np.outer(times - delay, frequencies)
        return np.sin(2 * np.pi * turns + phases).sum(axis=1)

    times = np.arange(6000) / RATE
    one = trace(ground(times, 0.0))
    on_grid = trace(ground(times, 4.0), "WET")
    between = trace(ground(times + late, 4.0), "WET", late=late)
    parameters: dict[str, Any] = {"length": 100, "maxlag": 20, "taper": 0.1}
    expected, _ = correlation(one, on_grid, **parameters)
    found, _ = correlation(one, between, **parameters)
    peak = np.abs(expected).max()
    assert np.abs(found - expected).max() < 2e-3 * peak
    unaware = trace(between.data, "WET")
    wrong, _ = correlation(one, unaware, **parameters)
    assert late == 1e-6 or np.abs(wrong - expected).max() > 0.05 * peak


def test_detrended_and_tapered() -> None:
    data = noise(300) + 1e4 + 3.0 * np.arange(300)
    line = np.polynomial.Polynomial.fit(np.arange(300), data, 1)
    stream = obspy.Stream([trace(data - line(np.arange(300)))]).taper(0.1)
    found, _ = correlation(trace(data), trace(data, "WET"), length=30, taper=0.1)
    expected = np.correlate(stream[0].data, stream[0].data, "full")
    assert np.abs(found - expected).max() < 1e-6 * expected.max()


def test_normalised_in_time() -> None:
    data = noise(2000)
    data[500:600] *= 1000
    other = trace(noise(2000, 2), "WET")
    length = {"length": 200, "taper": 0.0, "detrend": False}
    found, _ = correlation(trace(data), other, time_norm="one_bit", **length)
    expected = np.correlate(np.sign(other.data), np.sign(data), "full")
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()
    same = trace(data, "WET")
    energy, _ = correlation(trace(data), same, time_norm="energy", **length)
    assert energy.max() == energy[len(energy) // 2] == pytest.approx(1.0)
    # The loud part has no more weight than all the rest.
    running = {"time_norm": "running_mean", "time_norm_length": 2.0}
    made = prepared(trace(data), **running, **length)
    assert made is not None
    samples = np.fft.irfft(made.values[:, 0, 0], made.nfft)[:2000]
    assert samples[500:600].std() < 1.5 * samples.std()
    absolute = np.abs(data)
    mean = np.convolve(absolute, np.ones(20) / 20, "same")
    assert samples[1000:1800] == pytest.approx((data / mean)[1000:1800], abs=1e-4)


@pytest.mark.parametrize("smooth", [0.0, 0.05])
def test_whitened(smooth: float) -> None:
    coloured = np.cumsum(noise(20_000))
    made = prepared(
        trace(coloured),
        length=1800,
        maxlag=0,
        whiten=(0.5, 2.0),
        whiten_slope=0.1,
        whiten_smooth=smooth,
    )
    assert made is not None
    values = np.abs(made.values[:, 0, 0])
    bins = (made.first + np.arange(len(values))) * RATE / made.nfft
    assert bins[0] == pytest.approx(0.4, abs=1e-3)
    assert bins[-1] == pytest.approx(2.1, abs=1e-3)
    inside = values[(bins > 0.51) & (bins < 1.99)]
    if smooth:
        thirds = [part.mean() for part in np.array_split(inside, 3)]
        assert thirds == pytest.approx([1, 1, 1], rel=0.05)
        assert inside.std() > 0.3
    else:
        assert inside == pytest.approx(1, rel=1e-6)
    assert values[0] < 1e-6
    assert values[-1] < 1e-6
    both = trace(coloured), trace(coloured, "WET")
    found, _ = correlation(*both, length=1800, whiten=(0.5, 2))
    spectrum = np.abs(np.fft.rfft(found))
    outside = np.fft.rfftfreq(len(found), 1 / RATE) > 2.5
    assert spectrum[outside].max() < 0.02 * spectrum.max()


@dataclass(frozen=True)
class Pair:
    """What a pair's function is told of it."""

    coordinates: tuple[Any, Any] = ((48.16, 11.28, 565.0), (49.14, 12.88, 613.0))
    distance: float | None = 161.2
    azimuth: float | None = 46.5
    back_azimuth: float | None = 227.7
    window: tuple[int, int] | None = None
    components: tuple[str, ...] = ("ZZ", "NE")

    def combines(self, channel: str, other: str) -> bool:
        return channel[-1] + other[-1] in self.components


def test_parameters_by_the_names_of_noisepy() -> None:
    data = noise(2000)
    a, b = (
        prepared(trace(data, name), length=100, maxlag=10) for name in ("FUR", "WET")
    )
    result = steps.correlate(a, b, pair=Pair())
    assert result is not None
    ((path, value),) = result.auxiliary.items()
    assert path == PATH
    assert dict(value[1]) == {
        "dt": 0.1,
        "maxlag": 10.0,
        "first_lag": -10.0,
        "dist": 161.2,
        "azi": 46.5,
        "baz": 227.7,
        "latS": 48.16,
        "lonS": 11.28,
        "latR": 49.14,
        "lonR": 12.88,
        "ngood": 2,
        "time": START.timestamp,
        "comp": "ZZ",
        "cc_method": "xcorr",
        "substack": False,
    }
    assert result.row == {"lag_BHZ_BHZ": 0.0}
    nowhere = Pair(coordinates=(None, None), distance=None, window=(0, 1))
    result = steps.correlate(a, b, pair=nowhere)
    assert result is not None
    assert "dist" not in result.auxiliary[PATH][1]
    assert result.row is None


def test_windows_count_by_their_segments() -> None:
    one, other = noise(1200, 1), noise(1200, 2)
    whole, parameters = correlation(
        trace(one), trace(other, "WET"), length=20, maxlag=5
    )
    windows = [
        correlated(
            trace(one[begin:end], late=begin / RATE),
            trace(other[begin:end], "WET", late=begin / RATE),
            length=20,
            maxlag=5,
        )
        for begin, end in ((0, 800), (800, 1200))
    ]
    result = steps.stack(window for window in windows if window is not None)
    assert result is not None
    ((path, (data, found)),) = result.auxiliary.items()
    assert path == PATH
    assert np.abs(data - whole).max() < 1e-6 * np.abs(whole).max()
    assert found == parameters
    assert result.row is not None
    assert steps.stack([]) is None


def three(station: str, seed: int, **stats: Any) -> list[Any]:
    return [
        trace(noise(500, seed + number), station, channel=f"BH{letter}", **stats)
        for number, letter in enumerate("ZNE")
    ]


def test_channels_with_channels() -> None:
    one, other = three("FUR", 1), three("WET", 4)
    result = correlated(one, other, length=50)
    assert result is not None
    names = {path.rpartition("/")[2] for path in result.auxiliary}
    assert names == {f"BH{a}_BH{b}" for a in "ZNE" for b in "ZNE"}
    result = correlated(one, other, length=50, pair=Pair())
    assert result is not None
    names = {path.rpartition("/")[2] for path in result.auxiliary}
    assert names == {"BHZ_BHZ", "BHN_BHE"}
    result = correlated(one, one, length=50)  # a station with itself
    assert result is not None
    assert {path.rpartition("/")[2] for path in result.auxiliary} == {
        *("BHE_BHE", "BHE_BHN", "BHE_BHZ", "BHN_BHN", "BHN_BHZ", "BHZ_BHZ")
    }


def test_one_sided() -> None:
    one, other = trace(noise(300, 1)), trace(noise(300, 2), "WET")
    both, _ = correlation(one, other, length=30, maxlag=5)
    mean, parameters = correlation(one, other, length=30, maxlag=5, sides="mean")
    assert mean == pytest.approx((both[50:] + both[50::-1]) / 2)
    assert parameters["first_lag"] == 0.0


def test_circular_as_noisepy() -> None:
    one, other = noise(300, 1), noise(300, 2)
    found, _ = correlation(
        trace(one), trace(other, "WET"), length=30, maxlag=10, circular=True, **PLAIN
    )
    cyclic = np.fft.irfft(np.fft.rfft(one).conj() * np.fft.rfft(other))
    expected = np.concatenate((cyclic[-100:], cyclic[:101]))
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()


def refused_rates() -> None:
    faster = trace(noise(1000), "WET", sampling_rate=20.0)
    correlated(trace(noise(500)), faster, length=50)


def refused_channels() -> None:
    slow = trace(noise(50), channel="LHZ", sampling_rate=1.0)
    correlated([trace(noise(500)), slow], trace(noise(500), "WET"))


def refused_preparations() -> None:
    a = prepared(trace(noise(500)), length=50)
    b = prepared(trace(noise(500), "WET"), length=25)
    steps.correlate(a, b)


def refused_overlaps() -> None:
    two = [trace(noise(500)), trace(noise(500, 2), late=10)]
    correlated(two, trace(noise(500), "WET"), length=60)


def refused_locations() -> None:
    two = [trace(noise(500)), trace(noise(500), location="10")]
    correlated(two, trace(noise(500), "WET"), length=50)


def refused_sides() -> None:
    correlated(trace(noise(500)), trace(noise(500), "WET"), length=50, sides="left")


def refused_records() -> None:
    station: Any = Station(obspy.Stream([trace(noise(500))]), "GR.FUR")
    steps.correlate(station, station)


REFUSED: list[tuple[Callable[[], None], str]] = [
    (refused_rates, r"GR\.FUR has 10 Hz and GR\.WET 20 Hz: resample"),
    (refused_channels, r"GR\.FUR\.\.BHZ 10 Hz, GR\.FUR\.\.LHZ 1 Hz; select some"),
    (refused_preparations, r"GR\.FUR and GR\.WET were not prepared with the same"),
    (refused_overlaps, r"GR\.FUR\.\.BHZ: traces that overlap .* merge them first"),
    (refused_locations, r"GR\.FUR and GR\.WET: two correlations .* location_codes"),
    (refused_records, r"what asdf_pipeline\.steps:spectra prepares, not a Station"),
    (refused_sides, "sides: 'left' is not both or mean"),
]


@pytest.mark.parametrize(
    ("call", "message"), REFUSED, ids=[call.__name__[8:] for call, _ in REFUSED]
)
def test_refused(call: Callable[[], None], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_locations_by_name() -> None:
    two = [trace(noise(500)), trace(noise(500), location="10")]
    other = trace(noise(500), "WET", location="00")
    result = correlated(two, other, length=50, location_codes=True)
    assert result is not None
    names = {path.rpartition("/")[2] for path in result.auxiliary}
    assert names == {"BHZ_BHZ_00", "BHZ_10_BHZ_00"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"length": 0},
        {"step": -1},
        {"gaps": 1},
        {"taper": 0.7},
        {"time_norm": "two_bit"},
        {"time_norm": "running_mean"},
        {"whiten": [2, 1]},
    ],
    ids=str,
)
def test_parameters_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        prepared(trace(noise(500)), **wrong)


def test_windows_have_segments_of_their_own() -> None:
    data = noise(1800)  # three minutes
    begin = START.ns + 60 * 10**9
    stream = obspy.Stream([trace(data)])
    station = Station(stream, "GR.FUR", (begin, begin + 60 * 10**9))
    whole = steps.spectra(station)  # as long as the window, whatever is around it
    assert whole is not None
    assert whole.npts == 600
    assert list(whole.starts) == [begin]
    parts = steps.spectra(station, length=20, step=10)
    assert parts is not None
    seconds = (parts.starts - begin) / 10**9
    assert list(seconds) == [0, 10, 20, 30, 40, 50]


def test_channels_that_lack_segments_count_their_own() -> None:
    one, other = three("FUR", 1), three("WET", 4)
    one[0] = trace(one[0].data[:300], channel="BHZ")
    other[1] = trace(other[1].data[100:], "WET", late=10, channel="BHN")
    result = correlated(one, other, length=10, maxlag=5)
    assert result is not None
    counts = {}
    for path, value in result.auxiliary.items():
        assert isinstance(value, tuple)
        name = path.rpartition("/")[2]
        counts[name] = value[1]["ngood"], value[1]["time"] - START.timestamp
        a, b = (
            next(t for t in traces if t.stats.channel == code)
            for traces, code in zip((one, other), name.split("_"), strict=True)
        )
        alone = f"CrossCorrelation/GR_FUR/GR_WET/{name}"
        expected, _ = correlation(a, b, alone, length=10, maxlag=5)
        assert value[0] == pytest.approx(expected, rel=1e-5, abs=1e-4)
    assert counts["BHZ_BHZ"] == (3, 0)
    assert counts["BHZ_BHN"] == (2, 10)
    assert counts["BHN_BHN"] == (4, 10)
    assert counts["BHE_BHE"] == (5, 0)
