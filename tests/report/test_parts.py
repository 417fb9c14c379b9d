"""What the page is made of: spans, shares, envelopes, spectra, maps, ticks."""

from __future__ import annotations

import itertools
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from asdf_pipeline.container.traces import TraceHeader
from asdf_pipeline.plan.outcome import Outcome
from asdf_pipeline.report import coastlines, svg, words
from asdf_pipeline.report.availability import Availability, coverage, drawable, join
from asdf_pipeline.report.charts import availability_chart
from asdf_pipeline.report.collect import Station, gather_failures
from asdf_pipeline.report.distributions import histogram, outliers
from asdf_pipeline.report.map import draw, view_of
from asdf_pipeline.report.samples import choose, envelope, spectrum, welch

if TYPE_CHECKING:
    from typing import Any

SECOND = 1_000_000_000
spans = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(0, 10**5)).map(
        lambda span: (span[0] * SECOND, (span[0] + span[1]) * SECOND)
    ),
    min_size=1,
    max_size=30,
)


@given(spans)
def test_joined_spans_are_apart_and_hold_all(found: list[tuple[int, int]]) -> None:
    joined = join(found)
    for before, after in zip(joined, joined[1:], strict=False):
        assert after[0] - before[1] > 2 * SECOND
    for start, end in found:
        assert any(s <= start and end <= e for s, e in joined)


@given(spans)
def test_drawn_spans_and_gaps_can_be_seen(found: list[tuple[int, int]]) -> None:
    joined = join(found)
    extent = (joined[0][0], max(joined[-1][1], joined[0][0] + 10 * SECOND))
    least = int((extent[1] - extent[0]) * 0.01)
    shown = drawable(joined, extent, 0.01)
    assert all(end - start >= least for start, end in shown)
    # The last one may be moved back into sight.
    for before, after in zip(shown[:-1], shown[1:-1], strict=False):
        assert after[0] - before[1] >= least


def test_coverage_counts_parts_of_bins() -> None:
    extent = (0, 100 * SECOND)
    share = coverage(
        {"A": [(5 * SECOND, 25 * SECOND)], "B": [(90 * SECOND, 100 * SECOND)]},
        ["A", "B", "C"],
        extent,
        10,
    )
    assert share[0].tolist() == pytest.approx([0.5, 1, 0.5] + [0] * 7)
    assert share[1].tolist() == pytest.approx([0] * 9 + [1])
    assert not share[2].any()


def header(npts: int) -> TraceHeader:
    return TraceHeader("XX", "A", "", "BHZ", 0, 100.0, npts, np.dtype("f8"), "raw")


def test_no_row_of_many_stations_outshines_the_others() -> None:
    stations = [Station(f"X.{k:04d}", "ok", None, None) for k in range(1000)]
    halves = ((0, 300 * SECOND), (300 * SECOND, 600 * SECOND))
    spans = {station.name: [halves[k % 2]] for k, station in enumerate(stations)}
    drawn = availability_chart(Availability(spans), stations, "label")
    assert set(re.findall(r"share-\d", drawn)) <= {"share-4", "share-5"}


def test_an_envelope_keeps_every_extreme() -> None:
    data = np.zeros(100_000)
    data[12_345], data[54_321] = 7, -9
    curve = envelope(header(len(data)), data)
    assert curve.is_envelope
    assert len(curve.low) == len(curve.high) == 400
    assert (curve.low.min(), curve.high.max()) == (-9, 7)


def test_a_short_trace_is_drawn_as_it_is() -> None:
    data = np.arange(50.0)
    curve = envelope(header(50), data)
    assert not curve.is_envelope
    assert curve.low is data


@pytest.mark.parametrize("samples", [64, 100, 5000])
def test_power_is_scipys(samples: int) -> None:
    data = np.cumsum(np.random.default_rng(samples).normal(size=samples))
    expected = scipy.signal.welch(data, 20.0, nperseg=64, detrend="linear")
    frequency, power = welch(data, 20.0, 64)
    np.testing.assert_allclose(frequency, expected[0][1:], rtol=1e-12)
    np.testing.assert_allclose(power, expected[1][1:], rtol=1e-9)


def test_a_spectrum_is_largest_where_the_signal_is() -> None:
    times = np.arange(20_000) / 100
    frequency, level = spectrum(np.sin(2 * np.pi * 7 * times), 100.0)
    assert frequency[level.argmax()] == pytest.approx(7, rel=0.08)
    assert level.max() <= 0
    assert np.all(np.diff(frequency) > 0)


@pytest.mark.parametrize("data", [np.zeros(5000), np.ones(10), np.empty(0)])
def test_no_spectrum_of_nothing(data: np.ndarray[Any, Any]) -> None:
    frequency, level = spectrum(data, 100.0)
    assert len(frequency) == len(level) == 0


def outcome(name: str, status: str, **more: Any) -> Outcome:
    return Outcome(name, "raw", "done", status, **more)  # type: ignore[arg-type]


def test_examples_come_failures_first_and_spread() -> None:
    outcomes = [outcome(f"X.{k:03d}", "ok") for k in range(100)]
    outcomes += [outcome(f"Y.{k:03d}", "failed") for k in range(40)]
    outcomes += [outcome("Z.000", "empty")]
    chosen = choose(outcomes, 12, {"X.050"})
    assert len(chosen) == 12
    assert [o.status for o, _ in chosen[:6]] == ["failed"] * 6
    assert chosen[6][0].status == "empty"
    assert chosen[7] == (outcomes[50], "amplitude stands out")
    assert [o.station for o, _ in chosen[8:]] == ["X.000", "X.024", "X.049", "X.075"]


def test_failures_of_one_place_are_one_group() -> None:
    trace = '  File "my.py", line {}, in process\n    x()\nValueError: {}'
    outcomes = [
        outcome(
            f"X.{k}", "failed", error_type="ValueError", traceback=trace.format(3, k)
        )
        for k in range(5)
    ]
    outcomes.append(
        outcome("Y.1", "failed", error_type="ValueError", traceback=trace.format(9, 1))
    )
    died = {"error_type": "WorkerDiedError"}
    outcomes += [
        outcome(name, "failed", error_message=f"{name}: killed", **died)
        for name in ("Z.1", "Z.2")
    ]
    assert [len(group.units) for group in gather_failures(outcomes)] == [5, 2, 1]


def test_dead_broken_and_far_off_amplitudes_stand_out() -> None:
    names = [f"X.{k}" for k in range(20)]
    peaks: list[float | None] = [1.0 + k / 10 for k in range(20)]
    assert outliers(names, peaks) == []
    peaks[3], peaks[4], peaks[5], peaks[6] = 0.0, math.nan, 5e4, None
    found = outliers(names, peaks)
    assert {o.station for o in found[:2]} == {"X.3", "X.4"}
    assert [o.station for o in found[2:]] == ["X.5"]
    assert found[2].is_finite
    assert not found[0].is_finite


def test_few_stations_do_not_stand_out_of_each_other() -> None:
    assert outliers(["A", "B"], [1.0, 1e9]) == []


def test_a_histogram_counts_all_that_is_positive() -> None:
    found = histogram([0.0, 1.0, 10.0, 100.0, math.nan, math.inf])
    assert found is not None
    assert sum(found.counts) == 3
    assert found.median == 10
    assert histogram([0.0]) is None


def test_a_view_crosses_the_date_line() -> None:
    view = view_of([(-40.0, 175.0), (-35.0, -178.0)])
    assert view.east - view.west < 60
    assert all(0 < view.x(longitude) < 1000 for longitude in (175.0, -178.0, 182.0))
    assert 0 < view.y(-40.0) < view.height


@given(
    st.lists(
        st.tuples(st.floats(-90, 90), st.floats(-180, 360)), min_size=1, max_size=20
    )
)
def test_a_view_holds_every_place(places: list[tuple[float, float]]) -> None:
    view = view_of(places)
    assert view.height > 0
    for latitude, longitude in places:
        assert -1e-6 <= view.x(longitude) <= 1000 + 1e-6
        if view.east - view.west < 360:
            assert -1e-6 <= view.y(latitude) <= view.height + 1e-6


def test_every_station_is_a_dot_and_no_path_has_many() -> None:
    random = np.random.default_rng(1)
    places = random.uniform(-60, 60, (5000, 2)).tolist()
    stations = [Station(f"X.{k}", "ok", *place) for k, place in enumerate(places)]
    drawn = draw(view_of([(a, b) for a, b in places]), stations, [], "label")
    dots = re.findall(r'd="([^"]*)"[^>]*class="dot inside ok"', drawn)
    assert sum(path.count("h0") for path in dots) == 5000
    assert max(path.count("h0") for path in dots) <= 200


def area(ring: np.ndarray[Any, Any]) -> float:
    x, y = ring.T
    return abs(float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))) / 2


def test_land_is_clipped_to_the_box() -> None:
    box = (5.0, 45.0, 15.0, 50.0)  # inland, but for the head of the Adriatic
    pieces = list(coastlines.land(box))
    for piece in pieces:
        assert piece[:, 0].min() >= 5 - 1e-9
        assert piece[:, 1].max() <= 50 + 1e-9
    assert 0.95 * 50 < sum(map(area, pieces)) < 1.01 * 50


def test_coasts_do_not_jump_at_the_date_line() -> None:
    for line in coastlines.shores((150.0, 50.0, 210.0, 75.0)):
        assert np.abs(np.diff(line[:, 0])).max() < 5


@given(st.integers(0, 2 * 10**18), st.integers(10**6, 2 * 10**17))
def test_ticks_of_time_are_round_and_inside(start: int, span: int) -> None:
    ticks = svg.time_ticks(start, start + span)
    assert len(ticks) <= 8
    assert all(0 <= share <= 1 for share, _ in ticks)
    texts = [text for _, text in ticks]
    days = [index for index, text in enumerate(texts) if "-" in text]
    for first, last in itertools.pairwise([0, *days, len(texts)]):
        assert len(set(texts[first:last])) == last - first  # a time recurs next day


def test_ticks_of_time_say_what_changes() -> None:
    start = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()) * SECOND
    assert [text for _, text in svg.time_ticks(start, start + 3600 * SECOND)][1:3] == [
        "00:10",
        "00:20",
    ]
    years = svg.time_ticks(start, start + 5 * 365 * 86400 * SECOND)
    assert "2022" in [text for _, text in years]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (12.34, "12.3"),
        (8271.0, "8\u202f270"),
        (1e-6, "10⁻⁶"),
        (2.5e-6, "2.5·10⁻⁶"),
    ],
)
def test_amounts(value: float, text: str) -> None:
    assert words.amount(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.05, "50 ms"),
        (7.25, "7.25 s"),
        (600, "10 min"),
        (7500, "2 h 5 min"),
        (1e6, "11.6 days"),
        (1e9, "31.7 years"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_elements_escape_what_they_hold() -> None:
    made = svg.element("text", "<b>", aria_label='"&', class_="a")
    assert made == '<text aria-label="&#34;&amp;" class="a">&lt;b&gt;</text>'
