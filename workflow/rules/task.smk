# What is applied to each data set: what the config says, or its row in place of that.
from argparse import ArgumentTypeError

from asdf_pipeline.cli.arguments import load_text, read_max_failures
from asdf_pipeline.cli.selecting import read_time, windows_of
from asdf_pipeline.errors import ASDFPipelineError
from asdf_pipeline.plan.units import check_tag_map
from asdf_pipeline.plan.selection import Selection
from asdf_pipeline.steps import checked
from asdf_pipeline.function.find import look_for, own_files

# The columns that stand in place of the config's keys, and what such a cell looks like.
INSTEAD = {
    "function": "steps.py:process",
    "steps": "a name of step_lists, or [detrend, {taper: {max_percentage: 0.05}}]",
    "tag_map": "{raw_recording: processed}",
    "parameters": "{water_level: 60}",
}

SCHEMA = read_schema("config")
OF_PROCESS = Draft202012Validator(
    {**SCHEMA["properties"]["process"], "$defs": SCHEMA["$defs"]}
)


def read_cell(column, text):
    """Return what a cell says; the name of a list of steps stands for the list."""
    lists = config["step_lists"]
    if column == "function":
        return text
    if column == "steps" and text in lists:
        return lists[text]
    value = plain(load_text(text, column))
    if column == "steps" and isinstance(value, str):
        has = f"are {', '.join(lists)}" if lists else "are not there"
        raise WorkflowError(f"steps: no list {text!r}: the config's step_lists {has}")
    return value


@cache
def instead(cells):
    """Return the config's `process` with cells, pairs of column and text, in it."""
    process, given = dict(PROCESS), dict(cells)
    if {"function", "steps"} <= given.keys():
        raise WorkflowError("function, steps: leave one of the two empty")
    if "function" in given:
        process.pop("steps", None)
    if "steps" in given:
        process.pop("function", None)
        process["parameters"] = {}
    for column, text in cells:
        try:
            process[column] = read_cell(column, text)
        except ASDFPipelineError as error:
            raise WorkflowError(f"{error}; expected {INSTEAD[column]}") from None
    if error := best_match(OF_PROCESS.iter_errors(process)):
        place, what = told(error)
        said = ": ".join([*place, what])
        raise WorkflowError(f"{said}; expected {INSTEAD[place[0]]}")
    return complete(process)


def complete(process):
    """Check steps and tags, look for the functions; list the names of these."""
    key = "steps" if "steps" in process else "function"
    names = [process[key]]
    if key == "steps":
        if process["parameters"]:
            raise WorkflowError(
                "parameters: they go with a function; steps have theirs in the list, "
                "as in {taper: {max_percentage: 0.05}}"
            )
        names = check_steps(process[key], key)
    named = [name for name in names if ":" in name]  # not a step of the package
    try:
        for name in named if workflow.is_main_process else ():
            look_for(name, process["parameters"])
    except ASDFPipelineError as error:
        raise WorkflowError(f"{key}: {error}") from None
    try:
        check_tag_map(process["tag_map"])
    except ASDFPipelineError as error:
        raise WorkflowError(f"tag_map: {error}") from None
    return {**process, "named": named}


def check_steps(steps, where):
    """Return the names of steps; refuse one that is none, or has no such parameters."""
    try:
        return [name for name, _ in checked(steps)]
    except ASDFPipelineError as error:
        raise WorkflowError(f"{where}: {error}") from None


def check_parts(process):
    """Read windows, times and limits as the command will, before anything is staged."""
    chosen = process["selection"]
    lengths = {key: process.get(key) for key in ("window", "overlap")}
    try:
        windows_of(lengths, process["align"], process["join"])
        times = {
            key: read_time(f"selection: {key}", chosen.get(key))
            for key in ("starttime", "endtime")
        }
        naming("selection", lambda: Selection(**times).times)
        naming("max_failures", read_max_failures, str(process["max_failures"]))
    except ASDFPipelineError as error:
        raise WorkflowError(str(error)) from None


def naming(where, make, *arguments):
    """Call a function, and say where the error was."""
    try:
        return make(*arguments)
    except (WorkflowError, ASDFPipelineError, ArgumentTypeError) as error:
        raise WorkflowError(f"{where}: {error}") from None


def all_tasks():
    """Return what is applied to each data set, everything checked."""
    for key, steps in config["step_lists"].items():
        check_steps(steps, f"config: step_lists: {key}")
    naming("config: process", complete, PROCESS)
    if workflow.is_main_process:
        naming("config: process", check_parts, PROCESS)
    tasks = {}
    for dataset, row in zip(DATASETS.index, DATASETS[list(INSTEAD)].to_numpy()):
        cells = tuple((column, text) for column, text in zip(INSTEAD, row) if text)
        where = f"{config['datasets']}: data set {dataset!r}"
        tasks[dataset] = naming(where, instead, cells)
        if not DATASETS.at[dataset, "asdf"]:
            naming(where, check_tag_is_read, dataset, tasks[dataset]["tag_map"])
    return tasks


def check_tag_is_read(dataset, tag_map):
    """Refuse a tag given by staging that processing would leave alone."""
    tag = staged_tag(dataset)
    if tag not in tag_map:
        raise WorkflowError(
            f"tag: the waveforms are staged as {tag}, but the tag_map reads "
            f"{', '.join(tag_map)} only"
        )


TASKS = all_tasks()


@cache
def files_of_function(name):
    """Return the files of the user's own that a function is in and comes from."""
    try:
        return own_files(name)
    except ASDFPipelineError as error:
        raise WorkflowError(f"function: {error}") from None


def function_files(wildcards):
    """Return the files of a data set's functions: the work depends on them."""
    named = TASKS[wildcards.dataset]["named"]
    return sorted({file for name in named for file in files_of_function(name)})


def process_options(wildcards):
    """Return the options of `process` that say what is made."""
    task = TASKS[wildcards.dataset]
    function, parameters = task.get("function"), task["parameters"]
    if "steps" in task:
        function, parameters = "asdf_pipeline.steps:chain", {"steps": task["steps"]}
    return [
        f"--function={function}",
        f"--parameters={json.dumps(parameters, sort_keys=True)}",
        *(f"--tag={source}={target}" for source, target in task["tag_map"].items()),
        *part_options(),
    ]


def part_options():
    """Return the options that choose stations and times, and cut them into windows."""
    options = []
    if "window" in PROCESS:
        options += [f"--{key}={PROCESS[key]}" for key in ("window", "overlap", "align")]
        options += [] if PROCESS["join"] else ["--no-join"]
    for key, value in PROCESS["selection"].items():
        values = value if isinstance(value, list) else [value]
        options += [f"--{key}={one}" for one in values]
    return options
