"""What the configuration may say, and what is said about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

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
            "('datsets' was unexpected); is datsets meant to be datasets?",
        ),
        ("process: {overlap: 1x}", "(A number of seconds, or one and its unit,"),
        ("process: {tag_map: {Raw: out}}", "staged as raw_recording, but the tag_map"),
        ("process: {tag_map: {raw: _out}}", "(The tag under which the result is"),
        ("process: {steps: [detrend]}", "(--configfile and --config are laid over"),
        ("process: {max_failurs: 1}", "process: unknown key ('max_failurs' was"),
        ("process: {steps: [detrend]}", "process: give one of function and steps"),
        ("process: {overlap: 1x}", "process: overlap: '1x' does not match"),
        ("process: {selection: {stations: BW}}", "selection: stations: 'BW' is not of"),
        (
            "step_lists: {a: [tapper]}",
            "config: step_lists: a: step 1: there is no step",
        ),
        (
            "process: {function: no.py:f}",
            "process: function: no.py: no such file (look",
        ),
        ("process: {function: nono.mod:f}", "function: nono.mod: there is no module"),
        ("process: {function: steps}", "process: function: 'steps' does not match"),
        ("process: {function: steps}", "(The function: package.module:name of"),
        ("process: {io: fast}", "process: io: 'fast' is not one of"),
        ("process: {max_failures: few}", "process: max_failures: 'few' does not"),
        ("process: {traceback_limit: 0}", "process: traceback_limit: 0 is less"),
        ("process: {tag_map: {}}", "process: tag_map: {}"),
        ("process: {tag_map: {raw: Ok}}", "process: tag_map: raw: 'Ok' does not"),
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
    assert said in complaint()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("dataset\n", "datasets.tsv: no data set in the table"),
        ("dataset\twaveforms\tsize\na\tb\tc", "unknown column ('size' was unexpected)"),
        ("dataset,waveforms\na,b", "tabs, and there is none in 'dataset,waveforms'"),
        ("dataset\twaveforms\na  b", "separated by tabs, and there is none in 'a  b'"),
        ("dataset\twaveforms\n\tb", "row 1: a data set without a name"),
        ("name\twaveforms\na\tb", "the table has no column dataset"),
        ("dataset\twaveform\na\tb", "is waveform meant to be waveforms?"),
        ("dataset\twaveforms\ttag\na\tb\tRaw", "data set 'a': tag: 'Raw' does not"),
        ("dataset\twaveforms\na b\tc", "dataset: 'a b' does not match"),
        ("dataset\twaveforms\na\tb\na\tc", "the data set 'a' is there twice"),
        ("dataset\twaveforms\ttag\na\tb\tRaw", "tag: 'Raw' does not match"),
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
