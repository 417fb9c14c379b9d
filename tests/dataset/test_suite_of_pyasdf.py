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
QUERY = {
    "test_queries_with_optional_and_wildcarded_lists": WORDS,
    "test_query_merging": f"{PRIVATE} (merge_query_functions)",
}
# pyasdf's tests make terms by hand, of private names; here are ours of the same kind.
TERMS = """
from types import SimpleNamespace

import obspy

from asdf_pipeline.dataset import query


def strings(value):
    raise NotImplementedError


def ids(value):
    raise NotImplementedError


def or_none(kind):
    return SimpleNamespace(kind=kind)


def term(name, type):
    optional = hasattr(type, "kind") or type is ids
    kind = getattr(type, "kind", type)
    if kind is strings:
        return query._Text(name, query._patterns, optional=optional)
    if kind is float:
        return query._Number(name, float, optional=optional)
    if kind is obspy.UTCDateTime:
        return query._Number(name, query._utc, optional=optional)
    return query._Term(name, query.resource_id, optional=optional)


q = SimpleNamespace(
    QueryObject=term,
    Query=query.Query,
    _wildcarded_list=strings,
    _type_or_none=or_none,
    _event_or_id=ids,
    _origin_or_id=ids,
    _magnitude_or_id=ids,
    _focmec_or_id=ids,
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


def test_pyasdfs_tests_of_queries(tmp_path: Path) -> None:
    outcomes = run("test_query.py", {r"^from \.\. import query as q$": TERMS}, tmp_path)
    failed = {name for name, outcome in outcomes.items() if outcome == "failed"}
    assert failed == set(QUERY) & set(outcomes)
    assert len(outcomes) > 10
