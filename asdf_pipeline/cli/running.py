"""Arguments of the verbs that run a function: which one, by whom, how carefully."""

from __future__ import annotations

import logging
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import (
    max_failures_argument,
    read_levels,
    read_parameters,
    read_workers,
)
from asdf_pipeline.cli.ranks import is_first_rank
from asdf_pipeline.cli.selecting import read_selection
from asdf_pipeline.cli.stopping import terminable
from asdf_pipeline.journal.segments import MINIMUM_AGE
from asdf_pipeline.team import IO, TEAMS

if TYPE_CHECKING:
    import argparse

    from asdf_pipeline.engine import RunReport

log = logging.getLogger(__name__)

_RESUMES = "what is done is kept, the same command goes on from there"


def add_function(parser: argparse.ArgumentParser) -> None:
    """Declare the function and its parameters."""
    parser.add_argument(
        "--function",
        required=True,
        metavar="MODULE:NAME",
        help="pkg.mod:func, or path/to/file.py:func",
    )
    parser.add_argument(
        "--parameters",
        metavar="FILE|MAPPING",
        help="keyword arguments for the function: a YAML or JSON file, or the "
        "mapping itself",
    )


def add_running(
    parser: argparse.ArgumentParser, output: str = "OUT.h5", units: str = "stations"
) -> None:
    """Declare who does the work and what becomes of what fails or ends early.

    Parameters
    ----------
    output : str
        What the work directory is named after, for the help.
    units : str
        What may fail, for the help.
    """
    add_team(parser)
    parser.add_argument(
        "--io",
        choices=IO,
        default="auto",
        help="how MPI ranks write: all into one file by parallel HDF5, or each its "
        "own compressed segment, merged at the end; default auto: parallel where "
        "h5py can",
    )
    add_failures(parser, units)
    parser.add_argument(
        "--traceback-limit",
        type=read_levels,
        default=3,
        metavar="N",
        help="innermost levels of a traceback to print, beside those of your own "
        "files; the outcomes keep all; default 3",
    )
    parser.add_argument(
        "--seal-every",
        type=float,
        default=MINIMUM_AGE,
        metavar="SECONDS",
        help="a kill loses what was done since the last seal: the first comes after "
        "this time, later ones after 5%% of the run's time; default %(default)g",
    )
    parser.add_argument(
        "--no-events",
        action="store_true",
        help="leave the input's events alone, such as damaged ones: the output has "
        "none, and the function gets none",
    )
    parser.add_argument(
        "--copy-auxiliary",
        action="store_true",
        help="copy the (first) input's auxiliary data to the output",
    )
    add_keeping(parser, f"{output}.work")


def add_failures(parser: argparse.ArgumentParser, units: str = "stations") -> None:
    """Declare how many units may fail, and where it is kept what became of each.

    Parameters
    ----------
    units : str
        What may fail, for the help.
    """
    parser.add_argument(
        "--max-failures",
        type=max_failures_argument,
        default=0,
        metavar="N|P%",
        help=f"how many {units} may fail; more: exit code 1 and no output, but what "
        "worked is kept for the next run; default 0",
    )
    parser.add_argument(
        "--outcomes",
        type=Path,
        metavar="FILE.jsonl",
        help="write what became of each of them here, for 'manifest'",
    )


def add_team(parser: argparse.ArgumentParser) -> None:
    """Declare who does the work."""
    parser.add_argument(
        "--backend",
        choices=("auto", *TEAMS),
        default="auto",
        help="default auto: MPI when started by its launcher, Dask when a scheduler "
        "is named, else multiprocessing",
    )
    parser.add_argument(
        "--workers",
        type=read_workers,
        default=-1,
        metavar="N",
        help="processes (multiprocessing, or a Dask cluster of this machine); "
        "default: all cores of this process",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS|FILE",
        help="Dask's scheduler, such as tcp://node1:8786, or the file that 'dask "
        "scheduler --scheduler-file' wrote; --backend dask without it: "
        "DASK_SCHEDULER_ADDRESS, else workers on this machine",
    )


def add_keeping(parser: argparse.ArgumentParser, output: str) -> None:
    """Declare where unfinished work is kept, and how progress is shown.

    Parameters
    ----------
    output : str
        Where it is kept where nothing is said, for the help.
    """
    parser.add_argument(
        "--work-dir",
        type=Path,
        metavar="DIR",
        help=f"where unfinished work is kept; default {output}",
    )
    parser.add_argument(
        "--progress",
        choices=("auto", "bar", "lines", "none"),
        default="auto",
        help="default auto: a bar on a terminal, else a line now and then",
    )


def run_with_table(args: argparse.Namespace, kind: str, **more: Any) -> None:
    """Run a task that may make a table of rows; without output and table it is printed.

    Parameters
    ----------
    kind, more
        See `run_task`.
    """
    with ExitStack() as stack:
        table = args.table
        if args.output is None and table is None:
            folder = stack.enter_context(TemporaryDirectory())
            table = Path(folder) / "table.csv"
        report = run_task(args, kind, output=args.output, table=table, **more)
    if args.output is None and args.table is None and is_first_rank():
        report.table.to_csv(sys.stdout, index=False, lineterminator="\n")
    log.info("%s", report)


def run_task(
    args: argparse.Namespace, kind: str = "ProcessTask", **more: Any
) -> RunReport:
    """Run a task that these arguments, and some of the verb's own, describe.

    Parameters
    ----------
    kind : str
        Which of the engine's tasks.
    more
        Further arguments of it.

    Raises
    ------
    ASDFPipelineError
        See `engine.run`.
    """
    parameters = read_parameters(args.parameters)
    selection = read_selection(args)
    with terminable(_RESUMES):
        from asdf_pipeline import engine

        return engine.run(
            getattr(engine, kind)(
                input=args.input,
                function=args.function,
                parameters=parameters,
                backend=args.backend,
                workers=args.workers,
                scheduler=args.scheduler,
                io=args.io,
                max_failures=args.max_failures,
                traceback_limit=args.traceback_limit,
                work_dir=args.work_dir,
                outcomes=args.outcomes,
                seal_every=args.seal_every,
                no_events=args.no_events,
                copy_auxiliary=args.copy_auxiliary,
                selection=selection,
                progress=args.progress,
                **more,
            )
        )
