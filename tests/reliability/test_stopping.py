"""SIGINT and SIGTERM: what is done is sealed, soon, and the rerun goes on from it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.journal.workdir import read_journal
from tests.reliability.command import Running, command

STEPS = Path(__file__).with_name("steps.py")
SOON = 10.0
"""Seconds within which a run must have stopped."""
BACKENDS = {
    "serial": ("--backend", "serial"),
    "multiprocessing": ("--backend", "multiprocessing", "--workers", "2"),
    "dask": ("--backend", "dask", "--workers", "2"),
}
FORKED = ("serial", "multiprocessing")
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def arguments(data: Path, backend: str, **parameters: object) -> list[object]:
    return [
        *("process", data, "out.h5", "--function", f"{STEPS}:counted"),
        *("--tag", "raw_recording=processed", "--progress", "none"),
        *("--parameters", json.dumps(parameters), *BACKENDS[backend]),
    ]


def begun(calls: Path) -> Counter[str]:
    return Counter(calls.read_text().split()) if calls.exists() else Counter()


def kept(folder: Path) -> set[str]:
    entries = read_journal(folder / "out.h5.work")
    return {unit.partition("/")[0] for entry in entries for unit in entry.outcomes}


def stop_while_at_work(
    running: Running, calls: Path, slow: str, signum: signal.Signals
) -> float:
    """Stop a run once its slow station and others are begun; return when."""
    running.wait_for(lambda: f"XX.{slow}" in begun(calls) and len(begun(calls)) > 4)
    time.sleep(0.2)  # until what came back is accounted for
    os.kill(running.pid, signum)
    return time.monotonic()


@pytest.mark.parametrize("signum", SIGNALS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_stop_seals_what_is_done(
    data: Path, undisturbed: str, tmp_path: Path, backend: str, signum: signal.Signals
) -> None:
    calls = tmp_path / "calls"
    slow = {"calls": str(calls), "slow": "S007"}
    running = Running(*arguments(data, backend, **slow), cwd=tmp_path)
    asked = stop_while_at_work(running, calls, "S007", signum)
    ended = running.wait()
    assert time.monotonic() - asked < SOON
    assert ended.code == 128 + signum
    assert ended.is_clear, ended.err
    assert f"stopped by {signum.name}" in ended.complaints[0]
    assert not (tmp_path / "out.h5").exists()
    done = kept(tmp_path)
    assert len(done) > 3  # none was old enough to be sealed but for the stop
    before = begun(calls)
    Path(f"{calls}.go").touch()
    finished = command(*arguments(data, backend, **slow), cwd=tmp_path)
    assert finished.code == 0, finished.err
    assert not set(begun(calls) - before) & done
    assert file_digest(tmp_path / "out.h5") == undisturbed
    assert not (tmp_path / "out.h5.work").exists()


@pytest.mark.parametrize("backend", FORKED)
def test_stops_fail_nobody(
    data: Path, undisturbed: str, tmp_path: Path, backend: str
) -> None:
    calls = tmp_path / "calls"
    slow = {"calls": str(calls), "slow": "S007"}
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        before = begun(calls)["XX.S007"]
        running = Running(*arguments(data, backend, **slow), cwd=tmp_path)
        running.wait_for(lambda n=before: begun(calls)["XX.S007"] > n)
        os.kill(running.pid, signum)
        assert running.wait().code == 128 + signum
    Path(f"{calls}.go").touch()
    finished = command(*arguments(data, backend, **slow), cwd=tmp_path)
    assert finished.code == 0, finished.err
    assert "12 outcomes (12 ok)" in finished.err
    assert file_digest(tmp_path / "out.h5") == undisturbed


@pytest.mark.parametrize("backend", FORKED)
def test_a_second_ctrl_c_is_immediate(data: Path, tmp_path: Path, backend: str) -> None:
    calls = tmp_path / "calls"
    held = {"calls": str(calls), "slow": "S007", "stubborn": True}
    running = Running(*arguments(data, backend, **held), cwd=tmp_path)
    stop_while_at_work(running, calls, "S007", signal.SIGINT)
    time.sleep(0.3)
    assert running.process.is_alive()
    asked = time.monotonic()
    while running.process.is_alive() and time.monotonic() - asked < SOON:
        os.kill(running.pid, signal.SIGINT)  # a stubborn function takes a third
        running.process.join(0.5)
    assert time.monotonic() - asked < 2
    ended = running.wait()
    assert ended.code == 130
    assert "Traceback" not in ended.err
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize("backend", FORKED)
def test_a_function_that_holds_on_does_not_hold_up_the_stop(
    data: Path, tmp_path: Path, backend: str
) -> None:
    calls = tmp_path / "calls"
    held = {"calls": str(calls), "slow": "S007", "stubborn": True}
    running = Running(*arguments(data, backend, **held), cwd=tmp_path)
    asked = stop_while_at_work(running, calls, "S007", signal.SIGTERM)
    assert running.wait().code == 143
    assert time.monotonic() - asked < SOON


def test_members_of_a_killed_parent_end_at_once(data: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    slow = {"calls": str(calls), "slow": "S007"}
    running = Running(*arguments(data, "multiprocessing", **slow), cwd=tmp_path)
    running.wait_for(lambda: begun(calls)["XX.S007"] > 0)
    group = running.pid
    running.process.kill()
    running.wait()
    deadline = time.monotonic() + SOON
    while lives(group):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def lives(group: int) -> bool:
    """Tell whether there is any process of a group."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("when", [0.0, 0.05, 0.1, 0.2, 0.3])
def test_a_stop_at_any_time_is_a_stop(
    data: Path, undisturbed: str, tmp_path: Path, when: float
) -> None:
    """Before the first station, between them, while merging, or too late."""
    calls = tmp_path / "calls"
    once = arguments(data, "serial", calls=str(calls))
    running = Running(*once, cwd=tmp_path)
    running.wait_for((tmp_path / "out.h5.work").exists)
    time.sleep(when)
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)
    ended = running.wait()
    assert ended.code in (0, 143), ended.err
    assert ended.is_clear, ended.err
    if ended.code == 0:
        assert (tmp_path / "out.h5").exists()
    else:
        again = command(*once, cwd=tmp_path)
        assert again.code == 0, again.err
        assert max(begun(calls).values()) <= 2
    assert file_digest(tmp_path / "out.h5") == undisturbed


def use_the_library(words: list[str]) -> int:
    """Process as a script does, and say how it was stopped."""
    from asdf_pipeline import ASDFDataSet
    from tests.reliability.steps import counted

    with ASDFDataSet(words[0], mode="r") as data_set:
        try:
            data_set.process(
                counted,
                "out.h5",
                {"raw_recording": "processed"},
                parameters={"calls": words[1], "slow": "S007"},
                backend=words[2],
                progress="none",
            )
        except KeyboardInterrupt as stop:
            print(f"{type(stop).__name__}: {stop}")
            return 3
    return 0


@pytest.mark.parametrize("backend", FORKED)
def test_the_library_raises_keyboard_interrupt(
    data: Path, undisturbed: str, tmp_path: Path, backend: str
) -> None:
    calls = tmp_path / "calls"
    words = (data, calls, backend)
    running = Running(*words, cwd=tmp_path, main=use_the_library)
    asked = stop_while_at_work(running, calls, "S007", signal.SIGINT)
    ended = running.wait()
    assert time.monotonic() - asked < SOON
    assert ended.code == 3, ended.err
    assert ended.out.startswith("StoppedError: stopped by SIGINT; what is done is kept")
    done, before = kept(tmp_path), begun(calls)
    assert done
    Path(f"{calls}.go").touch()
    assert Running(*words, cwd=tmp_path, main=use_the_library).wait().code == 0
    assert not set(begun(calls) - before) & done
    assert file_digest(tmp_path / "out.h5") == undisturbed


def test_two_runs_on_one_work_directory(data: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    slow = {"calls": str(calls), "slow": "S007"}
    first = Running(*arguments(data, "serial", **slow), cwd=tmp_path)
    first.wait_for(lambda: begun(calls)["XX.S007"] > 0)
    before = begun(calls)
    second = command(*arguments(data, "multiprocessing", **slow), cwd=tmp_path)
    assert (second.code, second.is_clear) == (1, True), second.err
    owner = json.loads((tmp_path / "out.h5.work" / "owner.json").read_text())
    assert (
        f"host {owner['host']}, process {first.pid}, started {owner['started']}"
        in second.complaints[0]
    )
    assert begun(calls) == before
    first.process.kill()
    first.wait()
    Path(f"{calls}.go").touch()
    third = command(*arguments(data, "serial", **slow), cwd=tmp_path)
    assert third.code == 0, third.err
