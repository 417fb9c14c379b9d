"""The pipeline from beginning to end, by the real ``snakemake``."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.docs.blocks import blocks
from tests.pipeline.checkout import ROOT, Checkout

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pipeline.checkout import Run

FAILS_FOR_FUR = """\
def process(st, inv):
    if st[0].stats.station == "FUR":
        raise RuntimeError("no Fürstenfeldbruck today")
    return st
"""


def table(text: str) -> dict[str, tuple[str, str]]:
    """Return status and traces of each station of a small expected table."""
    rows = (line.split() for line in text.strip().splitlines())
    return {station: (status, traces) for station, status, traces in rows}


def test_the_shipped_configuration_makes_everything(
    first: tuple[Checkout, Run],
) -> None:
    checkout, run = first
    assert run.rules.count("process") == 2
    stations = {
        f"{row['dataset']}/{row['network']}.{row['station']}": (
            row["status"],
            row["traces_out"],
        )
        for row in checkout.rows()
    }
    assert stations == table("""
        bavaria/BW.BGLD  empty  0
        bavaria/BW.RJOB  ok     1
        bavaria/GR.FUR   ok     1
        global/IU.ANMO   ok     2
        global/IU.COLA   empty  0
        global/IU.ULN    ok     1
    """)
    for dataset in ("bavaria", "global"):
        made = ("staged.h5", "processed.h5", "stations.csv", "timings.csv")
        for name in (*made, "report.html"):
            assert (checkout.path / "results" / dataset / name).stat().st_size > 0
        for rule in ("stage", "process", "manifest", "report"):
            assert (checkout.path / f"logs/{rule}/{dataset}.log").is_file()
            assert "max_rss" in checkout.read(f"benchmarks/{rule}/{dataset}.tsv")
        assert not (checkout.path / "results" / dataset / "work").exists()


def test_every_log_says_what_was_done(first: tuple[Checkout, Run]) -> None:
    checkout, _ = first
    logs = {
        str(path.relative_to(checkout.path / "logs")): path.read_text()
        for path in (checkout.path / "logs").rglob("*.log")
    }
    assert [name for name, text in logs.items() if not text.strip()] == []
    assert "6 rows of 2 data sets (4 ok, 2 empty)" in logs["stations.log"]
    assert "stations.csv: 3 rows (2 ok, 1 empty)" in logs["manifest/global.log"]


def test_a_second_run_has_nothing_to_do(done: Checkout) -> None:
    run = done.snakemake()
    assert run.code == 0
    assert "Nothing to be done" in run.text
    assert run.rules == []


def test_a_changed_parameter_runs_process_and_what_follows(done: Checkout) -> None:
    before = (done.path / "results/global/staged.h5").stat()
    digests = {row["station"]: row["digest"] for row in done.rows()}
    done.configure(parameters={"output": "ACC", "water_level": 60})
    run = done.snakemake()
    assert run.code == 0, run.text
    rules = ["manifest"] * 2 + ["process"] * 2 + ["report"] * 2 + ["stations"]
    assert [rule for rule in run.rules if rule != "default"] == rules
    after = (done.path / "results/global/staged.h5").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert digests["ULN"] != {r["station"]: r["digest"] for r in done.rows()}["ULN"]


@pytest.mark.parametrize(
    "change",
    [
        {"max_failures": 3},
        {"traceback_limit": 9},
        {"io": "segments"},
        {"scheduler": "tcp://127.0.0.1:1"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_how_it_is_run_makes_nothing_run_again(
    done: Checkout, change: dict[str, object]
) -> None:
    done.configure(**change)
    run = done.snakemake("--dry-run")
    assert run.code == 0
    assert "Nothing to be done" in run.text


def test_a_launcher_makes_nothing_run_again(done: Checkout) -> None:
    run = done.snakemake(
        *("--dry-run", "--cores", "2", "--profile", "profiles/local-mpi")
    )
    assert run.code == 0
    assert "Nothing to be done" in run.text


def test_an_edited_function_file_runs_process_again(checkout: Checkout) -> None:
    steps = checkout.path / "steps.py"
    steps.write_text("def process(st, inv):\n    return st\n")
    checkout.configure(function="steps.py:process", parameters={})
    assert checkout.snakemake().code == 0
    assert {row["status"] for row in checkout.rows()} == {"ok"}

    steps.write_text("def process(st, inv):\n    return None\n")
    run = checkout.snakemake()
    assert run.code == 0, run.text
    assert "stage" not in run.rules
    assert {row["status"] for row in checkout.rows()} == {"empty"}


def test_too_many_failures_end_it_and_say_what_would_pass(done: Checkout) -> None:
    (done.path / "steps.py").write_text(FAILS_FOR_FUR)
    done.configure(function="steps.py:process", parameters={}, max_failures=0)
    run = done.snakemake()
    assert run.code == 1
    log = done.read("logs/process/bavaria.log")
    for what in ("GR.FUR", "no Fürstenfeldbruck today", "(max_failures)"):
        assert what in log
        assert what in run.text  # show-failed-logs, of profiles/default
    assert not (done.path / "results/bavaria/processed.h5").exists()
    assert (done.path / "results/bavaria/work").is_dir()
    # The other data set was made all the same.
    assert (done.path / "results/global/processed.h5").exists()

    done.configure(max_failures=1)
    run = done.snakemake()
    assert run.code == 0, run.text
    assert "stage" not in run.rules
    rows = {row["station"]: row for row in done.rows()}
    assert rows["FUR"]["status"] == "failed"
    assert rows["FUR"]["error_type"] == "RuntimeError"
    assert rows["FUR"]["error_message"] == "no Fürstenfeldbruck today"
    assert rows["RJOB"]["status"] == "ok"
    assert not (done.path / "results/bavaria/work").exists()


def test_an_asdf_file_is_linked_and_left_as_it_is(
    first: tuple[Checkout, Run], checkout: Checkout
) -> None:
    source = checkout.path / "mine.h5"
    source.write_bytes((first[0].path / "results/global/staged.h5").read_bytes())
    source.chmod(0o444)
    before = (source.stat().st_mtime_ns, hashlib.sha256(source.read_bytes()).digest())
    checkout.use({"dataset": "global", "asdf": "mine.h5"})
    run = checkout.snakemake()
    assert run.code == 0, run.text
    assert before == (
        source.stat().st_mtime_ns,
        hashlib.sha256(source.read_bytes()).digest(),
    )
    assert (checkout.path / "results/global/staged.h5").samefile(source)
    expected = [row for row in first[0].rows() if row["dataset"] == "global"]
    assert checkout.rows() == expected


def test_workflow_snakefile_is_an_entry_of_its_own(done: Checkout) -> None:
    run = done.snakemake("--snakefile", "workflow/Snakefile")
    assert run.code == 0
    assert "Nothing to be done" in run.text


@pytest.fixture
def other(tmp_path: Path) -> Checkout:
    """Return the workflow that config/README.md shows: it has this one as a module."""
    path = tmp_path / "other"
    shutil.copytree(ROOT / "config", path / "config")
    config = path / "config" / "config.yaml"
    config.write_text(yaml.safe_dump({"asdf": yaml.safe_load(config.read_text())}))
    (shown,) = (block.text for block in blocks("config/README.md", "As a module"))
    (path / "Snakefile").write_text(shown)
    return Checkout(path)


def test_a_module_leaves_the_first_rule_the_default(other: Checkout) -> None:
    run = other.snakemake("--dry-run")
    assert run.code == 0, run.text
    assert "mine" in run.rules
    assert run.rules.count("asdf_process") == 2
    assert "asdf_default" not in run.rules
    assert "asdf_report" not in run.rules


def test_the_work_directory_of_a_module_has_its_prefix(other: Checkout) -> None:
    snakefile = other.path / "Snakefile"
    text = snakefile.read_text()
    snakefile.write_text(
        text.replace("    config:\n", '    prefix: "A"\n    config:\n')
    )
    run = other.snakemake("--dry-run", "-p", "A/results/global/processed.h5")
    assert run.code == 0, run.text
    assert "--work-dir A/results/global/work " in run.text


def test_memory_and_time_grow_with_the_attempt(done: Checkout) -> None:
    asked = []
    for attempt in ("1", "2"):
        run = done.snakemake(
            *("--dry-run", "--forcerun", "process", "--attempt", attempt)
        )
        line = next(line for line in run.text.splitlines() if "mem_mb_per_cpu=" in line)
        pairs = (pair.split("=", 1) for pair in line.split(":", 1)[1].split(","))
        asked.append({name.strip(): value.strip() for name, value in pairs})
    for name in ("mem_mb", "mem_mb_per_cpu", "runtime"):
        assert int(asked[1][name]) == pytest.approx(2 * int(asked[0][name]), abs=2)


def test_files_are_exported_where_the_config_says_so(done: Checkout) -> None:
    path = done.path / "config" / "config.yaml"
    config = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**config, "export": {"format": "mseed"}}))
    run = done.snakemake()
    assert run.code == 0, run.text
    assert [rule for rule in run.rules if rule != "default"] == ["export"] * 2
    made = {
        dataset: {row["path"] for row in done.rows(f"results/{dataset}/export.csv")}
        for dataset in ("bavaria", "global")
    }
    for dataset, names in made.items():
        folder = done.path / "results" / dataset / "export"
        found = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
        assert found == names
        assert any(name.startswith("stations/") for name in names)
    # Of another layout, nothing of the one before is left.
    how = {"format": "sac", "to": "sds", "lossy": True, "metadata": False}
    path.write_text(yaml.safe_dump({**config, "export": how}))
    run = done.snakemake("results/global/export.csv")
    assert run.code == 0, run.text
    folder = done.path / "results" / "global" / "export"
    assert {path.name for path in folder.iterdir()} == {"2010", "2015", "2018"}
    how["to"] = "{station}/../{channel}"
    path.write_text(yaml.safe_dump({**config, "export": how}))
    run = done.snakemake("--dry-run")
    assert "config: export: to: '{station}/../{channel}': no template" in run.text
