"""``asdf-pipeline repair``: make a file readable whose writer was killed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.errors import EXIT_DATA

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Make a file readable again whose writer was killed while it added to it.

HDF5 marks a file while it is open for writing, and refuses to open one that is still
marked. This clears the mark, where no program holds the file's lock, and checks the
file's content as 'asdf-pipeline verify' does. What was in the file when the writer
opened it is there; what it was adding may not be."""

_EXAMPLES = "  asdf-pipeline repair archive.h5"


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "repair",
        "make a file readable whose writer was killed",
        _DESCRIPTION,
        _EXAMPLES,
    )
    parser.add_argument("file", type=Path, metavar="FILE.h5")
    parser.add_argument(
        "--force",
        action="store_true",
        help="where the file system has no locks: you have seen to it that no program "
        "writes the file",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Clear the mark and print what is wrong; return 1 if anything is."""
    from asdf_pipeline.container.verify import verify
    from asdf_pipeline.container.writer_mark import clear_writer_mark

    cleared = clear_writer_mark(args.file, force=args.force)
    problems = verify(args.file)
    for problem in problems:
        print(f"{args.file}: {problem}", file=sys.stderr)
    if cleared:
        said = "can be read again; what its writer added last may be missing"
    else:
        said = (
            "no writer's mark to clear" if problems else "there was nothing to repair"
        )
    print(f"{args.file}: {said}")
    return EXIT_DATA if problems else 0
