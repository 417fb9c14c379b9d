# What the rules share: the checked configuration, input functions, resources.
import difflib
import glob
import io
import json
import os
import re
import sys
from datetime import date
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
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


SELECTION = ["network", "station", "location", "channel", "starttime", "endtime"]
# Columns that say nothing of the input.
NO_INPUT = ["dataset", "merge", "function", "steps", "tag_map", "parameters"]
COLUMNS = [
    *("waveforms", "sds", *SELECTION, "fdsn", "stations", "events", "asdf", "tag"),
    *NO_INPUT,
]


def plain(value):
    """Return what YAML says in JSON's terms: times are texts, and 1e-3 is a number."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, date):
        return value.isoformat()
    exponential = r"[-+]?[0-9]+([.][0-9]*)?[eE][-+]?[0-9]+"
    if isinstance(value, str) and re.fullmatch(exponential, value):
        return float(value)
    return value


def read_schema(name):
    """Return a schema; Snakemake's validate() reads it at every call, that is slow."""
    path = workflow.source_path(f"../schemas/{name}.schema.yaml")
    return yaml.safe_load(Path(path).read_text())


def told(error, key="key"):
    """Return where jsonschema found an error, and what; a column is a table's key."""
    # Counted from one, as people do.
    place = [
        str(part + 1) if isinstance(part, int) else str(part)
        for part in error.absolute_path
    ]
    unknown = f"unknown {key}"
    what = error.message.replace("Additional properties are not allowed", unknown)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for name in error.instance.keys() - set(known):
            near = difflib.get_close_matches(str(name), known, 1)
            what += "".join(f"; is {name} meant to be {one}?" for one in near)
    if error.validator == "pattern":  # words, not only a regular expression
        what += f" ({error.schema.get('description', '').strip().rstrip('.')})"
    # Where jsonschema's own words would not help, the schema has better ones.
    return place, error.schema.get("$comment", what)


def check(data, schema, where):
    """Validate data, fill in defaults, and say in one line what is wrong where."""
    try:
        validate(data, schema)
    except WorkflowError as error:
        if not hasattr(error.__context__, "absolute_path"):
            raise
        place, what = told(error.__context__)
        raise WorkflowError(": ".join([where, *place, what])) from None


def check_rows(table, path):
    """Validate the rows of a table, and say in one line what is wrong in which."""
    if "dataset" not in table.columns:
        raise WorkflowError(f"{path}: the table has no column dataset")
    rows = Draft202012Validator(read_schema("datasets"))
    for number, row in enumerate(table.to_dict("records"), start=1):
        cells = {column: cell for column, cell in row.items() if pd.notna(cell)}
        if "dataset" not in cells:
            raise WorkflowError(
                f"{path}: row {number}: a data set without a name, column dataset"
            )
        if error := best_match(rows.iter_errors(cells)):
            place, what = told(error, "column")
            named = [f"data set {cells['dataset']!r}"] if place else []
            raise WorkflowError(": ".join([path, *named, *place, what]))


def read_datasets(path):
    """Return the table of data sets, checked, with '' in empty cells."""
    if not Path(path).is_file():
        raise WorkflowError(f"{path}: no such table of data sets (config: datasets)")
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        # Not pandas' comment=: that would cut cells that hold a # and what follows.
        kept = [line for line in lines if not line.lstrip().startswith("#")]
        table = pd.read_csv(
            io.StringIO("\n".join(kept)),
            sep="\t",
            dtype=str,
            skipinitialspace=True,
            keep_default_na=False,
            na_values=[""],
        )
    except (ValueError, OSError) as error:  # a row with too many cells, no columns
        what = " ".join(str(error).split())
        raise WorkflowError(
            f"{path}: no table with tabs as separators: {what}"
        ) from None
    for line in kept:
        if re.search(r"\S[ ,;]+\S", line) and "\t" not in line.strip():
            raise WorkflowError(
                f"{path}: columns are separated by tabs, and there is none in {line!r}"
            )
    if not isinstance(table.index, pd.RangeIndex):  # pandas took the first cells for it
        raise WorkflowError(f"{path}: the rows have more cells than the header")
    check_rows(table, path)
    table = table.reindex(columns=COLUMNS).fillna("").set_index("dataset", drop=False)
    if table.empty:
        raise WorkflowError(f"{path}: no data set in the table")
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][0]
        raise WorkflowError(f"{path}: the data set {twice!r} is there twice")
    for dataset, row in table.iterrows():
        given = {column for column in row.index if row[column]} - set(NO_INPUT)
        if bool(given & {"waveforms", "sds", "fdsn"}) == ("asdf" in given):
            raise WorkflowError(
                f"{path}: data set {dataset!r}: give either waveforms or asdf "
                "(or sds or fdsn for waveforms)"
            )
        if given.intersection(SELECTION) and "sds" not in given:
            raise WorkflowError(
                f"{path}: data set {dataset!r}: {', '.join(SELECTION)} choose from an "
                "archive: name it in the column sds"
            )
        if "asdf" in given and len(given) > 1:
            raise WorkflowError(
                f"{path}: data set {dataset!r}: an ASDF file has its own stations, "
                "events and tags: leave these cells empty"
            )
    return table


config.update(plain(config))
check(config, "../schemas/config.schema.yaml", "config")
DATASETS = read_datasets(config["datasets"])
PROCESS = config["process"]


wildcard_constraints:
    dataset="[A-Za-z0-9][A-Za-z0-9._-]*",
    merged="[A-Za-z0-9][A-Za-z0-9._-]*",


OBSPY = find_spec("obspy")
HOME = str(Path(OBSPY.origin).parent) if OBSPY else "{obspy}"


def patterns(dataset, column):
    """Return a cell's patterns; {obspy} is where ObsPy is installed."""
    cell = DATASETS.at[dataset, column]
    # An archive and a request are named, not matched.
    home = HOME if column in ("sds", "fdsn") else glob.escape(HOME)
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


def keep_staged(path):
    """Return a rule's staged file, which goes once it is used if it is not kept."""
    return path if config["keep_staged"] else temp(path)


def files_of(column):
    """Return the input function of a column: the files of a data set."""
    return lambda wildcards: matches(wildcards.dataset, column)


def selection(dataset):
    """Return the cells that choose from an archive, by their column."""
    cells = {column: DATASETS.at[dataset, column].strip() for column in SELECTION}
    return {column: cell for column, cell in cells.items() if cell}


@cache
def archived(dataset):
    """Return the files of a data set's archives that its selection chooses."""
    if not (archives := patterns(dataset, "sds")):
        return []
    from asdf_pipeline.errors import ASDFPipelineError
    from asdf_pipeline.stage.archive import Archive

    found = []
    for archive in archives:
        try:
            chosen = Archive.chosen(archive, "sds", **selection(dataset))
            found += [str(file.path) for file in chosen.files()]
        except ASDFPipelineError as error:
            where = f"{config['datasets']}: data set {dataset!r}"
            raise WorkflowError(f"{where}: {error}") from None
    return found


def archive_files(wildcards):
    """Return the files of the archives."""
    return archived(wildcards.dataset)


# Where an output is there, Snakemake takes no notice of an input function that fails:
# a pattern mistyped later would be "Nothing to be done". Jobs need not look again.
if workflow.is_main_process:
    for dataset in DATASETS.index:
        for column in ("waveforms", "fdsn", "stations", "events", "asdf"):
            matches(dataset, column)
        archived(dataset)


def staged_tag(dataset):
    """Return the tag that staging gives to a data set's waveforms."""
    return DATASETS.at[dataset, "tag"] or "raw_recording"


def stage_options(wildcards):
    """Return the options of `stage`: an ASDF file, or patterns and their tag."""
    dataset = wildcards.dataset
    if asdf := matches(dataset, "asdf"):
        return ["--asdf", *asdf]
    options = [f"--tag={staged_tag(dataset)}"]
    for column in ("waveforms", "sds", "fdsn", "stations", "events"):
        if cell := patterns(dataset, column):
            options += [f"--{column}", *cell]
    return options + [f"--{code}={cell}" for code, cell in selection(dataset).items()]


def stage_workers(wildcards, input):
    """Return a core for each 100 MB: a small data set is staged by one."""
    if input.request:
        return 2  # a data centre is shared
    return 1 if input.asdf else max(1, min(8, int(input.size_mb // 100)))


def merged_names():
    """Return the names of the files that data sets are merged into."""
    return sorted(set(DATASETS["merge"]) - {""})


def parts_of(wildcards):
    """Return the processed files that are merged into one."""
    names = DATASETS.index[DATASETS["merge"] == wildcards.merged]
    return expand("results/{dataset}/processed.h5", dataset=names)


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
