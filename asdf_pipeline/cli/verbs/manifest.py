"""``asdf-pipeline manifest``: the table of stations, or pairs, of what was made."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb, refuse_replacing
from asdf_pipeline.cli.outcomes import outcomes_of_run
from asdf_pipeline.errors import CallError
from asdf_pipeline.plan.outcome import STATUSES
from asdf_pipeline.text import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection


log = logging.getLogger(__name__)

_DESCRIPTION = """\
Write the station manifest: one row for each station and input tag, with what became
of it (ok, empty, failed, skipped), its traces, times, channels and content digest.

The outcomes that 'process' recorded are compared with both files first: a station
that is missing, extra or has another number of samples is an error. The manifest
holds content only, so two runs over the same data compare with 'diff'; what depends
on the run (seconds, attempts, worker) goes to --timings.

Of the outcomes of 'pairs' it is a table of pairs: one row each, with where both
stations are, distance, azimuths, status, windows, and what the function's row says.

With --join the manifests of several data sets become one."""

_EXAMPLES = """\
  asdf-pipeline manifest staged.h5 processed.h5 --outcomes outcomes.jsonl \\
      --dataset alps --output stations.csv --timings timings.csv
  asdf-pipeline manifest processed.h5 pairs.h5 --outcomes pairs_outcomes.jsonl \\
      --output pairs.csv
  asdf-pipeline manifest --join alps/stations.csv andes/stations.csv \\
      --output all_stations.csv"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "manifest",
        "write the table of stations, or pairs, of what was made",
        _DESCRIPTION,
        _EXAMPLES,
    )
    parser.add_argument(
        "files", type=Path, nargs="*", metavar="IN.h5 OUT.h5", help="the two files"
    )
    parser.add_argument(
        "--outcomes",
        type=Path,
        metavar="FILE.jsonl",
        help="the outcomes that 'process' or 'pairs' recorded",
    )
    parser.add_argument(
        "--dataset", metavar="NAME", help="the data set's name (default: IN's name)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="STATIONS.csv",
        help="the manifest to write",
    )
    parser.add_argument(
        "--timings", type=Path, metavar="TIMINGS.csv", help="also write the timings"
    )
    parser.add_argument(
        "--join",
        type=Path,
        nargs="+",
        metavar="STATIONS.csv",
        help="manifests to join into one, instead of IN.h5 and OUT.h5",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Write the manifest of one data set, or join several."""
    if args.join is not None:
        if args.files or args.outcomes or args.dataset or args.timings:
            msg = "--join goes with --output only"
            raise CallError(msg)
        from asdf_pipeline.manifest import join_manifests

        refuse_replacing(args.output, args.join)
        joined = join_manifests(args.join, args.output)
        of = f" of {plural(joined['dataset'].nunique(), 'data set')}"
        log.info("%s: %s", args.output, _summary(joined["status"], of))
        return
    if len(args.files) != 2 or args.outcomes is None:
        msg = "give IN.h5, OUT.h5 and --outcomes FILE, or --join"
        raise CallError(msg)

    from asdf_pipeline.manifest import (
        STATION_COLUMNS,
        TIMING_COLUMNS,
        station_rows,
        timings_rows,
        write_table,
    )
    from asdf_pipeline.pair_manifest import (
        are_pairs,
        write_pair_timings,
        write_pairs,
    )

    source, output = args.files
    for made in (args.output, args.timings):
        refuse_replacing(made, (source, output, args.outcomes))
    dataset = args.dataset or source.stem
    outcomes = outcomes_of_run(args.outcomes, source, output)
    if are_pairs(outcomes):
        write_pairs(outcomes, dataset, args.output)
        log.info("%s: %s", args.output, _summary([one.status for one in outcomes]))
        if args.timings is not None:
            write_pair_timings(outcomes, dataset, args.timings)
        return
    stations = station_rows(outcomes, dataset)
    write_table(stations, STATION_COLUMNS, args.output)
    statuses = [row["status"] for row in stations]
    log.info("%s: %s", args.output, _summary(statuses))
    if args.timings is not None:
        write_table(timings_rows(outcomes, dataset), TIMING_COLUMNS, args.timings)


def _summary(statuses: Collection[str], of: str = "") -> str:
    """Return what a manifest holds: ``"3 rows (2 ok, 1 empty)"``."""
    there = Counter(statuses)
    counts = ", ".join(f"{there[name]} {name}" for name in STATUSES if there[name])
    return f"{plural(len(statuses), 'row')}{of} ({counts})"
