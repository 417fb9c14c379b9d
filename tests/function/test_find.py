"""Looking for a function without running anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from asdf_pipeline.errors import FunctionError
from asdf_pipeline.function.find import look_for, own_files

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


@pytest.mark.parametrize(
    ("code", "taken"),
    [
        ("def process(st, inv, a, *, b=1): ...", "a, b"),
        ("def process(st, /, inv): ...", "none"),
        ("def process(st, inv, **more): ...", None),
        ("@decorated\ndef process(st, inv): ...", None),
        ("def process(st, inv): ...\nprocess = other(process)", None),
        ("if True:\n    def process(st, inv): ...", None),
    ],
)
def test_parameters_that_a_function_has_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, taken: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(code)
    look_for("mine.py:process", ["a", "b"] if taken == "a, b" else [])
    if taken is None:
        look_for("mine.py:process", ["c"])
        return
    said = f"mine.py:process: has no parameter 'c'; it has {taken}$"
    with pytest.raises(FunctionError, match=said):
        look_for("mine.py:process", ["c"])


FILES = {
    "top.py": "def process(st, inv):\n    from near import scale\n    import numpy\n",
    "near.py": "import kit.deep.most\n",
    "lib/top.py": "from near import scale\ndef process(st, inv): ...\n",
    "lib/near.py": "import top\n",
    "kit/__init__.py": "from .steps import *\n",
    "kit/steps.py": "from . import util\ndef process(st, inv): ...\n",
    "kit/util.py": "from .deep.most import z\nfrom asdf_pipeline import steps\n",
    "kit/deep/most.py": "z = 1\n",
    "unused.py": "raise SystemExit\n",
}


@pytest.mark.parametrize(
    ("spec", "files"),
    [
        ("top.py:process", "top.py near.py kit/__init__ kit/deep/most kit/steps"),
        ("top:process", "top.py near.py kit/__init__ kit/deep/most kit/steps"),
        ("lib/top.py:process", "lib/top.py lib/near.py"),
        ("kit.steps:process", "kit/steps kit/__init__ kit/deep/most"),
        ("kit:process", "kit/__init__ kit/steps kit/deep/most"),
        ("asdf_pipeline.steps:detrend", ""),
        ("math:sqrt", ""),
    ],
)
def test_the_files_that_a_function_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, files: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, code in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(code)
    expected = {f"{name.removesuffix('.py')}.py" for name in files.split()}
    if any(name.startswith("kit") for name in expected):
        expected.add("kit/util.py")
    assert set(own_files(spec)) == expected
    assert not {"top", "near", "kit"} & sys.modules.keys()


def test_an_editable_installation_is_the_users_own(tmp_path: Path) -> None:
    for name in ("steps.py", "util.py"):
        path = tmp_path / "src" / "mylab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("from mylab import util\ndef process(st, inv): ...\n")
    # As setuptools' finders for editable installations answer.
    code = (
        "import sys\nfrom importlib.machinery import PathFinder\nclass Finder:\n"
        " def find_spec(self, name, path=None, target=None):\n"
        f"  return PathFinder.find_spec(name, path or [{str(tmp_path / 'src')!r}])\n"
        "sys.meta_path.append(Finder())\n"
        "from asdf_pipeline.function.find import own_files\n"
        "print(*own_files('mylab.steps:process'))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [
        f"src/mylab/{name}" for name in ("steps.py", "util.py")
    ]
