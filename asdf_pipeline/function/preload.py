"""Import before the fork what the user's function will import in each worker.

ObsPy's processing methods import `obspy.signal` when they are called, and with it
SciPy and Matplotlib: 1.3 s of CPU (ObsPy 1.5) in every worker of every run, more than
a small data set takes. A worker that is forked later has what its parent imported.
What only ObsPy's PPSD needs is left until somebody asks for that: 0.4 s.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from importlib.util import find_spec, module_from_spec
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNAL_METHODS = frozenset(
    (
        *("decimate", "detrend", "differentiate", "filter", "integrate"),
        *("get_evalresp_response", "interpolate", "remove_response", "resample"),
        *("rotate", "simulate", "stack", "taper", "trigger"),
    )
)
"""Methods of ObsPy's Stream, Trace and Response that import `obspy.signal`."""
_MODULES = ("detrend", "filter", "invsim")
"""Those of its modules that import most of what these methods need."""


def preload(*functions: Any) -> None:
    """Import what functions are likely to import when they are called.

    Parameters
    ----------
    *functions : callable
        The user's; what is no Python function is passed over. One that has an
        attribute ``imports`` says there which modules it needs; its code is not
        looked at.
    """
    _leave_ppsd()
    seen: set[FunctionType] = set()
    for one in functions:
        for name in getattr(one, "imports", ()):
            importlib.import_module(name)
    if any(not SIGNAL_METHODS.isdisjoint(_names(one, seen)) for one in functions):
        for name in _MODULES:
            importlib.import_module(f"obspy.signal.{name}")


class _WithoutPPSD(ModuleType):
    """The package `obspy.signal` until what it imports itself is asked for."""

    def __getattr__(self, name: str) -> Any:
        """Return a module of the package, or what the package as a whole has."""
        spec = self.__spec__
        if spec is None or spec.loader is None or name.startswith("__"):
            raise AttributeError(name)
        if find_spec(f"{spec.name}.{name}") is not None:
            return importlib.import_module(f"{spec.name}.{name}")
        self.__class__ = ModuleType  # type: ignore[assignment]
        spec.loader.exec_module(self)
        return getattr(self, name)


def _leave_ppsd() -> None:
    """Let `obspy.signal` be imported without what its own first line imports.

    That is PPSD, with Matplotlib and nearly all of SciPy (ObsPy 1.5), which evaluating
    a response does not need at all.
    """
    spec = find_spec("obspy.signal")
    if "obspy.signal" not in sys.modules and spec is not None:
        package = sys.modules[spec.name] = module_from_spec(spec)
        package.__class__ = _WithoutPPSD
        vars(importlib.import_module("obspy"))["signal"] = package


def _names(function: Any, seen: set[FunctionType]) -> Iterator[str]:
    """Yield the names that a function's code has, and those of what it calls."""
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    if inspect.ismethod(function):
        function = function.__func__
    elif not isinstance(function, FunctionType):
        function = inspect.getattr_static(type(function), "__call__", None)
    if not isinstance(function, FunctionType) or function in seen:
        return
    if hasattr(function, "imports"):
        return
    seen.add(function)
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_set(cell)]
    for name in _code_names(function.__code__):
        called = function.__globals__.get(name)
        if not hasattr(called, "imports"):
            yield name
        cells.append(called)
    for called in cells:
        if isinstance(called, FunctionType):
            yield from _names(called, seen)


def _code_names(code: CodeType) -> Iterator[str]:
    """Yield the names in a function's code and in the functions within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code_names(constant)


def _is_set(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # a closure's variable that has no value yet
        return False
