"""``asdf-pipeline config check``: what is wrong with a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb
from asdf_pipeline.text import plural

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Check the pipeline's configuration and the table of data sets that it names, as
snakemake does before it runs anything: keys, columns, patterns, functions, steps, tags.
All problems are listed, a line each. Then load the functions, which runs the files
that they are in, and check that they take their parameters.
Paths are relative to the working directory, as they are for snakemake."""

_EXAMPLES = "  asdf-pipeline config check"


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers,
        "config",
        "check the pipeline's configuration, and run nothing",
        _DESCRIPTION,
        _EXAMPLES,
    )
    parser.add_argument("action", choices=["check"], help="what to do with it")
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        default=Path("config/config.yaml"),
        metavar="CONFIG.yaml",
        help="default: config/config.yaml",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Check the configuration and print a line for each data set."""
    from asdf_pipeline.pipeline.workflow import Pipeline

    pipeline = Pipeline.load(args.file)
    pipeline.load_functions()
    for name, dataset in pipeline.datasets.items():
        process = pipeline.tasks[name].process
        applied = process.get("function") or plural(len(process["steps"]), "step")
        tags = ", ".join(f"{tag} -> {made}" for tag, made in process["tag_map"].items())
        print(f"{name}: {plural(len(dataset.all_files()), 'file')}, {applied}, {tags}")
    print(f"{args.file}: {plural(len(pipeline.datasets), 'data set')}, nothing wrong")
