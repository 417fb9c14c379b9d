"""``asdf-pipeline repack``: ASDF files without the room that deleting left in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.cli.stopping import terminable
from asdf_pipeline.text import size_text

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Write ASDF files anew in their places, without the room that deleting and replacing left
in them. HDF5 does not give it back by itself. Nothing is decoded, so it is as quick as
copying; for that time there must be room for another file beside the old one.

The old file stays until the new one is complete and has the same content digest."""

_EXAMPLES = "  asdf-pipeline repack example.h5"


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "repack",
        "give back the room that deleting left in a file",
        _DESCRIPTION,
        _EXAMPLES,
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.h5")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print one line a file: its sizes before and after."""
    from asdf_pipeline.container.repack import repack

    with terminable("the file is as it was"):
        for path in args.files:
            before, after = repack(path)
            print(f"{path}: {size_text(before)} -> {size_text(after)}", flush=True)
