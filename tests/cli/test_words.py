"""What users are told: nothing passes in silence, and a word means one thing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from asdf_pipeline.container.digest import file_digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Run

    Command = Callable[..., Run]

WITH = ("--function", "mine.py:process")
PROCESS = ("process", "staged.h5", "out.h5", "--tag", "raw=processed", *WITH)


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("return None", 0, "out: nothing: None or an empty Stream"),
        ("return st[:0]", 0, "out: nothing: None or an empty Stream"),
        ("return 3", 1, "TraceError: BW.RJOB: the function returned an int; expected"),
        ("return [st]", 1, "TraceError: BW.RJOB: the function returned a list; exp"),
        ("return st.nothing()", 1, "AttributeError: 'Stream' object has no attribute"),
        (
            "st[0].data = st[0].data * float('nan'); return st",
            0,
            "BW.RJOB: the function returned NaN for every sample of BW.RJOB..EHE",
        ),
    ],
)
def test_a_trial_says_what_came_of_it_without_our_own_frames(
    command: Command, staged: Path, tmp_path: Path, body: str, code: int, said: str
) -> None:
    (tmp_path / "mine.py").write_text(f"def process(st, inv):\n    {body}\n")
    run = command("try", "staged.h5", *WITH, "--station", "BW.RJOB")
    assert run.code == code
    assert said in run.out + run.err
    assert "asdf_pipeline/" not in run.err
    assert ("mine.py" in run.err) == ("AttributeError" in said)


def test_a_trial_of_nothing_is_refused(command: Command, staged: Path) -> None:
    run = command(
        *("try", "staged.h5", "--function", "functions.py:identity"),
        *("--station", "BW.RJOB", "--starttime", "2030-01-01"),
    )
    assert run.code == 2
    assert "selection leaves nothing of BW.RJOB, tag raw" in run.complaint


def test_samples_that_are_all_nan_are_warned_of(
    command: Command, staged: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(
        "def process(st, inv):\n"
        "    for trace in st:\n"
        "        trace.data = trace.data * float('nan')\n"
        "    return st\n"
    )
    run = command(*PROCESS, "--workers", "2")
    assert run.code == 0
    lines = [line for line in run.err.splitlines() if "returned NaN for every" in line]
    assert len(lines) == 3
    assert any("of BW.RJOB..EHE, BW.RJOB..EHN, BW.RJOB..EHZ" in line for line in lines)


def test_windows_shorter_than_a_sample_are_refused(
    command: Command, staged: Path
) -> None:
    run = command(
        *("process", "staged.h5", "out.h5", "--tag", "raw=processed"),
        *("--function", "functions.py:identity", "--window", "0.5s"),
    )
    assert run.code == 2
    assert (
        "IU.ULN, tag raw: windows of 0.5 s are shorter than one sample, 1 s: take "
        "longer ones" in run.complaint
    )


def test_a_unit_may_be_a_window_and_an_outcome_never_is(
    command: Command, staged: Path
) -> None:
    run = command(
        *("process", "staged.h5", "out.h5", "--tag", "raw=processed"),
        *("--function", "functions.py:identity", "--window", "10s"),
    )
    assert run.code == 0
    (units,) = re.findall(r"(\d+) units, 0 of them done before", run.err)
    assert int(units) > 3
    assert "3 outcomes (3 ok) in" in run.err


def test_what_was_published_stays_where_trying_again_fails(
    command: Command, staged: Path, tmp_path: Path
) -> None:
    what = (
        *("process", "staged.h5", "out.h5", "--tag", "raw=processed"),
        *("--function", "functions.py:fails", "--outcomes", "outcomes"),
        *("--parameters", json.dumps({"station": "ULN"})),
    )
    assert command(*what, "--max-failures", "1").code == 0
    before = file_digest(tmp_path / "out.h5")
    run = command(*what, "--only-failed")
    assert run.code == 1
    assert "out.h5 stays as it was: nothing more is published" in run.err
    assert "--max-failures 1 (max_failures)" in run.err
    assert "Nothing is published" not in run.err
    assert file_digest(tmp_path / "out.h5") == before


@pytest.mark.parametrize(
    ("function", "offered", "others"),
    [
        ("asdf_pipeline.steps:nope", {"detrend", "remove_response"}, {"resolve"}),
        ("asdf_pipeline.steps.single:nope", {"filter", "resample"}, {"_set_options"}),
        ("mine.py:nope", {"process"}, {"helper", "_private", "os"}),
    ],
)
def test_the_functions_that_are_suggested_are_steps(
    command: Command,
    staged: Path,
    tmp_path: Path,
    function: str,
    offered: set[str],
    others: set[str],
) -> None:
    (tmp_path / "mine.py").write_text(
        "import os\ndef process(st, inv): pass\ndef helper(x): pass\n"
        "def _private(st, inv): pass\n"
    )
    for verb in ("try", "process"):
        more = ("out.h5", "--tag", "raw=processed") if verb == "process" else ()
        run = command(verb, "staged.h5", *more, "--function", function)
        assert run.code == 2
        named = set(run.complaint.rpartition("functions: ")[2].split(", "))
        assert offered <= named
        assert not named & others
