"""``asdf-pipeline info``: what is in an ASDF file, or installed here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.errors import CallError

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Say what is in an ASDF file: stations, traces, tags, time span, events, sizes.
With --system: the versions of what is installed, and the machine, for a report."""

_EXAMPLES = """\
  asdf-pipeline info processed.h5
  asdf-pipeline info --json processed.h5
  asdf-pipeline info --system"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers, "info", "say what is in a file", _DESCRIPTION, _EXAMPLES
    )
    parser.add_argument("file", type=Path, metavar="FILE.h5", nargs="?")
    parser.add_argument(
        "--system", action="store_true", help="versions and machine, instead of a file"
    )
    parser.add_argument(
        "--json", action="store_true", help="as JSON, for other programs"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print what is in the file, or what is installed."""
    if (args.file is None) != args.system:
        msg = "give either a file or --system"
        raise CallError(msg)
    if args.system and not args.json:
        from asdf_pipeline.dataset.system import print_sys_info

        print_sys_info()
        return
    if args.system:
        from asdf_pipeline.dataset.system import get_sys_info

        facts = get_sys_info()
    else:
        facts = _survey(args.file)
    if args.json:
        print(json.dumps(facts, indent=2))
        return
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):<22}{_cell(value)}")


def _survey(path: Path) -> dict[str, Any]:
    """Return the facts of a file by name, in the order to print them."""
    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.manifest import format_time
    from asdf_pipeline.metadata.events import count_events

    with Reader(path) as reader:
        stations = reader.stations()
        traces: dict[str, int] = {}
        samples: dict[str, int] = {}
        starts, ends, sample_bytes, described = [], [], 0, 0
        for station in stations:
            for header in reader.headers(station):
                traces[header.tag] = traces.get(header.tag, 0) + 1
                samples[header.tag] = samples.get(header.tag, 0) + header.npts
                starts.append(header.starttime)
                ends.append(header.endtime)
                sample_bytes += header.npts * header.dtype.itemsize
            described += reader.stationxml(station) is not None
        size = path.stat().st_size
        return {
            "file": str(path),
            "format_version": reader.format_version,
            "stations": len(stations),
            "with_stationxml": described,
            "tags": sorted(traces),
            "traces": sum(traces.values()),
            "samples": sum(samples.values()),
            "traces_by_tag": dict(sorted(traces.items())),
            "samples_by_tag": dict(sorted(samples.items())),
            "start": format_time(min(starts, default=None)),
            "end": format_time(max(ends, default=None)),
            "events": count_events(reader.quakeml()),
            "provenance_records": len(reader.provenance()),
            "auxiliary_data": reader.auxiliary_paths(),
            "file_bytes": size,
            "sample_bytes": sample_bytes,
            "file_to_sample_bytes": round(size / sample_bytes, 3)
            if sample_bytes
            else None,
        }


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {count:,}" for name, count in value.items()) or "-"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, int):
        return f"{value:,}"
    return "-" if value in (None, "") else str(value)
