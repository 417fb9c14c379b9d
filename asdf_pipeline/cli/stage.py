"""``asdf-pipeline stage``: files that people have to one ASDF file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.cli.stopping import terminable
from asdf_pipeline.errors import CallError

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Put waveforms, station metadata and events into one ASDF file.

Patterns are those of the shell (*, ?, [...], ** for any depth); quote them, or let
the shell expand them, as you like. A pattern that matches nothing is an error.
Waveforms may be in any format that ObsPy reads (miniSEED, SAC, GSE2, ...), station
metadata StationXML or another inventory format, events QuakeML or another event
format. Overlapping pieces stay separate traces: nothing is merged, nothing filled.

With --asdf an existing ASDF file is checked and linked: its data is not copied."""

_EXAMPLES = """\
  asdf-pipeline stage --waveforms 'data/**/*.mseed' --stations 'meta/*.xml' \\
      --events quake.xml --tag raw_recording --output staged.h5
  asdf-pipeline stage --asdf example.h5 --output staged.h5"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "stage",
        "put waveforms, StationXML and QuakeML into one ASDF file",
        _DESCRIPTION,
        _EXAMPLES,
    )
    for name, what in (
        ("waveforms", "waveform files"),
        ("stations", "station metadata files"),
        ("events", "event files"),
    ):
        parser.add_argument(
            f"--{name}",
            nargs="+",
            action="extend",
            default=[],
            metavar="GLOB",
            help=f"patterns of {what}",
        )
    parser.add_argument(
        "--tag", help="tag of the waveforms in the ASDF file, such as raw_recording"
    )
    parser.add_argument(
        "--asdf", type=Path, metavar="FILE.h5", help="an ASDF file, instead of patterns"
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="STAGED.h5",
        help="the ASDF file to make; it must not exist yet",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Stage the files."""
    patterns = bool(args.waveforms or args.stations or args.events)
    if args.asdf is not None and (patterns or args.tag):
        msg = "--asdf goes without --waveforms, --stations, --events and --tag"
        raise CallError(msg)
    if args.asdf is None and not (args.waveforms and args.tag):
        msg = "give --waveforms and --tag, or --asdf"
        raise CallError(msg)

    from asdf_pipeline.stage import stage, stage_asdf

    with terminable("nothing was written"):
        if args.asdf is not None:
            stage_asdf(args.asdf, args.output)
        else:
            stage(args.waveforms, args.stations, args.events, args.tag, args.output)
