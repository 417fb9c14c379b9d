"""Files for the tests of the library."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pyasdf
import pytest

from tests.dataset.recordings import fill

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def by_pyasdf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of real recordings that pyasdf wrote; not to be changed."""
    path = tmp_path_factory.mktemp("peer") / "example.h5"
    fill(pyasdf, path)
    return path


@pytest.fixture
def example(by_pyasdf: Path, tmp_path: Path) -> Path:
    """Return a copy of it that may be changed."""
    return shutil.copy2(by_pyasdf, tmp_path / "example.h5")
