"""``asdf-pipeline pairs``: a function, applied to every pair of stations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.cli.running import add_function, add_running, run_with_table
from asdf_pipeline.cli.selecting import add_selection, add_windows, read_windows
from asdf_pipeline.plan.pair_selection import (
    MEAN,
    NETWORKS,
    PREPARE_MEMORY,
    TILE,
    PairSelection,
)

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Apply a function to every pair of stations of an ASDF file.

The function gets two stations in the order of their names, or what another function
prepared of each, which is called far less often than there are pairs:

    def spectra(station):                      # a StationData: .stream, .inventory
        return {t.stats.channel: np.fft.rfft(t.data) for t in station.stream}

    def correlate(a, b, pair):                 # pair: .stations, .distance, .azimuth
        name = "/".join(station.replace(".", "_") for station in pair.stations)
        return Result(auxiliary={f"CrossCorrelation/{name}/{x}_{y}": ...
                                 for x in a for y in b if pair.combines(x, y)})

What it returns is auxiliary data of the output, or a row of the table; without OUT.h5
and --table the table is printed. By windows, each window's pairs are stacked. Failures,
resuming and MPI are as for 'process'. See docs/patterns.md."""

_EXAMPLES = """\
  asdf-pipeline pairs noise.h5 pairs.h5 --tag noise --window 1h --max-distance 300 \\
      --function mine.py:correlate --prepare mine.py:spectra --components ZZ
  asdf-pipeline pairs processed.h5 --tag processed --function mine.py:likeness \\
      --table likeness.csv"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "pairs",
        "apply a function to every pair of stations",
        _DESCRIPTION,
        _EXAMPLES,
    )
    parser.add_argument("input", type=Path, metavar="IN.h5", help="is never changed")
    parser.add_argument(
        "output",
        type=Path,
        nargs="?",
        metavar="OUT.h5",
        help="is made, for auxiliary data; must not exist",
    )
    add_function(parser)
    parser.add_argument(
        "--prepare",
        metavar="MODULE:NAME",
        help="a function of one station: the other gets what it returns of each; "
        "default: the function's own, if it brings one",
    )
    parser.add_argument(
        "--prepare-memory",
        type=float,
        default=PREPARE_MEMORY,
        metavar="MB",
        help="how much of what was prepared each worker keeps, in MiB; default "
        "%(default)g",
    )
    parser.add_argument(
        "--tag",
        help="which waveforms are read; may be left out where there is only one tag",
    )
    parser.add_argument(
        "--table",
        type=Path,
        metavar="OUT.csv",
        help="where rows are written; must not exist if there is no OUT.h5",
    )
    _add_choice(parser)
    add_running(parser, "OUT", "pairs")
    add_selection(parser)
    group = add_windows(parser, "each window's pairs, then stacked", joined=False)
    group.add_argument(
        "--stack",
        default=MEAN,
        metavar="mean|none|MODULE:NAME",
        help="what becomes of a pair's windows: their mean, all of them, or what a "
        "function of an iterator over the results returns; default mean",
    )
    parser.set_defaults(run=run)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    """Declare which pairs are done."""
    group = parser.add_argument_group("pairs", "which stations and channels make one")
    group.add_argument(
        "--max-distance",
        type=float,
        metavar="KM",
        help="only stations so near, by their coordinates",
    )
    group.add_argument(
        "--min-distance", type=float, metavar="KM", help="only stations so far apart"
    )
    group.add_argument(
        "--networks",
        choices=NETWORKS,
        default="all",
        help="only stations of the same network, or of different ones; default all",
    )
    group.add_argument(
        "--autocorrelations",
        action="store_true",
        help="each station makes a pair with itself, too",
    )
    group.add_argument(
        "--components",
        nargs="+",
        default=["all"],
        metavar="all|same|ZZ",
        help="which channels belong together: all, those of the same last letter, or "
        "two letters each, the first station's first; default all",
    )
    group.add_argument(
        "--tile",
        type=int,
        default=TILE,
        metavar="N",
        help="stations on a side of a tile of pairs that a worker gets at once; "
        "default %(default)s",
    )


def run(args: argparse.Namespace) -> None:
    """Do the pairs and sum up."""
    given = args.components
    pairs = PairSelection(
        args.max_distance,
        args.min_distance,
        args.networks,
        args.autocorrelations,
        given[0] if len(given) == 1 else tuple(given),
        args.tile,
    )
    run_with_table(
        args,
        "PairTask",
        tag=args.tag,
        pairs=pairs,
        prepare=args.prepare,
        prepare_memory_in_mb=args.prepare_memory,
        stack=None if args.stack == "none" else args.stack,
        windows=read_windows(args),
    )
