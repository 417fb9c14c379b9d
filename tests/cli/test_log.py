"""The command's log lines, and the logging of a program that calls it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from asdf_pipeline.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_command_leaves_the_logging_of_its_caller_as_it_was(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = logging.getLogger("asdf_pipeline")
    before = logger.handlers[:], logger.propagate, logger.level
    assert main(["info", str(tmp_path / "absent.h5")]) == 2
    assert (logger.handlers, logger.propagate, logger.level) == before
    logger.warning("heard")
    assert "heard" in caplog.text
    assert "heard" not in capsys.readouterr().err
