"""Gathers: all stations of an event, or of a window, in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import obspy
import pytest
from obspy.core.event import Catalog, Event, Origin, ResourceIdentifier

from asdf_pipeline import ASDFDataSet, CallError, Gather, Result, Selection, Windows
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import (
    FunctionError,
    ProcessingFailedError,
    StationMissingError,
    TagError,
    TraceError,
)
from asdf_pipeline.plan.outcome import read_outcomes
from asdf_pipeline.times import SECOND
from tests.engine import functions
from tests.engine.conftest import SERIAL, Way

if TYPE_CHECKING:
    from pathlib import Path

    from asdf_pipeline import RunReport

START = obspy.UTCDateTime(2020, 5, 1)
IDS = [f"smi:local/event/{number}" for number in range(3)]
STATIONS = [f"XX.S{number:02d}" for number in range(4)]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return three events, each recorded by another number of stations, and noise."""
    path = tmp_path_factory.mktemp("gathers") / "in.h5"
    inventory = obspy.read_inventory().select(station="RJOB")
    with ASDFDataSet(path, mode="w") as ds:
        ds.add_quakeml(
            Catalog(
                [
                    Event(
                        resource_id=ResourceIdentifier(identifier),
                        origins=[Origin(time=START + 1.25 * number)],
                    )
                    for number, identifier in enumerate(IDS)
                ]
            )
        )
        for index, station in enumerate(STATIONS):
            network, _, code = station.partition(".")
            own = inventory.copy()
            own[0].code = network
            for epoch in own[0]:
                epoch.code = code
            ds.add_stationxml(own)
            for number, identifier in enumerate([*IDS[: index + 1], None]):
                header = {
                    "network": network,
                    "station": code,
                    "channel": "BHZ",
                    "sampling_rate": 20.0,
                    "starttime": START + 1.25 * number,
                }
                data = np.random.default_rng(10 * index + number).normal(size=200)
                belongs = {} if identifier is None else {"event_id": identifier}
                trace = obspy.Trace(data, header)
                ds.add_waveforms(trace, tag="raw", **belongs)
    return path


def run(path: Path, output: Path | None, function: Any, **more: Any) -> RunReport:
    """Do the gathers, serially."""
    options = {"backend": "serial", "progress": "none", **more}
    with ASDFDataSet(path, mode="r") as ds:
        return ds.process_gathers(function, output, **options)


def test_every_team_makes_the_same(way: Way, recordings: Path, tmp_path: Path) -> None:
    out, reference = tmp_path / "out.h5", tmp_path / "reference.h5"
    outcomes, table = tmp_path / "outcomes.jsonl", tmp_path / "table.csv"
    words = ("--tag", "raw", "--outcomes", outcomes, "--table", table)
    done = way.start("gathers", "section", recordings, out, *words)
    assert done.returncode == 0, done.stderr
    run(recordings, reference, functions.section, tag="raw")
    assert file_digest(out) == file_digest(reference)
    found = read_outcomes(outcomes)
    assert [one.event for one in found] == IDS
    assert [one.gathered for one in found] == [
        tuple(STATIONS[number:]) for number in range(3)
    ]
    assert [one.written for one in found] == [
        dict.fromkeys(STATIONS[number:], (1, 200)) for number in range(3)
    ]
    with Reader(out) as made, Reader(recordings) as source:
        for station in STATIONS:
            assert made.stationxml(station) == source.stationxml(station)
            wanted = sorted(
                (header.starttime, header.event_ids)
                for header in source.headers(station, "raw")
                if header.event_ids
            )
            there = made.headers(station, "gathered")
            assert sorted((one.starttime, one.event_ids) for one in there) == wanted
        assert len(made.auxiliary_paths()) == 3
    assert table.read_text().splitlines() == [
        "event,stations,time",
        *(
            f"{identifier},{4 - number},{START + 1.25 * number}"
            for number, identifier in enumerate(IDS)
        ),
    ]


def test_it_reads_what_is_touched(recordings: Path) -> None:
    gathers: list[Gather] = []

    def first_only(gather: Gather) -> float:
        gathers.append(gather)
        assert list(gather) == list(gather.stations)
        (trace,) = gather[gather.stations[0]].stream
        return len(trace)

    report = run(recordings, None, first_only)
    assert report.counts == {"ok": 3}
    assert [one.traces_in for one in report.outcomes] == [1, 1, 1]
    assert [len(one.gathered) for one in report.outcomes] == [1, 1, 1]
    assert report.table["event"].tolist() == IDS
    with pytest.raises(StationMissingError, match="has nothing in this gather"):
        gathers[0]["XX.S99"]


def test_gathers_of_windows(recordings: Path, tmp_path: Path) -> None:
    def first_traces(gather: Gather) -> Result:
        assert gather.window is not None
        assert gather.event is None
        begin, end = (obspy.UTCDateTime(ns=time) for time in gather.window)
        stream = obspy.Stream([station.stream[0] for station in gather.values()])
        for trace in stream:
            assert begin <= trace.stats.starttime <= trace.stats.endtime < end
        return Result(stream, row={"traces": len(stream)})

    windows = Windows(length=5 * SECOND)
    out = tmp_path / "out.h5"
    report = run(recordings, out, first_traces, windows=windows)
    assert report.counts == {"ok": 3}
    assert [one.window for one in report.outcomes] == [
        (START.ns + number * 5 * SECOND, START.ns + (number + 1) * 5 * SECOND)
        for number in range(3)
    ]
    assert report.table.columns.tolist() == ["start", "end", "traces"]
    assert report.table["traces"].tolist() == [4, 4, 4]
    with Reader(out) as made:
        assert [len(made.names(station)) for station in STATIONS] == [3, 3, 3, 3]


def test_a_gather_that_fails_costs_no_other_and_is_done_again(
    recordings: Path, tmp_path: Path
) -> None:
    flag, calls = tmp_path / "flag", tmp_path / "calls"
    flag.touch()

    def sometimes(gather: Gather) -> Any:
        assert gather.event is not None
        with calls.open("a") as file:
            file.write(f"{gather.event.resource_id}\n")
        if str(gather.event.resource_id) == IDS[1] and flag.exists():
            msg = "not yet"
            raise ValueError(msg)
        return functions.section(gather)

    out = tmp_path / "out.h5"
    with pytest.raises(ProcessingFailedError, match=f"{IDS[1]} .*not yet"):
        run(recordings, out, sometimes, max_failures=0)
    calls.unlink()
    flag.unlink()
    report = run(recordings, out, sometimes, max_failures=0)
    assert calls.read_text() == f"{IDS[1]}\n"
    assert (report.resumed, report.counts) == (2, {"ok": 3})


def test_two_gathers_that_give_one_trace_are_both_named(
    recordings: Path, tmp_path: Path
) -> None:
    def always(gather: Gather) -> obspy.Stream:
        (trace,) = gather[STATIONS[3]].stream
        trace.stats.starttime = START
        return obspy.Stream([trace])

    with pytest.raises(TraceError, match="is written by both"):
        run(recordings, tmp_path / "out.h5", always)


def test_a_trace_of_a_station_that_is_not_in_it_is_refused(
    recordings: Path, tmp_path: Path
) -> None:
    def beam(gather: Gather) -> obspy.Trace:
        (trace,) = gather[gather.stations[0]].stream
        trace.stats.station = "BEAM"
        return trace

    report = run(recordings, tmp_path / "out.h5", beam)
    assert report.counts == {"failed": 3}
    assert "XX.BEAM..BHZ, whose station is not in" in report.failures[0].error_message


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"tag": "none"}, TagError, "no waveforms with tag none"),
        ({"selection": Selection(channels=("HHZ",))}, CallError, "leaves no waveforms"),
        ({"no_events": True}, CallError, "gathers of windows only"),
        ({"function": lambda: None}, FunctionError, "cannot be called as"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(
    recordings: Path,
    tmp_path: Path,
    more: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    function = more.pop("function", lambda gather: None)
    with pytest.raises(error, match=words):
        run(recordings, tmp_path / "out.h5", function, **more)
    assert list(tmp_path.iterdir()) == []


def test_without_associations_the_remedy_is_named(
    recordings: Path, tmp_path: Path
) -> None:
    path = tmp_path / "in.h5"
    with ASDFDataSet(path, mode="w") as ds:
        ds.add_waveforms(obspy.read(), tag="raw")
    with pytest.raises(CallError, match=r"belongs to an event .*name a window"):
        run(path, tmp_path / "out.h5", lambda gather: None)


def test_the_command_prints_rows(recordings: Path) -> None:
    done = SERIAL.start("gathers", "stations_of", recordings)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "event,value",
        *(f"{identifier},{4 - number}" for number, identifier in enumerate(IDS)),
    ]
    assert "4 traces of no event left out" in done.stderr
