"""What the configuration may say, and what is said about it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from asdf_pipeline.cli import main
from asdf_pipeline.errors import CallError
from asdf_pipeline.pipeline.values import parse_text
from tests.pipeline.checkout import ROOT, Checkout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCHEMAS = sorted((ROOT / "workflow" / "schemas").glob("*.yaml"))


def keys(schema: dict[str, Any], *above: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the keys that a schema describes, as the manual calls them."""
    for name, inner in schema.get("properties", {}).items():
        yield ": ".join([*above, name]), inner
        yield from keys(inner, *above, name)


def objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schemas that list their keys."""
    if "properties" in schema:
        yield schema
        for inner in schema["properties"].values():
            yield from objects(inner)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_schemas_are_strict_and_describe_every_key(path: Path) -> None:
    schema = yaml.safe_load(path.read_text())
    assert [name for name, inner in keys(schema) if not inner.get("description")] == []
    assert all(inner["additionalProperties"] is False for inner in objects(schema))


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_the_manual_has_every_key_with_its_default(path: Path) -> None:
    manual = (ROOT / "config" / "README.md").read_text().splitlines()
    schema = yaml.safe_load(path.read_text())
    for name, inner in keys(schema):
        rows = [line for line in manual if line.startswith(f"| `{name}` |")]
        assert len(rows) == 1, name
        if inner.get("default") is not None:
            assert f"`{inner['default']}`" in rows[0]


def test_every_key_may_be_left_out_that_has_a_default(checkout: Checkout) -> None:
    config = checkout.path / "config" / "config.yaml"
    function = "asdf_pipeline.steps:chain"
    config.write_text(
        f"process: {{function: {function}, tag_map: {{raw_recording: processed}}}}"
    )
    run = checkout.snakemake("--dry-run")
    assert run.code == 0, run.text


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            "datsets: x",
            "config.yaml: there is no key 'datsets'; is it meant to be datasets?",
        ),
        (
            "process: {overlap: 1x}",
            "overlap: '1x' cannot stand here; expected: a number of seconds",
        ),
        ("process: {tag_map: {Raw: out}}", "staged as raw_recording, but the tag_map"),
        (
            "process: {tag_map: {raw: _out}}",
            "'_out' cannot stand here; expected: the tag under which the",
        ),
        ("process: {steps: [detrend]}", "(--configfile and --config are laid over"),
        (
            "process: {max_failurs: 1}",
            "process: there is no key 'max_failurs'; is it meant to",
        ),
        ("process: {steps: [detrend]}", "process: give one of function and steps"),
        (
            "process: {selection: {stations: BW}}",
            "selection: stations: expected a list, got 'BW'",
        ),
        (
            "step_lists: {a: [tapper]}",
            "config.yaml: step_lists: a: step 1: there is no step",
        ),
        (
            "process: {function: no.py:f}",
            "process: function: no.py: no such file (look",
        ),
        ("process: {function: nono.mod:f}", "function: nono.mod: there is no module"),
        ("process: {function: steps}", "process: function: 'steps' cannot stand here"),
        (
            "process: {function: steps}",
            "; expected: the function: package.module:name of",
        ),
        (
            "process: {io: fast}",
            "process: io: expected one of auto, parallel, segments",
        ),
        (
            "process: {max_failures: few}",
            "process: max_failures: 'few' cannot stand here",
        ),
        (
            "process: {traceback_limit: 0}",
            "process: traceback_limit: expected at least 1, got 0",
        ),
        ("process: {tag_map: {}}", "process: tag_map: expected something, got nothing"),
        (
            "process: {tag_map: {raw: Ok}}",
            "process: tag_map: raw: 'Ok' cannot stand here",
        ),
        (
            "process: {tag_map: {raw: out, other: out}}",
            "process: tag_map: the input tags other, raw all map to",
        ),
        ("datasets: nowhere.tsv", "nowhere.tsv: no such table of data sets"),
    ],
)
def test_a_wrong_configuration_is_named(
    checkout: Checkout, complaint: Callable[[], str], config: str, said: str
) -> None:
    path = checkout.path / "config" / "config.yaml"
    whole = yaml.safe_load(path.read_text())
    change = yaml.safe_load(config)
    whole["process"].update(change.pop("process", {}))
    path.write_text(yaml.safe_dump({**whole, **change}))
    assert all(said in line for line in complaint().splitlines())


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("dataset\n", "datasets.tsv: no data set in the table"),
        (
            "dataset\twaveforms\tsize\na\tb\tc",
            "there is no column 'size'; there are dataset, waveforms",
        ),
        ("dataset,waveforms\na,b", "tabs, and there is none in 'dataset,waveforms'"),
        ("dataset\twaveforms\na  b", "separated by tabs, and there is none in 'a  b'"),
        ("dataset\twaveforms\n\tb", "row 1: a data set without a name"),
        ("name\twaveforms\na\tb", "the table has no column dataset"),
        (
            "dataset\twaveform\na\tb",
            "no column 'waveform'; is it meant to be waveforms?",
        ),
        (
            "dataset\twaveforms\ttag\na\tb\tRaw",
            "data set 'a': tag: 'Raw' cannot stand here; expected: l",
        ),
        (
            "dataset\twaveforms\na b\tc",
            "dataset: 'a b' cannot stand here; expected: letters",
        ),
        ("dataset\twaveforms\na\tb\na\tc", "the data set 'a' is there twice"),
        ("dataset\tstations\na\tb", "data set 'a': give either waveforms or asdf"),
        ("dataset\twaveforms\tasdf\na\tb\tc", "'a': give either waveforms or asdf"),
        ("dataset\ttag\tasdf\na\tb\tc", "data set 'a': an ASDF file has its own"),
        ("dataset\twaveforms\na\tno/*.such", "waveforms 'no/*.such' matches no file"),
        ("", "datasets.tsv: no table with tabs as separators: it has no line"),
        (
            "dataset\twaveforms\na\tb\na\tb\tc",
            "row 2: 3 cells, more than the 2 of",
        ),
        ("dataset\twaveforms\na\tb\tc", "of the header: 'c' has no column"),
        ("dataset\ttag\ttag\na\tb\tc", "the column 'tag' is there twice"),
        ("dataset\twaveforms\na\t'b/*", 'waveforms "\'b/*": no closing quotation; w'),
        ("dataset\tasdf\na\tno.h5", "data set 'a': asdf 'no.h5' matches no file"),
    ],
)
def test_a_wrong_table_is_named(
    checkout: Checkout, complaint: Callable[[], str], table: str, said: str
) -> None:
    (checkout.path / "config" / "datasets.tsv").write_text(table)
    assert said in complaint()


EVERYTHING = """\
datasets: mine.tsv
keep_staged: perhaps
process:
  steps:
    - tapper
    - filter: {type: bandpas, freqmin: 1, freqmax: 2}
    - taper: {max_length: long}
    - absent.py:step
  tag_map: {raw: out}
  window: 1d
  selection: {starttime: '2024-02-30', limit: none}
step_lists:
  other: [{cut: {start: 1}}]
"""
SEVERAL = [
    "config.yaml: keep_staged: expected true or false, got 'perhaps'",
    "config.yaml: process: selection: limit: expected a whole number, got 'none'",
    "mine.tsv: data set 'a': tag: 'Raw' cannot stand here; expected: l",
    "mine.tsv: row 3: a data set without a name, column dataset",
]
THEN = [
    "config.yaml: step_lists: other: step 1: cut has no parameter 'start'; it has",
    "config.yaml: process: steps: step 1: there is no step 'tapper'; the steps are",
    "config.yaml: process: steps: step 2: filter: type: expected one of bandpass, band",
    "steps: step 3: taper: max_length: expected a number or nothing, got 'long'",
    "config.yaml: process: steps: absent.py: no such file (looked for in",
    "config.yaml: process: selection: starttime '2024-02-30': expected a time such as",
    "mine.tsv: data set 'a': waveforms 'no/*.such' matches no file",
    "mine.tsv: data set 'a': waveforms 'nor/*.this' matches no file",
    "mine.tsv: data set 'b': function: steps.py: has no 'other'; functions: process",
]


def test_all_problems_are_listed_a_line_each(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(checkout.path)
    config, table = Path("config/config.yaml"), Path("mine.tsv")
    config.write_text(EVERYTHING)
    Path("steps.py").write_text("def process(st, inv): return st")
    header = "dataset\twaveforms\ttag\tfunction\tasdf\n"
    table.write_text(
        f"{header}a\tno/*.such nor/*.this\tRaw\nb\t\t\tsteps.py:other\tno.h5\n\tx\n"
    )

    def lines() -> list[str]:
        assert main(["config", "check"]) == 2
        return capsys.readouterr().err.splitlines()

    found = lines()
    for said in SEVERAL:
        assert sum(said in line for line in found) == 1, said
    config.write_text(
        EVERYTHING.replace("perhaps", "true").replace(", limit: none", "")
    )
    table.write_text(table.read_text().replace("Raw", "raw").replace("\n\tx", ""))
    found = lines()
    for said in THEN:
        assert sum(said in line for line in found) == 1, said
    assert all(line.startswith("asdf-pipeline: error: ") for line in found)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "def process(st): return st",
            "steps.py:process(st): cannot be called as (st,",
        ),
        (
            "import numpie\ndef process(st, inv): return st",
            "steps.py: line 1: cannot be",
        ),
        ("process = 3", "steps.py:process: not a function (its type is int)"),
    ],
)
def test_the_function_is_loaded_and_called_as_the_pipeline_calls_it(
    checkout: Checkout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    code: str,
    said: str,
) -> None:
    monkeypatch.chdir(checkout.path)
    checkout.configure(function="steps.py:process", parameters={})
    Path("steps.py").write_text("def process(st, inv): return st")
    assert main(["config", "check"]) == 0
    Path("steps.py").write_text(code)
    assert main(["config", "check"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["process: {}\nprocess: {}\n", "process:\n  window: 1d\n  window: 2d\n"]
)
def test_a_key_that_is_there_twice_is_refused(checkout: Checkout, text: str) -> None:
    """YAML's own loader takes the last of them."""
    (checkout.path / "config" / "config.yaml").write_text(text)
    run = checkout.snakemake("--dry-run")
    assert run.code == 1
    assert re.search(r"config.yaml: line [23]: the key '\w+' is there twice", run.text)
    with pytest.raises(CallError, match="'a' is there twice"):
        parse_text('{"a": 1, "a": 2}', "text")


def test_snakemake_ends_with_what_is_wrong_in_one_line(checkout: Checkout) -> None:
    checkout.use({"dataset": "a", "waveforms": "no/*.such"})
    run = checkout.snakemake()
    assert run.code == 1
    (line,) = (line for line in run.text.splitlines() if "matches no file" in line)
    assert line.startswith("config/datasets.tsv: data set 'a': waveforms 'no/*.such'")
    assert "Traceback" not in run.text
    assert not (checkout.path / "results").exists()


def test_what_is_mistyped_after_a_run_is_named(done: Checkout) -> None:
    """Snakemake alone finds nothing to be done where the outputs are there."""
    assert "Nothing to be done" in done.snakemake().text
    table = done.path / "config" / "datasets.tsv"
    shipped = table.read_text()
    table.write_text(shipped.replace("RJOB.BW", "ROB.BW"))
    run = done.snakemake()
    assert run.code == 1
    assert "data set 'bavaria': waveforms" in run.text
    assert "matches no file" in run.text
    table.write_text(shipped)
    done.configure(function="absent.py:process")
    run = done.snakemake()
    assert run.code == 1
    assert "process: function: absent.py: no such file" in run.text


def test_patterns_comments_and_folders(checkout: Checkout) -> None:
    folder = checkout.path / "data" / "deep" / "er"
    folder.mkdir(parents=True)
    for name in ("a.mseed", "b.mseed", "c#.sac"):
        (folder / name).touch()
    table = checkout.path / "config" / "datasets.tsv"
    table.write_text(
        "# mine\ndataset\twaveforms\n"
        "NA\tdata/**/*.mseed data/deep/er/c#.sac\n"
        "# other\tnot/there/*\n"
    )
    run = checkout.snakemake("--dry-run")
    assert run.code == 0, run.text
    (inputs,) = (
        line for line in run.text.splitlines() if "input: data/deep/er/a.mseed" in line
    )
    assert inputs.count("data/deep/er/") == 3
    assert "results/NA/staged.h5" in run.text
