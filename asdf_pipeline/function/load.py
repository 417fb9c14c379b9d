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
"""What a function gets by name if its signature asks for it."""
OFFERED_TO_COMPARE = ("parameters",)
"""The same of a function that compares two data sets."""


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
        Those of ``OFFERED`` that the function's signature asks for, and that neither a
        `functools.partial` nor the parameters bind.
    fingerprint, parameters_fingerprint : str or None
        Digests of the function and all it refers to, and of the parameters; None if
        one cannot be had, and then `unhashable` says why: such work does not resume.
    is_named : bool
        Whether it was found by its name: pickled, it is found by that again, in the
        working directory there, for a file's functions cannot be sent.
    compares : bool
        Whether it is called with the data of two stations.
    """

    function: Callable[..., Any]
    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    asks: tuple[str, ...] = ()
    fingerprint: str | None = None
    parameters_fingerprint: str | None = None
    unhashable: str = ""
    is_named: bool = False
    compares: bool = False

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled."""
        return {**vars(self), **({"function": None} if self.is_named else {})}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what was pickled; find the function if it is named.

        Raises
        ------
        FunctionError
            If it cannot be found, or is another one than was pickled.
        """
        vars(self).update(state)
        if not self.is_named:
            return
        found = load_function(self.name, self.parameters, compares=self.compares)
        if found.fingerprint != self.fingerprint:
            msg = f"{self.name}: is not what it was when the run began, or elsewhere"
            raise FunctionError(msg)
        vars(self)["function"] = found.function

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
    *,
    compares: bool = False,
) -> UserFunction:
    """Return the process that a callable or its name stands for.

    Parameters
    ----------
    function : str or callable
        ``"pkg.mod:func"``, ``"path/to/file.py:func"`` (relative to the working
        directory) or the function itself.
    parameters : mapping, optional
        Keyword arguments for every call.
    compares : bool
        Whether it is called with the data of two stations.

    Raises
    ------
    FunctionError
        If it cannot be found, loaded or called as ``function(st, inv,
        **parameters)``, or ``function(a, b, **parameters)``.
    """
    is_named = isinstance(function, str)
    if isinstance(function, str):
        name, function = function, _find(function)
    else:
        module = getattr(function, "__module__", None) or "?"
        name = f"{module}:{getattr(function, '__qualname__', repr(function))}"
    if not callable(function):
        msg = f"{name}: not a function (its type is {type(function).__name__})"
        raise FunctionError(msg)
    keywords = dict(parameters or {})
    asks = _check_signature(function, name, keywords, compares)
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
    return UserFunction(
        function,
        name,
        keywords,
        asks,
        own,
        of_parameters,
        reason,
        is_named=is_named,
        compares=compares,
    )


def _find(spec: str) -> Any:
    origin, attribute = split(spec)
    module = (
        _load_file(Path(origin)) if origin.endswith(".py") else _load_module(origin)
    )
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
    )


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise missing_file(path)
    # As for a script: modules beside the file can be imported by it.
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules.setdefault(path.stem, module)

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
    compares: bool,
) -> tuple[str, ...]:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ()  # some built-in callables have none
    bound = function.keywords if isinstance(function, functools.partial) else {}
    bound_names = parameters.keys() | bound.keys()
    asks = tuple(
        wanted
        for wanted in (OFFERED_TO_COMPARE if compares else OFFERED)
        if wanted in list(signature.parameters)[2:] and wanted not in bound_names
    )
    try:
        signature.bind(None, None, **dict.fromkeys(asks), **parameters)
    except TypeError as error:
        words = "".join(f", {key}=..." for key in parameters)
        two = "a, b" if compares else "st, inv"
        msg = f"{name}{signature}: cannot be called as ({two}{words}): {error}"
        raise FunctionError(msg) from None
    return asks
