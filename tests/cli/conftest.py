"""The command in a process of its own, in a folder with real recordings."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import obspy
import pytest

DATA = Path(obspy.__file__).parent
PACKAGE_COMMAND = (sys.executable, "-P", "-m", "asdf_pipeline")

FUNCTIONS = """\
import time
from pathlib import Path


def identity(st, inv):
    return st


def louder(st, inv):
    for trace in st:
        trace.data += 1
    return st


def needs_metadata(st, inv):
    return st if inv is not None else None


def fails(st, inv, station="", message="cannot"):
    if st[0].stats.station == station:
        raise ValueError(message)
    return st


def waits(st, inv, station=""):
    while st[0].stats.station == station and not Path("go").exists():
        time.sleep(0.01)
    return st
"""


@dataclass
class Run:
    """What a run of the command gave."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line that starts with the command's name and 'error'."""
        (line,) = [
            line
            for line in self.err.splitlines()
            if line.startswith("asdf-pipeline: error: ")
        ]
        assert "Traceback" not in self.err
        return line


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with recordings of three stations, one without metadata."""
    folder = tmp_path_factory.mktemp("recordings")
    for trace in obspy.read():
        del trace.stats.response
        trace.data = trace.data.astype("float32")
        trace.write(str(folder / f"RJOB.{trace.stats.channel}.mseed"), format="MSEED")
    core = DATA / "core" / "tests" / "data"
    (folder / "ULN.mseed").write_bytes(
        (core / "IU_ULN_00_LH1_2015-07-18T02.mseed").read_bytes()
    )
    gaps = DATA / "io" / "mseed" / "tests" / "data" / "gaps.mseed"
    (folder / "BGLD.mseed").write_bytes(gaps.read_bytes())
    (folder / "ULN.xml").write_bytes((core / "IU_ULN_00_LH1.xml").read_bytes())
    (folder / "RJOB.xml").write_bytes(
        (DATA / "core" / "data" / "BW_RJOB.xml").read_bytes()
    )
    (folder / "events.xml").write_bytes((core / "iris_events.xml").read_bytes())
    return folder


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., Run]:
    """Return a function that runs the command in the test's folder."""
    (tmp_path / "functions.py").write_text(FUNCTIONS)

    def run(*arguments: object) -> Run:
        done = subprocess.run(
            [*PACKAGE_COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def staged_once(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the recordings, staged by the command."""
    output = tmp_path_factory.mktemp("staged") / "staged.h5"
    done = subprocess.run(
        [
            *(*PACKAGE_COMMAND, "stage", "--tag", "raw", "--output", output),
            *("--waveforms", f"{recordings}/*.mseed"),
            *("--stations", f"{recordings}/ULN.xml", f"{recordings}/RJOB.xml"),
            *("--events", f"{recordings}/events.xml"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "3 outcomes (3 ok)" in done.stderr
    return output


@pytest.fixture
def staged(staged_once: Path, tmp_path: Path) -> Path:
    """Return the staged file in the test's folder."""
    path = tmp_path / "staged.h5"
    path.symlink_to(staged_once)
    return path
