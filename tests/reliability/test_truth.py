"""Exit status, report, outcomes, manifest and log say the same, and it is true."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.engine import ProcessTask, run
from asdf_pipeline.errors import ProcessingFailedError
from asdf_pipeline.journal.workdir import read_journal
from asdf_pipeline.plan.outcome import read_outcomes
from tests.reliability.command import Ended, Running, command
from tests.reliability.conftest import STATIONS

STEPS = Path(__file__).with_name("steps.py")
KINDS = {"ok": 6, "empty": 2, "failed": 4}
"""What `steps.of_all_kinds` makes of the stations."""
FAILED = {
    "XX.S002": 'two lines, "quoted"',
    "XX.S003": "SIGKILL",
    "XX.S004": "exit code 7",
    "XX.S005": "ZZ.S005",
}
Process = Callable[..., Ended]


@pytest.fixture
def process(data: Path, tmp_path: Path) -> Process:
    """Return a function that processes the data with one of ours."""

    def start(
        *options: object, function: str = "of_all_kinds", **parameters: object
    ) -> Ended:
        return command(
            *("process", data, "out.h5", "--outcomes", "outcomes.jsonl"),
            *("--function", f"{STEPS}:{function}", "--tag", "raw_recording=done"),
            *("--backend", "multiprocessing", "--workers", "2"),
            *("--parameters", json.dumps(parameters), *options),
            cwd=tmp_path,
        )

    return start


def manifest(data: Path, folder: Path) -> dict[str, dict[str, str]]:
    (folder / "stations.csv").unlink(missing_ok=True)
    made = command(
        *("manifest", data, "out.h5", "--outcomes", "outcomes.jsonl"),
        *("--output", "stations.csv"),
        cwd=folder,
    )
    assert made.code == 0, made.err
    with (folder / "stations.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {f"{row['network']}.{row['station']}": row for row in rows}


def test_all_that_is_told_of_a_run_agrees(
    process: Process, data: Path, tmp_path: Path
) -> None:
    refused = process("--max-failures", "3")
    assert refused.code == 1
    assert len(refused.complaints) == 1
    assert "4 failed" in refused.complaints[0]
    assert not (tmp_path / "out.h5").exists()
    assert not (tmp_path / "outcomes.jsonl").exists()

    done = process("--max-failures", "4")
    assert done.code == 0, done.err
    outcomes = {o.station: o for o in read_outcomes(tmp_path / "outcomes.jsonl")}
    assert Counter(o.status for o in outcomes.values()) == KINDS
    failed = {s: o for s, o in outcomes.items() if o.status == "failed"}
    assert failed.keys() == FAILED.keys()

    rows = manifest(data, tmp_path)
    assert rows.keys() == outcomes.keys()
    assert len(rows) == STATIONS
    with Reader(tmp_path / "out.h5") as reader:
        assert reader.stations() == sorted(
            station for station, row in rows.items() if row["status"] == "ok"
        )
        for station, outcome in outcomes.items():
            row = rows[station]
            assert row["status"] == outcome.status
            assert row["digest"] == outcome.digest
            assert (int(row["traces_out"]) > 0) == (outcome.status == "ok")
            if outcome.status == "ok":
                samples = reader.samples_by_tag(station)
                assert samples == {"done": int(row["samples_out"])}
    for station, words in FAILED.items():
        assert words in rows[station]["error_message"]
        assert f"Station {station}, tag raw_recording" in done.err
    summary = "12 outcomes (6 ok, 2 empty, 4 failed)"
    assert summary in done.err
    verified = command("verify", "out.h5", "--manifest", "stations.csv", cwd=tmp_path)
    assert (verified.code, verified.out) == (0, "out.h5: ok\n"), verified.err


def test_the_library_tells_the_same(data: Path, tmp_path: Path) -> None:
    task = ProcessTask(
        data,
        tmp_path / "out.h5",
        f"{STEPS}:of_all_kinds",
        {"raw_recording": "done"},
        backend="multiprocessing",
        workers=2,
        progress="none",
        outcomes=tmp_path / "outcomes.jsonl",
    )
    report = run(task)
    assert report.counts == KINDS
    assert {o.station for o in report.failures} == FAILED.keys()
    assert list(report.outcomes) == read_outcomes(tmp_path / "outcomes.jsonl")
    with pytest.raises(ProcessingFailedError, match="4 failed: XX.S002"):
        report.raise_for_failures()


def flip(path: Path, position: int) -> None:
    """Change one byte of a file."""
    with path.open("r+b") as file:
        file.seek(position)
        (byte,) = file.read(1)
        file.seek(position)
        file.write(bytes([byte ^ 0xFF]))


def test_a_sealed_segment_that_was_changed_is_done_again(
    process: Process, data: Path, undisturbed: str, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    options = ("--seal-every", "0.001", "--max-failures", "0")
    parameters = {"calls": str(calls), "seconds": 0.1}
    running = Running(*arguments(data, *options, **parameters), cwd=tmp_path)
    work = tmp_path / "out.h5.work"
    running.wait_for(lambda: len(list(read_journal(work))) > 2)
    running.process.kill()
    running.wait()
    segments = sorted(work.glob("segment-*.h5"))
    flip(segments[0], segments[0].stat().st_size // 2)
    entries = {e.sealed.name: set(e.outcomes) for e in read_journal(work) if e.sealed}
    before = Counter(calls.read_text().split())
    done = command(*arguments(data, *options, **parameters), cwd=tmp_path)
    assert done.code == 0, done.err
    assert f"{segments[0].name}: missing or damaged" in done.err
    again = Counter(calls.read_text().split()) - before
    lost = {unit.partition("/")[0] for unit in entries.pop(segments[0].name)}
    kept = {unit.partition("/")[0] for units in entries.values() for unit in units}
    assert lost <= set(again)
    assert not kept & set(again)
    assert file_digest(tmp_path / "out.h5") == undisturbed


def test_a_segment_that_is_changed_while_the_run_goes_on_is_not_published(
    process: Process, data: Path, undisturbed: str, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    parameters = {"calls": str(calls), "seconds": 0.1}
    options = ("--seal-every", "0.001")
    running = Running(*arguments(data, *options, **parameters), cwd=tmp_path)
    work = tmp_path / "out.h5.work"
    running.wait_for(lambda: len(list(read_journal(work))) > 0)
    first = next(read_journal(work)).sealed
    assert first is not None
    flip(work / first.name, first.size // 2)
    ended = running.wait()
    assert (ended.code, ended.is_clear) == (1, True), ended.err
    assert f"{first.name}: missing, or changed since it was sealed" in ended.err
    assert not (tmp_path / "out.h5").exists()
    again = command(*arguments(data, *options, **parameters), cwd=tmp_path)
    assert again.code == 0, again.err
    assert file_digest(tmp_path / "out.h5") == undisturbed


def arguments(data: Path, *options: object, **parameters: object) -> list[object]:
    return [
        *("process", data, "out.h5", "--function", f"{STEPS}:counted"),
        *("--tag", "raw_recording=processed", "--backend", "serial"),
        *("--parameters", json.dumps(parameters), *options),
    ]


def test_what_failed_alone_is_tried_again_with_a_mended_function(
    process: Process, data: Path, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    assert process("--max-failures", "4").code == 0
    out = tmp_path / "out.h5"
    old = out.read_bytes()
    with Reader(out) as reader:
        kept = {s: reader.names(s) for s in reader.stations()}

    # Still too many failures: the output stays what it was.
    refused = process("--only-failed", calls=str(calls))
    assert refused.code == 1
    assert "4 failed" in refused.complaints[0]
    assert out.read_bytes() == old
    assert set(calls.read_text().split()) == FAILED.keys()

    calls.unlink()
    mended = process("--only-failed", calls=str(calls), cured=True)
    assert mended.code == 0, mended.err
    assert sorted(calls.read_text().split()) == sorted(FAILED)
    assert "8 of 12 outcomes are taken over" in mended.err
    assert not (tmp_path / "out.h5.work").exists()
    rows = manifest(data, tmp_path)
    assert Counter(row["status"] for row in rows.values()) == {"ok": 10, "empty": 2}
    with Reader(out) as reader:
        assert kept.items() < {s: reader.names(s) for s in reader.stations()}.items()
        assert len(reader.stations()) == 10
        assert len([n for n in reader.provenance() if "asdf_pipeline" in n]) == 2
    verified = command("verify", "out.h5", "--manifest", "stations.csv", cwd=tmp_path)
    assert verified.code == 0, verified.err

    calls.unlink()
    before = out.stat()
    nothing = process("--only-failed", calls=str(calls), cured=True)
    assert nothing.code == 0, nothing.err
    assert "nothing to be done" in nothing.err
    assert not calls.exists()
    assert out.stat() == before


def test_only_failed_goes_on_where_it_was_killed(
    process: Process, data: Path, tmp_path: Path
) -> None:
    assert process("--max-failures", "4").code == 0
    old = (tmp_path / "out.h5").read_bytes()
    calls = tmp_path / "calls"
    slow = {"calls": str(calls), "seconds": 0.3}
    again = [
        *arguments(data, "--only-failed", "--seal-every", "0.001", **slow),
        *("--outcomes", "outcomes.jsonl"),
    ]
    again[again.index("raw_recording=processed")] = "raw_recording=done"
    running = Running(*again, cwd=tmp_path)
    work = tmp_path / "out.h5.work"
    running.wait_for(lambda: len(list(read_journal(work))) > 2)
    running.process.kill()
    running.wait()
    assert (tmp_path / "out.h5").read_bytes() == old
    entries = list(read_journal(work))
    done = {unit.partition("/")[0] for e in entries[1:] for unit in e.outcomes}
    assert len(entries[0].outcomes) == 8
    before = Counter(calls.read_text().split())
    ended = command(*again, cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert not done & set(Counter(calls.read_text().split()) - before)
    assert {row["status"] for row in manifest(data, tmp_path).values()} == {
        "ok",
        "empty",
    }


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        ("no output", (), "out.h5: no such file"),
        ("no outcomes", (), "outcomes.jsonl: no such file"),
        ("bad outcomes", (), "outcomes.jsonl: holds no outcomes"),
        ("other outcomes", (), "is not what"),
        ("flipped", (), "is not what"),
        ("", ("--window", "1h"), "does not go with --window"),
        ("", ("--exclude", "XX.S000"), "give the --tag and the selection"),
    ],
)
def test_only_failed_takes_nothing_over_that_is_not_right(
    process: Process,
    tmp_path: Path,
    spoil: str,
    options: tuple[str, ...],
    message: str,
) -> None:
    assert process("--max-failures", "4").code == 0
    out, outcomes = tmp_path / "out.h5", tmp_path / "outcomes.jsonl"
    if spoil == "no output":
        out.unlink()
    elif spoil == "no outcomes":
        outcomes.unlink()
    elif spoil == "bad outcomes":
        outcomes.write_text("dataset,network\n")
    elif spoil == "other outcomes":
        text = outcomes.read_text()
        outcomes.write_text(re.sub(r'"traces_out":2', '"traces_out":3', text, count=1))
    elif spoil == "flipped":
        flip(out, out.stat().st_size // 2)
    before = {p: p.read_bytes() for p in (out, outcomes) if p.exists()}
    refused = process("--only-failed", *options, cured=True)
    assert refused.code in (1, 2)
    assert refused.is_clear, refused.err
    assert message in refused.complaints[0]
    assert {p: p.read_bytes() for p in (out, outcomes) if p.exists()} == before


def test_a_refused_call_leaves_the_work_of_an_earlier_one(
    process: Process, data: Path, tmp_path: Path
) -> None:
    assert process("--max-failures", "4").code == 0
    assert process("--only-failed").code == 1
    work = tmp_path / "out.h5.work"
    before = {path.name: path.read_bytes() for path in work.iterdir()}
    assert "journal.jsonl" in before
    for options in (("--stations", "XX.S001"), ("--exclude", "XX.S00*")):
        refused = process("--only-failed", *options, cured=True)
        assert refused.code == 2, refused.err
        assert {path.name: path.read_bytes() for path in work.iterdir()} == before


def test_a_run_killed_while_it_cleans_up_is_done(
    process: Process, data: Path, tmp_path: Path
) -> None:
    running = Running(
        *arguments(data, "--outcomes", "outcomes.jsonl", calls=str(tmp_path / "calls")),
        cwd=tmp_path,
        main=killed_while_it_cleans_up,
    )
    assert running.wait().code == -9
    assert (tmp_path / "out.h5.work" / "published.jsonl").exists()
    digest = file_digest(tmp_path / "out.h5")
    (tmp_path / "calls").unlink()
    again = command(
        *arguments(data, "--outcomes", "outcomes.jsonl", calls=str(tmp_path / "calls")),
        cwd=tmp_path,
    )
    assert again.code == 0, again.err
    assert "12 outcomes (12 ok)" in again.err
    assert file_digest(tmp_path / "out.h5") == digest
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out.h5",
        "outcomes.jsonl",
    ]


def killed_while_it_cleans_up(words: list[str]) -> int:
    """Run the command, killed while it deletes its work directory."""
    from asdf_pipeline.cli import main

    def watch(event: str, values: tuple[object, ...]) -> None:
        if event == "os.remove" and str(values[0]).endswith("key.json"):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    return main(words)
