"""How the table of data sets is read: tabs, quotes, blanks, line ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asdf_pipeline.cli import build_parser
from asdf_pipeline.errors import CallError
from asdf_pipeline.pipeline.config import check_config
from asdf_pipeline.pipeline.inputs import DataSet
from asdf_pipeline.pipeline.table import DEFAULTS, PATHS, SELECTION, read_table

if TYPE_CHECKING:
    from pathlib import Path

PROCESS = {"steps": ["detrend"], "tag_map": {"raw_recording": "processed"}}


def cells(folder: Path, text: str, *, newline: str = "\n") -> dict[str, str]:
    """Return the filled cells of a table's only row."""
    path = folder / "datasets.tsv"
    path.write_text(text, newline=newline)
    (row,) = read_table(str(path)).values()
    return {column: cell for column, cell in row.items() if cell}


@pytest.mark.parametrize(
    ("cell", "patterns"),
    [
        ("a/*.mseed b/*.sac", ["a/*.mseed", "b/*.sac"]),
        ("'my data/*.mseed' b", ["my data/*.mseed", "b"]),
        ('"my data/*.mseed"', ["my data/*.mseed"]),
        ('"my data"/*.mseed "b c"', ["my data/*.mseed", "b c"]),
        (r"my\ data/*", ["my data/*"]),
        # as a spreadsheet writes what holds quotes
        ('"""my data/*"" b"', ["my data/*", "b"]),
        ('"L\'Aquila/*"', ["L'Aquila/*"]),
        ("{obspy}/core", None),
    ],
)
def test_quotes_in_a_path_are_those_of_the_shell(
    tmp_path: Path, cell: str, patterns: list[str] | None
) -> None:
    row = cells(tmp_path, f"dataset\twaveforms\na\t{cell}\n")
    found = DataSet("a", {**row, "tag": ""}, "t.tsv").patterns("waveforms")
    if patterns is None:
        assert found[0].endswith("obspy/core")
    else:
        assert found == patterns


def test_a_table_of_which_every_cell_is_quoted(tmp_path: Path) -> None:
    """R's write.table makes such."""
    row = cells(tmp_path, '"dataset"\t"waveforms"\t"tag"\n"a"\t"b/* c/*"\t"raw"\n')
    assert row == {"dataset": "a", "waveforms": "b/* c/*", "tag": "raw"}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_comments_empty_lines_and_tabs_too_many(tmp_path: Path, newline: str) -> None:
    text = "\ufeff# mine\n\ndataset\twaveforms\t\n\t\t\n  # more\na \t b#1/* \t\n"
    assert cells(tmp_path, text, newline=newline) == {
        "dataset": "a",
        "waveforms": "b#1/*",
    }


def test_a_cell_over_several_lines(tmp_path: Path) -> None:
    text = 'dataset\twaveforms\tsteps\n"a"\tb\t"- detrend\n- taper: {type: ""hann""}"\n'
    assert cells(tmp_path, text)["steps"] == '- detrend\n- taper: {type: "hann"}'


def test_how_files_are_staged_is_said_by_options(tmp_path: Path) -> None:
    row = cells(tmp_path, "dataset\twaveforms\na\tb\n")
    blank = dict.fromkeys([*PATHS, *SELECTION, *DEFAULTS, "tag"], "")
    dataset = DataSet("a", {**blank, **row}, "t.tsv")
    config = check_config({"process": PROCESS})
    plain = ["--tag=raw_recording", "--waveforms", "b"]
    assert dataset.stage_options(config["stage"]) == plain
    how = {"sac_headers": False, "split_drift": True, "apply_calib": True}
    config = check_config({"process": PROCESS, "stage": how})
    options = dataset.stage_options(config["stage"])
    assert options == [*plain, "--no-sac-headers", "--split-drift", "--apply-calib"]
    build_parser().parse_args(["stage", *options, "--output", "a.h5"])


def test_codes_are_a_table_and_defaults(tmp_path: Path) -> None:
    names = "codes\tdefault_network\tdefault_location"
    row = cells(tmp_path, f"dataset\twaveforms\t{names}\na\tb\t'c d.tsv'\tXX\t00\n")
    blank = dict.fromkeys([*PATHS, *SELECTION, *DEFAULTS, "tag"], "")
    dataset = DataSet("a", {**blank, **row}, "t.tsv")
    options = dataset.stage_options(check_config({"process": PROCESS})["stage"])
    assert options[3:] == [
        *("--codes", "c d.tsv", "--default-network=XX", "--default-location=00"),
    ]
    parsed = build_parser().parse_args(["stage", *options, "--output", "a.h5"])
    assert (str(parsed.codes), parsed.default_network) == ("c d.tsv", "XX")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dataset\tasdf\tcodes\na\tb.h5\tc.tsv\n", "codes: for files without codes"),
        ("dataset\tfdsn\tdefault_station\na\tb.yaml\tX\n", "default_station: for"),
        ("dataset\twaveforms\tdefault_network\na\tb\tX*\n", "default_network"),
    ],
)
def test_codes_where_there_is_nothing_to_name_are_refused(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(CallError, match=said):
        cells(tmp_path, text)
