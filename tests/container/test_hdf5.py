"""The one place where h5py is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from asdf_pipeline.container.hdf5 import h5py


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
print(module is not None, module is not None and module.Is_initialized())
"""
    assert run(code) == [str(bool(h5py.get_config().mpi)), "False"]


def test_a_user_of_mpi4py_is_not_disturbed_where_h5py_has_no_mpi() -> None:
    code = """
import asdf_pipeline.container.reader
import mpi4py
print(mpi4py.rc.initialize)
"""
    assert run(code) == [str(not h5py.get_config().mpi)]


@pytest.mark.parametrize("module", ["asdf_pipeline", "asdf_pipeline.plan"])
def test_light_modules_stay_light(module: str) -> None:
    code = f"""
import sys
import {module}
print(sorted({{"h5py", "obspy", "numpy", "pandas"}} & set(sys.modules)))
"""
    assert run(code) == ["[]"]
