"""How tag pairs, parameters and limits are read from the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from asdf_pipeline.cli.arguments import (
    max_failures_argument,
    read_parameters,
    read_tag_map,
    read_workers,
)
from asdf_pipeline.errors import CallError, InputMissingError, TagError


def test_tag_pairs() -> None:
    assert read_tag_map(["raw=a", " b = c "]) == {"raw": "a", "b": "c"}


@pytest.mark.parametrize("pair", ["raw", "raw=", "=done", "", "="])
def test_a_malformed_pair_is_shown_with_an_example(pair: str) -> None:
    with pytest.raises(TagError, match="expected INPUT_TAG=OUTPUT_TAG"):
        read_tag_map([pair])


def test_an_input_tag_given_twice_is_refused() -> None:
    with pytest.raises(TagError, match="'raw' is given twice"):
        read_tag_map(["raw=a", "raw=b"])


@pytest.mark.parametrize(
    "text",
    [
        '{"water_level": 60, "pre_filt": [1e-3, 0.01], "output": "VEL", "zero": null}',
        "{water_level: 60, pre_filt: [1e-3, 0.01], output: VEL, zero: }",
        "water_level: 60\npre_filt: [1e-3, 1.0e-2]\noutput: VEL\nzero:\n",
    ],
)
def test_parameters_inline_and_from_a_file(text: str, tmp_path: Path) -> None:
    expected = {
        "water_level": 60,
        "pre_filt": [0.001, 0.01],
        "output": "VEL",
        "zero": None,
    }
    assert read_parameters(text) == expected
    for name in ("parameters.yaml", "parameters.json", "odd: name"):
        (tmp_path / name).write_text(text)
        assert read_parameters(str(tmp_path / name)) == expected


def test_no_parameters() -> None:
    assert read_parameters(None) is None
    assert read_parameters("{}") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{a: [1}", "neither JSON nor YAML"),
        ("{a: !!python/object/apply:os.getcwd []}", "neither JSON nor YAML"),
        ("{1: 2}", "1 cannot be the name of a keyword argument"),
        ("{not-a-name: 2}", "'not-a-name' cannot be the name"),
    ],
)
def test_parameters_that_are_none(text: str, message: str) -> None:
    with pytest.raises(CallError, match=message) as caught:
        read_parameters(text)
    assert "\n" not in str(caught.value)


def test_a_parameter_file_that_holds_a_list_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("- 1\n")
    with pytest.raises(CallError, match=r"p\.yaml: expected a mapping .* not a list"):
        read_parameters(str(tmp_path / "p.yaml"))


def test_a_parameter_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin1.yaml").write_bytes("{name: Zürich}".encode("latin1"))
    with pytest.raises(CallError, match=r"latin1\.yaml: no text in UTF-8") as caught:
        read_parameters(str(tmp_path / "latin1.yaml"))
    assert "\n" not in str(caught.value)


def test_a_missing_parameter_file_is_named() -> None:
    with pytest.raises(InputMissingError, match=r"'absent\.yaml': no such file"):
        read_parameters("absent.yaml")


@pytest.mark.parametrize(("text", "expected"), [("0", 0), ("12", 12), ("10%", "10%")])
def test_limits_of_failures(text: str, expected: int | str) -> None:
    assert max_failures_argument(text) == expected


@pytest.mark.parametrize("text", ["-1", "ten", "101%", "5 %", "1.5", "", "%"])
def test_a_wrong_limit_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="a number of stations"):
        max_failures_argument(text)


def test_numbers_of_workers() -> None:
    assert [read_workers(text) for text in ("-1", "1", "08")] == [-1, 1, 8]


@pytest.mark.parametrize("text", ["0", "-2", "two", "1.5", ""])
def test_a_wrong_number_of_workers_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="1 or more"):
        read_workers(text)
