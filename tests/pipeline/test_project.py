"""The pipeline without a clone: ``init``, ``config check``, the installed workflow."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from typing import TYPE_CHECKING

import pytest

from asdf_pipeline.cli import main
from asdf_pipeline.pipeline.config import check_config, load_config
from tests.pipeline.checkout import ROOT, Checkout

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a Python in which the package's wheel is installed, not the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, source)
    for name in ("asdf_pipeline", "workflow", "profiles", "config"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=ignored)
    pip = ("-m", "pip", "--disable-pip-version-check", "--quiet")
    options = ("--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    subprocess.run([sys.executable, *pip, "wheel", *options, source], check=True)
    venv.create(folder / "venv")
    python = str(folder / "venv" / "bin" / "python")
    (wheel,) = folder.glob("*.whl")
    install = ("--python", python, "install", "--no-deps", wheel)
    subprocess.run([sys.executable, *pip, *install], check=True)
    # What it needs is taken from the environment that runs the tests.
    found = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    with open(f"{found}/tests.pth", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(f"{sysconfig.get_path('purelib')}\n")
    return python


def test_the_wheel_makes_a_project_that_runs(installed: str, tmp_path: Path) -> None:
    command = [installed, "-P", "-m", "asdf_pipeline"]
    subprocess.run(
        [*command, "init", "a b", "--example", "--profile", "cluster-generic"],
        cwd=tmp_path,
        check=True,
    )
    project = Checkout(tmp_path / "a b", installed)
    said = subprocess.run(
        [*command, "config", "check"],
        cwd=project.path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "bavaria: 5 files, steps.py:process, raw_recording -> processed" in said
    run = project.snakemake()
    assert run.code == 0, run.text
    assert {row["status"] for row in project.rows()} == {"ok", "empty"}
    for dataset in ("bavaria", "global"):
        assert "<html" in project.read(f"results/{dataset}/report.html")
    script = project.path / "profiles" / "cluster-generic" / "status.sh"
    assert script.stat().st_mode & 0o111


def test_a_new_project_asks_for_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "p")]) == 0
    manual = (tmp_path / "p" / "config" / "README.md").read_text(encoding="utf-8")
    assert "](../docs/" not in manual  # a project has none
    for link in re.findall(r"\]\(([^)#]+)\)", manual):
        assert (tmp_path / "p" / "config" / link).exists(), link
    assert "next: name your data in " in capsys.readouterr().out
    monkeypatch.chdir(tmp_path / "p")
    assert main(["config", "check"]) == 2
    assert "config/datasets.tsv: no data set in the table" in capsys.readouterr().err


def test_nothing_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "steps.py").write_text("mine")
    assert main(["init", str(tmp_path), "--example"]) == 2
    assert "steps.py: exists, and is not overwritten" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["steps.py"]


def test_a_configuration_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["config", "check"]) == 2
    assert "config/config.yaml: no such configuration" in capsys.readouterr().err
    (tmp_path / "own.yaml").write_text("- 1")
    assert main(["config", "check", "own.yaml"]) == 2
    assert "own.yaml: expected keys and values, such as" in capsys.readouterr().err


def test_what_a_new_project_offers_in_comments_is_a_configuration(
    tmp_path: Path,
) -> None:
    assert main(["init", str(tmp_path / "new")]) == 0
    path = tmp_path / "new" / "config" / "config.yaml"
    text = path.read_text(encoding="utf-8").replace("  # window", "  window")
    path.write_text(text.replace("  # selection", "  selection"), encoding="utf-8")
    process = check_config(load_config(path))["process"]
    assert process["window"] == "1d"
    assert process["selection"]["channels"] == ["BH?"]
