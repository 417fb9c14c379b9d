"""A file whose writer was killed while adding: named, and readable again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from asdf_pipeline import ASDFDataSet, cli
from asdf_pipeline.container import writer_mark
from asdf_pipeline.container.checksums import lookup3
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.hdf5 import open_input
from asdf_pipeline.container.verify import verify
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.container.writer_mark import clear_writer_mark
from asdf_pipeline.errors import InputError, InputMissingError, NotASDFError
from tests.conftest import parallel_python
from tests.container.made import trace, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Adds a thousand data sets, says so, and goes on as if it were about to add more. By
# h5py itself, as any program may.
SCRIPT = """
import sys
import h5py
import numpy as np

file = h5py.File(sys.argv[1], "r+", libver=("v110", "v110"))
for number in range(1000):
    file[f"Waveforms/XX.S{number % 50}/{number}"] = np.arange(500)
print("added", flush=True)
sys.stdin.read()
"""


@pytest.fixture(
    params=[
        sys.executable,
        pytest.param(None, marks=pytest.mark.requires("parallel-hdf5")),
    ],
    ids=["the wheel's HDF5", "MPI's HDF5"],
)
def writer(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """Return a file, and a process that is adding to it."""
    path = write(tmp_path / "file.h5", trace(np.arange(5000)))
    shutil.copy(path, tmp_path / "before.h5")
    python = request.param or parallel_python()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([python, "-c", SCRIPT, str(path)], **pipes)
    with process:
        assert process.stdout.readline() == "added\n"
        yield path, process
        process.kill()


def test_a_file_is_readable_again_after_repair(
    writer: tuple[Path, subprocess.Popen[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    path, process = writer
    process.kill()
    process.wait()
    for use in (open_input, Writer.reopen, lambda p: ASDFDataSet(p, mode="a")):
        with pytest.raises(
            NotASDFError, match="its writer was killed: run 'asdf-pipel"
        ):
            use(path)
    assert cli.main(["info", str(path)]) == 1
    assert f"run 'asdf-pipeline repair {path}'" in capsys.readouterr().err
    assert cli.main(["repair", str(path)]) == 0
    assert "can be read again" in capsys.readouterr().out
    assert verify(path) == []
    assert file_digest(path) == file_digest(path.with_name("before.h5"))
    with ASDFDataSet(path, mode="a") as data_set:
        data_set.add_waveforms(trace(station="NEW"), tag="raw_recording")
        assert data_set.waveforms.list() == ["XX.ABC", "XX.NEW"]
    assert cli.main(["repair", str(path)]) == 0
    assert "nothing to repair" in capsys.readouterr().out


def test_a_file_that_is_being_written_is_left_alone(
    writer: tuple[Path, subprocess.Popen[str]],
) -> None:
    path, _ = writer
    with pytest.raises(NotASDFError, match="another program has it open for writing"):
        open_input(path)
    for force in (False, True):
        with pytest.raises(InputError, match="a program has it open for writing"):
            clear_writer_mark(path, force=force)


def marked(path: Path) -> Path:
    """Return a file that a writer left."""
    write(path, trace())
    with path.open("r+b") as file:
        start, superblock = writer_mark._superblock(file, path)
        superblock[11] = 1
        superblock[-4:] = lookup3(superblock[:-4])
        file.seek(start)
        file.write(superblock)
    return path


def test_without_locks_it_takes_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = marked(tmp_path / "file.h5")
    # As on a file system without locks.
    monkeypatch.setattr(writer_mark, "has_writer", lambda _: None)
    with pytest.raises(InputError, match="has no locks, .* give --force"):
        clear_writer_mark(path)
    assert cli.main(["repair", str(path), "--force"]) == 0
    assert verify(path) == []


def test_what_is_damaged_as_well_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = marked(tmp_path / "file.h5")
    content = bytearray(path.read_bytes())
    clean = write(tmp_path / "clean.h5", trace())
    with h5py.File(clean) as file:
        (dataset,) = file["Waveforms/XX.ABC"].values()
        content[dataset.id.get_chunk_info(0).byte_offset + 3] ^= 0x10
    path.write_bytes(content)
    assert cli.main(["repair", str(path)]) == 1
    said = capsys.readouterr()
    assert "checksum differs" in said.err
    assert "can be read again" in said.out


def test_what_is_no_hdf5_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with pytest.raises(InputMissingError, match="no such file"):
        clear_writer_mark(path)
    path.write_bytes(b"x" * 5000)
    with pytest.raises(NotASDFError, match="not an HDF5 file"):
        clear_writer_mark(path)
    content = bytearray(marked(tmp_path / "marked.h5").read_bytes())
    content[20] ^= 1
    path.write_bytes(content)
    with pytest.raises(NotASDFError, match="first bytes are damaged"):
        clear_writer_mark(path)


def test_files_of_older_versions_have_no_mark(tmp_path: Path) -> None:
    h5py.File(tmp_path / "old.h5", "w", libver="earliest").close()
    h5py.File(tmp_path / "behind.h5", "w", userblock_size=1024).close()
    assert not clear_writer_mark(tmp_path / "old.h5")
    assert not clear_writer_mark(tmp_path / "behind.h5")
