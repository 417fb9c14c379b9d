"""The rooms of the package in a line: each knows only those before it."""

from __future__ import annotations

import ast
from pathlib import Path

import asdf_pipeline

HOME = Path(asdf_pipeline.__file__).parent
# As docs/architecture.md draws them; `__init__` stands where its last import does.
ROOMS = [
    *("_version", "errors", "exceptions", "text", "files", "times", "metadata"),
    *("container", "plan"),
    *("manifest", "function", "steps", "provenance", "work", "journal", "team"),
    *("engine", "stage", "dataset", "__init__", "report", "pipeline", "cli"),
    "__main__",
]
ALONE = {"h5py": "container", "mpi4py": "team", "multiprocessing": "team"}


def imports(path: Path) -> set[str]:
    """Return the full names that a module imports, also where only mypy reads it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are written in full"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(name: str) -> str:
    """Return the room of a name of the package; `__init__` for its public names."""
    first = name.split(".")[1]
    return first if first in ROOMS else "__init__"


def test_no_room_imports_one_that_comes_after_it() -> None:
    up = []
    for path in sorted(HOME.rglob("*.py")):
        here = path.relative_to(HOME).parts[0].removesuffix(".py")
        for name in imports(path):
            top = name.partition(".")[0]
            if top == "asdf_pipeline" and ROOMS.index(room(name)) > ROOMS.index(here):
                up.append(f"{path.relative_to(HOME)} imports {name}")
            if ALONE.get(top, here) != here:
                up.append(f"{path.relative_to(HOME)} imports {name}")
    assert up == []
