"""The tutorial does what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.docs.blocks import ROOT, blocks, missing_line


def test_runs_and_prints_what_it_shows(tmp_path: Path) -> None:
    place = tmp_path / "tutorial"
    place.mkdir()
    here = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([here, os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
    }
    ended = tmp_path / "ended"
    where = f"pwd >'{ended}'\n"  # where the next block begins, as for a reader
    cwd = place
    ran = 0
    printed = ""
    for block in blocks("docs/tutorial.md"):
        if block.file:
            target = place / block.file
            target.parent.mkdir(exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.language == "bash":
            done = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", block.text + where],
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=300,
            )
            printed = done.stdout
            assert done.returncode == 0, f"{block.text}\n{printed}"
            cwd = Path(ended.read_text().strip())
            ran += 1
        else:
            assert block.language == "text"
            missing = missing_line(block.text, printed)
            assert missing is None, f"not printed: {missing}\n{printed}"
    assert ran >= 9
