"""Load the user's processing function: ``pkg.mod:func`` or ``path/to/file.py:func``."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import FunctionError
from asdf_pipeline.function.find import (
    missing_file,
    missing_function,
    split,
    syntax_error,
)
from asdf_pipeline.function.fingerprint import UnhashableError, fingerprint
from asdf_pipeline.text import named_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

OFFERED = ("event", "events", "tag", "parameters")
"""What a function of a station gets by name if its signature asks for it."""


LOADED: dict[str, Path] = {}
"""Files that were loaded as modules, by the name under which `sys.modules` has them."""


@dataclass(frozen=True)
class Call:
    """How a function is called.

    Attributes
    ----------
    arguments : tuple of str
        What its first arguments are, for messages.
    offered : tuple of str
        What it gets by name if its signature asks for it.
    """

    arguments: tuple[str, ...]
    offered: tuple[str, ...] = ()


STATION = Call(("st", "inv"), OFFERED)
COMPARISON = Call(("a", "b"), ("parameters",))
PAIR = Call(("a", "b"), ("pair", "parameters"))
PREPARATION = Call(("station",))
GATHER = Call(("gather",), ("parameters",))
STACK = Call(("windows",), ("pair",))


@dataclass(frozen=True)
class UserFunction:
    """The user's function, ready to be called on a unit.

    Attributes
    ----------
    function : callable
        ``function(stream, inventory, **parameters)``.
    name : str
        How it was named, for logs and reports.
    parameters : dict
        Passed as keyword arguments.
    asks : tuple of str
        What is offered that the function's signature asks for, and that neither a
        `functools.partial` nor the parameters bind.
    fingerprint, parameters_fingerprint : str or None
        Digests of the function and all it refers to, and of the parameters; None if
        one cannot be had, and then `unhashable` says why: such work does not resume.
    """

    function: Callable[..., Any]
    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    asks: tuple[str, ...] = ()
    fingerprint: str | None = None
    parameters_fingerprint: str | None = None
    unhashable: str = ""

    @property
    def source(self) -> str:
        """The function's source text, empty where there is none to be had."""
        try:
            return inspect.getsource(inspect.unwrap(self.function))
        except (OSError, TypeError):
            return ""


def load_function(
    function: str | Callable[..., Any],
    parameters: Mapping[str, Any] | None = None,
    call: Call = STATION,
) -> UserFunction:
    """Return the process that a callable or its name stands for.

    Parameters
    ----------
    function : str or callable
        ``"pkg.mod:func"``, ``"path/to/file.py:func"`` (relative to the working
        directory) or the function itself.
    parameters : mapping, optional
        Keyword arguments for every call.
    call : Call
        How it is called.

    Raises
    ------
    FunctionError
        If it cannot be found, loaded or called so: ``function(st, inv,
        **parameters)``.
    """
    name, function = find_function(function)
    return made_ready(name, function, parameters, call)


def find_function(
    function: str | Callable[..., Any],
) -> tuple[str, Callable[..., Any]]:
    """Return the name of a function and the function itself.

    Raises
    ------
    FunctionError
        If it cannot be found or loaded, or is none.
    """
    if isinstance(function, str):
        name, function = function, _find(function)
    else:
        module = getattr(function, "__module__", None) or "?"
        name = f"{module}:{getattr(function, '__qualname__', repr(function))}"
    if not callable(function):
        msg = f"{name}: not a function (its type is {type(function).__name__})"
        raise FunctionError(msg)
    return name, function


def made_ready(
    name: str,
    function: Callable[..., Any],
    parameters: Mapping[str, Any] | None,
    call: Call,
) -> UserFunction:
    """Return a function that was found, checked and fingerprinted.

    Parameters
    ----------
    name, function
        See `find_function`.
    parameters, call
        See `load_function`.

    Raises
    ------
    FunctionError
        If it cannot be called so.
    """
    keywords = dict(parameters or {})
    asks = _check_signature(function, name, keywords, call)
    called: tuple[UserFunction, ...] = ()
    if hasattr(function, "calls"):  # names further functions, as steps.chain does
        called = function.calls(keywords)
        asks = tuple(ask for ask in asks if any(ask in other.asks for other in called))
    digests: list[str | None] = []
    reason = next((other.unhashable for other in called if other.unhashable), "")
    others = [other.fingerprint for other in called]
    for value in ((function, others) if others else function, keywords):
        try:
            digests.append(None if None in others else fingerprint(value))
        except UnhashableError as error:
            digests.append(None)
            reason = str(error)
    own, of_parameters = digests
    return UserFunction(function, name, keywords, asks, own, of_parameters, reason)


def _find(spec: str) -> Any:
    origin, attribute = split(spec)
    module = load_file(Path(origin)) if origin.endswith(".py") else _load_module(origin)
    found: Any = module
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise missing_function(origin, attribute, _functions(module)) from None
    return found


def _functions(module: ModuleType) -> Iterable[str]:
    """Return the names of a module's own functions, or of those that it exports."""
    exported = getattr(module, "__all__", ())
    return (
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and (value.__module__ == module.__name__ or name in exported)
        and not name.startswith("_")
        and _takes_two(value)
    )


def _takes_two(function: Callable[..., Any]) -> bool:
    """Return whether a function can be given waveforms and metadata."""
    try:
        inspect.signature(function).bind_partial(None, None)
    except TypeError:
        return False
    return True


def load_file(path: Path) -> ModuleType:
    """Return a file of the user's as a module, loaded anew.

    Raises
    ------
    FunctionError
        If it is not there, or cannot be loaded.
    """
    if not path.is_file():
        raise missing_file(path)
    # As for a script: modules beside the file can be imported by it.
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    if sys.modules.setdefault(path.stem, module) is module:
        LOADED[path.stem] = path

    def load() -> None:
        # Not by way of Python's cached bytecode, which is blind to an edit of equal
        # length within one second, and would leave files beside the user's.
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))

    _execute(path, load)
    return module


def _load_module(name: str) -> ModuleType:
    # A module beside the script or in the working directory counts too.
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    module: list[ModuleType] = []
    _execute(name, lambda: module.append(importlib.import_module(name)))
    return module[0]


def _execute(origin: object, load: Callable[[], object]) -> None:
    try:
        load()
    except SyntaxError as error:
        raise syntax_error(origin, error) from error
    except (Exception, SystemExit) as error:  # a script that ends itself, too
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == str(origin)
        ]
        line = f"line {lines[-1]}: " if lines else ""
        msg = f"{origin}: {line}cannot be loaded: {named_line(error)}"
        raise FunctionError(msg) from error


def _check_signature(
    function: Callable[..., Any],
    name: str,
    parameters: dict[str, Any],
    call: Call,
) -> tuple[str, ...]:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ()  # some built-in callables have none
    bound = function.keywords if isinstance(function, functools.partial) else {}
    bound_names = parameters.keys() | bound.keys()
    asks = tuple(
        wanted
        for wanted in call.offered
        if wanted in list(signature.parameters)[len(call.arguments) :]
        and wanted not in bound_names
    )
    try:
        signature.bind(*call.arguments, **dict.fromkeys(asks), **parameters)
    except TypeError as error:
        words = "".join(f", {key}=..." for key in parameters)
        first = ", ".join(call.arguments)
        msg = f"{name}{signature}: cannot be called as ({first}{words}): {error}"
        raise FunctionError(msg) from None
    return asks
