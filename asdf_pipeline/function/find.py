"""Whether a function can be where its name says, without running anything.

What runs a pipeline asks before hours of staging; `load` finds out for certain.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.errors import FunctionError
from asdf_pipeline.function.sources import has_version, locate, reached

if TYPE_CHECKING:
    from collections.abc import Iterable


def split(spec: str) -> tuple[str, str]:
    """Return the file or module, and the function in it, that a name is made of.

    Raises
    ------
    FunctionError
        If it is not made that way.
    """
    origin, colon, attribute = spec.rpartition(":")
    if not colon or not origin or not attribute:
        msg = (
            f"function {spec!r}: expected package.module:function "
            "or path/to/file.py:function"
        )
        raise FunctionError(msg)
    return origin, attribute


def missing_file(path: Path) -> FunctionError:
    """Return the error of a file that is not there."""
    return FunctionError(f"{path}: no such file (looked for in {Path.cwd()})")


def syntax_error(origin: object, error: SyntaxError) -> FunctionError:
    """Return the error of a file that is no Python."""
    return FunctionError(f"{origin}: line {error.lineno}: syntax error: {error.msg}")


def missing_module(origin: str, part: str | None) -> FunctionError:
    """Return the error of a module that is not there."""
    return FunctionError(
        f"{origin}: there is no module {part!r}, neither installed nor in {Path.cwd()}"
    )


def missing_function(
    origin: str, attribute: str, functions: Iterable[str]
) -> FunctionError:
    """Return the error of a file or module without that function."""
    there = ", ".join(sorted(functions)) or "none"
    return FunctionError(f"{origin}: has no {attribute!r}; functions: {there}")


def own_files(spec: str) -> list[str]:
    """Return the files of the user's own that a function is in and comes from.

    Parameters
    ----------
    spec : str
        The function, as of `look_for`.

    Returns
    -------
    list of str
        Its file, if it is no installed one, and those that this imports, all the way
        down; relative where they are in the working directory.

    Raises
    ------
    FunctionError
        As of `look_for`.
    """
    found = look_for(spec)
    by_path = split(spec)[0].endswith(".py")
    if found is None or (has_version(str(found)) and not by_path):
        return []
    # Where `load` has them looked for.
    here = Path.cwd()
    first, last = ([str(found.resolve().parent)], []) if by_path else ([], [str(here)])
    files = [found, *map(Path, reached(found, first, last))]
    return [
        str(file.relative_to(here) if file.is_relative_to(here) else file)
        for file in files
    ]


def look_for(spec: str, parameters: Iterable[str] = ()) -> Path | None:
    """Look for a function by its name, and run nothing.

    Parameters
    ----------
    spec : str
        ``"pkg.mod:func"``, of something installed or in the working directory, or
        ``"path/to/file.py:func"``.
    parameters : iterable of str
        Names of the keyword arguments that it is to be called with.

    Returns
    -------
    pathlib.Path or None
        The file that it is in, or that has it from others; None if there is no telling.

    Raises
    ------
    FunctionError
        If it is certain that it cannot be loaded.
    """
    origin, attribute = split(spec)
    if not origin.endswith(".py"):
        try:
            found = locate(origin, last=[str(Path.cwd())])
        except ModuleNotFoundError as error:
            raise missing_module(origin, error.name) from None
        if found is None or not found.endswith(".py"):  # compiled, or a folder
            return Path(found) if found else None
        path = Path(found)
    else:
        path = Path(origin)
        if not path.is_file():
            raise missing_file(path)
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise syntax_error(path, error) from error
    except (OSError, ValueError):  # no permission, no text: loading it will tell
        return path
    names = _bound(tree)
    first = attribute.partition(".")[0]
    if first not in names and not names & {"*", "__getattr__"}:
        raise missing_function(origin, attribute, _offered(tree))
    _refuse_unknown(tree, spec, parameters)
    return path


def _offered(tree: ast.Module) -> list[str]:
    """Return the names of the functions that code offers.

    Those that it defines and that take waveforms and metadata, or, where it defines
    none, as a package does, those that it has from its modules.
    """
    defined = [
        node.name
        for node in tree.body
        if isinstance(node, _FUNCTION)
        and not node.name.startswith("_")
        and (node.args.vararg or len(node.args.posonlyargs + node.args.args) > 1)
    ]
    return defined or [
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name[0].islower()
    ]


def _refuse_unknown(tree: ast.Module, spec: str, parameters: Iterable[str]) -> None:
    """Refuse parameters that a function has not, where its code says all it takes."""
    name = split(spec)[1]
    found = [node for node in ast.walk(tree) if name in _bound(node, deep=False)]
    if len(found) != 1 or found[0] not in tree.body:
        return
    (node,) = found
    if not isinstance(node, _FUNCTION) or node.decorator_list or node.args.kwarg:
        return
    taken = [one.arg for one in (*node.args.args, *node.args.kwonlyargs)]
    # The first two are the waveforms and the metadata.
    taken = taken[max(0, 2 - len(node.args.posonlyargs)) :]
    if unknown := [one for one in parameters if one not in taken]:
        has = ", ".join(taken) or "none"
        msg = f"{spec}: has no parameter {unknown[0]!r}; it has {has}"
        raise FunctionError(msg)


_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def _bound(tree: ast.AST, *, deep: bool = True) -> set[str]:
    """Return all names that code binds, at whatever depth, or this very node."""
    names = set()
    for node in ast.walk(tree) if deep else (tree,):
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
