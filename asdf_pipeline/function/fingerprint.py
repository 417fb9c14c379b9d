"""Digest of a function and of all that it refers to.

Two closures over different values have one source, so the source alone will not
do: the whole file that defines the function, its defaults, its closure's cells and
the globals that it names are hashed, functions among them likewise. So are the files of
the user's own that these import, wherever in them; installed ones are known by version.
What a script may have set since in its modules and classes counts where code names it.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

from asdf_pipeline.function.sources import has_version, imported
from asdf_pipeline.text import kind_of

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...))


class UnhashableError(Exception):
    """Something that the function refers to has no digest."""


def fingerprint(value: object) -> str:
    """Return the digest (hex) of a function or value.

    Raises
    ------
    UnhashableError
        If something it refers to can be neither taken apart nor pickled.
    """
    digest = hashlib.sha256()
    _Feed(digest).add(value)
    return digest.hexdigest()


class _Feed:
    def __init__(self, digest: Any) -> None:
        self.digest = digest
        # By id: its number, and itself, which is so kept alive.
        self.seen: dict[int, tuple[int, object]] = {}
        self.files: set[str] = set()
        self.spaces: set[tuple[int, frozenset[str]]] = set()

    def text(self, *parts: object) -> None:
        for part in parts:
            data = part if isinstance(part, bytes) else str(part).encode()
            self.digest.update(b"%d:" % len(data))
            self.digest.update(data)

    def add(self, value: object) -> None:
        if isinstance(value, _PLAIN):
            self.text(type(value).__name__, repr(value))
            return
        if id(value) in self.seen:
            self.text("seen", self.seen[id(value)][0])  # which: there may be several
            return
        self.seen[id(value)] = len(self.seen), value
        if isinstance(value, list | tuple):
            self.text(type(value).__name__, len(value))
            for item in value:
                self.add(item)
        elif isinstance(value, dict):
            self.text("dict", len(value))
            for key, item in value.items():
                self.add(key)
                self.add(item)
        elif isinstance(value, set | frozenset):
            self.text("set", *sorted(fingerprint(item) for item in value))
        elif isinstance(value, functools.partial):
            self.text("partial")
            self.add((value.func, value.args, value.keywords))
        elif isinstance(value, types.MethodType):
            self.text("method")
            self.add((value.__func__, value.__self__))
        elif isinstance(value, types.FunctionType):
            self.function(value)
        elif isinstance(value, types.ModuleType):
            self.text("module", value.__name__, getattr(value, "__version__", ""))
            self.file(getattr(value, "__file__", None))
        elif isinstance(value, types.BuiltinFunctionType | type):
            self.text("name", value.__module__, value.__qualname__)
            if isinstance(value, type):
                self.type(value)
        else:
            self.object(value)

    def file(self, name: str | None) -> None:
        """Hash a file of the user's own, and those that it imports."""
        if name is None or has_version(name) or name in self.files:
            return
        self.files.add(name)
        source = self.source(name)
        for other in imported(source, Path(name)):
            self.file(other)

    def source(self, name: str) -> bytes:
        """Hash a file itself, and return it; what cannot be read by its name."""
        try:
            source = Path(name).read_bytes()
        except OSError:
            source = b""
        self.text(source or name)
        return source

    def type(self, value: type) -> None:
        """Hash the file of a class; one typed into a session has none."""
        name = getattr(sys.modules.get(value.__module__), "__file__", None)
        self.file(name)
        if name is None:
            for method in _methods(value):
                self.add(method)
        self.data(value)

    def function(self, function: types.FunctionType) -> None:
        code = function.__code__
        self.text("function", function.__module__, function.__qualname__)
        if has_version(code.co_filename):
            package = sys.modules.get(function.__module__.partition(".")[0])
            self.text(getattr(package, "__version__", ""))
            self.source(code.co_filename)  # its author's, installed anew
        else:
            self.file(code.co_filename)
            self.code(code)
        self.add(function.__defaults__)
        self.add(function.__kwdefaults__)
        self.add(getattr(function, "__wrapped__", None))  # what a decorator hides
        for cell in function.__closure__ or ():
            try:
                self.add(cell.cell_contents)
            except ValueError:
                self.text("empty cell")
        if not has_version(code.co_filename):
            for name in sorted(_names(code)):
                if name in function.__globals__:
                    self.text(name)
                    self.add(function.__globals__[name])
            self.data(function)

    def data(self, owner: object, names: frozenset[str] = frozenset()) -> None:
        """Hash the data that code finds by these names, in what is the user's own.

        Only what it names, and only data: the rest may differ from run to run.
        """
        if not _is_own(owner):
            return
        space = vars(owner)
        if isinstance(owner, types.FunctionType):
            space, names = owner.__globals__, frozenset(_names(owner.__code__))
        elif isinstance(owner, type):
            for method in _methods(owner):
                self.data(method)
                names |= _names(method.__code__)
        if (id(owner), names) in self.spaces:
            return
        self.spaces.add((id(owner), names))
        for name in sorted(names & space.keys()):
            value = space[name]
            if _is_data(value):
                self.text(name)
                self.add(value)
            else:
                self.data(value, names)

    def code(self, code: types.CodeType) -> None:
        """Hash the code too: one typed into a session has no file."""
        self.text(code.co_code, code.co_names, code.co_varnames)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self.code(constant)
            else:
                self.add(constant)

    def object(self, value: object) -> None:
        self.text("object")
        self.add(type(value))
        try:
            data = pickle.dumps(value, protocol=4)
        except Exception as error:
            msg = (
                f"{kind_of(value)} that the function refers to "
                f"cannot be hashed ({error})"
            )
            raise UnhashableError(msg) from error
        self.text(data)


def _is_own(owner: object) -> bool:
    """Return whether a module, class or function is the user's own."""
    if isinstance(owner, types.FunctionType):
        return not has_version(owner.__code__.co_filename)
    if not isinstance(owner, types.ModuleType | type):
        return False
    module = sys.modules.get(owner.__module__) if isinstance(owner, type) else owner
    name = getattr(module, "__file__", None)
    # A session's has no file, nor have the interpreter's own.
    return not has_version(name) if name else module is sys.modules["__main__"]


def _is_data(value: object) -> bool:
    if isinstance(value, dict):
        return all(_is_data(key) and _is_data(item) for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_data, value))
    if isinstance(value, np.ndarray | np.generic):
        return not value.dtype.hasobject
    return isinstance(value, _PLAIN)


def _methods(value: type) -> list[types.FunctionType]:
    found = (getattr(member, "__func__", member) for member in vars(value).values())
    return [member for member in found if isinstance(member, types.FunctionType)]


def _names(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names(constant)
    return names
