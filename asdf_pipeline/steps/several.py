"""Several steps, one after the other."""

from __future__ import annotations

import copy
import functools
import json
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import FunctionError, TraceError
from asdf_pipeline.steps.events import cut
from asdf_pipeline.steps.gaps import merge
from asdf_pipeline.steps.parameters import check_parameters
from asdf_pipeline.steps.rejection import reject
from asdf_pipeline.steps.response import remove_response
from asdf_pipeline.steps.rotation import rotate
from asdf_pipeline.steps.shaping import detrend, taper
from asdf_pipeline.steps.single import filter, identity, resample
from asdf_pipeline.text import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from obspy import Inventory, Stream
    from obspy.core.event import Catalog, Event

    from asdf_pipeline.function.load import UserFunction
    from asdf_pipeline.function.result import Result

    Step = str | Callable[..., Any] | Mapping[str, Mapping[str, Any] | None]

PACKAGE = "asdf_pipeline.steps"  # where users find the steps

STEPS: dict[str, Callable[..., Any]] = {
    step.__name__: step
    for step in (
        *(identity, detrend, taper, filter, resample, remove_response),
        *(cut, rotate, merge, reject),
    )
}
"""The steps that `resolve` knows by their bare names."""


def resolve(steps: Sequence[Step]) -> tuple[UserFunction, ...]:
    """Return what a list of steps stands for, ready to be called one by one.

    Parameters
    ----------
    steps : sequence
        Each step is a name, or a mapping of one name to its parameters. A name is
        one of this module's steps, ``"path/to/file.py:function"`` or
        ``"package.module:function"``, or the function itself.

    Returns
    -------
    tuple of UserFunction
        With the function, its full name, its parameters and its fingerprint.

    Raises
    ------
    FunctionError
        If a step is unknown, or does not take its parameters.
    """
    # Loading is the work's job, and the work loads this module as any other.
    from asdf_pipeline.function.load import load_function

    return tuple(
        _load_step(number, load_function, function, parameters)
        for number, (function, parameters) in enumerate(checked(steps), 1)
    )


def checked(
    steps: Sequence[Step],
) -> list[tuple[str | Callable[..., Any], dict[str, Any]]]:
    """Check a list of steps, as far as that goes without loading the user's own.

    Parameters
    ----------
    steps : sequence
        As in `resolve`.

    Returns
    -------
    list of (str or callable, dict)
        Each step's function, by its full name, and its parameters.

    Raises
    ------
    FunctionError
        If one is no step, there is none of its name, or it does not take its
        parameters: a line for each.
    """
    if not isinstance(steps, list | tuple) or not steps:
        msg = f"steps: expected a list of at least one step, got {steps!r}"
        raise FunctionError(msg)
    found: list[tuple[str | Callable[..., Any], dict[str, Any]]] = []
    problems = []
    for number, step in enumerate(steps, 1):
        try:
            found.append(_checked_step(number, step))
        except FunctionError as error:
            problems.append(str(error))
    if problems:
        raise FunctionError("\n".join(problems))
    return found


def _checked_step(
    number: int, step: Step
) -> tuple[str | Callable[..., Any], dict[str, Any]]:
    """Check one step of a list; see `checked`."""
    from asdf_pipeline.function.load import load_function

    name, parameters = _name_and_parameters(step, number)
    if not isinstance(name, str) or ":" in name:
        return name, parameters
    if name not in STEPS:
        msg = (
            f"step {number}: there is no step {name!r}; the steps are "
            f"{', '.join(sorted(STEPS))}, or path/to/file.py:function"
        )
        raise FunctionError(msg)
    check_parameters(STEPS[name], parameters, number)
    name = f"{PACKAGE}:{name}"
    _load_step(number, load_function, name, parameters)
    return name, parameters


def _load_step(
    number: int, load: Callable[..., UserFunction], *what: Any
) -> UserFunction:
    """Load a step, and say which one it is if that fails."""
    try:
        return load(*what)
    except FunctionError as error:
        msg = f"step {number}: {error}"
        raise FunctionError(msg) from error


def chain(
    st: Stream,
    inv: Inventory | None,
    steps: Sequence[Step],
    *,
    event: Event | None = None,
    events: Catalog | None = None,
    tag: str | None = None,
) -> Stream | Result | None:
    """Run several steps, each on what the one before returned.

    Parameters
    ----------
    st : obspy.Stream
        In counts, or whatever the first step takes.
    inv : obspy.Inventory or None
        Given to every step.
    steps : sequence
        As in `resolve`: ``["detrend", {"taper": {"max_percentage": 0.05}}, ...]``.
    event, events, tag
        Passed to the steps whose signatures ask for them.

    Returns
    -------
    obspy.Stream, Result or None
        What the last step returned; None as soon as one returns None.

    Raises
    ------
    FunctionError
        If a step is unknown, or does not take its parameters.
    TraceError
        If a step returns neither Stream, Trace nor None; the last one may also
        return a Result.

    Examples
    --------
    >>> import obspy
    >>> from asdf_pipeline import steps
    >>> st = steps.chain(
    ...     obspy.read(),
    ...     obspy.read_inventory(),
    ...     steps=["detrend", {"taper": {"max_percentage": 0.1}}, "remove_response"],
    ... )
    >>> len(st)
    3
    """
    import obspy

    from asdf_pipeline.function.result import Result

    resolved = _resolve_once(steps)
    for number, step in enumerate(resolved, 1):
        # A step's own copy: what it does to a list of corners ends with the station.
        parameters = copy.deepcopy(step.parameters)
        offered = {"event": event, "events": events, "tag": tag}
        offered["parameters"] = parameters
        asked = {name: offered[name] for name in step.asks}
        try:
            result = step.function(st, inv, **parameters, **asked)
        except Exception as error:
            error.add_note(f"in step {number}, {step.name}")
            raise
        if result is None or (number == len(resolved) and isinstance(result, Result)):
            return result
        st = obspy.Stream([result]) if isinstance(result, obspy.Trace) else result
        if not isinstance(st, obspy.Stream):
            msg = (
                f"step {number}, {step.name}: returned {kind_of(result)}; expected "
                "an obspy Stream or Trace, or None"
            )
            raise TraceError(msg)
    return st


def _calls(parameters: Mapping[str, Any]) -> tuple[UserFunction, ...]:
    """Return the steps behind the parameters of a chain, as loading it asks for."""
    _resolved_text.cache_clear()  # a file may have changed since the last run
    return resolve(parameters["steps"])


# What the work looks for: these are loaded, checked and fingerprinted with it.
chain.calls = _calls  # type: ignore[attr-defined]


def _resolve_once(steps: Sequence[Step]) -> tuple[UserFunction, ...]:
    """Resolve a list of names once a process, not for every station."""
    try:
        text = json.dumps(steps)
    except TypeError:  # functions among them
        return resolve(steps)
    return _resolved_text(text)


@functools.lru_cache(maxsize=16)
def _resolved_text(text: str) -> tuple[UserFunction, ...]:
    """Return the steps of a list written as JSON, which can be a key of the cache."""
    return resolve(json.loads(text))


def _name_and_parameters(step: object, number: int) -> tuple[Any, dict[str, Any]]:
    """Return a step's name, or the function itself, and its parameters.

    Raises
    ------
    FunctionError
        If it is neither a name nor a mapping of one name.
    """
    if isinstance(step, str) or callable(step):
        return step, {}
    if isinstance(step, dict) and len(step) == 1:
        ((name, parameters),) = step.items()
        if isinstance(name, str) and isinstance(parameters, dict | None):
            return name, parameters or {}
    msg = f"step {number}: expected a name, or name: {{parameter: value}}, got {step!r}"
    raise FunctionError(msg)
