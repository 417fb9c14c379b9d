"""Parameters of ready-made steps, held against what the steps say of themselves."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import FunctionError

if TYPE_CHECKING:
    from collections.abc import Callable

# Of annotations: what a value may be, and how that is called.
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "float": ((int, float), "a number"),
    "int": ((int,), "a whole number"),
    "str": ((str,), "a text"),
    "bool": ((bool,), "true or false"),
    "None": ((type(None),), "nothing"),
}


def check_parameters(
    step: Callable[..., Any], parameters: dict[str, Any], number: int
) -> None:
    """Check that a ready-made step has these parameters, and takes these values.

    What they may be is read from the step's signature and, where one of a few words is
    expected, from its docstring: ``side : {"both", "left", "right"}``.

    Parameters
    ----------
    step : callable
        The step.
    parameters : dict
        What it is to be called with, by name.
    number : int
        Which of the list it is, counted from one; named in errors.

    Raises
    ------
    FunctionError
        If not; it names the parameters that there are, or what is expected.
    """
    from asdf_pipeline.function.load import OFFERED

    signature = inspect.signature(step).parameters
    known = [name for name in [*signature][2:] if name not in OFFERED]
    for name, value in parameters.items():
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            msg = f"step {number}: {step.__name__} has no parameter {name!r}; {has}"
            raise FunctionError(msg)
        expected = _expected(str(signature[name].annotation), value) or _of_words(
            step.__doc__ or "", name, value
        )
        if expected:
            msg = (
                f"step {number}: {step.__name__}: {name}: expected {expected}, "
                f"got {value!r}"
            )
            raise FunctionError(msg)


def _expected(annotation: str, value: object) -> str | None:
    """Return what is expected in place of a value, None if it may be that."""
    kinds = annotation.split(" | ")
    if not all(kind in _KINDS for kind in kinds):
        return None
    for kind in kinds:
        types = _KINDS[kind][0]
        if isinstance(value, types) and (bool in types or not isinstance(value, bool)):
            return None
    return " or ".join(_KINDS[kind][1] for kind in kinds)


def _of_words(docstring: str, name: str, value: object) -> str | None:
    """Return the words of which a value is none, None if it is one or may be any."""
    choices = re.search(rf"^ *{name} : \{{(.*?)\}}", docstring, re.MULTILINE)
    words = re.findall(r'"([^"]*)"', choices[1]) if choices else []
    if not words or value in words or value is None:
        return None
    return f"one of {', '.join(words)}"
