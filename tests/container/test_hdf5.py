"""The one place where h5py is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_reading_does_not_start_mpi() -> None:
    code = """
import sys
import asdf_pipeline.container.reader
module = sys.modules.get("mpi4py.MPI")
print(module is not None and module.Is_initialized())
"""
    assert run(code) == ["False"]


def test_a_user_of_mpi4py_is_not_disturbed_unless_h5py_imported_it() -> None:
    code = """
import sys
import asdf_pipeline.container.reader
by_h5py = "mpi4py.MPI" in sys.modules
import mpi4py
print(mpi4py.rc.initialize != by_h5py)
"""
    assert run(code) == ["True"]


@pytest.mark.parametrize("module", ["asdf_pipeline", "asdf_pipeline.plan"])
def test_light_modules_stay_light(module: str) -> None:
    code = f"""
import sys
import {module}
print(sorted({{"h5py", "obspy", "numpy", "pandas"}} & set(sys.modules)))
"""
    assert run(code) == ["[]"]
