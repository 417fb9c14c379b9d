"""What is made of a processed file's pairs: the config's ``pairs``, checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import CallError
from asdf_pipeline.function.find import look_for
from asdf_pipeline.pipeline.task import files_of_functions, with_prefix
from asdf_pipeline.pipeline.values import make_windows, read_max_failures
from asdf_pipeline.plan.pair_selection import MEAN, PairSelection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asdf_pipeline.pipeline.task import Task

_CHOICE = ("max_distance", "min_distance", "networks", "components")


@dataclass(frozen=True)
class Pairs:
    """What is applied to the pairs of each processed file.

    Attributes
    ----------
    keys : mapping
        The config's ``pairs``.
    """

    keys: Mapping[str, Any]

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the functions that are looked for."""
        named = (self.keys["function"], self.keys.get("prepare"), self.keys["stack"])
        return tuple(name for name in named if name and ":" in name)

    def options(self, task: Task) -> list[str]:
        """Return the options of the command ``pairs`` that say what is made.

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
            f"--stack={keys['stack']}",
        ]
        if "prepare" in keys:
            options += [f"--prepare={keys['prepare']}"]
        if "window" in keys:
            options += [f"--{key}={keys[key]}" for key in ("window", "overlap")]
        for key in _CHOICE:
            if key in keys:
                value = keys[key]
                several = value if isinstance(value, list) else [value]
                options += [f"--{key.replace('_', '-')}", *map(str, several)]
        return options + ["--autocorrelations"] * keys["autocorrelations"]

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
                f"config: pairs: tag: {tag!r} is none of those that the tag_map "
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


def read_pairs(
    config: Mapping[str, Any], tasks: Mapping[str, Task], *, look: bool
) -> Pairs | None:
    """Return what is made of pairs, checked; None where the config has no ``pairs``.

    Parameters
    ----------
    config : mapping
        As of `check_config`.
    tasks : mapping
        The data sets' tasks.
    look : bool
        Whether functions are looked for, and windows read.

    Raises
    ------
    CallError
        One line that names the key.
    """
    keys = config.get("pairs")
    if keys is None:
        return None
    pairs = Pairs(keys)
    with_prefix("config: pairs", _check, pairs)
    for task in tasks.values():
        pairs.tag(task)
    for name in pairs.functions if look else ():
        with_prefix("config: pairs", look_for, name)
    return pairs


def _check(pairs: Pairs) -> None:
    """Read values as the command will, before anything is staged."""
    keys = pairs.keys
    components = keys["components"]
    PairSelection(
        keys.get("max_distance"),
        keys.get("min_distance"),
        keys["networks"],
        keys["autocorrelations"],
        tuple(components) if isinstance(components, list) else components,
    )
    lengths = {key: keys.get(key) for key in ("window", "overlap")}
    windows = make_windows(lengths, "round", join=True)
    if windows is None and keys["stack"] != MEAN:
        msg = "stack: there is nothing to stack without window"
        raise CallError(msg)
    with_prefix("max_failures", read_max_failures, str(keys["max_failures"]))
