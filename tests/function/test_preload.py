"""What is imported before the workers are forked."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import obspy
import pytest

from asdf_pipeline import ASDFDataSet

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """\
import functools, sys
from asdf_pipeline import steps
from asdf_pipeline.function.preload import preload

def plain(st, inv):
    return st

def named(st, inv):
    return st.filter("lowpass", freq=1)

def inner(st, inv):
    return [trace.taper(0.1) for trace in st]

def calls(st, inv):
    return named(st, inv)

def recursive(st, inv):
    return recursive(st, inv)

def closure(function):
    @functools.wraps(function)
    def wrapped(st, inv):
        return function(st, inv)
    return wrapped

class Callable:
    def __call__(self, st, inv):
        return st.detrend()
    def method(self, st, inv):
        return st.detrend()

preload({what})
print("scipy.signal" in sys.modules)
"""


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("plain", False),
        ("recursive", False),
        ("closure(plain)", False),
        ("len", False),
        ("steps.identity", False),
        ("named", True),
        ("inner", True),
        ("calls", True),
        ("closure(named)", True),
        ("functools.partial(named, inv=None)", True),
        ("Callable()", True),
        ("Callable().method", True),
        ("plain, steps.remove_response", False),
        ("plain, steps.taper", False),
        ("plain, steps.filter", True),
    ],
)
def test_what_a_function_names_is_imported(what: str, expected: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("{what}", what)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(expected)]


def test_workers_have_what_was_imported_before_the_fork(
    tmp_path: Path,
) -> None:
    example = tmp_path / "example.h5"
    with ASDFDataSet(example) as ds:
        ds.add_waveforms(obspy.read(), "raw_recording")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from asdf_pipeline import ASDFDataSet\n"
        "def process(st, inv):\n"
        "    assert 'scipy.signal' in sys.modules\n"
        "    return st.detrend()\n"
        f"with ASDFDataSet({str(example)!r}, mode='r') as ds:\n"
        f"    ds.process(process, {str(tmp_path / 'out.h5')!r},\n"
        "        {'raw_recording': 'p'}).raise_for_failures()\n"
    )
    subprocess.run([sys.executable, str(script)], check=True)


def test_obspy_is_whole_but_for_what_nobody_asked_for() -> None:
    script = """\
import sys
from asdf_pipeline.function.preload import preload

def named(st, inv):
    return st.filter("lowpass", freq=1)

preload(named)
import obspy.signal
from obspy.signal import trigger
obspy.read().filter("lowpass", freq=1).trim().detrend().taper(0.1)
assert obspy.signal.rotate.rotate_ne_rt and obspy.signal.filter.lowpass
assert "matplotlib" not in sys.modules
try:
    obspy.signal.nothing
except AttributeError:
    pass
from obspy.signal import PPSD
assert obspy.signal.PPSD is PPSD and "matplotlib" in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
