"""Members that die, in whatever phase: one attempt of one unit, and no more."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.verify import verify
from asdf_pipeline.plan.outcome import Outcome, read_outcomes
from tests.reliability.command import Running, command

STEPS = Path(__file__).with_name("steps.py")


def arguments(
    data: Path, function: str, *options: object, workers: int = 3, **parameters: object
) -> list[object]:
    return [
        *("process", data, "out.h5", "--outcomes", "outcomes.jsonl"),
        *("--function", f"{STEPS}:{function}", "--tag", "raw_recording=processed"),
        *("--backend", "multiprocessing", "--workers", workers, "--progress", "none"),
        *("--parameters", json.dumps(parameters), *options),
    ]


def outcomes(folder: Path) -> dict[str, Outcome]:
    return {o.station: o for o in read_outcomes(folder / "outcomes.jsonl")}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("phase", ["computing", "encoding", "writing"])
def test_a_unit_that_kills_in_any_phase_is_failed_and_no_other(
    data: Path, tmp_path: Path, phase: str, workers: int
) -> None:
    calls = tmp_path / "calls"
    done = command(
        *arguments(
            data,
            "fatal",
            *("--max-failures", "1"),
            workers=workers,
            phase=phase,
            calls=str(calls),
        ),
        cwd=tmp_path,
        timeout=60,
    )
    assert done.code == 0, done.err
    found = outcomes(tmp_path)
    assert {s for s, o in found.items() if o.status != "ok"} == {"XX.S004"}
    failed = found["XX.S004"]
    assert (failed.status, failed.error_type) == ("failed", "WorkerDiedError")
    assert "SIGKILL" in failed.error_message
    assert Counter(calls.read_text().split())["XX.S004"] <= 3
    assert verify(tmp_path / "out.h5") == []


@pytest.mark.parametrize("phase", ["computing", "encoding", "writing"])
def test_a_death_costs_one_attempt(
    data: Path, undisturbed: str, tmp_path: Path, phase: str
) -> None:
    calls = tmp_path / "calls"
    parameters = {"phase": phase, "calls": str(calls), "times": 1}
    done = command(*arguments(data, "fatal", **parameters), cwd=tmp_path, timeout=60)
    assert done.code == 0, done.err
    assert file_digest(tmp_path / "out.h5") == undisturbed
    attempts = {station: o.attempts for station, o in outcomes(tmp_path).items()}
    if phase != "writing":  # one of several that were written then: nobody's fault
        assert attempts.pop("XX.S004") == 2
    assert set(attempts.values()) == {1}


def writer_of(parent: int) -> psutil.Process | None:
    """Return the member that has a segment open, held where it is; or None."""
    for member in psutil.Process(parent).children():
        with contextlib.suppress(psutil.Error):
            if not has_segment_open(member):
                continue
            member.suspend()
            if has_segment_open(member):
                return member
            member.resume()
    return None


def has_segment_open(process: psutil.Process) -> bool:
    return any(".h5.part" in file.path for file in process.open_files())


def test_the_turn_of_a_member_killed_in_it_goes_to_another(
    data: Path, tmp_path: Path
) -> None:
    undisturbed = command(
        *arguments(data, "large", "--limit", 6, calls=str(tmp_path / "undisturbed")),
        cwd=tmp_path,
    )
    assert undisturbed.code == 0, undisturbed.err
    digest = file_digest(tmp_path / "out.h5")
    (tmp_path / "out.h5").unlink()

    calls = tmp_path / "calls"
    running = Running(
        *arguments(data, "large", "--limit", 6, calls=str(calls)), cwd=tmp_path
    )
    killed = 0
    deadline = time.monotonic() + 60
    while killed < 2 and running.process.is_alive():
        assert time.monotonic() < deadline
        with contextlib.suppress(psutil.NoSuchProcess):
            if (writer := writer_of(running.pid)) is not None:
                writer.kill()
                writer.wait()
                killed += 1
    done = running.wait()
    assert killed == 2
    assert done.code == 0, done.err
    assert done.err.count("died (SIGKILL)") == 2
    assert file_digest(tmp_path / "out.h5") == digest


def test_members_killed_one_after_the_other(
    data: Path, undisturbed: str, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    parameters = {"calls": str(calls), "seconds": 0.2}
    running = Running(*arguments(data, "counted", **parameters), cwd=tmp_path)
    # While others wait: a unit whose member died comes last, and must not die twice.
    for begun in (3, 5, 7):
        running.wait_for(
            lambda n=begun: calls.exists() and len(calls.read_text().split()) >= n
        )
        psutil.Process(running.pid).children()[0].kill()
    done = running.wait()
    assert done.code == 0, done.err
    assert file_digest(tmp_path / "out.h5") == undisturbed
    assert len(calls.read_text().split()) <= 12 + 3 * 4


@pytest.mark.parametrize("workers", [1, 3])
def test_a_death_is_heard_of_while_a_child_lives(
    data: Path, undisturbed: str, tmp_path: Path, workers: int
) -> None:
    calls = tmp_path / "calls"
    words = arguments(data, "with_child", workers=workers, calls=str(calls))
    try:
        done = command(*words, cwd=tmp_path, timeout=20)
    finally:
        Path(f"{calls}.go").touch()
    assert done.code == 0, done.err
    assert done.err.count("died (SIGKILL)") == 1
    assert file_digest(tmp_path / "out.h5") == undisturbed


def test_a_unit_that_takes_the_whole_job_down_is_failed_the_third_time(
    data: Path, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    words = arguments(data, "fatal", phase="computing", calls=str(calls))
    words[words.index("multiprocessing")] = "serial"
    assert command(*words, cwd=tmp_path).code == -signal.SIGKILL
    assert calls.read_text().split() == [f"XX.S{n:03d}" for n in range(5)]
    assert command(*words, cwd=tmp_path).code == -signal.SIGKILL
    assert calls.read_text().split()[-1] == "XX.S004"  # last, and alone
    third = command(*words, "--max-failures", "1", cwd=tmp_path)
    assert third.code == 0, third.err
    assert Counter(calls.read_text().split())["XX.S004"] == 2
    assert "the job died twice" in outcomes(tmp_path)["XX.S004"].error_message
