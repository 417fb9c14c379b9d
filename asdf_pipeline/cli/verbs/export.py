"""``asdf-pipeline export``: the waveforms of an ASDF file as other files."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.cli.running import add_keeping, add_team
from asdf_pipeline.cli.selecting import add_selection, read_selection
from asdf_pipeline.cli.stopping import terminable

if TYPE_CHECKING:
    import argparse

log = logging.getLogger(__name__)
_RESUMES = "what is written stays, the same command goes on from there"

_DESCRIPTION = """\
Write the waveforms of an ASDF file as miniSEED, SAC, GSE2, SLIST or TSPAIR files, with
StationXML and QuakeML beside them.

--to is a template of the files' paths: fields are {network}, {station}, {location},
{channel}, {tag}, {start}, {end}, {year}, {jday}, {month} and {day}. Or it is a
directory, and --layout an archive's layout. Where the template names days and no
{start}, traces are split at midnight (UTC).

Each file is read back by ObsPy and held against the traces before it gets its name:
what the format cannot hold is an error, unless --lossy. Nothing is overwritten: what
is there already and the same is left alone, so the same command, given again, goes on;
what is there and differs is an error, unless --overwrite. NAME.export.csv beside the
files lists them, with checksums.

SAC headers are filled from StationXML, from the event that a trace belongs to, and with
what 'stage' kept of the headers of SAC files (docs/export.md)."""

_EXAMPLES = """\
  asdf-pipeline export processed.h5 --format mseed \\
      --to 'out/{network}.{station}.{location}.{channel}.{start}.mseed'
  asdf-pipeline export processed.h5 --format mseed --layout sds --to archive
  asdf-pipeline export processed.h5 --format sac --tag processed --stations 'BW.*' \\
      --to 'out/{station}/{network}.{station}.{location}.{channel}.{start}.sac'"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "export",
        "write waveforms as miniSEED, SAC, GSE2, ...",
        _DESCRIPTION,
        _EXAMPLES,
    )
    parser.add_argument("input", type=Path, metavar="FILE.h5", help="is never changed")
    parser.add_argument(
        "--format", required=True, help="mseed, sac, gse2, slist or tspair"
    )
    parser.add_argument(
        "--to",
        required=True,
        metavar="TEMPLATE|DIR",
        help="the template of the files' paths, or with --layout their directory",
    )
    parser.add_argument(
        "--layout",
        metavar="NAME|TEMPLATE",
        help="how paths below --to are made: sds, bud, scedc, ncedc, earthscope, or a "
        "template (docs/staging.md)",
    )
    parser.add_argument(
        "--tag",
        nargs="+",
        action="extend",
        default=[],
        help="only waveforms with these tags; default all",
    )
    parser.add_argument(
        "--event",
        default="",
        metavar="ID",
        help="resource id of the event for the SAC headers of traces that name none",
    )
    parser.add_argument(
        "--no-metadata",
        dest="metadata",
        action="store_false",
        help="write no StationXML and QuakeML",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files that differ"
    )
    parser.add_argument(
        "--lossy",
        action="store_true",
        help="round, or leave out, what the format cannot hold: samples, times, codes",
    )
    parser.add_argument(
        "--table",
        type=Path,
        metavar="FILE.csv",
        help="where the table of files is written; must not exist; default "
        "NAME.export.csv beside the files, which is replaced",
    )
    add_team(parser)
    add_keeping(
        parser, "a hidden directory beside the files, named after FILE and --to"
    )
    add_selection(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Export the file and sum up."""
    selection = read_selection(args)
    with terminable(_RESUMES):
        from asdf_pipeline.export import ExportTask, Places, export

        report = export(
            ExportTask(
                input=args.input,
                places=Places.of(args.to, args.layout),
                format=args.format,
                tags=tuple(args.tag),
                selection=selection,
                metadata=args.metadata,
                overwrite=args.overwrite,
                lossy=args.lossy,
                event=args.event,
                table=args.table,
                backend=args.backend,
                workers=args.workers,
                io="segments",
                max_failures=0,
                work_dir=args.work_dir,
                progress=args.progress,
            )
        )
    log.info("%s", report)
