"""What is said of a station of several windows."""

from __future__ import annotations

import math

from asdf_pipeline.plan.outcome import Outcome, join_outcomes
from asdf_pipeline.times import ALWAYS

HOUR = 3600 * 10**9


def window(number: int, status: str = "ok", **fields: object) -> Outcome:
    """Return the outcome of an hour."""
    bounds = (number * HOUR, (number + 1) * HOUR)
    return Outcome("XX.A", "raw", "done", status, window=bounds, **fields)  # type: ignore[arg-type]


def test_a_station_is_where_any_window_says() -> None:
    place = {"latitude": 1.0, "longitude": 2.0, "elevation_in_m": 3.0}
    found = join_outcomes([window(0, "failed"), window(1, **place)], "")
    assert (found.latitude, found.longitude, found.elevation_in_m) == (1.0, 2.0, 3.0)
    assert (
        join_outcomes([window(0, "failed"), window(1, "failed")], "").latitude is None
    )


def test_the_peak_is_nan_if_any_is() -> None:
    for peaks in ((1.0, math.nan, 2.0), (math.nan, 1.0), (2.0, math.nan)):
        windows = [window(number, peak=peak) for number, peak in enumerate(peaks)]
        found = join_outcomes(windows, "").peak
        assert found is not None
        assert math.isnan(found)
    windows = [window(0, peak=1.0), window(1), window(2, peak=2.0)]
    assert join_outcomes(windows, "").peak == 2


def test_an_open_end_has_a_name() -> None:
    ends = [(ALWAYS[0], HOUR), (HOUR, ALWAYS[1]), (0, HOUR)]
    found = [Outcome("XX.A", "raw", "done", "ok", window=end).when for end in ends]
    assert found == [
        ", the start to 1970-01-01T01:00:00",
        ", 1970-01-01T01:00:00 to the end",
        ", 1970-01-01T00:00:00 to 1970-01-01T01:00:00",
    ]
