"""A function that asks for `event`: a unit for each event, with its traces alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import obspy
import pandas as pd
import pytest
from obspy.core.event import Catalog, Event, Origin, ResourceIdentifier

from asdf_pipeline import ASDFDataSet, Result
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import CallError
from asdf_pipeline.manifest import read_manifest
from asdf_pipeline.plan.outcome import read_outcomes
from asdf_pipeline.plan.planning import make_plan
from asdf_pipeline.plan.selection import Selection, Windows
from asdf_pipeline.plan.units import Unit
from asdf_pipeline.times import SECOND
from tests.engine.conftest import SERIAL, Way

if TYPE_CHECKING:
    from obspy import Inventory, Stream

START = obspy.UTCDateTime(2020, 5, 1)
IDS = [f"smi:local/event/{number}" for number in range(3)]
STATIONS = [f"XX.S{number:02d}" for number in range(4)]
ALONE = "XX.S03"
"""The station whose traces belong to no event."""


def trace(station: str, number: int, shift: float = 0.0) -> obspy.Trace:
    """Return 10 s of noise, an hour for each number."""
    network, _, code = station.partition(".")
    header = {
        "network": network,
        "station": code,
        "channel": "BHZ",
        "sampling_rate": 20.0,
        "starttime": START + 3600 * number + shift,
    }
    data = np.random.default_rng(number).integers(-99, 99, 200, dtype=np.int32)
    return obspy.Trace(data, header)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return three events at three stations, with noise of no event at two of them.

    Two of a station's events start in one second.
    """
    path = tmp_path_factory.mktemp("events") / "in.h5"
    with ASDFDataSet(path, mode="w") as ds:
        ds.add_quakeml(
            Catalog(
                [
                    Event(
                        resource_id=ResourceIdentifier(identifier),
                        origins=[Origin(time=START + 3600 * number)],
                    )
                    for number, identifier in enumerate(IDS)
                ]
            )
        )
        for station in STATIONS:
            for number, identifier in enumerate(IDS):
                belongs = {} if station == ALONE else {"event_id": identifier}
                ds.add_waveforms(trace(station, number), tag="raw", **belongs)
        ds.add_waveforms(trace("XX.S00", 7), tag="raw")
        ds.add_waveforms(trace("XX.S01", 0, 0.25), tag="raw", event_id=IDS[1])
    return path


def test_every_way_gives_each_event_its_own_call_and_loses_none(
    recordings: Path, tmp_path: Path, way: Way
) -> None:
    output, outcomes = tmp_path / "out.h5", tmp_path / "outcomes.jsonl"
    words = (recordings, output, "--tag", "raw=done", "--outcomes", outcomes)
    done = way.start("process", "of_event", *words, "--max-failures", "1")
    assert done.returncode == 0, done.stderr
    assert "1 trace of no event left out" in done.stderr
    assert "XX.S00, tag raw: 1" in done.stderr
    with Reader(output) as made, Reader(recordings) as source:
        for station in STATIONS[:3]:
            of_events = [
                (header.starttime, header.event_ids, data.tolist())
                for header, data in source.traces(station, "raw")
                if header.event_ids
            ]
            there = [
                (header.starttime, header.event_ids, data.tolist())
                for header, data in made.traces(station, "done")
            ]
            assert sorted(there) == sorted(of_events)
        assert len(made.names("XX.S01")) == 4
        assert len(made.auxiliary_paths()) == 9
    rows = {o.station: o for o in read_outcomes(outcomes)}
    assert sorted(rows) == STATIONS
    assert [rows[s].status for s in STATIONS] == ["ok", "ok", "ok", "failed"]
    assert [rows[s].traces_out for s in STATIONS] == [3, 4, 3, 0]
    assert {o.event for o in rows.values()} == {""}
    reference = tmp_path / "reference.h5"
    assert SERIAL.start(
        "process", "of_event", recordings, reference, "--tag", "raw=done",
        "--max-failures", "1",
    ).returncode == 0  # fmt: skip
    assert file_digest(output) == file_digest(reference)


def test_the_manifest_joins_the_events_and_verifies(
    recordings: Path, tmp_path: Path
) -> None:
    from asdf_pipeline.cli import main

    output, outcomes = tmp_path / "out.h5", tmp_path / "outcomes.jsonl"
    words = (recordings, output, "--tag", "raw=done", "--outcomes", outcomes)
    done = SERIAL.start("process", "of_event", *words, "--max-failures", "1")
    assert done.returncode == 0, done.stderr
    table = tmp_path / "stations.csv"
    main(
        list(
            map(str, ("manifest", recordings, output, "--outcomes", outcomes,
                      "--output", table))
        )
    )  # fmt: skip
    rows = read_manifest(table)
    assert list(rows.station) == ["S00", "S01", "S02", "S03"]
    assert list(rows.traces_in) == [3, 4, 3, 3]
    assert list(rows.traces_out) == [3, 4, 3, 0]
    assert main(["verify", str(output), "--manifest", str(table)]) == 0


def test_a_failed_event_is_named_and_alone_tried_again(
    recordings: Path, tmp_path: Path
) -> None:
    output, cure, calls = (tmp_path / name for name in ("out.h5", "cure", "calls"))
    parameters = json.dumps({"calls": str(calls), "cure": str(cure)})
    words = (recordings, output, "--tag", "raw=done", "--parameters", parameters,
             "--exclude", ALONE)  # fmt: skip
    first = SERIAL.start("process", "of_event_until_cured", *words)
    assert first.returncode == 1
    assert f"Station XX.S02, tag raw, event {IDS[1]}" in first.stderr
    assert len(calls.read_text().splitlines()) == 9
    cure.touch()
    calls.unlink()
    again = SERIAL.start("process", "of_event_until_cured", *words)
    assert again.returncode == 0, again.stderr
    assert calls.read_text() == f"XX_S02 {IDS[1]}\n"


def keep(st: Stream, inv: Inventory | None, event: Event | None) -> Stream:
    """Return what the function is given."""
    assert event is not None
    return st


def test_windows_of_events(recordings: Path, tmp_path: Path) -> None:
    with ASDFDataSet(recordings, mode="r") as ds:
        report = ds.process(
            keep,
            tmp_path / "out.h5",
            {"raw": "done"},
            backend="serial",
            windows=Windows(5 * SECOND),
            selection=Selection(exclude=("XX.S01",)),
            max_failures="100%",
            progress="none",
        )
    done = {o.station: o for o in report.outcomes}
    assert done["XX.S00"].traces_out == 3
    assert done["XX.S00"].samples_out == 600
    assert done[ALONE].error_message.startswith("6 of 6 windows: ")


def test_two_events_that_give_one_trace_are_both_named(
    recordings: Path, tmp_path: Path, way: Way
) -> None:
    words = (recordings, tmp_path / "out.h5", "--tag", "raw=done", "--window", "5s")
    done = way.start("process", "traces_of_event", *words, "--stations", "XX.S01")
    assert done.returncode == 1
    assert IDS[0] in done.stderr
    assert IDS[1] in done.stderr
    assert "must differ" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_failed_is_tried_again_beside_stations_of_several_events(
    recordings: Path, tmp_path: Path
) -> None:
    output, outcomes = tmp_path / "out.h5", tmp_path / "outcomes.jsonl"
    words = (recordings, output, "--tag", "raw=done", "--outcomes", outcomes,
             "--max-failures", "1")  # fmt: skip
    first = SERIAL.start("process", "of_event", *words)
    assert first.returncode == 0, first.stderr
    before = {o.station: o for o in read_outcomes(outcomes)}
    again = SERIAL.start("process", "of_event", *words, "--only-failed")
    assert again.returncode == 0, again.stderr
    after = {o.station: o for o in read_outcomes(outcomes)}
    assert after.keys() == before.keys()
    for station in STATIONS[:3]:
        assert after[station].digest == before[station].digest
        assert after[station].samples_in == before[station].samples_in


def test_a_unit_names_its_event(recordings: Path) -> None:
    with Reader(recordings) as reader:
        plan = make_plan(reader, {"raw": "done"}, by="event", lenient=True)
        whole = make_plan(reader, {"raw": "done"})
    assert {(u.station, u.event) for u in plan.units} == {
        *((station, event) for station in STATIONS[:3] for event in IDS),
        (ALONE, ""),
    }
    assert plan.of_no_event == (("XX.S00", "raw", 1),)
    assert {u.id for u in whole.units} == {f"{station}/raw" for station in STATIONS}
    unit = Unit("XX.S00", "raw", "done", event=IDS[0])
    assert unit.id == f"XX.S00/raw/{IDS[0]}"
    assert unit.outcome("ok").unit_id == unit.id


def test_without_traces_of_events_the_function_is_called_once_with_none(
    tmp_path: Path,
) -> None:
    seen = []

    def note(st: Stream, inv: Inventory | None, event: Event | None) -> Result:
        seen.append((len(st), event))
        return Result(st)

    with ASDFDataSet(tmp_path / "in.h5", mode="w") as ds:
        for number in range(2):
            ds.add_waveforms(trace("XX.S00", number), tag="raw")
    with ASDFDataSet(tmp_path / "in.h5", mode="r") as ds:
        ds.process(note, tmp_path / "out.h5", {"raw": "done"}, backend="serial")
    assert seen == [(2, None)]


def test_the_table_of_outcomes_holds_one_row_a_station(
    recordings: Path, tmp_path: Path
) -> None:
    def nothing_of_one(st: Stream, inv: Inventory | None, event: Event | None) -> Any:
        return None if event is None or str(event.resource_id) == IDS[0] else st

    with ASDFDataSet(recordings, mode="r") as ds:
        report = ds.process(
            nothing_of_one, tmp_path / "out.h5", {"raw": "done"}, backend="serial"
        )
    statuses = pd.Series({o.station: o.status for o in report.outcomes})
    assert list(statuses[STATIONS]) == ["ok", "ok", "ok", "empty"]


def test_by_event_what_belongs_to_none_is_left_out(
    recordings: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also for a function that does not ask for it: three events, three calls."""
    calls = []

    def note(st: Stream, inv: Inventory | None) -> Stream:
        (event,) = {one for trace in st for one in trace.stats.asdf.event_ids}
        calls.append((f"{st[0].stats.network}.{st[0].stats.station}", str(event)))
        return st

    with caplog.at_level("WARNING"), ASDFDataSet(recordings, mode="r") as ds:
        report = ds.process(
            note,
            tmp_path / "out.h5",
            {"raw": "done"},
            by="event",
            backend="serial",
            progress="none",
        )
    assert sorted(calls) == [(name, one) for name in STATIONS[:3] for one in IDS]
    assert report.counts == {"ok": 3, "skipped": 1}
    assert f"{ALONE}, tag raw: 3" in caplog.text
    assert "4 traces of no event left out" in caplog.text


def test_by_event_needs_events(recordings: Path, tmp_path: Path) -> None:
    with ASDFDataSet(recordings, mode="r") as ds:
        for options, words in (
            ({"by": "event", "no_events": True}, "events are needed"),
            ({"by": "events"}, "expected station, event, channel"),
        ):
            with pytest.raises(CallError, match=words):
                ds.process(
                    lambda st, inv: st, tmp_path / "out.h5", {"raw": "x"}, **options
                )
