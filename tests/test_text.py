"""Text for people: errors on one line, numbers with their nouns, sizes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import asdf_pipeline
from asdf_pipeline.text import kind_of, named_line, one_line, plural, size_text


def test_an_error_takes_one_line() -> None:
    assert one_line(ValueError("a\n  b\tc\x00d\x1b[31m")) == "a b c d [31m"
    assert named_line(ValueError("a\nb")) == "ValueError: a b"


def test_an_error_that_says_nothing_says_its_name() -> None:
    assert one_line(MemoryError()) == named_line(MemoryError()) == "MemoryError"
    assert one_line("") == ""


def test_kinds_with_their_article() -> None:
    assert [kind_of(one) for one in (1, "", [], {})] == [
        *("an int", "a str", "a list", "a dict")
    ]


def test_numbers_with_nouns() -> None:
    assert [plural(n, "unit") for n in (0, 1, 2)] == ["0 units", "1 unit", "2 units"]
    assert plural(2, "time series", "time series", "{:.1f}".format) == "2.0 time series"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (999_600, "1 MB"),
        (1_440_000, "1.44 MB"),
        (5e15, "5e+03 TB"),
    ],
)
def test_sizes(size: float, text: str) -> None:
    assert size_text(size) == text


def test_one_module_puts_errors_on_one_line() -> None:
    package = Path(asdf_pipeline.__file__).parent
    by_hand = re.compile(r"""join\(str\(\w+\)\.split\(\)\)|\}".split\(\)\)""")
    found = [
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if path.name != "text.py" and by_hand.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
