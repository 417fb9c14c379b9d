"""Out again: the waveforms of an ASDF file as files of other formats.

Nothing is lost without a word: each file is read back by ObsPy and held against the
traces before it gets its name, and what its format cannot hold is an error that says
what. Nothing is overwritten: what is there already and the same is left alone, so that
the same call, given again, goes on.
"""

from __future__ import annotations

from asdf_pipeline.export.formats import FORMATS
from asdf_pipeline.export.places import Places
from asdf_pipeline.export.task import ExportTask, export

__all__ = ["FORMATS", "ExportTask", "Places", "export"]
