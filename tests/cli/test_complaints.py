"""What the command says of functions, stations and tags that it cannot use."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from asdf_pipeline.files import write_error
from tests.cli.conftest import Run
from tests.cli.test_command import process

Command = Callable[..., Run]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\n1 / 0\n", "line 2: cannot be loaded: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "line 1: cannot be loaded: SystemExit: 3"),
        ("process = 3", "mine.py:process: not a function (its type is int)"),
    ],
)
def test_a_file_without_a_function(
    command: Command, staged: Path, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "mine.py").write_text(content)
    run = process(command, "--function", "mine.py:process")
    assert run.code == 2
    assert message in run.complaint
    assert not list(tmp_path.glob("processed.h5*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--station", "BW.RJOD"), "'BW.RJOD'; there are BW.BGLD, BW.RJOB, IU.ULN"),
        (("--tag", "done"), "BW.BGLD has no waveforms with tag 'done'; its tags: raw"),
    ],
)
def test_trying_what_is_not_there(
    command: Command, staged: Path, arguments: tuple[str, ...], message: str
) -> None:
    run = command("try", "staged.h5", "--function", "functions.py:fails", *arguments)
    assert run.code == 2
    assert message in run.complaint


def test_one_is_singular(command: Command, staged: Path) -> None:
    run = process(command, "--function", "functions.py:identity", "--limit", "1")
    assert "staged.h5: 1 unit, 0 of them" in run.err
    assert "serial with 1 worker, " in run.err


def test_a_long_error_is_shortened_visibly(command: Command, staged: Path) -> None:
    parameters = json.dumps({"station": "RJOB", "message": "x" * 300})
    run = process(
        command, "--function", "functions.py:fails", "--parameters", parameters
    )
    assert re.search("ValueError: x{150,250}[.]{3}[.] Nothing is", run.err)
    status = command("status", "processed.h5.work").out
    assert "not running: the same command tries again what failed" in status


def test_an_overlap_of_no_windows(command: Command, staged: Path) -> None:
    run = process(command, "--function", "a:b", "--overlap", "10min")
    assert run.code == 2
    assert "--overlap 10min: goes with --window, which is not given" in run.complaint


def test_a_message_that_ends_with_a_stop_gets_no_second(
    command: Command, staged: Path
) -> None:
    parameters = json.dumps({"station": "RJOB", "message": "No response found."})
    run = process(
        command, "--function", "functions.py:fails", "--parameters", parameters
    )
    assert "No response found. Nothing is published." in run.err


def test_merging_speaks_of_files(command: Command, staged: Path) -> None:
    (staged.parent / "copy.h5").write_bytes(staged.read_bytes())
    run = command("merge", "staged.h5", "copy.h5", "--output", "both.h5")
    assert run.code == 1
    assert "is in another file too" in run.complaint


def test_a_full_disk_is_named_with_what_helps_and_no_promise(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    said = str(write_error(tmp_path / "all.h5", full))
    assert said.endswith("left on device; make room and run the same command again")
    assert "kept" not in said
