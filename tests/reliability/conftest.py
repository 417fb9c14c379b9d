"""A data set, and a small disk, for the tests of reliability."""

from __future__ import annotations

import contextlib
import subprocess
from typing import TYPE_CHECKING

import pytest

from asdf_pipeline.container.digest import file_digest
from tests.reliability.command import command
from tests.reliability.data import make_example

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATIONS = 12


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of a few small stations."""
    return make_example(tmp_path_factory.mktemp("data"), STATIONS)


@pytest.fixture(scope="session")
def undisturbed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the digest of what a function that changes nothing makes of it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    done = command(
        *("process", data, "out.h5", "--backend", "serial", "--progress", "none"),
        *("--function", "asdf_pipeline.steps:identity"),
        *("--tag", "raw_recording=processed"),
        cwd=folder,
    )
    assert done.code == 0, done.err
    return file_digest(folder / "out.h5")


class SmallDisk:
    """A file system of its own, as large as is asked for."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        path.mkdir()
        self._mount(f"size={size}")

    def make_room(self, size: int = 1 << 30) -> None:
        """Give it another size."""
        self._mount(f"remount,size={size}")

    def allow_writing(self, allowed: bool) -> None:
        """Mount it read-only, or for writing again."""
        self._mount("remount,rw" if allowed else "remount,ro")

    def _mount(self, options: str) -> None:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "none", self.path], check=True
        )

    def close(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "-l", self.path], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[type[SmallDisk]]:
    """Return what makes small disks; they are gone after the test."""
    made: list[SmallDisk] = []

    class Disk(SmallDisk):
        def __init__(self, size: int) -> None:
            super().__init__(tmp_path / f"disk{len(made)}", size)
            made.append(self)

    with contextlib.ExitStack() as stack:
        yield Disk  # type: ignore[misc]
        for disk in made:
            stack.callback(disk.close)
