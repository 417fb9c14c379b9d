"""``asdf-pipeline verify``: compare a file with its checksums and its manifest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.errors import EXIT_DATA, InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

_DESCRIPTION = """\
Read everything in an ASDF file and compare it with its checksums and its manifest.

Problems are printed on stderr, one a line. Without --manifest only damage that the
file's own checksums show is found; with it also missing, extra and edited traces."""

_EXAMPLES = """\
  asdf-pipeline verify processed.h5
  asdf-pipeline verify processed.h5 --manifest stations.csv"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers, "verify", "check a file's content", _DESCRIPTION, _EXAMPLES
    )
    parser.add_argument("file", type=Path, metavar="FILE.h5")
    parser.add_argument(
        "--manifest",
        type=Path,
        metavar="STATIONS.csv",
        help="the manifest that 'asdf-pipeline manifest' made for this file",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what is wrong; return 1 if anything is."""
    from asdf_pipeline.container.verify import verify

    rows: list[dict[str, Any]] | None = None
    if args.manifest is not None:
        from asdf_pipeline.manifest import read_manifest

        table = read_manifest(args.manifest)
        records_of = _records(args.file)
        rows = [
            {
                **{str(name): cell for name, cell in row.items()},
                "records": records_of(row),
            }
            for row in table.to_dict("records")
        ]
    problems = verify(args.file, rows)
    for problem in problems:
        print(f"{args.file}: {problem}", file=sys.stderr)
    if problems:
        return EXIT_DATA
    print(f"{args.file}: ok")
    return 0


def _records(path: Path) -> Callable[[Mapping[Any, Any]], list[str]]:
    """Return a function of a manifest's row: the provenance ids its traces may have."""
    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.plan.outcome import unit_id
    from asdf_pipeline.provenance.ids import trace_id
    from asdf_pipeline.provenance.reading import read_runs

    try:
        with Reader(path) as reader:
            runs = read_runs(reader.provenance())
    except InputError:  # the check of the file reports it
        runs = []

    def records(row: Mapping[Any, Any]) -> list[str]:
        station = f"{row['network']}.{row['station']}"
        unit = unit_id((station,), str(row["input_tag"]), None)
        return [trace_id(run.id, unit) for run in runs]

    return records
