"""The recordings that tests of the container use, too."""

from __future__ import annotations

from tests.container.conftest import our_file, rjob_xml

__all__ = ["our_file", "rjob_xml"]
