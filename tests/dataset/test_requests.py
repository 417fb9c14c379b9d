"""Which samples a request gets whose times are not exactly those of samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import obspy
import pytest
from obspy import UTCDateTime

from asdf_pipeline import ASDFDataSet, CallError
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.traces import offset
from asdf_pipeline.plan.selection import Selection, Windows
from asdf_pipeline.work.station_data import StationData

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RATES = (100.0, 30.0, 7.3, 1000 / 3)
Request = tuple[int, UTCDateTime, UTCDateTime]


@pytest.fixture(params=RATES)
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> obspy.Trace:
    trace = obspy.Trace(
        np.arange(1000, dtype="i4"),
        {
            "network": "XX",
            "station": "A",
            "channel": "BHZ",
            "sampling_rate": request.param,
            "starttime": UTCDateTime(2012, 1, 1, 0, 0, 0, 123456),
        },
    )
    with ASDFDataSet(tmp_path / "in.h5") as ds:
        ds.add_waveforms(trace, "raw")
    return trace


def requests(trace: obspy.Trace) -> list[Request]:
    """Return requests for 21 samples, with times as people have them."""
    floats, begin = trace.times("timestamp"), trace.stats.starttime.ns
    found = []
    for first in range(3, 900, 37):
        last = first + 20
        found.append((first, UTCDateTime(floats[first]), UTCDateTime(floats[last])))
        exact = (
            begin + offset(one, trace.stats.sampling_rate) for one in (first, last)
        )
        texts = (str(UTCDateTime(ns=one)) for one in exact)  # to microseconds
        found.append((first, *(UTCDateTime(text) for text in texts)))
    return found


def got(trace: obspy.Trace) -> tuple[int, int]:
    return int(trace.data[0]), int(trace.data[-1])


@pytest.mark.parametrize("nearest", [None, True, False])
def test_a_time_off_by_half_a_microsecond_means_its_sample(
    recording: obspy.Trace, tmp_path: Path, nearest: bool | None
) -> None:
    with ASDFDataSet(tmp_path / "in.h5", mode="r") as ds:
        for first, start, end in requests(recording):
            where = ("XX", "A", "", "BHZ", start, end, "raw")
            (one,) = ds.get_waveforms(*where, nearest_sample=nearest)
            assert got(one) == (first, first + 20)
            (one,) = ds.waveforms.XX_A.get_item("raw", start, end)
            assert got(one) == (first, first + 20)


def test_the_first_and_last_sample_of_a_trace_are_found(
    recording: obspy.Trace, tmp_path: Path
) -> None:
    begin, end = recording.stats.starttime, recording.stats.endtime
    with ASDFDataSet(tmp_path / "in.h5", mode="r") as ds:
        for early, late in ((begin - 9, begin - 4e-7), (end + 4e-7, end + 9)):
            (one,) = ds.get_waveforms("XX", "A", "", "BHZ", early, late, "raw")
            assert len(one) == 1
        after = end + 2e-6
        assert not ds.get_waveforms("XX", "A", "", "BHZ", after, after + 9, "raw")


def test_nearest_sample_is_that_of_obspy(
    recording: obspy.Trace, tmp_path: Path
) -> None:
    delta = recording.stats.delta
    with ASDFDataSet(tmp_path / "in.h5", mode="r") as ds:
        for part in (0.1, 0.3, 0.49, 0.51, 0.7, 0.9):
            start = recording.stats.starttime + (10 + part) * delta
            end = recording.stats.starttime + (50 + part) * delta
            where = ("XX", "A", "", "BHZ", start, end, "raw")
            for nearest in (True, False):
                wanted = recording.slice(start, end, nearest_sample=nearest)
                (one,) = ds.get_waveforms(*where, nearest_sample=nearest)
                assert got(one) == got(wanted)
            (one,) = ds.get_waveforms(*where)  # the outer ones, as in pyasdf
            assert got(one) == (10, 51)


def whole(path: Path, selection: Selection) -> tuple[int, int]:
    with ASDFDataSet(path, mode="r") as ds:
        out = path.with_name("whole.h5")
        out.unlink(missing_ok=True)
        options = {"backend": "serial", "progress": "none", "selection": selection}
        ds.process(lambda st, inv: st, out, {"raw": "out"}, **options)
    with ASDFDataSet(out, mode="r") as ds:
        return got(ds.waveforms.XX_A.out[0])


def windowed(path: Path, selection: Selection) -> tuple[int, int]:
    with ASDFDataSet(path, mode="r") as ds:
        out = path.with_name("windowed.h5")
        out.unlink(missing_ok=True)
        windows = Windows(length=500_000_000)
        ds.process(
            lambda st, inv: st,
            out,
            {"raw": "out"},
            backend="serial",
            progress="none",
            selection=selection,
            windows=windows,
        )
    with ASDFDataSet(out, mode="r") as ds:
        return got(ds.waveforms.XX_A.out[0])


def compared(path: Path, selection: Selection) -> tuple[int, int]:
    with Reader(path) as reader:
        return got(StationData(reader, "XX.A", selection).streams["raw"][0])


@pytest.mark.parametrize("way", [whole, windowed, compared])
def test_a_selection_takes_a_time_that_is_off_as_its_sample(
    recording: obspy.Trace,
    tmp_path: Path,
    way: Callable[[Path, Selection], tuple[int, int]],
) -> None:
    for first, start, end in requests(recording)[:6]:
        selection = Selection(starttime=start.ns, endtime=end.ns)
        assert way(tmp_path / "in.h5", selection) == (first, first + 20)


def test_a_location_of_blanks_is_the_empty_one(
    tmp_path: Path,
) -> None:
    header = {"network": "XX", "channel": "BHZ"}
    with ASDFDataSet(tmp_path / "in.h5") as ds:
        for station, location in (("A", ""), ("B", "  "), ("C", "00")):
            codes = {**header, "station": station, "location": location}
            ds.add_waveforms(obspy.Trace(np.arange(5.0), codes), "raw")
        for asked in ("", "  "):
            found = ds.ifilter(ds.q.location == asked)
            assert [one._station_name for one in found] == ["XX.A", "XX.B"]
            found = ds.ifilter(ds.q.location != asked)
            assert [one._station_name for one in found] == ["XX.C"]
            start = UTCDateTime(0)
            stream = ds.get_waveforms("XX", "*", asked, "*", start, start + 9, "raw")
            assert [one.stats.station for one in stream] == ["A", "B"]
    assert Selection(channels=(".BHZ",)).has_channel("  ", "BHZ")
    assert Selection(channels=("  .BHZ",)).has_channel("  ", "BHZ")


@pytest.mark.parametrize(
    "wrong",
    [
        {"windows": "1d"},
        {"selection": "BW.*"},
        {"cpu_count": "2"},
        {"traceback_limit": "3"},
    ],
    ids=str,
)
def test_arguments_of_another_kind_are_named(
    example: Path, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    (name,) = wrong
    with (
        ASDFDataSet(example, mode="r") as ds,
        pytest.raises(CallError, match=f"{name}: expected"),
    ):
        ds.process(lambda st, inv: st, tmp_path / "out.h5", {"raw": "p"}, **wrong)
