"""Log lines of the command, on stderr."""

from __future__ import annotations

import logging
import sys

from asdf_pipeline.cli.ranks import is_first_rank


def log_to_stderr() -> None:
    """Send the package's log lines to stderr, each with its time.

    Only the package's own logger is set up: what a user's function logs stays the
    user's affair. Of several ranks the first tells how things go, and every one
    what goes wrong.
    """
    logger = logging.getLogger("asdf_pipeline")
    if not logger.handlers:
        lines = logging.StreamHandler(sys.stderr)
        lines.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        logger.addHandler(lines)
        logger.propagate = False
    logger.setLevel(logging.INFO if is_first_rank() else logging.WARNING)
