"""Looking for a function without running anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from asdf_pipeline.errors import FunctionError
from asdf_pipeline.work.find import look_for

CODE = '''
"""Would tell if it were run."""
from pathlib import Path
from os.path import join as joined
Path(__file__).with_name("run").touch()
def process(st, inv):
    return st
if True:
    also = process
class Steps:
    def first(self, st, inv):
        return st
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with a file and a package of functions."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(CODE)
    (tmp_path / "broken.py").write_text("def process(st, inv:\n")
    (tmp_path / "stars.py").write_text("from mine import *\n")
    (tmp_path / "package" / "inner").mkdir(parents=True)
    (tmp_path / "package" / "__init__.py").write_text(CODE)
    (tmp_path / "package" / "inner" / "mod.py").write_text(CODE)
    return tmp_path


@pytest.mark.parametrize(
    "spec",
    [
        "mine.py:process",
        "mine.py:also",
        "mine.py:joined",
        "mine.py:Steps.first",
        "stars.py:process",
        "mine:process",
        "package:process",
        "package.inner.mod:process",
        "asdf_pipeline.steps:chain",
        "obspy.core.stream:read",
        "math:sqrt",  # compiled: who knows
    ],
)
def test_what_may_be_there_passes_and_nothing_is_run(folder: Path, spec: str) -> None:
    look_for(spec)
    assert not list(folder.rglob("run"))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("mine.py", "expected package.module:function"),
        ("mine.py:", "expected package.module:function"),
        (".mine:process", "there is no module '', neither installed nor in"),
        # It is there under `python -m pytest`, but not in pytest-xdist's processes.
        ("__main__:process", "there is no module '__main__', neither|has no 'process'"),
        ("yours.py:process", r"yours\.py: no such file \(looked for in"),
        ("mine.py:procez", r"mine\.py: has no 'procez'; functions: process$"),
        ("package.inner.mod:second", r"mod: has no 'second'; functions: process$"),
        ("broken.py:process", r"broken\.py: line 1: syntax error: "),
        ("yours:process", "there is no module 'yours', neither installed nor in"),
        ("package.outer.mod:process", "there is no module 'package.outer', neither"),
        ("mine.inner:process", "there is no module 'mine.inner', neither"),
    ],
)
def test_what_is_not_there_is_named(folder: Path, spec: str, said: str) -> None:
    with pytest.raises(FunctionError, match=said):
        look_for(spec)
    assert not list(folder.rglob("run"))
