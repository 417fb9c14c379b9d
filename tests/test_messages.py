"""What the library says names its arguments, not the command's options."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import asdf_pipeline

HOME = Path(asdf_pipeline.__file__).parent
OPTION = re.compile(r"""(^|[\s("'])--[a-z]""")
# Only the command calls these rooms.
COMMAND = {"cli", "crate", "pipeline", "stage"}
# Texts beside them that may name options, and why.
ALLOWED = {
    "--only-failed": "the command's alone",
    "give the --tag": "of --only-failed",
    "--outcomes FILE": "of --only-failed",
    "'--window'": "of --only-failed",
    "'--copy-auxiliary'": "of --only-failed",
    "--no-events (no_events)": "names both",
    "with --max-failures ": "names both",
    "--lossy (lossy)": "names both",
    "--overwrite (overwrite)": "names both",
    "srun --mpi": "Slurm's",
    "dask worker --nworkers": "Dask's",
    "--nthreads 1)": "Dask's",
    "dask scheduler --scheduler-file": "Dask's",
    "its file system has no locks": "of the verb repair",
}


def texts(path: Path) -> list[str]:
    """Return all texts in a module that are no docstrings."""
    tree = ast.parse(path.read_bytes())
    docs = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docs
    ]


def test_errors_of_the_library_do_not_speak_of_options() -> None:
    found = [
        f"{path.relative_to(HOME)}: {text}"
        for path in sorted(HOME.rglob("*.py"))
        if path.relative_to(HOME).parts[0] not in COMMAND
        for text in texts(path)
        if OPTION.search(text)
        and not any(one in text or one == repr(text) for one in ALLOWED)
    ]
    assert found == []
