"""The shipped pipeline on one machine without MPI: what clusters must make too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pipeline.checkout import Checkout

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory, mpi_python: str) -> Checkout:
    """Return a copy in which the pipeline ran with multiprocessing."""
    checkout = Checkout.make(tmp_path_factory.mktemp("alone") / "checkout", mpi_python)
    run = checkout.snakemake()
    assert run.code == 0, run.text
    return checkout


@pytest.fixture
def checkout(tmp_path: Path, mpi_python: str) -> Checkout:
    """Return a fresh copy for the Python that MPI's tests start."""
    return Checkout.make(tmp_path / "checkout", mpi_python)
