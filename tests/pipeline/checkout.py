"""Copies of the pipeline, and the real ``snakemake`` in them."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Checkout:
    """A copy of the pipeline in a directory of its own.

    Attributes
    ----------
    path : pathlib.Path
        The directory.
    python : str
        The Python that runs Snakemake and the rules.
    """

    path: Path
    python: str = sys.executable

    @classmethod
    def make(cls, path: Path, python: str = sys.executable) -> Checkout:
        """Copy what a clone has and the pipeline needs."""
        path.mkdir(parents=True)
        shutil.copy2(ROOT / "Snakefile", path)
        for name in ("workflow", "config", "profiles"):
            shutil.copytree(ROOT / name, path / name)
        return cls(path, python)

    def copy(self, path: Path) -> Checkout:
        """Copy it with its results and Snakemake's records, times kept."""
        shutil.copytree(self.path, path, symlinks=True)
        return Checkout(path, self.python)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start ``snakemake``, on two cores where the arguments name no profile."""
        named = {"--cores", "--profile", "--workflow-profile"}.intersection(arguments)
        where = () if named else ("--cores", "2")
        return subprocess.Popen(
            [self.python, "-P", "-m", "snakemake", *where, *arguments],
            cwd=self.path,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def snakemake(self, *arguments: str, **environment: str) -> Run:
        """Run ``snakemake`` and return what came of it."""
        with self.start(*arguments, **environment) as process:
            try:
                text, _ = process.communicate(timeout=480)
            finally:
                process.kill()
        return Run(process.returncode, text)

    def configure(self, **process: Any) -> None:
        """Change keys of ``process`` in the configuration."""
        path = self.path / "config" / "config.yaml"
        config = yaml.safe_load(path.read_text())
        config["process"].update(process)
        path.write_text(yaml.safe_dump(config))

    def use(self, *rows: dict[str, str]) -> None:
        """Write another table of data sets."""
        columns = dict.fromkeys(
            ["dataset", "waveforms", "stations", "events", "asdf", "tag"]
            + [column for row in rows for column in row]
        )
        path = self.path / "config" / "datasets.tsv"
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, columns, restval="", delimiter="\t")
            table.writeheader()
            table.writerows(rows)

    def rows(
        self, name: str = "results/stations.csv", delimiter: str = ","
    ) -> list[dict[str, str]]:
        """Return a table's rows."""
        with (self.path / name).open(newline="") as file:
            return list(csv.DictReader(file, delimiter=delimiter))

    def read(self, name: str) -> str:
        """Return a file's text."""
        return (self.path / name).read_text()


@dataclass(frozen=True)
class Run:
    """What came of a run of ``snakemake``: its exit code, all that it printed."""

    code: int
    text: str

    @property
    def rules(self) -> list[str]:
        """The rules of the jobs, sorted, each job once."""
        words = [line.split() for line in self.text.splitlines()]
        return sorted(
            parts[1].rstrip(":")
            for parts in words
            if len(parts) == 2 and parts[0] in ("rule", "localrule")
        )
