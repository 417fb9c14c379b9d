"""What a function's digest notices: every edit of the user's code that it may run."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from functools import partial, wraps
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import asdf_pipeline
from asdf_pipeline.function.fingerprint import UnhashableError, fingerprint
from asdf_pipeline.function.load import load_function

PRINT = """
from asdf_pipeline.function.load import load_function
print(load_function("steps.py:process").fingerprint)
"""
FILES = {
    "steps.py": "import helper\nfrom tools import Tool\ntool = Tool()\n"
    "def process(st, inv):\n    import late\n    return tool(helper.of(late.of(st)))\n",
    "helper.py": "import deep\ndef of(st):\n    return deep.of(st)\n",
    "deep.py": "def of(st):\n    return st\n",
    "late.py": "from parts import part\ndef of(st):\n    return part.of(st)\n",
    "parts/__init__.py": "",
    "parts/part.py": "def of(st):\n    from .inner import same\n    return same(st)\n",
    "parts/inner.py": "from . import beside\ndef same(st):\n    return st\n",
    "parts/beside.py": "",
    "tools.py": "class Tool:\n    def __call__(self, st):\n        return st\n",
    "other.py": "def of(st):\n    return st\n",
}


def digest(folder: Path) -> str:
    """Return the digest that a process of its own has of the function."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Return a folder with a function and what it imports."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_an_edit_of_any_file_that_is_imported_is_noticed(code: Path) -> None:
    digests = [digest(code)]
    for name in FILES:
        path = code / name
        path.write_text(path.read_text() + "# edited\n")
        digests.append(digest(code))
    seen = [one != other for one, other in zip(digests, digests[1:], strict=False)]
    assert dict(zip(FILES, seen, strict=True)) == {
        name: name != "other.py" for name in FILES
    }
    assert digest(code) == digests[-1]


def test_what_a_closure_and_its_defaults_hold_counts() -> None:
    def make(value: object) -> Any:
        def process(st: Any, inv: Any, also: object = value) -> Any:
            return value, st

        return process

    values = (
        1,
        2,
        1.0,
        "1",
        [1],
        (1,),
        {"a": 1},
        {1},
        None,
        np.arange(3),
        np.arange(4),
    )
    found = [fingerprint(make(value)) for value in values]
    assert len(set(found)) == len(found)
    assert found == [fingerprint(make(value)) for value in values]
    assert fingerprint(partial(make, 1)) != fingerprint(partial(make, 2))


def test_which_of_several_objects_is_meant_counts() -> None:
    one, other = ["a"], ["b"]
    assert fingerprint([one, other, one]) != fingerprint([one, other, other])


def test_what_a_decorator_holds_counts() -> None:
    def times(gain: float) -> Any:
        def decorate(function: Any) -> Any:
            @wraps(function)
            def decorated(st: Any, inv: Any) -> Any:
                return gain * function(st, inv)

            return decorated

        return decorate

    def process(st: Any, inv: Any) -> Any:
        return st

    def another(st: Any, inv: Any) -> Any:
        return inv

    decorated = times(1.0)(process), times(2.0)(process), times(1.0)(another)
    assert len({fingerprint(function) for function in decorated}) == 3


def test_an_edit_of_an_installed_function_is_noticed(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", symlinks=True)
    (place,) = (tmp_path / "env").glob("lib/python*/site-packages")
    package = Path(asdf_pipeline.__file__).parent.parent  # it may be installed editable
    places = (sysconfig.get_path("purelib"), str(package))
    found = []
    for body in ("return st", "return None"):
        (place / "mine.py").write_text(f"def process(st, inv):\n    {body}\n")
        done = subprocess.run(
            [
                tmp_path / "env/bin/python",
                "-P",
                "-c",
                PRINT.replace("steps.py", "mine"),
            ],
            env={"PYTHONPATH": os.pathsep.join(places)},
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(done.stdout)
    assert found[0] != found[1]


def test_the_class_of_a_callable_counts() -> None:
    found = []
    for body in ("return st", "return None"):
        space: dict[str, Any] = {"__name__": "typed_in"}
        exec(f"class Tool:\n def __call__(self, st, inv):\n  {body}", space)
        found.append(fingerprint(space["Tool"]))
    assert found[0] != found[1]


def test_parameters_count_to_the_last_digit() -> None:
    long = np.zeros(5000)
    other = long.copy()
    other[2500] = 1e-12
    arrays = (long, other, np.array([0.1]), np.array([0.1 + 1e-12]))
    found = [
        load_function(f"{__name__}:taking", {"value": array}).parameters_fingerprint
        for array in arrays
    ]
    assert None not in found
    assert len(set(found)) == len(found)


def test_what_cannot_be_hashed_says_so() -> None:
    process = load_function(f"{__name__}:taking", {"value": open})
    assert process.parameters_fingerprint is not None
    process = load_function(f"{__name__}:taking", {"value": (one for one in "a")})
    assert process.parameters_fingerprint is None
    assert process.fingerprint is not None
    assert "generator" in process.unhashable
    with pytest.raises(UnhashableError, match="generator"):
        fingerprint(one for one in "a")


def taking(st: Any, inv: Any, value: object) -> Any:
    """Take a parameter."""
    return st


SET = """
import sys
sys.path.insert(0, "")
import cfg, helper
from asdf_pipeline.function.fingerprint import fingerprint
cfg.GAIN = cfg.Config.gain = helper.GAIN = eval(sys.argv[2])
cfg.unread = object()
Config, tool = cfg.Config, cfg.Tool()
def by_module(st, inv):
    return cfg.GAIN * st
def by_class(st, inv):
    return Config.gain * st
def by_class_of_module(st, inv):
    return cfg.Config.gain * st
def by_method(st, inv):
    return tool(st)
def by_function_of_module(st, inv):
    return helper.times(st)
def by_none(st, inv):
    return cfg.same(st)
print(fingerprint(globals()[sys.argv[1]]))
"""


@pytest.mark.parametrize(
    ("function", "counts"),
    [
        ("by_module", True),
        ("by_class", True),
        ("by_class_of_module", True),
        ("by_method", True),
        ("by_function_of_module", True),
        ("by_none", False),
    ],
)
def test_what_a_script_sets_counts_where_it_is_read(
    tmp_path: Path, function: str, *, counts: bool
) -> None:
    (tmp_path / "script.py").write_text(SET)
    (tmp_path / "helper.py").write_text(
        "import cfg, itertools\nnumbers = itertools.count()\nGAIN = 1\n"
        "def times(st):\n    return next(numbers) and cfg.unread and GAIN * st\n"
    )
    (tmp_path / "cfg.py").write_text(
        "import helper\nGAIN = 1\nclass Config:\n    gain = 1\nclass Tool:\n"
        "    def __call__(self, st):\n        return Config.gain * st\n"
        "def same(st):\n    return st\n"
    )
    found = []
    for value in ("1.0", "{'a': [1]}", "{'a': [2]}", "{'a': [2]}"):
        done = subprocess.run(
            [sys.executable, "-P", "script.py", function, value],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(done.stdout)
    assert found[2] == found[3]
    assert len(set(found)) == (3 if counts else 1)
