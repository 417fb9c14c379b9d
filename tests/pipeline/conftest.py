"""The shipped pipeline, run once: tests change copies of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from asdf_pipeline.errors import ASDFPipelineError
from asdf_pipeline.pipeline.workflow import Pipeline
from tests.pipeline.checkout import Checkout

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pipeline.checkout import Run


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, Run]:
    """Return a copy in which the shipped pipeline ran, and what it printed."""
    checkout = Checkout.make(tmp_path_factory.mktemp("shipped") / "checkout")
    run = checkout.snakemake()
    assert run.code == 0, run.text
    return checkout, run


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a fresh copy, nothing run."""
    return Checkout.make(tmp_path / "checkout")


@pytest.fixture
def done(first: tuple[Checkout, Run], tmp_path: Path) -> Checkout:
    """Return a copy in which everything has been made already."""
    return first[0].copy(tmp_path / "checkout")


@pytest.fixture
def complaint(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Return what says in a line what is wrong with the fresh copy's configuration."""
    monkeypatch.chdir(checkout.path)

    def complain() -> str:
        with pytest.raises(ASDFPipelineError) as caught:
            Pipeline.load(Path("config/config.yaml"))
        return str(caught.value)

    return complain
