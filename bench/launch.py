"""Runs under MPI, and the interpreter whose h5py has parallel HDF5."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.run import Run

PARALLEL_PYTHON = "ASDF_PIPELINE_MPI_PYTHON"
"""Environment variable naming an interpreter whose h5py has parallel HDF5."""

_ENVIRONMENT = {
    # More ranks than cores, and perhaps as root in a container.
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}


class NotMeasuredError(Exception):
    """What this machine lacks for a measurement."""


def parallel_python() -> str:
    """Return an interpreter whose h5py has parallel HDF5.

    Raises
    ------
    NotMeasuredError
        If there is none.
    """
    for python in (os.environ.get(PARALLEL_PYTHON), sys.executable):
        code = "import h5py; raise SystemExit(not h5py.get_config().mpi)"
        if python and not subprocess.run([python, "-c", code], check=False).returncode:
            return python
    msg = f"no h5py with parallel HDF5 here; set {PARALLEL_PYTHON}=/path/to/python"
    raise NotMeasuredError(msg)


def under_mpi(run: Run, ranks: int) -> Run:
    """Return a run under the mpiexec beside its interpreter, or the one on PATH."""
    beside = Path(run.python).with_name("mpiexec")
    mpiexec = str(beside) if beside.exists() else "mpiexec"
    return dataclasses.replace(
        run, launcher=(mpiexec, "-n", str(ranks)), environment=_ENVIRONMENT
    )
