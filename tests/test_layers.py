"""The rooms of the package in a line: each knows only those before it."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ALONE = {
    "h5py": "container",
    **dict.fromkeys(("mpi4py", "multiprocessing", "dask", "distributed"), "team"),
}
MODULES = {
    str(path.relative_to(ROOT).with_suffix("")).replace("/", "."): path
    for path in (ROOT / "asdf_pipeline").rglob("*.py")
}
MODULES = {name.removesuffix(".__init__"): path for name, path in MODULES.items()}


def read_places() -> dict[str, float]:
    """Return the place of each room in the line that docs/architecture.md draws."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = page.split("```")[1].split("<-")
    rooms = [part.replace(",", " ").split() for part in drawn]
    places = {room: k for k, level in enumerate(rooms, 1) for room in level}
    # All know the version; the public names are made of the library's.
    names = {"_version": 0, "": places["dataset"] + 0.5, "__main__": len(rooms) + 1}
    return {**places, **names}


def imports(module: str) -> set[str]:
    """Return what a module imports, also where only mypy reads it, by full names."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: imports are written in full"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else str(node.module) for name in names}
    return found


def room(module: str) -> str:
    return f"{module}.".split(".")[1]


def test_no_room_imports_one_that_comes_after_it() -> None:
    places = read_places()
    rooms = {room(module) for module in MODULES}
    assert rooms <= places.keys(), "docs/architecture.md draws every room"
    up = [
        f"{module} imports {name}"
        for module in MODULES
        for name in imports(module)
        if ALONE.get(name.partition(".")[0], room(module)) != room(module)
        or name in MODULES
        and room(name) != room(module)
        and places[room(name)] >= places[room(module)]
    ]
    assert up == []


def test_no_import_leads_back() -> None:
    graph = {module: imports(module) & MODULES.keys() for module in MODULES}
    TopologicalSorter(graph).prepare()  # names the circle, if there is one
