# What the rules share: the checked configuration, input functions, resources.
#
# Needs: `config`, as Snakemake reads it, and the table that it names.
# Makes: PIPELINE (asdf_pipeline.pipeline: what is configured, read and checked),
#        DATASETS, TASKS, PROCESS, SCHEDULER, PAIRS, GATHERS of it, and of which data
#        sets what is asked for (EXPORTED, PAIRED, GATHERED); the functions that the
#        rules name.
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from snakemake.exceptions import WorkflowError

try:
    VERSION = version("asdf_pipeline")
except PackageNotFoundError:
    raise WorkflowError(
        f"asdf_pipeline is not installed for {sys.executable}, which runs Snakemake: "
        "run 'pip install .' in its checkout"
    ) from None

from asdf_pipeline.errors import ASDFPipelineError
from asdf_pipeline.pipeline.config import load_config
from asdf_pipeline.pipeline.workflow import Pipeline

# The rules' `python` is the one that runs Snakemake, also where its environment was
# not activated; on a cluster each job's Snakemake comes by here too.
os.environ.update(
    PATH=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
)


def in_one_line(call, *arguments, **named):
    """Return what a call returns; Snakemake shows its error without a traceback."""
    try:
        return call(*arguments, **named)
    except ASDFPipelineError as error:
        raise WorkflowError(str(error)) from None


def here(call, *arguments):
    """Return the files that a call returns: on this machine, also with a default storage.

    Results then are in that storage; what the table and the config name is where it is.
    """
    return local(in_one_line(call, *arguments))


# Where an output is there, Snakemake takes no notice of an input function that fails:
# a pattern mistyped later would be "Nothing to be done". So all files and functions
# are looked for at once; jobs need not look again.
if workflow.is_main_process:
    # Snakemake's YAML takes the last of two equal keys.
    for path in (Path("config/config.yaml"), *workflow.configfiles):
        if Path(path).is_file():
            in_one_line(load_config, Path(path))
PIPELINE = in_one_line(Pipeline.read, config, look=workflow.is_main_process)
DATASETS, TASKS = PIPELINE.datasets, PIPELINE.tasks
PROCESS = PIPELINE.config["process"]
SCHEDULER = PROCESS.get("scheduler", "")
PAIRS, GATHERS = PIPELINE.pairs, PIPELINE.gathers
EXPORTED = DATASETS if "export" in PIPELINE.config else []
PAIRED, GATHERED = DATASETS if PAIRS else [], DATASETS if GATHERS else []


wildcard_constraints:
    dataset="[A-Za-z0-9][A-Za-z0-9._-]*",
    merged="[A-Za-z0-9][A-Za-z0-9._-]*",


def by_team(verb, files, outcomes):
    """Return the shell command of a verb that a team does.

    Dask's workers where the config names a scheduler, MPI where a launcher is set. The
    rule has params.options and params.work_dir; what is said by resources changes
    nothing about what is made. How many may fail has a name for each rule: jobs that
    Snakemake groups must agree on a resource that is a text, such as 10%.
    """
    allowed = verb.split()[0] + "_max_failures"
    return f"""
        launcher={{resources.mpi:q}}
        scheduler={{resources.scheduler:q}}
        if [ -n "$scheduler" ]; then
            set -- python -P -m asdf_pipeline {verb} \
                --backend dask --scheduler "$scheduler"
        elif [ -n "$launcher" ]; then
            set -- $launcher -n {{resources.tasks}} python -P -m mpi4py \
                -m asdf_pipeline {verb} --backend mpi
        else
            set -- python -P -m asdf_pipeline {verb} \
                --backend multiprocessing --workers {{threads}}
        fi
        "$@" {files} \
            {{params.options:q}} \
            --io {{resources.io:q}} --max-failures {{resources.{allowed}:q}} \
            --traceback-limit {{resources.traceback_limit}} \
            --work-dir {{params.work_dir:q}} --outcomes {outcomes} \
            --progress lines >>{{log:q}} 2>&1
        """


def files_of(column):
    """Return the input function of a column: the files of a data set."""
    return lambda wildcards: here(DATASETS[wildcards.dataset].files, column)


def archive_files(wildcards):
    """Return the files of the archives' days that a data set's row chooses."""
    return here(DATASETS[wildcards.dataset].archive_files)


def function_files(wildcards):
    """Return the files of a data set's functions: the work depends on them."""
    return here(TASKS[wildcards.dataset].function_files)


def remote_state(wildcards):
    """Return what changes where a data set's files on servers do; empty without any."""
    return in_one_line(DATASETS[wildcards.dataset].remote_state)


def stage_options(wildcards):
    """Return the options of `stage` that say what is staged."""
    how = PIPELINE.config["stage"]
    return in_one_line(DATASETS[wildcards.dataset].stage_options, how)


def process_options(wildcards):
    """Return the options of `process` that say what is made."""
    return TASKS[wildcards.dataset].options()


def pair_files(wildcards):
    """Return the files of the functions that pairs depend on."""
    return in_one_line(PAIRS.function_files) if PAIRS else []


def pair_options(wildcards):
    """Return the options of `pairs` that say what is made."""
    return PAIRS.options(TASKS[wildcards.dataset]) if PAIRS else []


def gather_files(wildcards):
    """Return the files of the function that gathers depend on."""
    return in_one_line(GATHERS.function_files) if GATHERS else []


def gather_options(wildcards):
    """Return the options of `gathers` that say what is made."""
    return GATHERS.options(TASKS[wildcards.dataset]) if GATHERS else []


def export_options(wildcards):
    """Return the options of `export` that say what is written."""
    return PIPELINE.export_options()


def parts_of(wildcards):
    """Return the processed files that are merged into one."""
    names = PIPELINE.parts_of(wildcards.merged)
    return expand("results/{dataset}/processed.h5", dataset=names)


def keep_staged(path):
    """Return a rule's staged file, which goes once it is used if it is not kept."""
    return path if PIPELINE.config["keep_staged"] else temp(path)


def workers_of(size_mb):
    """Return a core for each 100 MB: a small data set is done by one."""
    return max(1, min(8, int(size_mb // 100)))


def workers_by_size(wildcards, input):
    """Return the cores for the files that a rule reads."""
    return workers_of(input.size_mb)


def stage_workers(wildcards, input):
    """Return the cores for staging files, for downloading, or for a link."""
    if input.request:
        return 2  # a data centre is shared
    remote = DATASETS[wildcards.dataset].remote_size_mb()
    return 1 if input.asdf else workers_of(input.size_mb + remote)


def process_workers(wildcards, input):
    """Return a core for each MB, up to 8: a small data set is done sooner by one.

    Before the file is staged, as in a dry run, its size is not known.
    """
    most = most_workers(wildcards)
    there = Path(input.staged).exists()
    return min(most, 1 + int(input.size_mb)) if there else most


def most_workers(wildcards):
    """Return the cores that a job may use itself: one where Dask's workers do all."""
    return 1 if SCHEDULER else 8


def no_environment(wildcards):
    """Return None: the rules run in the environment that runs Snakemake.

    The package is on no conda channel, so an environment that Snakemake makes for a
    rule could not hold it; environment.yml at the root makes one that holds all.
    With this function for `conda:`, `snakemake --lint` does not ask for one.
    """
    return None


def memory_of_one(wildcards, input, attempt):
    """Return the MB for one worker: a few copies of a large station, and ObsPy."""
    return attempt * int(1000 + min(input.size_mb / 10, 4000))


def memory_of_pairs(wildcards, input, attempt):
    """Return the MB for one worker: what was prepared, and ObsPy."""
    kept = PAIRS.keys["prepare_memory"] if PAIRS else 0
    return int(attempt * 1000 + 1.05 * kept)


def memory_of_all_pairs(wildcards, input, threads, attempt):
    """Return the MB for all workers of pairs on one node."""
    return threads * memory_of_pairs(wildcards, input, attempt)


def memory_of_all(wildcards, input, threads, attempt):
    """Return the MB for all workers of a job on one node."""
    return threads * memory_of_one(wildcards, input, attempt)


def minutes(wildcards, input, attempt):
    """Return the time limit: an hour and a minute for each 100 MB, then twice that.

    A job that meets its limit has lost nothing: the next attempt goes on.
    """
    return attempt * int(60 + input.size_mb / 100)
