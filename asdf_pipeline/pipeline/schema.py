"""The schemas of configuration and table, and jsonschema's errors in plain words."""

from __future__ import annotations

import copy
import difflib
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from asdf_pipeline.errors import CallError
from asdf_pipeline.pipeline.paths import SHIPPED


@cache
def schema(name: str) -> dict[str, Any]:
    """Return the schema ``"config"`` or ``"datasets"``; read once."""
    path = SHIPPED / "workflow" / "schemas" / f"{name}.schema.yaml"
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


@cache
def validator(name: str, key: str | None = None) -> Any:
    """Return the validator of a schema, or of one key of it."""
    whole = schema(name)
    if key is None:
        return Draft202012Validator(whole)
    # A part refers to the definitions of the whole.
    return Draft202012Validator({**whole["properties"][key], "$defs": whole["$defs"]})


def find_problem(
    checker: Any, data: object, noun: str = "key"
) -> tuple[list[str], str] | None:
    """Return where data breaks a schema and how, None if it does not.

    Parameters
    ----------
    checker : jsonschema validator
        As of `validator`.
    data : object
        What JSON could hold.
    noun : str
        What the names of the data are called in the message: key, or column.

    Returns
    -------
    (list of str, str) or None
        The path to the wrong value, list items counted from one; what is wrong.
    """
    error = best_match(checker.iter_errors(data))
    return None if error is None else (_path(error), _message(error, noun))


def _path(error: ValidationError) -> list[str]:
    return [
        str(part + 1) if isinstance(part, int) else str(part)
        for part in error.absolute_path
    ]


def _message(error: ValidationError, noun: str) -> str:
    """Return jsonschema's message in the words of someone who writes the file."""
    unknown = f"unknown {noun}"
    message = error.message.replace("Additional properties are not allowed", unknown)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for name in error.instance.keys() - set(known):
            near = difflib.get_close_matches(str(name), known, 1)
            message += "".join(f"; is {name} meant to be {one}?" for one in near)
    if error.validator == "pattern":
        # The description says in words what the regular expression means.
        message += f" ({error.schema.get('description', '').strip().rstrip('.')})"
    # A schema's $comment replaces a message of jsonschema's that would not help.
    return str(error.schema.get("$comment", message))


def check(name: str, data: dict[str, Any], where: str) -> None:
    """Fill in a schema's defaults, in place, and check the data against it.

    Raises
    ------
    CallError
        One line: `where`, the path to the wrong value, what is wrong.
    """
    fill_defaults(data, schema(name))
    if problem := find_problem(validator(name), data):
        path, message = problem
        raise CallError(": ".join([where, *path, message]))


def fill_defaults(data: dict[str, Any], described: dict[str, Any]) -> None:
    """Set the keys that are missing and have a default, at every depth."""
    for name, inner in described.get("properties", {}).items():
        if "default" in inner:
            data.setdefault(name, copy.deepcopy(inner["default"]))
        if isinstance(data.get(name), dict):
            fill_defaults(data[name], inner)
