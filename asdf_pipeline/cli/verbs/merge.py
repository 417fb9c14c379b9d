"""``asdf-pipeline merge``: several ASDF files to one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.cli.stopping import terminable
from asdf_pipeline.text import plural, size_text

if TYPE_CHECKING:
    import argparse

log = logging.getLogger(__name__)

_DESCRIPTION = """\
Put all that several ASDF files hold into one new file: waveforms, station metadata,
events, auxiliary data and provenance. Nothing is decoded, so it is as quick as copying.

A station may be in several files, with the same StationXML, and an event too, with the
same content. The same trace in two files is an error."""

_EXAMPLES = "  asdf-pipeline merge alps.h5 andes.h5 --output all.h5"


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers, "merge", "put several ASDF files into one", _DESCRIPTION, _EXAMPLES
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.h5")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="MERGED.h5",
        help="the file to make; it must not exist yet",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Merge the files."""
    from asdf_pipeline.stage.combine import combine

    with terminable("nothing was written"):
        combine(args.files, args.output)
    made, size = plural(len(args.files), "file"), size_text(args.output.stat().st_size)
    log.info("%s: %s merged, %s", args.output, made, size)
