"""The files of a crate: which of a project's, under which names, and what they are."""

from __future__ import annotations

import contextlib
import json
import platform
from dataclasses import dataclass, field
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import InputMissingError
from asdf_pipeline.pipeline.paths import SHIPPED
from asdf_pipeline.pipeline.workflow import Pipeline
from asdf_pipeline.provenance.reading import read_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asdf_pipeline.provenance.run import Run

CONFIG = "config/config.yaml"
RECORD = "reproduce.json"
"""What `reproducing` needs: digests, versions, where the table is."""
README = "README.md"
WORKFLOW = "workflow/Snakefile"
_MADE = {
    ".csv": "A table: what became of each, or of what it is made",
    ".jsonl": "What became of each unit, tracebacks included",
    ".html": "A page to look at: statuses, maps, charts",
}
"""Results by the ends of their names, beside ASDF files."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a crate.

    Attributes
    ----------
    name : str
        Its path in the crate.
    about : str
        What it is, in a few words.
    source : pathlib.Path or bytes
        The file that it is a copy of, or its content.
    role : str
        ``"input"``, ``"output"`` or ``"software"`` of a data set's run, or empty.
    dataset : str
        The data set; empty: all.
    """

    name: str
    about: str
    source: Path | bytes
    role: str = ""
    dataset: str = ""


@dataclass
class Project:
    """A project whose pipeline has run.

    Attributes
    ----------
    folder : pathlib.Path
        Where `snakemake` ran.
    pipeline : Pipeline
        Its configuration.
    digests : dict of str to dict
        Of each data set: content digests of its ASDF files, by their names without the
        end: ``staged``, ``processed``, ....
    runs : dict of str to Run
        Of each data set: how it was processed.
    """

    folder: Path
    pipeline: Pipeline
    digests: dict[str, dict[str, str]] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)

    @classmethod
    def of(cls, results: Path) -> Project:
        """Return the project that a directory of results belongs to.

        Raises
        ------
        InputMissingError
            If there are no results, or no configuration beside them.
        ASDFPipelineError
            If the configuration is wrong, or a result cannot be read.
        """
        folder = results.resolve().parent
        if results.name != "results" or not results.is_dir():
            msg = f"{results}: expected a directory results/ that the pipeline made"
            raise InputMissingError(msg)
        with contextlib.chdir(folder):  # to which paths in the config are relative
            project = cls(folder, Pipeline.read_file(Path(CONFIG), look=False))
        for name in project.pipeline.datasets:
            project._read(name)
        return project

    def _read(self, dataset: str) -> None:
        folder = self.folder / "results" / dataset
        processed = folder / "processed.h5"
        if not processed.is_file():
            msg = f"{processed}: missing: run snakemake first"
            raise InputMissingError(msg)
        with Reader(processed) as reader:
            runs = read_runs(reader.provenance())
        if runs:
            self.runs[dataset] = runs[0]
        self.digests[dataset] = {
            path.stem: file_digest(path) for path in sorted(folder.glob("*.h5"))
        }

    def parts(self, data: str) -> Iterator[Part]:
        """Yield the files of a crate.

        Parameters
        ----------
        data : str
            One of `making.DATA`: which ASDF files are among them.
        """
        yield from self._software()
        yield Part(
            "results/stations.csv",
            "What became of every station of all data sets",
            self.folder / "results" / "stations.csv",
            "output",
        )
        for dataset in self.pipeline.datasets:
            yield from self._of(dataset, data)
        content = json.dumps(self.record(), indent=2, sort_keys=True) + "\n"
        about = "Content digests, versions: what another run is held against"
        yield Part(RECORD, about, content.encode())

    def _software(self) -> Iterator[Part]:
        for path in sorted((SHIPPED / "workflow").rglob("*")):
            if path.is_file():
                name = f"workflow/{path.relative_to(SHIPPED / 'workflow')}"
                yield Part(name, "The workflow", path, "software")
        config = self.pipeline.config
        yield Part(
            CONFIG, "What was made of the data, how", self.folder / CONFIG, "input"
        )
        table = config["datasets"]
        yield Part(
            _inside(table, "config/datasets.tsv"),
            "The data sets",
            self.folder / table,
            "input",
        )
        with contextlib.chdir(self.folder):
            files = self.pipeline.function_files()
        for file in files:
            yield Part(
                _inside(file, f"functions/{Path(file).name}"),
                "A function that was applied to every station, or what it imports",
                self.folder / file,
                "software",
            )

    def _of(self, dataset: str, data: str) -> Iterator[Part]:
        folder = self.folder / "results" / dataset
        within = f"results/{dataset}"
        for path in sorted(folder.iterdir()):
            if path.is_file() and path.suffix in _MADE:
                name = f"{within}/{path.name}"
                yield Part(name, _MADE[path.suffix], path, "output", dataset)
        about = "How the data set was made: SEIS-PROV"
        with Reader(folder / "processed.h5") as reader:
            documents = sorted(reader.provenance().items())
        for record, document in documents:
            name = f"{within}/provenance/{record}.xml"
            yield Part(name, about, document, "output", dataset)
        for kind in self.digests[dataset]:
            name, path = f"{within}/{kind}.h5", folder / f"{kind}.h5"
            if kind == "staged" and data != "none":
                yield Part(name, "The input, an ASDF file", path, "input", dataset)
            elif kind != "staged" and data == "all":
                yield Part(name, "A result, an ASDF file", path, "output", dataset)

    def record(self) -> dict[str, Any]:
        """Return what is held against another run, in JSON's terms."""
        return {
            "python": platform.python_version(),
            "packages": dict(sorted((d.name, d.version) for d in distributions())),
            "table": _inside(self.pipeline.config["datasets"], "config/datasets.tsv"),
            "datasets": self.digests,
        }


def _inside(path: str, otherwise: str) -> str:
    """Return a path's name in a crate: its own, if that is below the project."""
    parts = Path(path).parts
    return (
        otherwise
        if Path(path).is_absolute() or ".." in parts
        else Path(*parts).as_posix()
    )
