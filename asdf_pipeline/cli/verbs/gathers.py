"""``asdf-pipeline gathers``: a function, applied to all stations of each event."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.cli.running import add_function, add_running, run_with_table
from asdf_pipeline.cli.selecting import add_selection, add_windows, read_windows
from asdf_pipeline.plan.units import GATHERED

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Apply a function to all stations of each event of an ASDF file, or of each window.

The function gets a gather, of which it reads what it touches:

    def magnitude(gather):              # .event, .stations, .window
        found = []
        for station in gather.values():          # or gather["NET.STA"]
            st, inv = station.stream, station.inventory
            ...
        return {"magnitude": float(np.median(found))}    # a row of the table

Traces belong to events by their event_id; with --window there is a gather for each
window of all stations. What the function returns is written: a Stream with traces of
any of its stations, what an asdf_pipeline.Result holds, or a row of the table; without
OUT.h5 and --table the table is printed. Failures, resuming and MPI are as for
'process'. See docs/patterns.md."""

_EXAMPLES = """\
  asdf-pipeline gathers processed.h5 --tag processed --function mine.py:magnitude \\
      --table magnitudes.csv
  asdf-pipeline gathers processed.h5 beams.h5 --window 1h --output-tag beam \\
      --function mine.py:beam"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "gathers",
        "apply a function to all stations of each event",
        _DESCRIPTION,
        _EXAMPLES,
    )
    parser.add_argument("input", type=Path, metavar="IN.h5", help="is never changed")
    parser.add_argument(
        "output", type=Path, nargs="?", metavar="OUT.h5", help="is made; must not exist"
    )
    add_function(parser)
    parser.add_argument(
        "--tag", help="which waveforms belong to gathers; default: those of all tags"
    )
    parser.add_argument(
        "--output-tag",
        default=GATHERED,
        metavar="TAG",
        help="output tag of the waveforms that the function returns; default gathered",
    )
    parser.add_argument(
        "--table",
        type=Path,
        metavar="OUT.csv",
        help="where rows are written; must not exist if there is no OUT.h5",
    )
    add_running(parser, "OUT", "gathers")
    add_selection(parser)
    add_windows(parser, "gathers of windows in place of events", joined=False)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Do the gathers and sum up."""
    run_with_table(
        args,
        "GatherTask",
        tag=args.tag,
        output_tag=args.output_tag,
        windows=read_windows(args),
    )
