"""A user's script under plain ``mpiexec``: as it is, and when a rank fails."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import h5py
import pytest

from asdf_pipeline.container.digest import file_digest
from tests.conftest import mpi_environment
from tests.mpi.conftest import PARALLEL, SEGMENTS, Way
from tests.team.conftest import BARE, STATIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.requires("mpi")

LIMIT = 60  # seconds; a hang is longer

# As the seed's: a closure, no guard for __main__.
SCRIPT = """
import os
import asdf_pipeline

factor = 2.5

def process(st, inv):
    if inv is None:
        return None
    for trace in st:
        trace.data = trace.data * factor
    return st

with asdf_pipeline.ASDFDataSet(INPUT, mode="r") as ds:
    report = ds.process(
        process_function=process,
        output_filename="out.h5",
        tag_map={"raw_recording": "processed"},
        io="IO",
        progress="none",
    )
with open(f"said-{os.environ['OMPI_COMM_WORLD_RANK']}", "w") as file:
    print(report.counts["ok"], report.counts["empty"], len(report.outcomes), file=file)
"""

FAILING = """
import os, sys
PREPARE
import asdf_pipeline

rank = int(os.environ["OMPI_COMM_WORLD_RANK"])
BEFORE
def process(st, inv):
    return st

with asdf_pipeline.ASDFDataSet(INPUT, mode="r") as ds:
    ds.process(process, "out.h5", {"raw_recording": "processed"}, progress="none")
if rank == 0:
    print("processed", flush=True)
AFTER
"""
MPI_FIRST = "from mpi4py import MPI"
RAISE = "if rank == 1: raise ValueError('rank one is unwell')"
LEAVE = "if rank == 1: sys.exit(3)"


@pytest.fixture(scope="module")
def digest(example: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the digest of what the script makes without ranks."""
    from asdf_pipeline import ASDFDataSet

    def process(st, inv):  # type: ignore[no-untyped-def]
        if inv is None:
            return None
        for trace in st:
            trace.data = trace.data * 2.5
        return st

    out = tmp_path_factory.mktemp("serial") / "out.h5"
    with ASDFDataSet(example, mode="r") as ds:
        ds.process(process, out, {"raw_recording": "processed"}, progress="none")
    return file_digest(out)


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_the_same_file_on_any_number_of_ranks(
    way: Way,
    ranks: int,
    script: Callable[[str], Path],
    digest: str,
    tmp_path: Path,
) -> None:
    done = way.start(ranks, script(SCRIPT.replace("IO", way.io)), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # Files: a launcher mixes lines of several ranks.
    said = [(tmp_path / f"said-{rank}").read_text() for rank in range(ranks)]
    stations = len(STATIONS)
    others = [f"{stations - 1} 1 0\n"] * (ranks - 1)
    assert said == [f"{stations - 1} 1 {stations}\n", *others]  # outcomes: on rank 0
    out = tmp_path / "out.h5"
    assert file_digest(out) == digest
    with h5py.File(out) as file:
        assert BARE not in file["Waveforms"]
        sets = [item for name, item in file["Waveforms/XX.S00"].items() if "__" in name]
        assert len(sets) == 3
        together = way is PARALLEL and ranks > 1
        for item in sets:
            assert item.compression == (None if together else "gzip")
            assert item.fletcher32 == (not together)


@pytest.mark.parametrize(
    ("prepare", "here", "there", "said"),
    [
        ("", RAISE, "", "rank 1 on HOST: uncaught ValueError: rank one is unwell"),
        (MPI_FIRST, RAISE, "", "rank 1 on HOST: uncaught ValueError: rank one is"),
        ("", "", RAISE, "rank 1 on HOST: uncaught ValueError: rank one is unwell"),
        (MPI_FIRST, LEAVE, "", "rank 1 left the script"),
        ("", LEAVE, "", ""),
        ("", "", LEAVE, ""),
    ],
    ids=["raise", "raise-mpi", "raise-late", "exit-mpi", "exit", "exit-late"],
)
def test_what_ends_one_rank_ends_the_job(
    prepare: str,
    here: str,
    there: str,
    said: str,
    script: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    text = FAILING.replace("PREPARE", prepare).replace("BEFORE", here)
    done = SEGMENTS.start(
        3, script(text.replace("AFTER", there)), cwd=tmp_path, timeout=LIMIT
    )
    assert done.returncode != 0
    assert said.replace("HOST", socket.gethostname()) in done.stderr
    assert ("processed" in done.stdout) == bool(there)
    assert (tmp_path / "out.h5").exists() == bool(there)


@pytest.mark.parametrize("ranks", [2, 4])
def test_exit_while_the_others_process(
    ranks: int, script: Callable[[str], Path], tmp_path: Path
) -> None:
    text = """
import sys
import asdf_pipeline

def process(st, inv):
    return st

with asdf_pipeline.ASDFDataSet(INPUT, mode="r") as ds:
    ds.process(process, "one.h5", {"raw_recording": "processed"}, progress="none")
    if ds.mpi.rank == 1:
        sys.exit()
    ds.process(process, "two.h5", {"raw_recording": "processed"}, progress="none")
"""
    done = SEGMENTS.start(ranks, script(text), cwd=tmp_path, timeout=LIMIT)
    assert done.returncode != 0
    assert "rank 1 left the script while others wait" in done.stderr
    assert (tmp_path / "one.h5").exists()
    assert not (tmp_path / "two.h5").exists()


def test_rank_0_may_go_on_alone(script: Callable[[str], Path], tmp_path: Path) -> None:
    done = SEGMENTS.start(
        2,
        script(
            SCRIPT.replace("IO", "auto")
            + "\nimport time\nif ds.mpi.rank == 0: time.sleep(8); print('map')"
        ),
        cwd=tmp_path,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr
    assert "map" in done.stdout


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_the_output_exists_is_told_once(
    ranks: int, script: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "out.h5").write_bytes(b"precious")
    done = SEGMENTS.start(
        ranks, script(SCRIPT.replace("IO", "segments")), cwd=tmp_path, timeout=LIMIT
    )
    assert done.returncode == 1
    assert done.stderr.count("errors.OutputExistsError: ") == 1
    assert (tmp_path / "out.h5").read_bytes() == b"precious"


def test_all_ranks_can_catch_an_error(
    script: Callable[[str], Path], tmp_path: Path
) -> None:
    text = """
import os
import asdf_pipeline

ds = asdf_pipeline.ASDFDataSet(INPUT, mode="r")
said = open(f"said-{os.environ['OMPI_COMM_WORLD_RANK']}", "w")
try:
    ds.process(lambda st, inv: st, "out.h5", {"absent": "processed"})
except asdf_pipeline.ASDFPipelineError as error:
    print(type(error).__name__, error, file=said, flush=True)
"""
    done = SEGMENTS.start(3, script(text), cwd=tmp_path, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    for rank in range(3):
        line = (tmp_path / f"said-{rank}").read_text()
        assert line.startswith("TagError")
        assert "tags in the file: other, raw_recording" in line


def test_a_launcher_of_another_mpi_is_refused(
    script: Callable[[str], Path], tmp_path: Path
) -> None:
    # What a process sees that a foreign launcher started: its variables alone.
    done = subprocess.run(
        [sys.executable, script(SCRIPT.replace("IO", "segments"))],
        cwd=tmp_path,
        env=mpi_environment() | {"PMI_SIZE": "4", "PMI_RANK": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 1
    assert "the launcher started 4 processes, but to MPI each is alone" in done.stderr
    assert not (tmp_path / "out.h5").exists()
