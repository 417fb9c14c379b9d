"""Traces are joined without making anything up, and left out with a word."""

from __future__ import annotations

from typing import Any

import numpy as np
import obspy
import pytest

from asdf_pipeline import steps

START = obspy.UTCDateTime("2020-05-01T00:00:00")
RATE = 10.0  # Hz
DATA = np.arange(1000, dtype=np.int32)


def trace(
    begin: int, end: int, data: Any = DATA, late: float = 0.0, **stats: Any
) -> Any:
    header = {"network": "GR", "station": "FUR", "channel": "BHZ"}
    start = START + begin / RATE + late
    header |= {"sampling_rate": RATE, "starttime": start, **stats}
    return obspy.Trace(data[begin:end].copy(), header)


def merged(*traces: Any, **parameters: Any) -> list[tuple[int, int, str]]:
    """Return first sample, length and type of each trace that is made."""
    stream = steps.merge(obspy.Stream(list(traces)), None, **parameters)
    return [(int(t.data[0]), t.stats.npts, t.data.dtype.str[1:]) for t in stream]


@pytest.mark.parametrize(
    ("pieces", "parameters", "expected"),
    [
        ([(0, 400), (400, 1000)], {}, [(0, 1000, "i4")]),
        ([(400, 1000), (0, 400)], {}, [(0, 1000, "i4")]),  # in any order
        ([(0, 600), (300, 1000)], {}, [(0, 1000, "i4")]),  # overlaps that agree
        ([(0, 1000), (300, 400), (350, 500)], {}, [(0, 1000, "i4")]),
        ([(0, 400), (401, 1000)], {}, [(0, 400, "i4"), (401, 599, "i4")]),
        ([(0, 400), (410, 1000)], {"max_gap": 1}, [(0, 1000, "i4")]),
        ([(0, 400), (411, 1000)], {"max_gap": 1}, [(0, 400, "i4"), (411, 589, "i4")]),
        ([(0, 300), (305, 500), (505, 900)], {"max_gap": 0.5}, [(0, 900, "i4")]),
    ],
)
def test_merge(
    pieces: list[tuple[int, int]],
    parameters: dict[str, Any],
    expected: list[tuple[int, int, str]],
) -> None:
    assert merged(*(trace(*piece) for piece in pieces), **parameters) == expected


def test_merged_samples_stay_at_their_times() -> None:
    stream = obspy.Stream([trace(0, 400), trace(410, 1000)])
    (joined,) = steps.merge(stream, None, max_gap=1)
    assert joined.stats.starttime == START
    assert np.array_equal(joined.data, DATA)  # the gap lies on a line
    stream = obspy.Stream([trace(0, 400), trace(410, 1000)])
    (joined,) = steps.merge(stream, None, max_gap=1, fill=-7)
    assert list(joined.data[400:410]) == [-7] * 10
    assert np.array_equal(joined.data[410:], DATA[410:])


def test_gaps_within_a_trace() -> None:
    data = np.ma.masked_array(DATA, mask=(DATA >= 400) & (DATA < 405))
    gap = {"data": data}
    assert merged(trace(0, 1000, **gap), max_gap=0.5) == [(0, 1000, "i4")]
    assert merged(trace(0, 1000, **gap)) == [(0, 400, "i4"), (405, 595, "i4")]


@pytest.mark.parametrize(
    ("overlaps", "taken"), [("first", DATA[500]), ("last", DATA[500] + 1)]
)
def test_overlaps_that_differ(overlaps: Any, taken: int) -> None:
    def both() -> obspy.Stream:
        return obspy.Stream([trace(0, 600), trace(400, 1000, DATA + 1)])

    with pytest.raises(ValueError, match=r"GR\.FUR\.\.BHZ: the trace from 2020-05-01T"):
        steps.merge(both(), None)
    (joined,) = steps.merge(both(), None, overlaps=overlaps)
    assert joined.stats.npts == 1000
    assert joined.data[500] == taken
    assert joined.data[0] == 0
    assert joined.data[-1] == 1000


def test_what_is_not_joined() -> None:
    # Another channel, rate, event, or grid of samples.
    event = {"asdf": {"event_ids": ["smi:local/1"]}}
    for other in (
        trace(400, 1000, channel="BHN"),
        trace(400, 1000, location="00"),
        trace(400, 1000, sampling_rate=20.0),
        trace(400, 1000, late=0.02),
        trace(400, 1000, **event),
    ):
        assert len(merged(trace(0, 400), other, max_gap=60)) == 2
    assert len(merged(trace(0, 400, **event), trace(400, 1000, **event))) == 1
    late = trace(400, 1000, late=0.0005)  # half a hundredth of a sample
    assert len(merged(trace(0, 400), late)) == 1
    assert len(merged(trace(0, 400), trace(400, 1000, late=0.02),
                      misalignment_threshold=0.3)) == 1  # fmt: skip


def test_merged_types_hold_all_samples() -> None:
    floats = DATA.astype(np.float64)
    assert merged(trace(0, 400), trace(400, 1000, floats)) == [(0, 1000, "f8")]
    floats[300:500] = np.nan  # unknown alike in both
    pieces = trace(0, 450, floats), trace(350, 1000, floats)
    assert merged(*pieces) == [(0, 1000, "f8")]


@pytest.mark.parametrize("wrong", [{"overlaps": "mean"}, {"fill": "linear"}], ids=str)
def test_merge_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        merged(trace(0, 1000), **wrong)


def quiet(**stats: Any) -> Any:
    data = np.random.default_rng(1).standard_normal(1000)
    return trace(0, 1000, data, **stats)


def spiked(height: float) -> Any:
    found = quiet(channel="BHN")
    found.data[500] = height
    return found


@pytest.mark.parametrize(
    ("bad", "parameters", "reason"),
    [
        (trace(0, 99, channel="BHN"), {"min_length": 10}, "9.9 s long"),
        (spiked(1e4), {"max_amplitude": 10}, "its largest absolute value is 10000"),
        (spiked(-1e4), {"max_amplitude": 10}, "its largest absolute value is 10000"),
        (spiked(np.nan), {"max_amplitude": 10}, "its largest absolute value is nan"),
        (spiked(1e4), {"max_over_std": 10}, "10000, its standard deviation 316.073"),
        (
            trace(0, 1000, np.full(1000, 3), channel="BHN"),
            {"min_std": 0},
            "its standard deviation is 0",
        ),
        (
            trace(0, 800, channel="BHN"),
            {"max_gaps": 0.1},
            "the channel has no samples for 20.0% of the time",
        ),
    ],
)
def test_reject(
    bad: obspy.Trace,
    parameters: dict[str, Any],
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = quiet()
    stream = steps.reject(obspy.Stream([bad, good]), None, **parameters)
    assert stream.traces == [good]
    (said,) = caplog.messages
    assert said.startswith("GR.FUR..BHN from 2020-05-01T00:00:00")
    assert said.endswith(reason)
    assert steps.reject(obspy.Stream([bad, good]), None).traces == [bad, good]


def test_gaps_are_counted_once() -> None:
    pieces = [trace(0, 300), trace(200, 500), trace(600, 1000)]  # 10 % missing
    kept = steps.reject(obspy.Stream(pieces), None, max_gaps=0.1001)
    assert len(kept) == 3
    assert not steps.reject(obspy.Stream(pieces), None, max_gaps=0.099)
    assert not steps.reject(obspy.Stream(), None, max_gaps=0.099)
    with pytest.raises(ValueError, match="max_gaps: 5 is not a share"):
        steps.reject(obspy.Stream(pieces), None, max_gaps=5)
