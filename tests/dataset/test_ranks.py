"""Data sets under a real ``mpiexec``: every rank reads, one at most adds."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from asdf_pipeline import ASDFDataSet
from tests.dataset.recordings import told

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.requires("mpi")

# The default mode, and reading before and after processing, as scripts for pyasdf do.
READ_AND_PROCESS = """
import asdf_pipeline

def process(st, inv):
    return st if inv else None

ds = asdf_pipeline.ASDFDataSet("example.h5")
names = ds.waveforms.list()
report = ds.process(process, "out.h5", {"raw_recording": "kept"}, progress="none")
assert ds.waveforms.list() == names
assert len(ds.waveforms.BW_RJOB.other) == 3
assert ds.mpi.comm.size == ds.mpi.size == ds.mpi.MPI.COMM_WORLD.size
# In one piece: lines of several ranks would mix.
print(f"{ds.mpi.rank} {report.counts['ok']}\\n", end="", flush=True)
"""

COMPARE = """
import asdf_pipeline

def process(this_station_group, other_station_group):
    if not hasattr(other_station_group, "StationXML"):
        return None
    return len(this_station_group.raw_recording)

ds = asdf_pipeline.ASDFDataSet("example.h5", mode="r")
other_ds = asdf_pipeline.ASDFDataSet("other.h5", mode="r")
results = ds.process_two_files_without_parallel_output(other_ds, process)
found = sorted(one for one in results.items() if one[1])
print(f"{ds.mpi.rank} {found}\\n", end="", flush=True)
"""

ADD_ON_ALL = """
import obspy
import asdf_pipeline

ds = asdf_pipeline.ASDFDataSet("example.h5")
ds.waveforms.list()
try:
    ds.add_waveforms(obspy.read(), tag="more")
except asdf_pipeline.ASDFException as error:
    print(error, flush=True)
try:
    asdf_pipeline.ASDFDataSet("new.h5")
except asdf_pipeline.ASDFException as error:
    print(error, flush=True)
"""

ADD_ON_ONE = """
import obspy
from mpi4py import MPI
import asdf_pipeline

if MPI.COMM_WORLD.rank == 0:
    with asdf_pipeline.ASDFDataSet("example.h5", mpi=False) as ds:
        ds.add_waveforms(obspy.read(), tag="more")
MPI.COMM_WORLD.barrier()
with asdf_pipeline.ASDFDataSet("example.h5", mode="r") as ds:
    print(sorted(ds.waveform_tags), flush=True)
"""


def start(
    script: str,
    folder: Path,
    mpiexec: tuple[str, dict[str, str]],
    python: str,
    ranks: int = 2,
) -> list[str]:
    (folder / "script.py").write_text(script, encoding="utf-8")
    program, environment = mpiexec
    done = subprocess.run(
        [program, "-n", str(ranks), python, "script.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return sorted(done.stdout.splitlines())


@pytest.mark.parametrize("ranks", [2, 3])
def test_read_and_process(
    example: Path, mpiexec: tuple[str, dict[str, str]], mpi_python: str, ranks: int
) -> None:
    before = example.read_bytes(), example.stat().st_mtime_ns
    said = start(READ_AND_PROCESS, example.parent, mpiexec, mpi_python, ranks)
    assert said == [f"{rank} 2" for rank in range(ranks)]
    assert (example.read_bytes(), example.stat().st_mtime_ns) == before
    with (
        ASDFDataSet(example, mode="r") as ds,
        ASDFDataSet(example.parent / "out.h5", mode="r") as out,
    ):
        assert out.waveforms.list() == ["BW.RJOB", "IU.ULN"]
        kept = told(out.waveforms.BW_RJOB.kept)
        raw = told(ds.waveforms.BW_RJOB.raw_recording)
        assert [one[:5] for one in kept] == [one[:5] for one in raw]


@pytest.mark.parametrize("ranks", [2, 3])
def test_two_files_are_compared_as_pyasdf_does_under_mpi(
    example: Path, mpiexec: tuple[str, dict[str, str]], mpi_python: str, ranks: int
) -> None:
    """In pyasdf this works under MPI alone: rank 0 has the results, the others none."""
    shutil.copy(example, example.with_name("other.h5"))
    said = start(COMPARE, example.parent, mpiexec, mpi_python, ranks)
    whole = "0 [('BW.RJOB', 3), ('IU.ULN', 1)]"
    assert said == [whole, *(f"{rank} []" for rank in range(1, ranks))]


def test_adding_on_all_ranks_is_refused(
    example: Path, mpiexec: tuple[str, dict[str, str]], mpi_python: str
) -> None:
    before = example.read_bytes()
    said = start(ADD_ON_ALL, example.parent, mpiexec, mpi_python)
    assert len(said) == 4
    for line in said:
        assert "2 MPI ranks would write it: add on one rank only" in line
    assert example.read_bytes() == before
    assert not (example.parent / "new.h5").exists()


def test_adding_on_one_rank(
    example: Path, mpiexec: tuple[str, dict[str, str]], mpi_python: str
) -> None:
    said = start(ADD_ON_ONE, example.parent, mpiexec, mpi_python)
    assert said == ["['more', 'other', 'raw_recording']"] * 2
