"""Times by integers, headers to traces and back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import obspy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from obspy.core import AttribDict
from obspy.core.event import ResourceIdentifier

from asdf_pipeline.container.traces import (
    TraceHeader,
    from_trace,
    offset,
    samples_between,
    to_trace,
)
from asdf_pipeline.errors import TraceError
from tests.container.made import trace

RATES = st.one_of(
    st.sampled_from([1.0, 20.0, 40.0, 100.0, 1 / 3, 19.9999, 31.25, 128.0]),
    st.floats(1e-3, 1e4),
)
STARTS = st.integers(0, 2 * 10**18)


def header(start: int = 0, rate: float = 20.0, npts: int = 100) -> TraceHeader:
    return TraceHeader(
        "XX", "ABC", "", "BHZ", start, rate, npts, np.dtype("<i4"), "raw"
    )


@given(st.integers(0, 10**10), RATES)
def test_the_time_of_a_sample_is_correctly_rounded(index: int, rate: float) -> None:
    assert offset(index, rate) == round(Fraction(index * 10**9) / Fraction(rate))


def test_times_do_not_drift() -> None:
    month = 30 * 86400
    assert offset(20 * month, 20.0) == month * 10**9
    assert header(7, 20.0, 20 * month + 1).endtime == 7 + month * 10**9


@given(STARTS, RATES, st.integers(0, 60), st.data())
def test_a_window_holds_the_samples_whose_times_lie_in_it(
    start: int, rate: float, npts: int, data: st.DataObject
) -> None:
    made = header(start, rate, npts)
    times = [start + offset(index, rate) for index in range(npts)]
    near = st.integers(-2, 2)
    edges = st.one_of(
        st.integers(start - 10**9, start + offset(70, rate)),
        *([st.sampled_from(times)] if times else []),
    )
    first = data.draw(edges) + data.draw(near)
    last = data.draw(edges) + data.draw(near)
    begin, end = samples_between(made, (first, last))
    inside = [index for index, time in enumerate(times) if first <= time <= last]
    assert list(range(begin, end)) == inside
    cut = made.cut(begin, end)
    assert cut.npts == len(inside)
    if inside:
        assert cut.starttime == times[inside[0]]


def test_no_window_is_all() -> None:
    made = header(npts=7)
    assert samples_between(made, None) == (0, 7)
    assert made.cut(0, 7) is made


@given(STARTS, RATES)
def test_headers_survive_obspy_to_the_nanosecond(start: int, rate: float) -> None:
    made = TraceHeader(
        "XX",
        "ABC",
        "00",
        "BHZ",
        start,
        rate,
        3,
        np.dtype(">f4"),
        "raw",
        ("smi:a/1", "smi:a/2"),
        ("smi:o/1",),
        (),
        ("smi:f/1",),
        ("one", "zwölf"),
        "{http://seisprov.org}x",
    )
    data = np.array([1, 2, 3], ">f4")
    stream = to_trace(made, data)
    assert stream.data is data
    assert stream.stats.starttime.ns == start
    assert from_trace(stream, "raw") == made


def test_details_are_as_in_pyasdf() -> None:
    made = TraceHeader(
        "XX", "ABC", "", "BHZ", 0, 1.0, 2, np.dtype("<i4"), "raw", ("smi:a/1",)
    )
    details = to_trace(made, np.zeros(2, "<i4"), "1.0.2").stats.asdf
    assert isinstance(details, AttribDict)
    assert details == AttribDict(
        {
            "format_version": "1.0.2",
            "tag": "raw",
            "event_ids": [ResourceIdentifier("smi:a/1")],
        }
    )


def test_single_ids_and_plain_dictionaries_are_taken_too() -> None:
    made = trace()
    made.stats.asdf = {"event_ids": "smi:a/1", "labels": "one", "origin_ids": None}
    read = from_trace(made, "raw")
    assert (read.event_ids, read.labels, read.origin_ids) == (
        ("smi:a/1",),
        ("one",),
        (),
    )


def test_a_comma_in_a_label_is_refused() -> None:
    made = trace()
    made.stats.asdf = {"labels": ["a,b"]}
    with pytest.raises(TraceError, match=r"XX.ABC..BHZ: label 'a,b' holds a comma"):
        from_trace(made, "raw")


@pytest.mark.parametrize("dtype", ["c16", "i1", "u2", "u4", "f2", "?", "U3", "O"])
def test_other_types_of_samples_are_refused(dtype: str) -> None:
    made = trace()
    object.__setattr__(made, "data", np.zeros(3, dtype))
    with pytest.raises(TraceError, match="have no place in an ASDF file"):
        from_trace(made, "raw")


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf"), 5e-324])
def test_impossible_sampling_rates_are_refused(rate: float) -> None:
    made = trace()
    made.stats.__dict__["sampling_rate"] = rate
    with pytest.raises(TraceError, match=r"trace XX.ABC..BHZ"):
        from_trace(made, "raw")


def test_times_out_of_reach_are_refused() -> None:
    made = trace()
    made.stats.starttime = obspy.UTCDateTime(2300, 1, 1)
    with pytest.raises(TraceError, match="outside the years 1678 to 2261"):
        from_trace(made, "raw")
