"""Windows: every sample in one of them, and joined again as if there were none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import obspy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asdf_pipeline import ASDFDataSet
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.traces import TraceHeader, samples_between
from asdf_pipeline.engine import ProcessTask, run
from asdf_pipeline.errors import CallError
from asdf_pipeline.plan.selection import Selection, Windows
from asdf_pipeline.times import SECOND

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86400 * SECOND


@given(
    st.integers(0, 10**6).map(lambda n: n * 1_234_567),
    st.integers(1, 3000),
    st.sampled_from([0.1, 1.0, 29.97, 30.0, 40.0, 100.0, 99.999]),
    st.integers(1, 30 * SECOND).map(lambda n: n * 10),
    st.sampled_from(["round", "trace"]),
)
def test_every_sample_is_kept_by_one_window(
    start: int, npts: int, rate: float, length: int, aligned: str
) -> None:
    length = max(length, int(2 * SECOND / rate))  # at least a sample or two
    windows = Windows(length, 0, aligned)
    header = TraceHeader("N", "S", "", "Z", start, rate, npts, np.dtype("f4"), "t")
    found = list(windows.over([(header.starttime, header.endtime)]))
    ranges = [samples_between(header, windows.kept(window)) for window in found]
    kept = [index for begin, end in ranges for index in range(begin, end)]
    assert kept == list(range(npts))
    assert all(end > begin for begin, end in ranges)


def test_windows_do_not_repeat_where_spans_share_one() -> None:
    windows = list(
        Windows(10 * SECOND).over([(0, 3 * SECOND), (5 * SECOND, 12 * SECOND)])
    )
    assert windows == [(0, 10 * SECOND), (10 * SECOND, 20 * SECOND)]


def test_gaps_have_no_windows() -> None:
    windows = list(Windows(DAY).over([(0, SECOND), (5 * DAY, 5 * DAY + SECOND)]))
    assert windows == [(0, DAY), (5 * DAY, 6 * DAY)]


@pytest.fixture
def long_traces(tmp_path: Path) -> Path:
    """Return a file with long traces: noise, an offset start, a gap."""
    path = tmp_path / "long.h5"
    rng = np.random.default_rng(5)
    stream = obspy.Stream()
    for code, rate, first in (("HHZ", 100.0, 3.21), ("LHZ", 1.0, 0.0)):
        for part in range(2):
            data = np.cumsum(rng.normal(size=int(400 * rate)))
            header = {
                "network": "XX",
                "station": "LONG",
                "channel": code,
                "sampling_rate": rate,
                "starttime": obspy.UTCDateTime(1000 + first + part * 600),
            }
            stream.append(obspy.Trace(data.astype("float64"), header))
    with ASDFDataSet(path) as data_set:
        data_set.add_waveforms(stream, tag="raw")
        inventory = obspy.read_inventory().select(station="RJOB")
        inventory[0].code = "XX"
        for epoch in inventory[0]:
            epoch.code = "LONG"
        data_set.add_stationxml(inventory)
    return path


def identity(st: obspy.Stream, inv: object) -> obspy.Stream:
    return st


def bandpass(st: obspy.Stream, inv: object) -> obspy.Stream:
    for trace in st:
        trace.filter("bandpass", freqmin=0.1, freqmax=0.4, corners=2, zerophase=True)
    return st


@pytest.mark.parametrize("aligned", ["round", "trace"])
@pytest.mark.parametrize("overlap", [0, 7 * SECOND])
@pytest.mark.parametrize("backend", ["serial", "multiprocessing"])
def test_identity_by_windows_is_identity(
    long_traces: Path, tmp_path: Path, aligned: str, overlap: int, backend: str
) -> None:
    windows = Windows(60 * SECOND, overlap, aligned)
    out = tmp_path / "out.h5"
    report = run(
        ProcessTask(
            long_traces,
            out,
            identity,
            {"raw": "raw"},
            backend=backend,
            workers=2,
            windows=windows,
            progress="none",
        )
    )
    assert file_digest(out) == file_digest(long_traces)
    (outcome,) = report.outcomes
    assert (outcome.status, outcome.traces_out, outcome.window) == ("ok", 4, None)
    assert outcome.samples_out == 2 * 400 * 101


def test_pieces_stay_apart_on_request(long_traces: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    windows = Windows(60 * SECOND, join=False)
    run(ProcessTask(long_traces, out, identity, {"raw": "raw"}, windows=windows))
    with Reader(out) as reader, Reader(long_traces) as source:
        pieces = reader.stream("XX.LONG", "raw")
        assert len(pieces) > 20
        assert all(trace.stats.npts <= 6000 for trace in pieces)
        joined = pieces.merge(method=-1)
        for one, other in zip(
            joined.sort(), source.stream("XX.LONG", "raw").sort(), strict=True
        ):
            assert (one.data == other.data).all()


def test_a_filter_by_windows_equals_the_filter_of_the_whole(
    long_traces: Path, tmp_path: Path
) -> None:
    """To 1e-6 of the peak, with the margin that docs/functions.md states."""
    margin = 120  # seconds: the filter's memory
    whole, parts = tmp_path / "whole.h5", tmp_path / "parts.h5"
    run(ProcessTask(long_traces, whole, bandpass, {"raw": "raw"}))
    windows = Windows(60 * SECOND, margin * SECOND)
    run(ProcessTask(long_traces, parts, bandpass, {"raw": "raw"}, windows=windows))
    with Reader(whole) as one, Reader(parts) as other:
        for a, b in zip(
            one.stream("XX.LONG", "raw"), other.stream("XX.LONG", "raw"), strict=True
        ):
            assert a.stats.starttime.ns == b.stats.starttime.ns
            assert a.stats.npts == b.stats.npts
            difference = np.abs(a.data - b.data)
            assert difference.max() < 1e-6 * np.abs(a.data).max()


def test_a_window_that_fails_leaves_the_others(
    long_traces: Path, tmp_path: Path
) -> None:
    def fails_once(st: obspy.Stream, inv: object) -> obspy.Stream:
        if st[0].stats.starttime.timestamp < 1060:
            msg = "too early"
            raise ValueError(msg)
        return st

    out = tmp_path / "out.h5"
    windows = Windows(60 * SECOND)
    report = run(
        ProcessTask(long_traces, out, fails_once, {"raw": "raw"}, windows=windows)
    )
    (outcome,) = report.outcomes
    assert outcome.status == "failed"
    assert "too early" in outcome.error_message
    assert 0 < outcome.samples_out < 2 * 400 * 101
    with Reader(out) as reader:
        assert reader.stream("XX.LONG", "raw")[0].stats.starttime.timestamp >= 1060


def test_a_selection_leaves_out_and_says_so(long_traces: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    selection = Selection(
        channels=("HH?",), starttime=1100 * SECOND, endtime=1200 * SECOND
    )
    report = run(
        ProcessTask(long_traces, out, identity, {"raw": "r"}, selection=selection)
    )
    with Reader(out) as reader:
        (trace,) = reader.stream("XX.LONG", "r")
        assert trace.stats.channel == "HHZ"
        assert trace.stats.starttime.ns >= 1100 * SECOND
        assert trace.stats.endtime.ns <= 1200 * SECOND
        assert trace.stats.npts == 10_001  # both ends are in it
    assert report.counts == {"ok": 1}
    nothing = Selection(stations=("YY.*",))
    with pytest.raises(CallError, match="the selection leaves nothing of 1 unit"):
        run(
            ProcessTask(
                long_traces, tmp_path / "o", identity, {"raw": "r"}, selection=nothing
            )
        )


def test_skipped_stations_have_outcomes(tmp_path: Path, long_traces: Path) -> None:
    with ASDFDataSet(long_traces) as data_set:
        other = obspy.read()
        data_set.add_waveforms(other, tag="raw")
    selection = Selection(exclude=("BW.*",))
    report = run(
        ProcessTask(
            long_traces, tmp_path / "o.h5", identity, {"raw": "r"}, selection=selection
        )
    )
    statuses = {outcome.station: outcome.status for outcome in report.outcomes}
    assert statuses == {"BW.RJOB": "skipped", "XX.LONG": "ok"}


def process(
    source: Path, out: Path, function: object, windows: Windows, **more: object
) -> object:
    """Process by windows, in this process; return the one outcome."""
    task = ProcessTask(
        source,
        out,
        function,
        {"raw": "raw"},
        backend="serial",
        windows=windows,
        progress="none",
        max_failures=None,
        **more,
    )
    (outcome,) = run(task).outcomes
    return outcome


def test_times_hold_within_windows(long_traces: Path, tmp_path: Path) -> None:
    first, last = 1030 * SECOND, 1250 * SECOND
    selection = Selection(starttime=first, endtime=last)
    out, whole = tmp_path / "out.h5", tmp_path / "whole.h5"
    process(
        long_traces,
        out,
        identity,
        Windows(60 * SECOND, 7 * SECOND),
        selection=selection,
    )
    run(
        ProcessTask(
            long_traces,
            whole,
            identity,
            {"raw": "raw"},
            backend="serial",
            selection=selection,
            progress="none",
        )
    )
    with Reader(out) as reader:
        headers = reader.headers("XX.LONG")
        assert min(header.starttime for header in headers) >= first
        assert max(header.endtime for header in headers) <= last
    assert file_digest(out) == file_digest(whole)


def test_the_peak_is_that_of_what_is_written(long_traces: Path, tmp_path: Path) -> None:
    def loud_at_the_ends(st: obspy.Stream, inv: object) -> obspy.Stream:
        for trace in st:
            if trace.stats.npts > 60:
                trace.data[:] = 1.0
                trace.data[[0, -1]] = 1e8
        return st

    windows = Windows(60 * SECOND, 70 * SECOND)
    outcome = process(long_traces, tmp_path / "out.h5", loud_at_the_ends, windows)
    with Reader(tmp_path / "out.h5") as reader:
        peaks = [abs(trace.data).max() for trace in reader.stream("XX.LONG", "raw")]
    assert outcome.peak == max(peaks)


@pytest.mark.parametrize(("by", "overlap"), [(86400, 7), (1.5, 0), (-8.5, 7)])
def test_moved_start_times_are_no_silent_loss(
    by: float, overlap: int, tmp_path: Path
) -> None:
    def moved(st: obspy.Stream, inv: object) -> obspy.Stream:
        for trace in st:
            trace.stats.starttime += by
        return st

    source, out = tmp_path / "tenth.h5", tmp_path / "out.h5"
    header = {"network": "XX", "station": "LONG", "channel": "BHZ"}
    trace = obspy.Trace(np.arange(1000.0), {**header, "sampling_rate": 10.0})
    with ASDFDataSet(source) as data_set:
        data_set.add_waveforms(trace, tag="raw")
    outcome = process(source, out, moved, Windows(20 * SECOND, overlap * SECOND))
    assert outcome.status == "failed"
    assert "must not change start times" in outcome.error_message


def resampled(st: obspy.Stream, inv: object) -> obspy.Stream:
    return st.resample(130.0)


def decimated(st: obspy.Stream, inv: object) -> obspy.Stream:
    return st.select(channel="HHZ").decimate(7)


def interpolated(st: obspy.Stream, inv: object) -> obspy.Stream:
    return st.interpolate(7.0)


def padded(st: obspy.Stream, inv: object) -> obspy.Stream:
    for trace in st:
        start = trace.stats.starttime + trace.stats.npts * trace.stats.delta / 2
        start -= start.timestamp % 60
        trace.trim(start, start + 60, pad=True, fill_value=0)
    return st


def nothing_but_the_middle(st: obspy.Stream, inv: object) -> obspy.Stream:
    return st.trim(st[0].stats.starttime + 20, st[0].stats.starttime + 25)


@pytest.mark.parametrize(
    "function", [resampled, decimated, interpolated, padded, nothing_but_the_middle]
)
@pytest.mark.parametrize("overlap", [0, 7])
def test_other_samples_are_no_moved_start_times(
    function: object, overlap: int, long_traces: Path, tmp_path: Path
) -> None:
    windows = Windows(60 * SECOND, overlap * SECOND)
    outcome = process(long_traces, tmp_path / "out.h5", function, windows)
    assert outcome.status == "ok", outcome.error_message


def test_start_times_may_move_within_the_overlap(
    long_traces: Path, tmp_path: Path
) -> None:
    def moved(st: obspy.Stream, inv: object) -> obspy.Stream:
        for trace in st:
            trace.stats.starttime += 5
        return st

    out = tmp_path / "out.h5"
    outcome = process(long_traces, out, moved, Windows(60 * SECOND, 7 * SECOND))
    assert outcome.samples_out == 2 * 400 * 101
    with Reader(out) as reader, Reader(long_traces) as source:
        for one, other in zip(
            reader.stream("XX.LONG", "raw"),
            source.stream("XX.LONG", "raw"),
            strict=True,
        ):
            assert one.stats.starttime == other.stats.starttime + 5
            assert (one.data == other.data).all()


def test_overlapping_traces_are_joined_with_their_own(tmp_path: Path) -> None:
    source, out = tmp_path / "two.h5", tmp_path / "out.h5"
    stream = obspy.Stream()
    for first, npts in ((0, 900), (450, 900)):
        data = np.arange(first, first + npts, dtype="int32")
        header = {"network": "XX", "station": "LONG", "channel": "LHZ"}
        trace = obspy.Trace(data, header)
        trace.stats.starttime = obspy.UTCDateTime(1000 + first + 0.25 * (first > 0))
        stream.append(trace)
    with ASDFDataSet(source) as data_set:
        data_set.add_waveforms(stream, tag="raw")
    process(source, out, identity, Windows(100 * SECOND))
    assert file_digest(out) == file_digest(source)


def test_traces_that_windows_cut_alike_are_told_apart_by_nothing(
    tmp_path: Path,
) -> None:
    def merged(st: obspy.Stream, inv: object) -> obspy.Stream:
        return st.merge(1)

    source = tmp_path / "two.h5"
    stream = obspy.Stream()
    for first, npts in ((0, 900), (450, 900)):
        header = {"network": "XX", "station": "LONG", "channel": "LHZ"}
        header["starttime"] = obspy.UTCDateTime(first)
        stream.append(obspy.Trace(np.arange(first, first + npts), header))
    with ASDFDataSet(source) as data_set:
        data_set.add_waveforms(stream, tag="raw")
    failed = process(source, tmp_path / "out.h5", identity, Windows(100 * SECOND))
    assert "merge them, process whole stations, or leave" in failed.error_message
    done = process(source, tmp_path / "merged.h5", merged, Windows(100 * SECOND))
    assert (done.status, done.samples_out, done.traces_out) == ("ok", 1350, 1)


@pytest.mark.parametrize("dtype", [">f4", ">i4", "<f8"])
def test_joined_samples_keep_their_byte_order(dtype: str, tmp_path: Path) -> None:
    source, out = tmp_path / "one.h5", tmp_path / "out.h5"
    header = {"network": "XX", "station": "LONG", "channel": "LHZ"}
    trace = obspy.Trace(np.arange(1, 301, dtype=dtype), header)
    with ASDFDataSet(source) as data_set:
        data_set.add_waveforms(trace, tag="raw")
    process(source, out, identity, Windows(100 * SECOND))
    assert file_digest(out) == file_digest(source)


def test_segments_may_be_more_than_files_may_be_open(
    long_traces: Path, tmp_path: Path
) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    windows = Windows(3 * SECOND)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        out = tmp_path / "out.h5"
        process(long_traces, out, identity, windows, seal_every=0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert file_digest(out) == file_digest(long_traces)


@pytest.mark.parametrize("year", [1678, 1822, 2117, 2261])
@pytest.mark.parametrize("aligned", ["round", "trace"])
def test_windows_of_any_time_that_a_trace_may_have(
    year: int, aligned: str, tmp_path: Path
) -> None:
    source, out = tmp_path / "one.h5", tmp_path / "out.h5"
    header = {"network": "XX", "station": "LONG", "channel": "LHZ"}
    trace = obspy.Trace(np.arange(1, 301), header)
    trace.stats.starttime = obspy.UTCDateTime(year, 1, 5)
    with ASDFDataSet(source) as data_set:
        data_set.add_waveforms(trace, tag="raw")
    windows = Windows(100 * SECOND, 10 * SECOND, aligned)
    outcome = process(source, out, identity, windows)
    assert (outcome.status, outcome.samples_out) == ("ok", 300)
    assert file_digest(out) == file_digest(source)
