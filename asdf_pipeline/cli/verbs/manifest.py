"""``asdf-pipeline manifest``: the table of stations of a processed file."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb, refuse_replacing
from asdf_pipeline.errors import CallError, VerificationError
from asdf_pipeline.plan.outcome import STATUSES
from asdf_pipeline.text import plural

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Sequence

    from asdf_pipeline.plan.outcome import Outcome

log = logging.getLogger(__name__)

_DESCRIPTION = """\
Write the station manifest: one row for each station and input tag, with what became
of it (ok, empty, failed, skipped), its traces, times, channels and content digest.

The outcomes that 'process' recorded are compared with both files first: a station
that is missing, extra or has another number of samples is an error. The manifest
holds content only, so two runs over the same data compare with 'diff'; what depends
on the run (seconds, attempts, worker) goes to --timings.

With --join the manifests of several data sets become one."""

_EXAMPLES = """\
  asdf-pipeline manifest staged.h5 processed.h5 --outcomes outcomes.jsonl \\
      --dataset alps --output stations.csv --timings timings.csv
  asdf-pipeline manifest --join alps/stations.csv andes/stations.csv \\
      --output all_stations.csv"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "manifest",
        "write the table of stations of a processed file",
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
        help="the outcomes that 'process' recorded",
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
    from asdf_pipeline.plan.outcome import read_outcomes

    source, output = args.files
    for made in (args.output, args.timings):
        refuse_replacing(made, (source, output, args.outcomes))
    dataset = args.dataset or source.stem
    outcomes = read_outcomes(args.outcomes)
    try:
        check_source(outcomes, source)
        check_output(outcomes, output)
    except VerificationError as error:
        msg = f"{args.outcomes}: {error}"
        raise VerificationError(msg) from None
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


def check_source(outcomes: Sequence[Outcome], source: Path) -> None:
    """Check that the outcomes account for every station of the input.

    Raises
    ------
    VerificationError
        If a station is missing, is not in the input, or has fewer samples there.
    """
    tags = {outcome.input_tag for outcome in outcomes}
    there = {key: counts for key, counts in _counts(source).items() if key[1] in tags}
    recorded = {(outcome.station, outcome.input_tag) for outcome in outcomes}
    for station, tag in sorted(there.keys() - recorded):
        msg = f"no outcome for station {station}, tag {tag}, which is in {source}"
        raise VerificationError(msg)
    for station, tag in sorted(recorded - there.keys()):
        msg = f"station {station}, tag {tag}, is not in {source}"
        raise VerificationError(msg)
    for outcome in outcomes:
        traces, samples = there[outcome.station, outcome.input_tag]
        # A selection reads less than there is, overlapping windows read some twice,
        # in more pieces than there are traces.
        if outcome.traces_in <= traces and outcome.samples_in > samples:
            msg = (
                f"station {outcome.station}, tag {outcome.input_tag}: "
                f"{outcome.samples_in} samples were read, {source} has {samples}"
            )
            raise VerificationError(msg)


def check_output(outcomes: Sequence[Outcome], output: Path) -> None:
    """Check that the output holds what the outcomes say was written, and no more.

    Raises
    ------
    VerificationError
        If a station has more or fewer traces or samples than its outcomes say.
    """
    from asdf_pipeline.plan.agreement import first_difference

    difference = first_difference(output, outcomes, more_auxiliary=True)
    if difference is not None:
        msg = f"{output}: {difference}: outcomes and file are not of the same run"
        raise VerificationError(msg)


def _counts(path: Path) -> dict[tuple[str, str], tuple[int, int]]:
    """Return the numbers of traces and samples by station and tag."""
    from asdf_pipeline.container.names import tag_of
    from asdf_pipeline.container.reader import Reader

    counts = {}
    with Reader(path) as reader:
        for station in reader.stations():
            traces = Counter(tag_of(name) for name in reader.names(station))
            for tag, samples in reader.samples_by_tag(station).items():
                counts[station, tag] = (traces[tag], samples)
    return counts
