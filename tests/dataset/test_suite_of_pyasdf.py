"""pyasdf's own tests, taken out of its wheel and run with the import changed.

They are not part of this repository: they are read from the installed package.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.resources import files
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from pathlib import Path

THEIRS = files("pyasdf") / "tests"

# What does not pass, and why. None of it asks for something that is not offered.
PRIVATE = "uses private names of pyasdf's data set"
WORDS = "compares a message word by word; ours names the file, and what to do"
DATA_SET = {
    "test_equality_checks": f"{PRIVATE} (_waveform_group)",
    "test_format_version_handling": f"{PRIVATE} (__file); versions that are none are "
    "refused here",
    "test_dataset_accessing_limit": f"{WORDS}; {PRIVATE} (_get_waveform)",
    "test_asdf_version_handling_during_writing": WORDS,
    "test_accessing_non_existent_tag_raises": WORDS,
    "test_get_provenance_document_for_id": WORDS,
    "test_waveform_accessor_attribute_access_error_handling": WORDS,
    "test_deletion_of_whole_waveform_groups": WORDS,
    "test_using_invalid_tag_names": WORDS,
    "test_only_some_dtypes_are_allowed": "adds traces without network and station "
    "codes, for which an ASDF file has no place",
}
# Terms of a query are pyasdf's `QueryObject` there, and made by `Query` here.
QUERY: dict[str, str] = {}
TERMS = """
from asdf_pipeline.dataset import query as _ours
from types import SimpleNamespace
import obspy


def _term(name, type):
    optional = getattr(type, "optional", False)
    kinds = {float: float, obspy.UTCDateTime: _ours._utc}
    if type in kinds:
        return _ours._Number(name, kinds[type])
    if type is _strings or getattr(type, "of", None) is _strings:
        return _ours._Text(name, _ours._patterns, optional=optional)
    return _ours._Term(name, _ours.resource_id, optional=optional)


def _strings(value):
    raise NotImplementedError


def _or_none(kind):
    return SimpleNamespace(optional=True, of=kind)


q = SimpleNamespace(
    QueryObject=_term,
    _wildcarded_list=_strings,
    _or_none=_or_none,
    Query=_ours.Query,
)
"""


def run(name: str, changes: dict[str, str], folder: Path) -> dict[str, str]:
    """Run a file of pyasdf's tests, changed; return each test's outcome."""
    text = (THEIRS / name).read_text(encoding="utf-8")
    for pattern, replacement in changes.items():
        text, count = re.subn(pattern, lambda _, new=replacement: new, text, flags=re.M)
        assert count, f"pyasdf's {name} has no {pattern!r} any more"
    (folder / name).write_text(text, encoding="utf-8")
    (folder / "data").symlink_to(str(THEIRS / "data"))
    report = folder / "report.xml"
    words = ("-q", "-p", "no:cacheprovider", f"--junitxml={report}", name)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
    )
    assert report.exists(), done.stdout + done.stderr
    return {
        str(case.get("name")): (
            "passed"
            if case.find("failure") is None and case.find("error") is None
            else "failed"
        )
        for case in ElementTree.parse(report).iter("testcase")
    }


def test_pyasdfs_tests_of_its_data_set(tmp_path: Path) -> None:
    outcomes = run(
        "test_asdf_data_set.py",
        {
            r"^from pyasdf import": "from asdf_pipeline import",
            r"^from pyasdf\.exceptions import": "from asdf_pipeline.exceptions import",
        },
        tmp_path,
    )
    failed = {name for name, outcome in outcomes.items() if outcome == "failed"}
    assert failed == set(DATA_SET) & set(outcomes)
    assert len(outcomes) - len(failed) >= 66
