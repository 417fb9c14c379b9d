"""``asdf-pipeline digest``: the content digest of ASDF files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Print the content digest of ASDF files, as 'HEX  FILE'.

Two files with the same digest hold the same waveforms, station metadata, events and
auxiliary data, whatever their compression, byte order and order of writing."""

_EXAMPLES = "  asdf-pipeline digest serial.h5 parallel.h5"


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers, "digest", "print a file's content digest", _DESCRIPTION, _EXAMPLES
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.h5")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print one line a file."""
    from asdf_pipeline.container.digest import file_digest

    for path in args.files:
        print(f"{file_digest(path)}  {path}", flush=True)
