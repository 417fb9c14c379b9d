"""``asdf-pipeline init``: a directory in which ``snakemake`` runs the workflow."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.pipeline.project import make_project, profile_names

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Write a project: a Snakefile that takes the installed workflow, its configuration and
table of data sets, and a file with the function that is applied to every station.
Nothing is overwritten. Then, in that directory:

  asdf-pipeline config check    says what is wrong, and runs nothing
  snakemake --cores 8           makes everything"""

_EXAMPLES = """\
  asdf-pipeline init demo --example && cd demo && snakemake --cores 2
  asdf-pipeline init alps --profile slurm"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "init",
        "write a project for the pipeline to run in",
        _DESCRIPTION,
        _EXAMPLES,
    )
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="the directory; made if it is missing"
    )
    parser.add_argument(
        "--profile",
        choices=profile_names(),
        help="also where to run: a profile to be edited, for snakemake --profile",
    )
    parser.add_argument(
        "--example",
        action="store_true",
        help="with data sets: recordings that ObsPy brings",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Write the project and print its files and what to call next."""
    for path in make_project(args.folder, args.profile, example=args.example):
        print(path)
    where = f" --profile profiles/{args.profile}" if args.profile else ""
    if not args.example:
        print(f"next: name your data in {args.folder / 'config/datasets.tsv'}, then")
    print(f"cd {shlex.quote(str(args.folder))} && snakemake --cores 8{where}")
