"""The schemas of configuration and table, and jsonschema's errors in plain words."""

from __future__ import annotations

import copy
import difflib
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator

from asdf_pipeline.errors import CallError
from asdf_pipeline.pipeline.paths import SHIPPED

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


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


def find_problems(
    checker: Any, data: object, noun: str = "key"
) -> list[tuple[list[str], str]]:
    """Return where data breaks a schema and how.

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
    list of (list of str, str)
        The path to each wrong value, list items counted from one; what is wrong.
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for error in sorted(checker.iter_errors(data), key=_position):
        path = tuple(
            str(part + 1) if isinstance(part, int) else str(part)
            for part in error.absolute_path
        )
        # A value of another type breaks the rules for the right type, too.
        if path not in found or error.validator in _OF_KEYS:
            found.setdefault(path, []).extend(_messages(error, noun))
    return [(list(path), one) for path, some in found.items() for one in some]


def _position(error: ValidationError) -> tuple[list[str], bool]:
    return [str(part) for part in error.absolute_path], error.validator != "type"


_OF_KEYS = ("additionalProperties", "required", "propertyNames")
_KINDS = {
    "object": "keys and values",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def _messages(error: ValidationError, noun: str) -> list[str]:
    """Return an error of jsonschema's in the words of someone who writes the file."""
    rule, value, given = error.validator_value, error.instance, repr(error.instance)
    # A schema's $comment says what the rule alone would not.
    if "$comment" in error.schema:
        return [str(error.schema["$comment"])]
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        return [_unknown(str(name), known, noun) for name in value if name not in known]
    if error.validator == "required":
        # One error for each of them.
        (missing,) = (name for name in rule if f"{name!r} is" in error.message)
        return [f"the {noun} {missing!r} is missing"]
    # The description says in words what a regular expression means.
    meant = str(error.schema.get("description", "")).strip().rstrip(".")
    match error.validator:
        case "type":
            kinds = [rule] if isinstance(rule, str) else rule
            said = (
                f"expected {' or '.join(_KINDS[kind] for kind in kinds)}, got {given}"
            )
        case "enum":
            said = f"expected one of {', '.join(map(str, rule))}, got {given}"
        case "minimum":
            said = f"expected at least {rule}, got {given}"
        case "exclusiveMinimum":
            said = f"expected more than {rule}, got {given}"
        case "minItems" | "minLength" | "minProperties":
            said = "expected something, got nothing" + (f" ({meant})" if meant else "")
        case "pattern":
            expected = f"; expected: {meant[:1].lower()}{meant[1:]}" if meant else ""
            said = f"{given} cannot stand here{expected}"
        case _:
            said = str(error.message)
    return [said]


def _unknown(name: str, known: list[str], noun: str) -> str:
    """Return what is said of a key or column that there is not."""
    near = difflib.get_close_matches(name, known, 1)
    remedy = (
        f"is it meant to be {near[0]}?" if near else f"there are {', '.join(known)}"
    )
    return f"there is no {noun} {name!r}; {remedy}"


def check(name: str, data: dict[str, Any], where: str) -> None:
    """Fill in a schema's defaults, in place, and check the data against it.

    Raises
    ------
    CallError
        A line for each problem: `where`, the path to the wrong value, what is wrong.
    """
    fill_defaults(data, schema(name))
    problems = find_problems(validator(name), data)
    if problems:
        lines = [": ".join([where, *path, said]) for path, said in problems]
        raise CallError("\n".join(lines))


def fill_defaults(data: dict[str, Any], described: dict[str, Any]) -> None:
    """Set the keys that are missing and have a default, at every depth."""
    for name, inner in described.get("properties", {}).items():
        if "default" in inner:
            data.setdefault(name, copy.deepcopy(inner["default"]))
        if isinstance(data.get(name), dict):
            fill_defaults(data[name], inner)
