"""``asdf-pipeline process``: a function, applied to every station."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb, read_tag_map
from asdf_pipeline.cli.running import add_function, add_running, run_task
from asdf_pipeline.cli.selecting import add_selection, add_windows, read_windows
from asdf_pipeline.plan.units import BY

if TYPE_CHECKING:
    import argparse

log = logging.getLogger(__name__)

_DESCRIPTION = """\
Apply a function to every station of an ASDF file and write a new ASDF file.

The function gets a station's waveforms of one tag and its metadata:

    def process(st, inv):           # obspy.Stream, obspy.Inventory or None
        st.remove_response(inventory=inv, output="VEL")
        return st                   # None: nothing is written for this station

What it returns is written under the output tag, with the station's StationXML;
events are copied. It may return auxiliary data too: see docs/functions.md. A station
for which it raises an exception is failed: the traceback is printed, the others go
on.

The output appears when it is complete. What was done when a run ends early is kept
in the work directory: the same command goes on from there, also with another
backend or number of workers. Under MPI:

    mpiexec -n 8 python -m mpi4py -m asdf_pipeline process ..."""

_EXAMPLES = """\
  asdf-pipeline process staged.h5 processed.h5 --function my_steps.py:process \\
      --tag raw_recording=processed
  asdf-pipeline process staged.h5 processed.h5 --workers 4 --max-failures 10% \\
      --function asdf_pipeline.steps:remove_response --tag raw_recording=velocity \\
      --parameters '{"output": "VEL", "water_level": 60}'"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "process",
        "apply a function to every station",
        _DESCRIPTION,
        _EXAMPLES,
    )
    parser.add_argument("input", type=Path, metavar="IN.h5", help="is never changed")
    parser.add_argument(
        "output", type=Path, metavar="OUT.h5", help="is made; must not exist"
    )
    add_function(parser)
    parser.add_argument(
        "--tag",
        action="append",
        required=True,
        metavar="IN=OUT",
        help="input tag to read and output tag to write, such as "
        "raw_recording=processed; may be given again for other tags",
    )
    parser.add_argument(
        "--by",
        choices=BY,
        help="what the function is called with: all traces of a station and tag, those "
        "of each event, or of each channel (few stations keep many cores busy); "
        "default station, but event where the function has an argument 'event'",
    )
    add_running(parser)
    parser.add_argument(
        "--only-failed",
        action="store_true",
        help="OUT.h5 and its --outcomes exist: try again what failed, also with a "
        "mended function, and replace both when that is done",
    )
    add_selection(parser)
    add_windows(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Process the file and sum up."""
    report = run_task(
        args,
        output=args.output,
        tag_map=read_tag_map(args.tag),
        by=args.by,
        windows=read_windows(args),
        only_failed=args.only_failed,
    )
    log.info("%s", report)
