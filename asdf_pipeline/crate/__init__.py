"""What a pipeline made, to be archived and made again by others.

A crate is a Workflow Run RO-Crate (https://w3id.org/ro/wfrun/workflow/0.5): a directory
or a ZIP file with the workflow, its configuration, the functions, what became of every
station, and ``ro-crate-metadata.json``, which describes all of it.
"""

from __future__ import annotations

from asdf_pipeline.crate.making import DATA, make_crate
from asdf_pipeline.crate.metadata import Citation
from asdf_pipeline.crate.reproducing import Reproduction, reproduce

__all__ = ["DATA", "Citation", "Reproduction", "make_crate", "reproduce"]
