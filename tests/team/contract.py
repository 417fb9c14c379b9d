"""What every team must do, whoever does the work.

A team's tests inherit `TeamContract`, or `SurvivingTeamContract` where the death of a
worker does not end the run, and say how it is started.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.plan.outcome import Outcome, read_outcomes
from tests.team.conftest import BARE, STATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from subprocess import CompletedProcess

HERE = Path(__file__).parent


class TeamContract:
    """The contract: inherit it and say how the team is started."""

    options: Sequence[str] = ()

    @pytest.fixture
    def process(
        self, run: Callable[..., CompletedProcess[str]], example: Path, tmp_path: Path
    ) -> Callable[..., CompletedProcess[str]]:
        """Return a function that processes the example with a function of ours."""

        def start(
            function: str, *more: object, **parameters: object
        ) -> CompletedProcess[str]:
            arguments: list[object] = [
                "process",
                example,
                tmp_path / "out.h5",
                *("--function", f"functions.py:{function}"),
                *("--outcomes", tmp_path / "outcomes.jsonl"),
                *("--parameters", json.dumps(parameters)),
                *self.options,
                *more,
            ]
            if "--tag" not in more:
                arguments += ["--tag", "raw_recording=processed"]
            return run(*arguments)

        return start

    @pytest.fixture
    def out(self, tmp_path: Path) -> Path:
        """Return the output's path."""
        return tmp_path / "out.h5"

    @staticmethod
    def outcomes(path: Path) -> dict[str, Outcome]:
        """Return the outcomes in a file by station."""
        return {outcome.station: outcome for outcome in read_outcomes(path)}

    def test_every_station_is_written_and_nothing_is_left(
        self, process: Any, out: Path, example: Path
    ) -> None:
        before = example.read_bytes(), example.stat().st_mtime_ns
        done = process("identity")
        assert done.returncode == 0, done.stderr
        with Reader(out) as reader, Reader(example) as source:
            assert reader.stations() == list(STATIONS)
            for station in STATIONS:
                assert reader.tags(station) == ["processed"]
                assert reader.stationxml(station) == source.stationxml(station)
                old = source.stream(station, "raw_recording")
                new = reader.stream(station, "processed")
                assert [t.id for t in new] == [t.id for t in old]
                for one, other in zip(new, old, strict=True):
                    assert (one.data == other.data).all()
                    assert one.stats.starttime.ns == other.stats.starttime.ns
                    assert one.stats.asdf.event_ids == other.stats.asdf.event_ids
            assert str(reader.events()) == str(source.events())
        assert sorted(p.name for p in out.parent.iterdir()) == [
            "out.h5",
            "outcomes.jsonl",
        ]
        assert (example.read_bytes(), example.stat().st_mtime_ns) == before

    def test_only_mapped_tags_are_read(self, process: Any, out: Path) -> None:
        done = process("identity", "--tag", "other=copied", "--tag", "raw_recording=b")
        assert done.returncode == 0, done.stderr
        with Reader(out) as reader:
            assert reader.tags("XX.S00") == ["b", "copied"]

    def test_none_writes_neither_waveforms_nor_stationxml(
        self, process: Any, out: Path, tmp_path: Path
    ) -> None:
        done = process("with_response")
        assert done.returncode == 0, done.stderr
        with Reader(out) as reader:
            assert reader.stations() == [s for s in STATIONS if s != BARE]
        outcomes = self.outcomes(tmp_path / "outcomes.jsonl")
        assert outcomes[BARE].status == "empty"
        assert {outcomes[s].status for s in STATIONS if s != BARE} == {"ok"}

    def test_a_failing_station_is_named_and_the_others_are_kept(
        self, process: Any, out: Path, tmp_path: Path
    ) -> None:
        done = process("fails_for", station="XX.S05")
        assert done.returncode == 1
        assert "Station XX.S05, tag raw_recording" in done.stderr
        assert "RuntimeError: nothing to be done with XX.S05" in done.stderr
        assert "raise RuntimeError(msg)" in done.stderr
        assert "--max-failures 1 (max_failures)" in done.stderr
        table = tmp_path / "out.h5.work" / "outcomes.jsonl"
        assert str(table) in done.stderr
        assert self.outcomes(table)["XX.S05"].error_type == "RuntimeError"
        assert not out.exists()
        done = process("fails_for", "--max-failures", "1", station="XX.S05")
        assert done.returncode == 0, done.stderr
        outcomes = self.outcomes(tmp_path / "outcomes.jsonl")
        assert [s for s, o in outcomes.items() if o.status == "failed"] == ["XX.S05"]
        with Reader(out) as reader:
            assert reader.stations() == [s for s in STATIONS if s != "XX.S05"]

    @pytest.mark.parametrize(
        ("what", "message"),
        [
            ("list", "returned a list"),
            ("string", "returned a str"),
            ("complex", "complex"),
            ("other station", "OTHER"),
        ],
    )
    def test_a_wrong_answer_fails_its_station(
        self, process: Any, tmp_path: Path, what: str, message: str
    ) -> None:
        done = process("returns", "--max-failures", "1", what=what)
        assert done.returncode == 0, done.stderr
        outcomes = self.outcomes(tmp_path / "outcomes.jsonl")
        assert [s for s, o in outcomes.items() if o.status == "failed"] == ["XX.S03"]
        assert message in outcomes["XX.S03"].error_message

    @pytest.mark.parametrize(
        ("function", "error"),
        [("leaves", "SystemExit: enough"), ("is_cancelled", "CancelledError")],
    )
    def test_what_is_no_exception_is_a_failure(
        self, process: Any, tmp_path: Path, function: str, error: str
    ) -> None:
        done = process(function)
        assert done.returncode == 1
        assert error in done.stderr
        assert "12 failed" in done.stderr
        found = self.outcomes(tmp_path / "out.h5.work" / "outcomes.jsonl").values()
        assert {outcome.error_type for outcome in found} == {error.partition(":")[0]}

    def test_the_output_must_not_exist(self, process: Any, out: Path) -> None:
        out.write_bytes(b"precious")
        done = process("identity")
        assert done.returncode == 2
        assert done.stderr.count("the output exists already") == 1
        assert out.read_bytes() == b"precious"

    def test_no_tag_matches(self, process: Any, out: Path) -> None:
        done = process("identity", "--tag", "nothing=processed")
        assert done.returncode == 2
        assert "tags in the file: other, raw_recording" in done.stderr
        assert not out.exists()

    def test_the_digest_is_that_of_the_serial_run(
        self, process: Any, run: Any, out: Path, tmp_path: Path, example: Path
    ) -> None:
        assert process("with_response").returncode == 0
        serial = tmp_path / "serial.h5"
        run(
            *("process", example, serial, "--backend", "serial"),
            *("--function", "functions.py:with_response"),
            *("--tag", "raw_recording=processed"),
        )
        assert file_digest(out) == file_digest(serial)

    def test_what_failed_is_tried_again_and_nothing_else(
        self, process: Any, out: Path, tmp_path: Path
    ) -> None:
        calls, cure = tmp_path / "calls", tmp_path / "cure"
        arguments = {"station": "XX.S05", "calls": str(calls), "cure": str(cure)}
        assert process("fails_until_cured", **arguments).returncode == 1
        assert len(calls.read_text().splitlines()) == len(STATIONS)
        cure.touch()
        done = process("fails_until_cured", **arguments)
        assert done.returncode == 0, done.stderr
        again = calls.read_text().splitlines()[len(STATIONS) :]
        assert again == ["XX.S05 raw_recording"]
        with Reader(out) as reader:
            assert reader.stations() == list(STATIONS)


class SurvivingTeamContract(TeamContract):
    """The contract of teams that the death of a worker leaves alive."""

    @pytest.mark.parametrize(("how", "named"), [("SIGSEGV", "SIGSEGV"), ("exit", "3")])
    def test_a_unit_that_kills_twice_is_failed(
        self, process: Any, tmp_path: Path, how: str, named: str
    ) -> None:
        calls = tmp_path / "calls"
        done = process(
            "dies_for",
            *("--max-failures", "1"),
            station="XX.S04",
            how=how,
            calls=str(calls),
        )
        assert done.returncode == 0, done.stderr
        outcomes = self.outcomes(tmp_path / "outcomes.jsonl")
        assert outcomes["XX.S04"].status == "failed"
        assert named in outcomes["XX.S04"].error_message
        assert {o.status for s, o in outcomes.items() if s != "XX.S04"} == {"ok"}
        assert len(calls.read_text().splitlines()) == 2

    def test_a_unit_that_kills_once_is_done_the_second_time(
        self, process: Any, tmp_path: Path
    ) -> None:
        calls = tmp_path / "calls"
        done = process(
            "dies_for", station="XX.S04", how="SIGKILL", calls=str(calls), times=1
        )
        assert done.returncode == 0, done.stderr
        outcome = self.outcomes(tmp_path / "outcomes.jsonl")["XX.S04"]
        assert (outcome.status, outcome.attempts) == ("ok", 2)
