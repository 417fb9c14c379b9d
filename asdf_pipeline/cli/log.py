"""Log lines of the command, on stderr."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from asdf_pipeline.cli.ranks import is_first_rank

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def log_to_stderr() -> Iterator[None]:
    """Send the package's log lines to stderr, each with its time, within a block.

    Only the package's own logger is set up: what a user's function logs stays the
    user's affair. Of several ranks the first logs progress (INFO), and every one
    logs warnings and errors. A program that calls the command's `main` finds its
    logging as it was.
    """
    logger = logging.getLogger("asdf_pipeline")
    before = logger.handlers[:], logger.propagate, logger.level
    if not logger.handlers:
        lines = logging.StreamHandler(sys.stderr)
        lines.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        logger.addHandler(lines)
        logger.propagate = False
    logger.setLevel(logging.INFO if is_first_rank() else logging.WARNING)
    try:
        yield
    finally:
        logger.handlers, logger.propagate, level = before
        logger.setLevel(level)
