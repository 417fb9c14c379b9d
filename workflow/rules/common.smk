# What the rules share: the checked configuration, input functions, resources.
import glob
import json
import os
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

try:
    VERSION = version("asdf_pipeline")
except PackageNotFoundError:
    raise WorkflowError(
        f"asdf_pipeline is not installed for {sys.executable}, which runs Snakemake: "
        "run 'pip install .' in its checkout"
    ) from None

# The rules' `python` is the one that runs Snakemake, also where its environment was
# not activated; on a cluster each job's Snakemake comes by here too.
os.environ.update(
    PATH=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
)


COLUMNS = ["dataset", "waveforms", "stations", "events", "asdf", "tag"]


def check(data, schema, where):
    """Validate data, fill in defaults, and say in one line what is wrong where."""
    try:
        validate(data, schema)
    except WorkflowError as error:
        found = error.__context__
        if not hasattr(found, "absolute_path"):
            raise
        place = [where, *map(str, found.absolute_path)]
        what = found.message.replace(
            "Additional properties are not allowed", "unknown key"
        )
        raise WorkflowError(f"{': '.join(place)}: {what}") from None


def read_datasets(path):
    """Return the table of data sets, checked, with '' in empty cells."""
    if not Path(path).is_file():
        raise WorkflowError(f"{path}: no such table of data sets (config: datasets)")
    table = pd.read_csv(
        path,
        sep="\t",
        comment="#",
        dtype=str,
        skipinitialspace=True,
        keep_default_na=False,
        na_values=[""],
    )
    check(table, "../schemas/datasets.schema.yaml", path)
    table = table.reindex(columns=COLUMNS).fillna("").set_index("dataset", drop=False)
    if table.empty:
        raise WorkflowError(f"{path}: no data set in the table")
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][0]
        raise WorkflowError(f"{path}: the data set {twice!r} is there twice")
    for dataset, row in table.iterrows():
        given = [column for column in row.index if row[column]]
        if ("waveforms" in given) == ("asdf" in given):
            raise WorkflowError(
                f"{path}: data set {dataset!r}: give either waveforms or asdf"
            )
        if "asdf" in given and len(given) > 2:
            raise WorkflowError(
                f"{path}: data set {dataset!r}: an ASDF file has its own stations, "
                "events and tags: leave these cells empty"
            )
    return table


check(config, "../schemas/config.schema.yaml", "config")
DATASETS = read_datasets(config["datasets"])
PROCESS = config["process"]


wildcard_constraints:
    dataset="[A-Za-z0-9][A-Za-z0-9._-]*",


def patterns(dataset, column):
    """Return a cell's patterns; {obspy} is where ObsPy is installed."""
    obspy = find_spec("obspy")
    home = str(Path(obspy.origin).parent) if obspy else "{obspy}"
    cell = DATASETS.at[dataset, column]
    return [pattern.replace("{obspy}", home) for pattern in cell.split()]


@cache
def matches(dataset, column):
    """Return the files that a cell's patterns match, each pattern at least one."""
    found = []
    for pattern in patterns(dataset, column):
        files = [
            path
            for path in glob.glob(pattern, recursive=True)
            if not Path(path).is_dir()
        ]
        if not files:
            raise WorkflowError(
                f"{config['datasets']}: data set {dataset!r}: "
                f"{column} {pattern!r} matches no file"
            )
        found += files
    return sorted(set(found))


def files_of(column):
    """Return the input function of a column: the files of a data set."""
    return lambda wildcards: matches(wildcards.dataset, column)


def stage_options(wildcards):
    """Return the options of `stage`: an ASDF file, or patterns and their tag."""
    dataset = wildcards.dataset
    if asdf := matches(dataset, "asdf"):
        return ["--asdf", *asdf]
    options = [f"--tag={DATASETS.at[dataset, 'tag'] or 'raw_recording'}"]
    for column in ("waveforms", "stations", "events"):
        if cell := patterns(dataset, column):
            options += [f"--{column}", *cell]
    return options


def function_file(wildcards):
    """Return the file of a function given as file.py:name: the work depends on it."""
    where, _, _ = PROCESS["function"].rpartition(":")
    return [where] if where.endswith(".py") else []


def tag_options(wildcards):
    """Return the options that spell the tag map."""
    return [f"--tag={source}={target}" for source, target in PROCESS["tag_map"].items()]


def no_environment(wildcards):
    """Return None: the rules run in the environment that runs Snakemake.

    The package is on no conda channel, so an environment that Snakemake makes for a
    rule could not hold it; environment.yml at the root makes one that holds all. Told
    by this function, `snakemake --lint` does not ask for one in every rule.
    """
    return None


def memory_of_one(wildcards, input, attempt):
    """Return the MB for one worker: a few copies of a large station, and ObsPy."""
    return attempt * int(1000 + min(input.size_mb / 10, 4000))


def memory_of_all(wildcards, input, threads, attempt):
    """Return the MB for all workers of a job on one node."""
    return threads * memory_of_one(wildcards, input, attempt)


def minutes(wildcards, input, attempt):
    """Return the time limit: an hour and a minute for each 100 MB, then twice that.

    A job that meets its limit has lost nothing: the next attempt goes on.
    """
    return attempt * int(60 + input.size_mb / 100)
