"""Where the workflow's files are, which are installed with the package."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).parent / "shipped"
"""The workflow, the profiles, the configuration, and what a project begins with.

In the repository the first three are links to its root, where the files are.
"""
SNAKEFILE = str(SHIPPED / "workflow" / "Snakefile")
"""The installed workflow, for the ``include:`` of a project's Snakefile."""
