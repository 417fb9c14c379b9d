"""``asdf-pipeline process``: a function, applied to every station."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import (
    add_verb,
    read_max_failures,
    read_parameters,
    read_tag_map,
    read_workers,
)
from asdf_pipeline.cli.selecting import (
    add_selection,
    add_windows,
    read_selection,
    read_windows,
)
from asdf_pipeline.cli.stopping import terminable
from asdf_pipeline.team.launcher import launched_ranks

if TYPE_CHECKING:
    import argparse

_LOGGER = logging.getLogger(__name__)

_GOES_ON = "what is done is kept, the same command goes on from there"

_DESCRIPTION = """\
Apply a function to every station of an ASDF file and write a new ASDF file.

The function gets a station's waveforms of one tag and its metadata:

    def process(st, inv):           # obspy.Stream, obspy.Inventory or None
        st.remove_response(inventory=inv, output="VEL")
        return st                   # None: nothing is written for this station

What it returns is written under the output tag, with the station's StationXML;
events are copied. A station for which it raises an exception is failed: the
traceback is printed, the others go on.

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
    parser.add_argument(
        "--function",
        required=True,
        metavar="MODULE:NAME",
        help="pkg.mod:func, or path/to/file.py:func",
    )
    parser.add_argument(
        "--tag",
        action="append",
        required=True,
        metavar="IN=OUT",
        help="input tag to read and output tag to write, such as "
        "raw_recording=processed; may be given again for other tags",
    )
    parser.add_argument(
        "--parameters",
        metavar="FILE|MAPPING",
        help="keyword arguments for the function: a YAML or JSON file, or the "
        "mapping itself",
    )
    parser.add_argument(
        "--backend",
        choices=("auto", "serial", "multiprocessing", "mpi"),
        default="auto",
        help="default auto: MPI when started by its launcher, else multiprocessing",
    )
    parser.add_argument(
        "--workers",
        type=read_workers,
        default=-1,
        metavar="N",
        help="processes (multiprocessing); default: all cores of this process",
    )
    parser.add_argument(
        "--io",
        choices=("auto", "parallel", "segments"),
        default="auto",
        help="how MPI ranks write: all into one file by parallel HDF5, or each its "
        "own compressed segment, merged at the end; default auto: parallel where "
        "h5py can",
    )
    parser.add_argument(
        "--max-failures",
        type=read_max_failures,
        default=0,
        metavar="N|P%",
        help="how many stations may fail; more: exit code 1 and no output, but what "
        "worked is kept for the next run; default 0",
    )
    parser.add_argument(
        "--traceback-limit",
        type=int,
        default=3,
        metavar="N",
        help="levels of a traceback to print; default 3",
    )
    parser.add_argument(
        "--work-dir",
        type=Path,
        metavar="DIR",
        help="where unfinished work is kept; default OUT.h5.work",
    )
    parser.add_argument(
        "--seal-every",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="a kill loses what was done since the last seal: the first comes after "
        "this time, later ones after 5%% of the run's time; default 30",
    )
    parser.add_argument(
        "--outcomes",
        type=Path,
        metavar="FILE.jsonl",
        help="write what became of each station here, for 'manifest'",
    )
    parser.add_argument(
        "--only-failed",
        action="store_true",
        help="OUT.h5 and its --outcomes exist: try again what failed, also with a "
        "mended function, and replace both when that is done",
    )
    parser.add_argument(
        "--progress",
        choices=("auto", "bar", "lines", "none"),
        default="auto",
        help="default auto: a bar on a terminal, else a line now and then",
    )
    add_selection(parser)
    add_windows(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Process the file and sum up."""
    tag_map = read_tag_map(args.tag)
    parameters = read_parameters(args.parameters)

    # A rank of an MPI job waits within MPI, where no exception would reach it.
    early = nullcontext() if launched_ranks() > 1 else terminable(_GOES_ON)
    with early:
        from asdf_pipeline import engine

        report = engine.run(
            engine.Task(
                input=args.input,
                output=args.output,
                function=args.function,
                tag_map=tag_map,
                parameters=parameters,
                backend=args.backend,
                workers=args.workers,
                io=args.io,
                max_failures=args.max_failures,
                traceback_limit=args.traceback_limit,
                work_dir=args.work_dir,
                outcomes=args.outcomes,
                only_failed=args.only_failed,
                seal_every=args.seal_every,
                selection=read_selection(args),
                windows=read_windows(args),
                progress=args.progress,
            )
        )
    _LOGGER.info("%s", report)
