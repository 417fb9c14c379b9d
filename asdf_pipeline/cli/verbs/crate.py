"""``asdf-pipeline crate``: what a pipeline made, as an RO-Crate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.cli.stopping import terminable

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Make a Workflow Run RO-Crate of what the pipeline made: workflow, configuration, table
of data sets, function files, manifests, outcomes, reports, provenance, versions,
content digests, and the staged files, from which others make it again:

  asdf-pipeline reproduce CRATE

A name that ends in .zip makes a ZIP file, ready for an archive such as Zenodo."""

_EXAMPLES = """\
  asdf-pipeline crate results --output alps.zip --license CC-BY-4.0 \\
      --title 'Velocities of the Alps' --author 'A. Seismologist'
  asdf-pipeline crate results --output crate --license CC0-1.0 --data none"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "crate",
        "make an RO-Crate of what the pipeline made",
        _DESCRIPTION,
        _EXAMPLES,
    )
    parser.add_argument(
        "results",
        type=Path,
        nargs="?",
        default=Path("results"),
        metavar="DIR",
        help="the pipeline's directory of results; default results",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="CRATE",
        help="the directory, or the .zip file, to make; it must not exist",
    )
    parser.add_argument(
        "--license",
        required=True,
        metavar="SPDX",
        help="under which others may use it: CC-BY-4.0, or an address",
    )
    parser.add_argument(
        "--title",
        default="Seismic data processed with asdf_pipeline",
        metavar="TEXT",
        help="default: %(default)s",
    )
    parser.add_argument(
        "--description",
        default="A function applied to every station: how, and what became of each.",
        metavar="TEXT",
        help="default: %(default)s",
    )
    parser.add_argument(
        "--author",
        action="append",
        default=[],
        metavar="NAME",
        help="'A. Name' or 'A. Name https://orcid.org/...'; may be given again",
    )
    parser.add_argument(
        "--data",
        choices=("none", "inputs", "all"),
        default="inputs",
        help="which ASDF files are in it: staged.h5 (inputs), processed.h5 too (all); "
        "default inputs",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Make the crate."""
    from asdf_pipeline.crate import Citation, make_crate

    citation = Citation(args.title, args.description, args.license, args.author)
    with terminable("nothing was written"):
        make_crate(args.results, args.output, citation, args.data)
