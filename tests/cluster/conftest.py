"""The shipped pipeline on one machine without MPI: what clusters must make too."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.checkout import Checkout

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = {
    # Notes what it is asked for and runs the job at once, where it does not refuse.
    "sbatch": """\
echo "$*" >>"$ASKED"
test -z "$REFUSED" || exit 1
for job; do :; done
if sh "$job" >>"$ASKED.log" 2>&1; then state=COMPLETED; else state=FAILED; fi
echo $state >"$ASKED.$$"
echo $$
""",
    "sacct": 'cat "$ASKED.$2"\n',
}


@pytest.fixture
def asked(tmp_path: Path) -> dict[str, str]:
    """Return an environment without Slurm: ``$ASKED`` is what ``sbatch`` was given."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name, script in COMMANDS.items():
        (bin_ / name).write_text(f"#!/bin/sh\n{script}")
        (bin_ / name).chmod(0o755)
    path = f"{bin_}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "ASKED": str(tmp_path / "asked"), "REFUSED": ""}


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory, mpi_python: str) -> Checkout:
    """Return a copy in which the pipeline ran with multiprocessing."""
    checkout = Checkout.make(tmp_path_factory.mktemp("alone") / "checkout", mpi_python)
    run = checkout.snakemake()
    assert run.code == 0, run.text
    return checkout


@pytest.fixture
def checkout(tmp_path: Path, mpi_python: str) -> Checkout:
    """Return a fresh copy for the Python that MPI's tests start."""
    return Checkout.make(tmp_path / "checkout", mpi_python)
