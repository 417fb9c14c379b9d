"""What docs/functions.md shows runs, and gives what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyasdf
import pytest

from asdf_pipeline.container.reader import Reader
from tests.docs.blocks import ROOT, blocks, missing_line


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the whole page was followed."""
    folder = tmp_path_factory.mktemp("functions")
    here = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([here, os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
    }
    printed = ""
    for block in blocks("docs/functions.md"):
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "bash":
            done = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", block.text],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            assert done.returncode == 0, f"{block.text}\n{done.stdout}{done.stderr}"
            printed = done.stdout
        else:
            missing = missing_line(block.text, printed)
            assert missing is None, f"not printed: {missing}\n{printed}"
    return folder


def test_the_outputs_are_there(place: Path) -> None:
    with Reader(place / "velocity.h5") as reader:
        assert len(reader.stream("BW.RJOB", "velocity")) == 3
    with Reader(place / "by_window.h5") as reader:
        assert len(reader.auxiliary_paths()) == 4
        assert len(reader.stream("BW.RJOB", "raw")) == 3  # joined again
    with Reader(place / "filtered.h5") as reader:
        assert reader.tags("BW.RJOB") == ["filtered"]


def test_pyasdf_reads_the_auxiliary_data(place: Path) -> None:
    with pyasdf.ASDFDataSet(str(place / "peaks.h5"), mode="r") as data_set:
        peaks = data_set.auxiliary_data.Peaks.BW_RJOB
        assert peaks.data.shape == (3,)
        assert peaks.parameters["unit"] == "counts"
        assert data_set.auxiliary_data.Spectra.BW_RJOB.amplitude.data.ndim == 2
