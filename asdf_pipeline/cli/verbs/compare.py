"""``asdf-pipeline compare``: a function, applied to the stations of two files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.cli.running import add_function, add_running, run_with_table
from asdf_pipeline.cli.selecting import add_selection

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Apply a function to every station that two ASDF files have in common.

The function gets what each file has of the station:

    def misfit(a, b):
        observed = a.streams["processed"]       # read when asked for, by tag
        synthetic = b.streams["synthetic"]      # also: .inventory, .events, .station
        return {"misfit": float(...)}           # a row of the table

A mapping, a number or a text becomes the station's row of the table; a Stream is
written to the output, and so is what an asdf_pipeline.Result holds. Without --output
and --table the table is printed. Failures, resuming and MPI are as for 'process'."""

_EXAMPLES = """\
  asdf-pipeline compare observed.h5 synthetic.h5 --function misfits.py:misfit \\
      --table misfits.csv
  asdf-pipeline compare a.h5 b.h5 --function mine.py:residual --tag residual \\
      --output residuals.h5"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "compare",
        "apply a function to the stations of two files",
        _DESCRIPTION,
        _EXAMPLES,
    )
    parser.add_argument("input", type=Path, metavar="A.h5", help="is never changed")
    parser.add_argument("other", type=Path, metavar="B.h5", help="is never changed")
    add_function(parser)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="OUT.h5",
        help="where waveforms and auxiliary data are written; must not exist",
    )
    parser.add_argument(
        "--table",
        type=Path,
        metavar="OUT.csv",
        help="where the table is written; must not exist if there is no --output",
    )
    parser.add_argument(
        "--tag",
        default="compared",
        help="output tag of the waveforms that the function returns; default compared",
    )
    add_running(parser, "OUT")
    add_selection(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Compare the files and sum up."""
    run_with_table(args, "ComparisonTask", tag=args.tag, other=args.other)
