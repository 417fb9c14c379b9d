"""What the rules ask for: the configuration and the table it names, as one object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asdf_pipeline.pipeline.config import check_config, load_config
from asdf_pipeline.pipeline.inputs import DataSet
from asdf_pipeline.pipeline.patterns import Gathers, Pairs, read_pattern
from asdf_pipeline.pipeline.problems import Problems, prefixed
from asdf_pipeline.pipeline.table import read_table
from asdf_pipeline.pipeline.task import Task, read_tasks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from asdf_pipeline.export.places import Places


def _places(template: str) -> Places:
    from asdf_pipeline.export.places import Places

    return Places.of("export", template)


@dataclass(frozen=True)
class Pipeline:
    """A configuration with its table of data sets, both checked.

    Attributes
    ----------
    config : dict
        The configuration, defaults filled in.
    datasets : dict of str to DataSet
        The table's rows by name, in the table's order.
    tasks : dict of str to Task
        What is applied to each of them.
    pairs : Pairs or None
        What is applied to the pairs of each processed file, if anything is.
    gathers : Gathers or None
        The same of its gathers.
    """

    config: Mapping[str, Any]
    datasets: Mapping[str, DataSet]
    tasks: Mapping[str, Task]
    pairs: Pairs | None = None
    gathers: Gathers | None = None

    @classmethod
    def read(
        cls, config: dict[str, Any], where: str = "config", *, look: bool
    ) -> Pipeline:
        """Check a configuration, read the table that it names, and check that.

        Parameters
        ----------
        config : dict
            The configuration as YAML has it; it is left as it is.
        where : str
            How errors name the configuration.
        look : bool
            Whether the input files and the functions are looked for too.

        Raises
        ------
        ASDFPipelineError
            A line for each problem: the file, the key or the data set, what is wrong.
        """
        problems = Problems()
        checked = problems.of(check_config, config, where)
        table = (checked or config).get("datasets", "config/datasets.tsv")
        rows = problems.of(read_table, table) if isinstance(table, str) else None
        datasets = {
            name: DataSet(name, cells, table) for name, cells in (rows or {}).items()
        }
        tasks = None
        if checked is not None:
            if "export" in checked:
                problems.of(
                    prefixed, f"{where}: export: to", _places, checked["export"]["to"]
                )
            tasks = problems.of(
                read_tasks, checked, datasets.values(), where, look=look
            )
        for dataset in datasets.values() if look else ():
            problems.of(dataset.all_files)
        pairs = gathers = None
        if checked is not None and tasks is not None:
            pairs = problems.of(read_pattern, Pairs, checked, tasks, where, look=look)
            gathers = problems.of(
                read_pattern, Gathers, checked, tasks, where, look=look
            )
        problems.raise_all()
        return cls(checked or {}, datasets, tasks or {}, pairs, gathers)

    @classmethod
    def load(cls, path: Path) -> Pipeline:
        """Check a configuration in a file, and all that it names.

        Raises
        ------
        ASDFPipelineError
            As of `read`; also if there is no such file, or it is no YAML.
        """
        return cls.read_file(path, look=True)

    @classmethod
    def read_file(cls, path: Path, *, look: bool) -> Pipeline:
        """Check a configuration in a file (see `read`)."""
        return cls.read(load_config(path), str(path), look=look)

    def load_functions(self) -> None:
        """Load what is applied to the data sets, which runs the user's modules.

        Raises
        ------
        CallError
            A line for each data set whose function cannot be called.
        """
        problems = Problems()
        for name, task in self.tasks.items():
            problems.of(prefixed, self.datasets[name].where, task.load)
        problems.raise_all()

    def export_options(self) -> list[str]:
        """Return the options of ``export`` that say what is written."""
        how = self.config["export"]
        return [
            f"--format={how['format']}",
            f"--layout={how['to']}",
            *(["--lossy"] if how["lossy"] else []),
            *([] if how["metadata"] else ["--no-metadata"]),
        ]

    def function_files(self) -> list[str]:
        """Return the user's own files that any function is in, or imports; sorted.

        Raises
        ------
        CallError
            If a function cannot be found.
        """
        patterns = [one for one in (self.pairs, self.gathers) if one is not None]
        uses = [*self.tasks.values(), *patterns]
        return sorted({file for one in uses for file in one.function_files()})

    @property
    def merged(self) -> list[str]:
        """The names of the files that data sets are merged into, sorted."""
        return sorted({row.cells["merge"] for row in self.datasets.values()} - {""})

    def parts_of(self, merged: str) -> list[str]:
        """Return the names of the data sets that are merged into one file."""
        rows = self.datasets.values()
        return [row.name for row in rows if row.cells["merge"] == merged]
