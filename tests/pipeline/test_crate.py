"""Results as an RO-Crate, and made again from it."""

from __future__ import annotations

import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from asdf_pipeline.cli import main
from asdf_pipeline.container.digest import file_digest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pipeline.checkout import Checkout, Run

PROFILE = "https://w3id.org/ro/wfrun/workflow/0.5"


def make(results: Path, output: Path, *words: str) -> int:
    licensed = ("--license", "CC-BY-4.0")
    return main(["crate", str(results), "--output", str(output), *licensed, *words])


def references(value: Any) -> set[str]:
    """Return the ids that a value refers to."""
    if isinstance(value, list):
        return {name for one in value for name in references(one)}
    if isinstance(value, dict) and value.keys() == {"@id"}:
        return {value["@id"]}
    return set()


@pytest.mark.parametrize("data", ["none", "inputs", "all"])
def test_a_crate_describes_all_that_it_holds(
    first: tuple[Checkout, Run], tmp_path: Path, data: str
) -> None:
    results, crate = first[0].path / "results", tmp_path / "crate"
    author = "A. Seismologist https://orcid.org/0000-0002-1825-0097"
    assert make(results, crate, "--data", data, "--author", author) == 0
    graph = json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(entities) == len(graph)
    there = {str(p.relative_to(crate)) for p in crate.rglob("*") if p.is_file()}
    files = {name for name, one in entities.items() if "File" in one["@type"]}
    assert files == there - {"ro-crate-metadata.json"}
    for name in files:
        assert entities[name]["contentSize"] == str((crate / name).stat().st_size)
    root = entities["./"]
    assert references(root["hasPart"]) == files
    assert PROFILE in references(root["conformsTo"])
    assert entities[root["author"]["@id"]]["name"] == "A. Seismologist"
    # What is referred to is described, or has an address.
    named = {
        name for entity in graph for v in entity.values() for name in references(v)
    }
    assert {name for name in named - entities.keys() if "://" not in name} == set()
    for dataset in ("bavaria", "global"):
        run = entities[f"#run-{dataset}"]
        assert run["instrument"] == {"@id": "workflow/Snakefile"}
        assert run["startTime"] < run["endTime"]
        made = results / dataset
        digest = entities[f"#{dataset}-processed-digest"]["value"]
        assert digest == file_digest(made / "processed.h5")
        for kind, chosen in (("staged", "none"), ("processed", "none inputs")):
            assert (f"results/{dataset}/{kind}.h5" in files) == (data not in chosen)
        manifest = f"results/{dataset}/stations.csv"
        assert (crate / manifest).read_bytes() == (made / "stations.csv").read_bytes()
        assert any(f"results/{dataset}/provenance/" in name for name in files)
    assert "numpy" in json.loads((crate / "reproduce.json").read_text())["packages"]


def test_a_crate_holds_the_functions_and_all_results(
    done: Checkout, tmp_path: Path
) -> None:
    (done.path / "lib").mkdir()
    (done.path / "lib" / "steps.py").write_text(
        "import other\ndef process(st, inv): ..."
    )
    (done.path / "lib" / "other.py").write_text("")
    done.configure(function="lib/steps.py:process", parameters={})
    made = done.path / "results" / "bavaria"
    shutil.copy(made / "processed.h5", made / "pairs.h5")  # as another rule makes it
    (made / "pairs.csv").write_text("station\n")
    assert make(done.path / "results", tmp_path / "a.zip") == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        names = set(file.namelist())
        assert {"lib/steps.py", "lib/other.py", "config/config.yaml"} <= names
        assert "results/bavaria/pairs.csv" in names
        known = json.loads(file.read("reproduce.json"))["datasets"]["bavaria"]
        assert known["pairs"] == known["processed"]
        assert file.testzip() is None


def test_a_crate_is_made_again_and_compared(
    first: tuple[Checkout, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make(first[0].path / "results", tmp_path / "crate") == 0
    table = tmp_path / "crate" / "config" / "datasets.tsv"
    lines = [
        line for line in table.read_text().splitlines() if line[:1] not in ("#", "")
    ]
    lines = [f"{lines[0]}\tparameters", *(f"{line}\t" for line in lines[1:])]
    other = next(k for k, line in enumerate(lines) if line.startswith("global"))
    lines[other] += "{output: ACC, water_level: 60}"  # as a function that was edited
    table.write_text("\n".join([*lines, ""]))
    shutil.make_archive(str(tmp_path / "crate"), "zip", tmp_path / "crate")
    again = ["--directory", str(tmp_path / "again"), "--cores", "2"]
    assert main(["reproduce", str(tmp_path / "crate.zip"), *again]) == 1
    said = capsys.readouterr().out.splitlines()
    digest = file_digest(first[0].path / "results" / "bavaria" / "processed.h5")
    assert said[0] == f"bavaria: the same: processed {digest}"
    assert said[1].startswith("global: differs: processed was ")
    assert "IU.ANMO (raw_recording)" in said[1]
    assert "IU.COLA" not in said[1]  # empty, as it was
    assert main(["reproduce", str(tmp_path / "crate"), *again]) == 2  # not empty


def test_what_is_no_crate_and_what_is_missing_is_told(
    done: Checkout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def complaint(code: int) -> str:
        """Return the line with which the command ended."""
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith("asdf-pipeline: error: "), error
        assert code in (1, 2)
        return error

    results, crate = done.path / "results", tmp_path / "crate"
    assert "expected a directory results/" in complaint(make(tmp_path, crate))
    data = [("data", "*.mseed")]
    done.use({"dataset": "bavaria", "waveforms": " ".join("/".join(d) for d in data)})
    assert make(results, crate, "--data", "none") == 0
    assert "exists already" in complaint(make(results, crate))
    again = ["--directory", str(tmp_path / "again"), "--inputs", str(tmp_path)]
    code = main(["reproduce", str(crate), *again])
    assert "waveforms 'data/*.mseed': not below" in complaint(code)
    code = main(["reproduce", str(tmp_path / "no.zip")])
    assert "no such crate" in complaint(code)
    (tmp_path / "no.zip").write_bytes(b"no")
    assert "nor a ZIP file" in complaint(main(["reproduce", str(tmp_path / "no.zip")]))
    code = main(["reproduce", str(done.path)])
    assert "no crate of asdf_pipeline's" in complaint(code)
    config = yaml.safe_load((done.path / "config/config.yaml").read_text())
    assert config["process"]
    (results / "bavaria" / "processed.h5").unlink()
    code = make(results, tmp_path / "other")
    assert "bavaria/processed.h5: missing: run snakemake first" in complaint(code)
    assert not (tmp_path / "other").exists()
