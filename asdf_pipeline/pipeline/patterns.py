"""What is made of processed files: the config's ``pairs`` and ``gathers``, checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from asdf_pipeline.errors import CallError
from asdf_pipeline.function.find import look_for
from asdf_pipeline.pipeline.problems import Problems, prefixed
from asdf_pipeline.pipeline.task import files_of_functions
from asdf_pipeline.pipeline.values import make_windows, read_max_failures
from asdf_pipeline.plan.pair_selection import MEAN, PairSelection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asdf_pipeline.pipeline.task import Task
    from asdf_pipeline.plan.selection import Windows

P = TypeVar("P", bound="Pattern")

_CHOICE = ("max_distance", "min_distance", "networks", "components")


@dataclass(frozen=True)
class Pattern:
    """What is applied to each processed file.

    Attributes
    ----------
    keys : mapping
        What the config says of it.
    """

    keys: Mapping[str, Any]

    name: ClassVar[str]
    """Its key in the config."""

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the functions that are looked for."""
        named = (self.keys.get(key) for key in ("function", "prepare", "stack"))
        return tuple(name for name in named if name and ":" in name)

    def options(self, task: Task) -> list[str]:
        """Return the options of the command that say what is made.

        Parameters
        ----------
        task : Task
            What the data set is processed by: its output is read.

        Raises
        ------
        CallError
            If no tag is named, and there are several.
        """
        keys = self.keys
        options = [
            f"--function={keys['function']}",
            f"--parameters={json.dumps(keys['parameters'], sort_keys=True)}",
            f"--tag={self.tag(task)}",
        ]
        if "window" in keys:
            options += [f"--{key}={keys[key]}" for key in ("window", "overlap")]
        return options

    def tag(self, task: Task) -> str:
        """Return the tag that is read of a data set's processed file.

        Raises
        ------
        CallError
            If it is none that is made, or none is named and there are several.
        """
        made = sorted(set(task.process["tag_map"].values()))
        tag = self.keys.get("tag", made[0] if len(made) == 1 else None)
        if tag not in made:
            msg = (
                f"tag: {tag!r} is none of those that the tag_map "
                f"writes: {', '.join(made)}"
            )
            raise CallError(msg)
        return str(tag)

    def function_files(self) -> list[str]:
        """Return the user's own files that the functions are in and import.

        Raises
        ------
        CallError
            If a function cannot be found.
        """
        return files_of_functions(self.functions)

    def check(self) -> None:
        """Read values as the command will, before anything is staged.

        Raises
        ------
        CallError
            If one is none.
        """
        self.windows()
        prefixed("max_failures", read_max_failures, str(self.keys["max_failures"]))

    def windows(self) -> Windows | None:
        """Return the windows that are asked for."""
        lengths = {key: self.keys.get(key) for key in ("window", "overlap")}
        return make_windows(lengths, "round", join=True)


class Pairs(Pattern):
    """What is applied to the pairs of each processed file."""

    name: ClassVar[str] = "pairs"

    def options(self, task: Task) -> list[str]:
        """Return the options of ``pairs`` (see `Pattern.options`)."""
        keys = self.keys
        options = [*super().options(task), f"--stack={keys['stack']}"]
        if "prepare" in keys:
            options += [f"--prepare={keys['prepare']}"]
        for key in _CHOICE:
            if key in keys:
                value = keys[key]
                several = value if isinstance(value, list) else [value]
                options += [f"--{key.replace('_', '-')}", *map(str, several)]
        return options + ["--autocorrelations"] * keys["autocorrelations"]

    def check(self) -> None:
        """Read values as the command will (see `Pattern.check`)."""
        super().check()
        keys = self.keys
        components = keys["components"]
        PairSelection(
            keys.get("max_distance"),
            keys.get("min_distance"),
            keys["networks"],
            keys["autocorrelations"],
            tuple(components) if isinstance(components, list) else components,
        )
        if self.windows() is None and keys["stack"] != MEAN:
            msg = "stack: there is nothing to stack without window"
            raise CallError(msg)


class Gathers(Pattern):
    """What is applied to the gathers of each processed file."""

    name: ClassVar[str] = "gathers"

    def options(self, task: Task) -> list[str]:
        """Return the options of ``gathers`` (see `Pattern.options`)."""
        return [*super().options(task), f"--output-tag={self.keys['output_tag']}"]


def read_pattern(
    kind: type[P],
    config: Mapping[str, Any],
    tasks: Mapping[str, Task],
    where: str = "config",
    *,
    look: bool,
) -> P | None:
    """Return what is made of processed files, checked; None where nothing is.

    Parameters
    ----------
    kind : type
        `Pairs` or `Gathers`.
    config : mapping
        As of `check_config`.
    tasks : mapping
        The data sets' tasks.
    where : str
        How errors name the configuration.
    look : bool
        Whether functions are looked for.

    Raises
    ------
    CallError
        A line for each problem, which names the key.
    """
    keys = config.get(kind.name)
    if keys is None:
        return None
    pattern = kind(keys)
    where = f"{where}: {kind.name}"
    problems = Problems()
    problems.of(prefixed, where, pattern.check)
    for task in tasks.values():
        problems.of(prefixed, where, pattern.tag, task)
    for name in pattern.functions if look else ():
        problems.of(prefixed, where, look_for, name)
    problems.raise_all()
    return pattern
