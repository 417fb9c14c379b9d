"""``asdf-pipeline reproduce``: a crate's workflow, run again and compared."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb, read_workers
from asdf_pipeline.cli.stopping import terminable
from asdf_pipeline.errors import EXIT_DATA

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Run the workflow of a crate again, with its configuration and functions, in a new
directory, and compare the content digests of what it makes with those of the crate: a
line for each data set. Exit code 1 if one differs.

It starts from the crate's staged files. Of a crate without them the table of data sets
names the inputs: relative paths are looked for below --inputs. The installed
asdf_pipeline does it; other versions of what results depend on are named."""

_EXAMPLES = """\
  asdf-pipeline reproduce alps.zip --cores 8
  asdf-pipeline reproduce crate --directory again --inputs ~/alps"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "reproduce",
        "run a crate's workflow again, and compare",
        _DESCRIPTION,
        _EXAMPLES,
    )
    parser.add_argument(
        "crate", type=Path, metavar="CRATE", help="a directory or a .zip file"
    )
    parser.add_argument(
        "--directory",
        type=Path,
        metavar="DIR",
        help="where it runs, new or empty; default a new one for temporary files",
    )
    parser.add_argument(
        "--inputs",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="to which paths in the table of data sets are relative; default here",
    )
    parser.add_argument(
        "--cores", type=read_workers, default=1, metavar="N", help="default 1"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int | None:
    """Reproduce the crate and print what became of each data set."""
    from asdf_pipeline.crate import reproduce
    from asdf_pipeline.team.resources import available_cores

    folder = args.directory or Path(mkdtemp(prefix="reproduce-"))
    cores = available_cores() if args.cores == -1 else args.cores
    with terminable(f"what was made is in {folder}"):
        found = reproduce(args.crate, folder, args.inputs, cores)
    for one in found:
        print(one.says)
    print(f"results: {folder}")
    return None if all(one.is_same for one in found) else EXIT_DATA
