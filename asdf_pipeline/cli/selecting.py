"""Arguments that say what of an input is to be done, and in which windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asdf_pipeline.errors import CallError
from asdf_pipeline.pipeline.values import make_windows, read_time
from asdf_pipeline.plan.selection import Selection

if TYPE_CHECKING:
    import argparse

    from asdf_pipeline.plan.selection import Windows


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of a selection."""
    group = parser.add_argument_group(
        "selection", "what is left out is 'skipped' in the manifest"
    )
    for name, what in (("--stations", "only these"), ("--exclude", "none of these")):
        group.add_argument(
            name,
            nargs="+",
            action="extend",
            default=[],
            metavar="NET.STA",
            help=f"{what}: names or patterns such as 'BW.*'",
        )
    group.add_argument(
        "--channels",
        nargs="+",
        action="extend",
        default=[],
        metavar="CHA",
        help="only these: codes or patterns such as 'BH?', with the location '00.BHZ'",
    )
    group.add_argument(
        "--starttime", metavar="TIME", help="nothing before, as 2024-01-31T12:00:00"
    )
    group.add_argument("--endtime", metavar="TIME", help="nothing after")
    group.add_argument(
        "--limit", type=int, metavar="N", help="at most so many stations, for a trial"
    )


def add_windows(
    parser: argparse.ArgumentParser,
    what: str = "long traces are read, processed and written piece by piece",
    *,
    joined: bool = True,
) -> argparse._ArgumentGroup:
    """Declare the arguments of windows; return their group.

    Parameters
    ----------
    what : str
        What they do, for the help.
    joined : bool
        Whether the pieces of a station become one trace again.
    """
    group = parser.add_argument_group("windows", what)
    group.add_argument(
        "--window",
        metavar="LENGTH",
        help="such as 1d, 6h, 90s; memory is bounded by it, however long the traces",
    )
    group.add_argument(
        "--overlap",
        default="0s",
        metavar="LENGTH",
        help="what the function sees before and after each window"
        + "; it is trimmed from what it returns" * joined
        + "; default none",
    )
    if not joined:
        parser.set_defaults(align="round", no_join=False)
        return group
    group.add_argument(
        "--align",
        choices=("round", "trace"),
        default="round",
        help="windows start at round times (days at midnight), or at the station's "
        "first sample; default round",
    )
    group.add_argument(
        "--no-join",
        action="store_true",
        help="leave the pieces as they are; default: those that touch are one trace",
    )
    return group


def read_selection(args: argparse.Namespace) -> Selection:
    """Return the selection that the arguments say.

    Raises
    ------
    CallError
        If a time is none, or the limit is not positive.
    """
    if args.limit is not None and args.limit < 1:
        msg = f"--limit {args.limit}: expected a number of stations, 1 or more"
        raise CallError(msg)
    return Selection(
        tuple(args.stations),
        tuple(args.exclude),
        tuple(args.channels),
        read_time("--starttime", args.starttime),
        read_time("--endtime", args.endtime),
        args.limit,
    )


def read_windows(args: argparse.Namespace) -> Windows | None:
    """Return the windows that the arguments say, None for whole traces.

    Raises
    ------
    CallError
        If a length is none, or there is an overlap of no windows.
    """
    return make_windows(
        {"--window": args.window, "--overlap": args.overlap},
        args.align,
        not args.no_join,
    )
