"""``asdf-pipeline stage``: files that people have to one ASDF file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb, read_parameters
from asdf_pipeline.cli.running import add_failures, add_keeping, add_team
from asdf_pipeline.cli.stopping import terminable
from asdf_pipeline.errors import CallError
from asdf_pipeline.text import plural

if TYPE_CHECKING:
    import argparse

    from asdf_pipeline.stage.fdsn_request import Request

log = logging.getLogger(__name__)
_RESUMES = "the same command goes on with what is sealed"
_CODES = ("network", "station", "location", "channel")
_CHOICE = ("layout", *_CODES, "starttime", "endtime")

_DESCRIPTION = """\
Put waveforms, station metadata and events into one ASDF file.

Patterns are those of the shell (*, ?, [...], ** for any depth); quote them, or let
the shell expand them, as you like. A pattern that matches nothing is an error.
Waveforms may be in any format that ObsPy reads (miniSEED, SAC, GSE2, ...), station
metadata StationXML or another inventory format, events QuakeML or another event
format. Overlapping pieces stay separate traces: nothing is merged, nothing filled.
Events and stations that only SAC headers describe are made of those headers. Files
without network and station codes are refused, unless --codes or --default-network and
--default-station say theirs.

From an archive the days that the patterns select are staged, from midnight to
midnight: the files of the days beside are looked into.

Stations are staged in parallel. The output appears when it is complete; what was
done when a run is stopped is kept, and the same command goes on from there.

With --asdf an existing ASDF file is checked and linked: its data is not copied."""

_EXAMPLES = """\
  asdf-pipeline stage --waveforms 'data/**/*.mseed' --stations 'meta/*.xml' \\
      --events quake.xml --tag raw_recording --output staged.h5
  asdf-pipeline stage --archive /sds --network BW --channel 'EH?' --tag raw_recording \\
      --starttime 2024-001 --endtime 2024-030 --stations bw.xml --output staged.h5
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
        "--archive",
        nargs="+",
        action="extend",
        default=[],
        metavar="DIR|URL",
        help="archives: directories, or addresses such as s3://scedc-pds, with a file "
        "for each channel, or station, and day",
    )
    parser.add_argument(
        "--layout",
        metavar="NAME|TEMPLATE",
        help="how the archives' paths are made: sds (the default), bud, scedc, ncedc, "
        "earthscope, or a template such as "
        "{network}/{station}/{channel}.{year}.{jday} (docs/staging.md)",
    )
    for name in _CODES:
        parser.add_argument(
            f"--{name}",
            metavar="CODES",
            help=f"{name}s to take from --archive: patterns, separated by commas",
        )
    for name, which in (("starttime", "first"), ("endtime", "last")):
        parser.add_argument(
            f"--{name}",
            metavar="DAY",
            help=f"{which} day to take from --archive: 2024-01-31 or 2024-031",
        )
    parser.add_argument(
        "--fdsn",
        type=Path,
        metavar="FILE.yaml",
        help="what to download from FDSN web services: url, network, station, "
        "location, channel, starttime, endtime, domain, events, windows, ... "
        "(docs/staging.md)",
    )
    parser.add_argument(
        "--no-sac-headers",
        dest="sac_headers",
        action="store_false",
        help="make no events and stations of SAC headers",
    )
    parser.add_argument(
        "--split-drift",
        action="store_true",
        help="split traces where the times of their miniSEED records part from start + "
        "n / rate by more than half a sample",
    )
    parser.add_argument(
        "--apply-calib",
        action="store_true",
        help="multiply samples by the factor that K-NET, GSE2, ... headers hold; they "
        "become float64",
    )
    parser.add_argument(
        "--codes",
        type=Path,
        metavar="FILE.tsv",
        help="table of codes for traces whose file has no network or station (SEG-Y, "
        "SU, WIN, Reftek, SEG-2, WAV, ...): columns file, trace_number, "
        "channel_number, network, station, location, channel (docs/staging.md)",
    )
    for name in _CODES:
        parser.add_argument(
            f"--default-{name}",
            metavar="CODE",
            help=f"{name} of such traces, where neither file nor --codes says one",
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
    add_team(parser)
    add_failures(parser)
    add_keeping(parser, "STAGED.h5.work")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Stage the files."""
    named = args.waveforms or args.archive or args.fdsn
    selects = [f"--{name}" for name in _CHOICE if getattr(args, name) is not None]
    if args.asdf is not None and (named or args.stations or args.events or args.tag):
        msg = "--asdf goes without any other source, and without --tag"
        raise CallError(msg)
    if args.asdf is None and not named:
        msg = "give --waveforms, --archive or --fdsn, or --asdf"
        raise CallError(msg)
    naming = [
        name
        for name in ("codes", *(f"default_{name}" for name in _CODES))
        if getattr(args, name) is not None
    ]
    if naming and not (args.waveforms or args.archive):
        options = ", ".join(f"--{name.replace('_', '-')}" for name in naming)
        msg = f"{options}: for files without codes: name --waveforms or --archive"
        raise CallError(msg)
    if args.asdf is None and not args.tag:
        msg = "give --tag: under which tag the waveforms are stored, raw_recording say"
        raise CallError(msg)
    if selects and not args.archive:
        msg = f"{', '.join(selects)}: say what is taken from an archive: name --archive"
        raise CallError(msg)

    from asdf_pipeline import engine
    from asdf_pipeline.stage import Codes, StageTask, stage_asdf
    from asdf_pipeline.stage.archive import Archive

    if args.asdf is not None:
        stage_asdf(args.asdf, args.output)
        return
    # --location=-- is an empty list to the argparse of Python 3.11 (bpo-14364).
    chosen = {
        name: getattr(args, name) or "--"
        for name in _CHOICE
        if getattr(args, name) not in (None, "")
    }
    # --default-location=-- likewise: there the empty location is no default.
    defaults = {name: getattr(args, f"default_{name}") or "" for name in _CODES}
    task = StageTask(
        output=args.output,
        tag=args.tag,
        waveforms=tuple(args.waveforms),
        stations=tuple(args.stations),
        events=tuple(args.events),
        request=_read_request(args.fdsn),
        archives=tuple(Archive.chosen(root, **chosen) for root in args.archive),
        sac_headers=args.sac_headers,
        split_drift=args.split_drift,
        apply_calib=args.apply_calib,
        codes=Codes.read(args.codes, **defaults),
        backend=args.backend,
        workers=args.workers,
        scheduler=args.scheduler,
        io="segments",
        max_failures=args.max_failures,
        outcomes=args.outcomes,
        work_dir=args.work_dir,
        progress=args.progress,
    )
    with terminable(_RESUMES):
        report = engine.run(task)
    outcomes = report.outcomes
    if outcomes:  # on the process that leads
        staged = [one for one in outcomes if one.status == "ok"]
        log.info(
            "%s: %s, %s, %s, tag %s",
            args.output,
            plural(len({one.station for one in staged}), "station"),
            plural(sum(one.traces_out for one in outcomes), "trace"),
            plural(sum(one.samples_out for one in outcomes), "sample"),
            args.tag,
        )
    log.info("%s", report)


def _read_request(path: Path | None) -> Request | None:
    """Return what is to be downloaded."""
    if path is None:
        return None
    from asdf_pipeline.stage.fdsn_request import Request

    return Request.read(read_parameters(str(path)) or {}, str(path))
