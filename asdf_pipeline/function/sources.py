"""Which files a function's code is in, and those that it imports: found by syntax.

Nothing is run for it. What is installed is known by its version and left out.
"""

from __future__ import annotations

import ast
import functools
import sys
import sysconfig
from importlib.machinery import PathFinder
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec

_PACKAGE = f"{Path(__file__).parents[1]}/"


@functools.cache
def _installed_roots() -> tuple[str, ...]:
    return tuple(
        sysconfig.get_path(name)
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
    )


def is_installed(filename: str) -> bool:
    """Return whether a file is the interpreter's, or a package's as installed."""
    # Those of a user's or the system's, too, that this environment may see.
    return filename.startswith(("<frozen", *_installed_roots())) or any(
        folder in filename for folder in ("/site-packages/", "/dist-packages/")
    )


def has_version(filename: str) -> bool:
    """Return whether a file is installed, or this package's, however installed."""
    return is_installed(filename) or filename.startswith(_PACKAGE)


def reached(
    file: Path, first: Sequence[str] = (), last: Sequence[str] = ()
) -> list[str]:
    """Return the user's own files that a file imports, all the way down.

    Parameters
    ----------
    file : pathlib.Path
        Where to begin; it is not among them.
    first, last : sequence of str
        Folders that are looked in before and after those of `sys.path`.
    """
    found: dict[str, None] = {}
    ahead = [str(file)]
    while ahead:
        path = Path(ahead.pop())
        try:
            source = path.read_bytes()
        except OSError:  # it is there all the same
            continue
        for other in imported(source, path, first, last):
            if other not in found and not has_version(other):
                found[other] = None
                ahead.append(other)
    return [other for other in found if Path(other).resolve() != file.resolve()]


def imported(
    source: bytes, path: Path, first: Sequence[str] = (), last: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the user's own files that a file may import, anywhere in it.

    Parameters
    ----------
    source : bytes
        What is in the file; an extension module imports nothing.
    path : pathlib.Path
        The file, for relative names.
    first, last : sequence of str
        Folders that are looked in before and after those of `sys.path`.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for name in _names(tree):
        file = _origin(name, first, last)
        if file is not None and not is_installed(file):
            yield file
    yield from map(str, _neighbours(tree, path))


def _names(tree: ast.Module) -> list[str]:
    """Return the names of the modules that code may import."""
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:  # a package too, of which a module is imported
                names |= dict.fromkeys(accumulate(alias.name.split("."), _joined))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names[node.module] = None
            names |= dict.fromkeys(_joined(node.module, a.name) for a in node.names)
    return list(names)


def _joined(package: str, name: str) -> str:
    return f"{package}.{name}"


def _neighbours(tree: ast.Module, path: Path) -> list[Path]:
    """Return the files of the modules that code may import by relative names."""
    found: dict[Path, None] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        place = (
            path.resolve()
            .parents[node.level - 1]
            .joinpath(*(node.module or "").split("."))
        )
        for module in (place, *(place / alias.name for alias in node.names)):
            found |= dict.fromkeys(_files(module))
    return list(found)


def _origin(
    module: str, first: Sequence[str] = (), last: Sequence[str] = ()
) -> str | None:
    """Return the file of a module of the user's own, None where there is none."""
    if module in sys.modules:
        return getattr(sys.modules[module], "__file__", None)
    try:
        return locate(module, first, last, own=True)
    except ModuleNotFoundError:
        return None  # no module: a name within one


def locate(
    module: str,
    first: Sequence[str] = (),
    last: Sequence[str] = (),
    *,
    own: bool = False,
) -> str | None:
    """Return the file of a module; nothing is imported, not even its packages.

    Parameters
    ----------
    module : str
        Its name.
    first, last : sequence of str
        Folders that are looked in before and after those of `sys.path`.
    own : bool
        Whether to look no further in what is installed.

    Returns
    -------
    str or None
        None where there is no telling, or no file: a folder, or part of Python.

    Raises
    ------
    ModuleNotFoundError
        If it is certain that there is none; its name is the part that is missing.
    """
    part, *rest = module.split(".")
    spec = _top(part, first, last)
    if spec is None:
        raise ModuleNotFoundError(name=part)
    found = spec.origin if spec.has_location else None
    folders = list(map(Path, spec.submodule_search_locations or []))
    if own and found is not None and is_installed(found):
        return None
    for step in rest:
        part = f"{part}.{step}"
        places = [place / step for place in folders]
        files = [file for place in places for file in _files(place)]
        folders = [place for place in places if place.is_dir()]
        if not files and not folders:
            raise ModuleNotFoundError(name=part)
        found = str(files[0]) if files else None
    return found


def _top(name: str, first: Sequence[str], last: Sequence[str]) -> ModuleSpec | None:
    """Return where a module is that no package holds."""
    try:
        # Asks all finders, those of editable installations too.
        installed = find_spec(name)
    except ValueError:  # "", or a module like __main__ that nothing can find
        return None
    specs = [
        *(PathFinder.find_spec(name, [folder]) for folder in first),
        installed,
        *(PathFinder.find_spec(name, [folder]) for folder in last),
    ]
    there = [spec for spec in specs if spec is not None]
    # As Python does: a mere folder of that name gives way to a module.
    return next((spec for spec in there if spec.origin), there[0] if there else None)


def _files(module: Path) -> list[Path]:
    """Return the files that a module in a folder may be, its name without ending."""
    compiled = sorted(module.parent.glob(f"{module.name}.*.so"))
    python = (module / "__init__.py", module.with_name(f"{module.name}.py"))
    return [file for file in (*python, *compiled) if file.is_file()]
