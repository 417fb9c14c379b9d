"""Whether a function can be where its name says, told without running anything.

What runs a pipeline asks before hours of staging; `load` finds out for certain.
"""

from __future__ import annotations

import ast
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.errors import FunctionError

if TYPE_CHECKING:
    from collections.abc import Iterable


def split(spec: str) -> tuple[str, str]:
    """Return the file or module, and the function in it, that a name is made of.

    Raises
    ------
    FunctionError
        If it is not made that way.
    """
    place, colon, attribute = spec.rpartition(":")
    if not colon or not place or not attribute:
        msg = (
            f"function {spec!r}: expected package.module:function "
            "or path/to/file.py:function"
        )
        raise FunctionError(msg)
    return place, attribute


def missing_file(path: Path) -> FunctionError:
    """Return the error of a file that is not there."""
    return FunctionError(f"{path}: no such file (looked for in {Path.cwd()})")


def syntax_error(place: object, error: SyntaxError) -> FunctionError:
    """Return the error of a file that is no Python."""
    return FunctionError(f"{place}: line {error.lineno}: syntax error: {error.msg}")


def missing_function(
    place: str, attribute: str, functions: Iterable[str]
) -> FunctionError:
    """Return the error of a file or module without that function."""
    there = ", ".join(sorted(functions)) or "none"
    return FunctionError(f"{place}: has no {attribute!r}; functions: {there}")


def look_for(spec: str) -> None:
    """Look for a function by its name, and run nothing.

    Parameters
    ----------
    spec : str
        ``"pkg.mod:func"``, of something installed or in the working directory, or
        ``"path/to/file.py:func"``.

    Raises
    ------
    FunctionError
        If it is certain that it cannot be loaded.
    """
    place, attribute = split(spec)
    if not place.endswith(".py"):
        found = _module(place, Path.cwd())
        if found is None or not found.endswith(".py"):  # compiled, or a folder
            return
        path = Path(found)
    else:
        path = Path(place)
        if not path.is_file():
            raise missing_file(path)
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise syntax_error(path, error) from error
    except (OSError, ValueError):  # no permission, no text: loading it will tell
        return
    names = _bound(tree)
    first = attribute.partition(".")[0]
    if first not in names and not names & {"*", "__getattr__"}:
        functions = [node.name for node in tree.body if isinstance(node, _FUNCTION)]
        raise missing_function(place, attribute, functions)


def _module(name: str, folder: Path) -> str | None:
    """Return the file of a module; None if there is no telling.

    Nothing is imported, not even its packages.
    """
    part, *rest = name.split(".")
    # Asks all finders, those of editable installations too.
    try:
        spec = find_spec(part) or PathFinder.find_spec(part, [str(folder)])
    except ValueError:  # "", or a module like __main__ that nothing can find
        spec = None
    if spec is None:
        raise _no_module(name, part, folder)
    found, folders = spec.origin, list(map(Path, spec.submodule_search_locations or []))
    for step in rest:
        part = f"{part}.{step}"
        places = [place / step for place in folders]
        files = [
            file
            for place in places
            for file in (place / "__init__.py", place.with_name(f"{step}.py"))
            if file.is_file()
        ]
        folders = [place for place in places if place.is_dir()]
        compiled = any(list(place.parent.glob(f"{step}.*.so")) for place in places)
        if not files and not folders and not compiled:
            raise _no_module(name, part, folder)
        found = str(files[0]) if files else None
    return found


def _no_module(name: str, part: str, folder: Path) -> FunctionError:
    return FunctionError(
        f"{name}: there is no module {part!r}, neither installed nor in {folder}"
    )


_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def _bound(tree: ast.Module) -> set[str]:
    """Return all names that a module's code binds, at whatever depth."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Name(ctx=ast.Store()):
                names.add(node.id)
            case ast.alias():
                names.add(node.asname or node.name.partition(".")[0])
            case ast.Call(func=ast.Name(id="globals" | "exec" | "setattr")):
                names.add("*")
    return names
