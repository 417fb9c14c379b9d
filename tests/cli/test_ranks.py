"""The command under a launcher: what concerns all ranks is said once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import FUNCTIONS, Run


@pytest.mark.requires("mpi")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("absent.h5", "out.h5", "--tag", "raw"), "expected INPUT_TAG=OUTPUT_TAG"),
        (("absent.h5", "out.h5", "--tag", "raw=done"), "absent.h5"),
        (("absent.h5",), "the following arguments are required"),
    ],
)
def test_a_wrong_call_is_told_once(
    mpiexec: tuple[str, dict[str, str]],
    mpi_python: str,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    (tmp_path / "functions.py").write_text(FUNCTIONS)
    launcher, environment = mpiexec
    done = subprocess.run(
        [
            *(launcher, "-n", "3", mpi_python, "-P", "-m", "mpi4py"),
            *("-m", "asdf_pipeline", "process", *arguments),
            *("--function", "functions.py:identity", "--backend", "mpi"),
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if "asdf-pipeline" in line]
    errors = [line for line in said if "error: " in line]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in done.stderr


def test_a_task_of_slurm_without_mpi_is_no_rank(
    command: Callable[..., Run],
    staged: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "one.py").write_text("def one(a, b):\n    return {'one': 1}\n")
    monkeypatch.setenv("SLURM_PROCID", "1")
    run = command(
        *("compare", "staged.h5", "staged.h5", "--function", "one.py:one"),
        *("--backend", "serial"),
    )
    assert run.code == 0, run.err
    assert run.out.splitlines()[1:] == ["BW.BGLD,1", "BW.RJOB,1", "IU.ULN,1"]
