"""Staging: the files that people have to one ASDF file.

Nothing is lost on the way and nothing made up: overlapping pieces stay separate
traces, gaps stay gaps, and what cannot be kept is an error or a log line that names
the file. The result appears under its final name only when it is complete.
"""

from __future__ import annotations

from asdf_pipeline.stage.assemble import StageTask, stage
from asdf_pipeline.stage.codes import Codes
from asdf_pipeline.stage.link import stage_asdf

__all__ = ["Codes", "StageTask", "stage", "stage_asdf"]
