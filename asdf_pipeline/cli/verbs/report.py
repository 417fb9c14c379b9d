"""``asdf-pipeline report``: one HTML page that shows what a run made."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from asdf_pipeline.cli.arguments import add_verb, refuse_replacing
from asdf_pipeline.cli.outcomes import outcomes_of_run
from asdf_pipeline.errors import CallError
from asdf_pipeline.text import plural, size_text

log = logging.getLogger(__name__)

_DESCRIPTION = """\
Write a page (HTML) that shows what became of every station: a summary, a map, which
station has data when, waveforms and spectra before and after for a sample of
stations, distributions, a table to search, the failures with their tracebacks, and
how the file was made. The page is one file and needs no network.

Of the outcomes of 'pairs' it shows which pairs were made, and correlations by
distance.

Without OUT.h5 it shows what is known of a run that published nothing; its outcomes
are in the work directory."""

_EXAMPLES = """\
  asdf-pipeline report staged.h5 processed.h5 --outcomes outcomes.jsonl \\
      --output report.html
  asdf-pipeline report staged.h5 --outcomes processed.h5.work/outcomes.jsonl \\
      --output report.html"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "report",
        "write a page that shows what a run made",
        _DESCRIPTION,
        _EXAMPLES,
    )
    parser.add_argument("source", type=Path, metavar="IN.h5", help="what was processed")
    parser.add_argument(
        "processed", type=Path, nargs="?", metavar="OUT.h5", help="what was made of it"
    )
    parser.add_argument(
        "--outcomes",
        type=Path,
        required=True,
        metavar="FILE.jsonl",
        help="the outcomes that 'process' or 'pairs' recorded",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="REPORT.html",
        help="the page to write",
    )
    parser.add_argument(
        "--dataset", metavar="NAME", help="the data set's name (default: IN's name)"
    )
    parser.add_argument(
        "--waveforms",
        type=_number,
        default=12,
        metavar="N",
        help="stations whose waveforms are shown, failures first; default 12",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Write the page."""
    from asdf_pipeline.pair_manifest import are_pairs
    from asdf_pipeline.report.page import write_page
    from asdf_pipeline.report.pair_page import write_pair_page

    refuse_replacing(args.output, (args.source, args.processed, args.outcomes))
    if not args.output.absolute().parent.is_dir():
        msg = f"{args.output.parent}: no such directory for the report"
        raise CallError(msg)
    outcomes = outcomes_of_run(args.outcomes, args.source, args.processed)
    what = (args.source, args.processed, outcomes, args.output)
    dataset = args.dataset or args.source.stem
    if are_pairs(outcomes):
        write_pair_page(*what, dataset)
    else:
        write_page(*what, dataset, args.waveforms)
    size = size_text(args.output.stat().st_size)
    log.info("%s: %s, %s", args.output, plural(len(outcomes), "outcome"), size)


def _number(text: str) -> int:
    if not text.isdecimal():
        msg = f"{text!r}: expected a number of stations"
        raise argparse.ArgumentTypeError(msg)
    return int(text)
