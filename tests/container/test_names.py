"""Names of stations, tags and data sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asdf_pipeline.container.names import (
    TraceName,
    check_tag,
    decoded,
    encoded,
    is_station,
    tag_of,
    time_range,
    trace_name,
)
from asdf_pipeline.errors import TagError, TraceError
from asdf_pipeline.times import iso_text

CODES = st.text(
    st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="./"),
    max_size=8,
)
TAGS = st.from_regex(r"[a-z0-9]([a-z0-9]|_(?!_)){0,15}", fullmatch=True)
TIMES = st.integers(-(2**63), 2**63 - 1)


@given(CODES.filter(bool), CODES, CODES, CODES, TIMES, TIMES, TAGS, st.booleans())
def test_a_name_is_taken_apart_as_it_was_made(
    network: str,
    station: str,
    location: str,
    channel: str,
    start: int,
    end: int,
    tag: str,
    fraction: bool,
) -> None:
    name = trace_name(network, station, location, channel, start, end, tag, fraction)
    parts = TraceName.parse(name)
    assert (parts.network, parts.station) == (network, station)
    assert (parts.location, parts.channel, parts.tag) == (location, channel, tag)
    assert str(parts) == name
    assert tag_of(name) == tag
    for text, time in ((parts.start, start), (parts.end, end)):
        first, behind = time_range(text)
        assert first <= time < behind
    same_second = start // 10**9 == end // 10**9
    assert ("." in parts.start) == (fraction or same_second)


@given(TIMES)
def test_a_time_with_nine_digits_is_exact(time: int) -> None:
    assert time_range(iso_text(time, fraction=True)) == (time, time + 1)


def test_names_as_pyasdf_writes_them() -> None:
    name = "BW.RJOB..EHE__2009-08-24T00:20:03__2009-08-24T00:20:32__raw_recording"
    assert TraceName.parse(name) == TraceName(
        "BW",
        "RJOB",
        "",
        "EHE",
        "2009-08-24T00:20:03",
        "2009-08-24T00:20:32",
        "raw_recording",
    )


@pytest.mark.parametrize(
    "codes",
    [
        ("A.B", "C", "", "D"),
        ("A", "B/C", "", "D"),
        ("A", "B", "", "D\n"),
        ("A", "B", "", "é"),
        ("", "", "", "D"),
    ],
)
def test_codes_that_would_break_a_name_are_refused(
    codes: tuple[str, str, str, str],
) -> None:
    with pytest.raises(TraceError, match="trace without|cannot stand"):
        trace_name(*codes, 0, 0, "tag", fraction=False)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "BW.RJOB..EHE",
        "BW.RJOB.EHE__2009-08-24T00:20:03__2009-08-24T00:20:32__tag",
        "BW.RJOB..EHE__2009-08-24__2009-08-24T00:20:32__tag",
        "BW.RJOB..EHE__2009-08-24T00:20:03__2009-08-24T00:20:32__",
        "BW.RJOB..EHE__2009-08-24T00:20:03__2009-08-24T00:20:32",
    ],
)
def test_other_names_do_not_parse(name: str) -> None:
    with pytest.raises(TraceError, match="not of the form"):
        TraceName.parse(name)


def test_a_name_that_does_not_parse_has_a_tag_so_that_its_unit_exists() -> None:
    assert tag_of("BW.RJOB..EHE__yesterday__raw_recording") == "raw_recording"
    assert tag_of("nonsense") == "nonsense"


def test_an_impossible_day_is_no_time() -> None:
    with pytest.raises(TraceError, match="is not a time"):
        time_range("2009-02-30T00:00:00")


@pytest.mark.parametrize("tag", ["raw_recording", "a", "1_hz", "2", "a_"])
def test_tags_that_may_be_written(tag: str) -> None:
    assert check_tag(tag) == tag


@pytest.mark.parametrize(
    "tag", ["", "_a", "a__b", "stationxml", "A", "a-b", "a/b", "..", "a b", "ä", "a\n"]
)
def test_tags_that_may_not(tag: str) -> None:
    with pytest.raises(TagError, match="only a-z, 0-9 and single underscores"):
        check_tag(tag)


def test_stations() -> None:
    assert is_station("BW.RJOB")
    assert is_station(".RJOB")
    assert not any(map(is_station, ["", ".", "BW", "BW.RJOB.", "BW.R/JOB"]))


@given(st.binary(max_size=20))
def test_any_bytes_can_be_a_name(raw: bytes) -> None:
    assert encoded(decoded(raw)) == raw
