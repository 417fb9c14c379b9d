"""What is applied to a data set: the config's ``process``, its row in place of that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import CallError
from asdf_pipeline.function.find import look_for, own_files
from asdf_pipeline.pipeline.config import to_json
from asdf_pipeline.pipeline.problems import Problems, prefixed
from asdf_pipeline.pipeline.schema import find_problems, validator
from asdf_pipeline.pipeline.values import (
    make_windows,
    parse_text,
    read_max_failures,
    read_time,
)
from asdf_pipeline.plan.planning import check_tag_map
from asdf_pipeline.plan.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asdf_pipeline.pipeline.inputs import DataSet

IN_PLACE = {
    "function": "steps.py:process",
    "steps": "a name of step_lists, or [detrend, {taper: {max_percentage: 0.05}}]",
    "tag_map": "{raw_recording: processed}",
    "parameters": "{water_level: 60}",
    "by": "event",
}
"""Columns that stand in place of the config's keys, and what such a cell looks like."""


@dataclass(frozen=True)
class Task:
    """What is applied to a data set.

    Attributes
    ----------
    process : mapping
        The config's ``process``, the row's cells in place of its keys.
    functions : tuple of str
        Names of the functions that are looked for: all but this package's steps.
    """

    process: Mapping[str, Any]
    functions: tuple[str, ...]

    def options(self) -> list[str]:
        """Return the options of ``process`` that say what is made."""
        process = self.process
        function, parameters = process.get("function"), process["parameters"]
        if "steps" in process:
            function = "asdf_pipeline.steps:chain"
            parameters = {"steps": process["steps"]}
        return [
            f"--function={function}",
            f"--parameters={json.dumps(parameters, sort_keys=True)}",
            *(f"--tag={tag}={made}" for tag, made in process["tag_map"].items()),
            *([f"--by={process['by']}"] if "by" in process else []),
            *self._part_options(),
        ]

    def _part_options(self) -> list[str]:
        """Return the options that choose stations, times, events, and windows."""
        process, options = self.process, []
        if "window" in process:
            keys = ("window", "overlap", "align")
            options += [f"--{key}={process[key]}" for key in keys]
            options += [] if process["join"] else ["--no-join"]
        options += ["--copy-auxiliary"] if process["copy_auxiliary"] else []
        options += ["--no-events"] if process["no_events"] else []
        for key, value in process["selection"].items():
            values = value if isinstance(value, list) else [value]
            options += [f"--{key}={one}" for one in values]
        return options

    def load(self) -> None:
        """Load the function, or the steps, and check how they are called.

        Raises
        ------
        CallError
            If that cannot be done: a line that begins with ``function`` or ``steps``.
        """
        from asdf_pipeline.function.load import load_function
        from asdf_pipeline.steps import resolve

        process = self.process
        if "steps" in process:
            prefixed("steps", resolve, process["steps"])
        else:
            function, parameters = process["function"], process["parameters"]
            prefixed("function", load_function, function, parameters)

    def function_files(self) -> list[str]:
        """Return the user's own files that the functions are in and import.

        Raises
        ------
        CallError
            If a function cannot be found.
        """
        return files_of_functions(self.functions)


def files_of_functions(names: Iterable[str]) -> list[str]:
    """Return the user's own files that functions are in and import, sorted.

    Raises
    ------
    CallError
        If a function cannot be found.
    """
    return sorted({file for name in names for file in _own_files(name)})


@cache
def _own_files(name: str) -> tuple[str, ...]:
    return tuple(prefixed("function", own_files, name))


def _checked(steps: Any) -> list[Any]:
    """Return the names and parameters of a list of steps (see `steps.checked`).

    Where there is none Snakemake's process goes without ObsPy, which steps need.
    """
    from asdf_pipeline.steps import checked

    return checked(steps)


def read_tasks(
    config: Mapping[str, Any],
    datasets: Iterable[DataSet],
    where: str = "config",
    *,
    look: bool,
) -> dict[str, Task]:
    """Return the task of each data set, checked, by the data set's name.

    Parameters
    ----------
    config : mapping
        As of `check_config`.
    datasets : iterable of DataSet
        The table's rows.
    where : str
        How errors name the configuration.
    look : bool
        Whether functions are looked for, and windows and times read.

    Raises
    ------
    CallError
        A line for each problem, which names the key or the data set and its column.
    """
    problems = Problems()
    for name, steps in config["step_lists"].items():
        problems.of(prefixed, f"{where}: step_lists: {name}", _checked, steps)
    shared = config["process"]
    whole = problems.of(prefixed, f"{where}: process", _complete, shared, look)
    if look:
        problems.of(prefixed, f"{where}: process", _check_parts, shared)
    made: dict[tuple[tuple[str, str], ...], Task | None] = {(): whole}
    tasks = {}
    for row in datasets:
        cells = tuple((key, row.cells[key]) for key in IN_PLACE if row.cells[key])
        if cells not in made:  # rows have few different cells
            made[cells] = problems.of(
                prefixed, row.where, _replace, config, cells, look
            )
        task = made[cells]
        if task is None:
            continue
        tasks[row.name] = task
        if not row.cells["asdf"]:
            tag_map = task.process["tag_map"]
            problems.of(prefixed, row.where, _check_tag_is_read, row.tag, tag_map)
    problems.raise_all()
    return tasks


def _replace(
    config: Mapping[str, Any], cells: tuple[tuple[str, str], ...], look: bool
) -> Task:
    """Return the config's task with cells, pairs of column and text, in its place."""
    process, given = dict(config["process"]), dict(cells)
    if {"function", "steps"} <= given.keys():
        msg = "function, steps: leave one of the two empty"
        raise CallError(msg)
    if "function" in given:
        process.pop("steps", None)
    if "steps" in given:
        process.pop("function", None)
        process["parameters"] = {}
    for column, text in cells:
        try:
            process[column] = _read_cell(column, text, config["step_lists"])
        except CallError as error:
            msg = f"{error}; expected {IN_PLACE[column]}"
            raise CallError(msg) from None
    problems = Problems()
    for path, message in find_problems(validator("config", "process"), process):
        if path and path[0] in given:  # what is wrong in the config is said of that
            message = f"{': '.join([*path, message])}; expected {IN_PLACE[path[0]]}"
            problems.add(CallError(message))
    problems.raise_all()
    return _complete(process, look)


def _read_cell(column: str, text: str, lists: Mapping[str, Any]) -> Any:
    """Return a cell's value; the name of a list of steps stands for the list."""
    if column in ("function", "by"):
        return text
    if column == "steps" and text in lists:
        return lists[text]
    value = to_json(parse_text(text, column))
    if column == "steps" and isinstance(value, str):
        has = f"are {', '.join(lists)}" if lists else "are not there"
        msg = f"steps: no list {text!r}: the config's step_lists {has}"
        raise CallError(msg)
    return value


def _complete(process: Mapping[str, Any], look: bool) -> Task:
    """Return the task that `process` describes, its functions and tags checked."""
    key = "steps" if "steps" in process else "function"
    names = [process[key]]
    problems = Problems()
    if key == "steps" and process["parameters"]:
        msg = (
            "parameters: they go with a function; steps have theirs in the list, "
            "as in {taper: {max_percentage: 0.05}}"
        )
        problems.add(CallError(msg))
    if key == "steps":
        problems.of(prefixed, key, _checked, process[key])
        names = [one if isinstance(one, str) else next(iter(one)) for one in names[0]]
    named = tuple(name for name in names if ":" in name)
    for name in named if look else ():
        problems.of(prefixed, key, look_for, name, process["parameters"])
    problems.of(prefixed, "tag_map", check_tag_map, process["tag_map"])
    problems.raise_all()
    return Task(process, named)


def _check_parts(process: Mapping[str, Any]) -> None:
    """Read windows, times and limits as the command will, before anything is staged."""
    chosen, problems = process["selection"], Problems()
    lengths = {key: process.get(key) for key in ("window", "overlap")}
    problems.of(make_windows, lengths, process["align"], process["join"])
    first, last = (
        problems.of(read_time, f"selection: {key}", chosen.get(key))
        for key in ("starttime", "endtime")
    )
    span = Selection(starttime=first, endtime=last)
    problems.of(prefixed, "selection", lambda: span.times)
    failures = str(process["max_failures"])
    problems.of(prefixed, "max_failures", read_max_failures, failures)
    problems.raise_all()


def _check_tag_is_read(tag: str, tag_map: Mapping[str, str]) -> None:
    """Refuse a tag given by staging that processing would leave alone."""
    if tag not in tag_map:
        msg = (
            f"tag: the waveforms are staged as {tag}, but the tag_map reads "
            f"{', '.join(tag_map)} only"
        )
        raise CallError(msg)
