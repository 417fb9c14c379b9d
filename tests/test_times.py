"""Times: whole nanoseconds, as text, as ObsPy has them; durations."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import asdf_pipeline
from asdf_pipeline.errors import CallError
from asdf_pipeline.times import (
    SECOND,
    calendar,
    calendar_ns,
    duration_ns,
    iso_ns,
    iso_text,
    utc,
    utc_ns,
)

DAY = 86400 * SECOND
TIMES = st.integers(-(2**63), 2**63 - 1)


@given(TIMES)
def test_a_time_comes_back_from_text_calendar_and_obspy(time: int) -> None:
    assert iso_ns(iso_text(time, fraction=True)) == time
    assert (
        iso_ns(iso_text(time)) == calendar_ns(calendar(time)) == time // SECOND * SECOND
    )
    assert utc(time).ns == time


def test_a_text_of_a_time_counts_to_the_ns_with_which_it_is_written() -> None:
    exact = 1706702400_123456789
    assert utc_ns("2024-01-31T12:00:00.123456789") == exact  # ObsPy: ...457000
    assert utc_ns("2024-01-31 12:00:00.123456789Z") == exact
    assert utc_ns("2024-01-31T13:00:00+01:00") == exact // SECOND * SECOND
    assert utc_ns("2024-031") == 1706659200 * SECOND


@pytest.mark.parametrize("text", ["2009-02-30T00:00:00", "yesterday", "", "2009"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        iso_ns(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1d", DAY),
        ("6h", DAY // 4),
        ("90 s", 90 * SECOND),
        (30, 30 * SECOND),
        ("0.5s", SECOND // 2),
        (".5", SECOND // 2),
        ("30 min", 1800 * SECOND),
    ],
)
def test_durations(text: str | float, expected: int) -> None:
    assert duration_ns(text) == expected


@pytest.mark.parametrize(
    "text", ["1 fortnight", "", "d", ".", "1.2.3s", "-5s", "9" * 400]
)
def test_what_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(CallError, match="no duration"):
        duration_ns(text)


def test_one_module_knows_how_many_ns_a_second_has() -> None:
    package = Path(asdf_pipeline.__file__).parent
    number = re.compile(
        r"1_000_000_000|10\*\*9|[*/] 1e9|UTCDateTime\(ns=|datetime\(1970"
    )
    found = [
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if number.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["times.py"]
