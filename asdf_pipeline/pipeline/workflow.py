"""What the rules ask for: the configuration and the table it names, as one object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import CallError
from asdf_pipeline.pipeline.config import check_config, load_config
from asdf_pipeline.pipeline.inputs import DataSet
from asdf_pipeline.pipeline.patterns import Gathers, Pairs, read_pattern
from asdf_pipeline.pipeline.table import read_table
from asdf_pipeline.pipeline.task import Task, read_tasks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def _check_places(template: str) -> None:
    from asdf_pipeline.export.places import Places

    try:
        Places.of("export", template)
    except CallError as error:
        msg = f"config: export: to: {error}"
        raise CallError(msg) from None


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
    def read(cls, config: dict[str, Any], *, look: bool) -> Pipeline:
        """Check a configuration, read the table that it names, and check that.

        Parameters
        ----------
        config : dict
            The configuration as YAML has it; it is left as it is.
        look : bool
            Whether the input files and the functions are looked for too.

        Raises
        ------
        ASDFPipelineError
            One line: the file, the key or the data set, and what is wrong.
        """
        checked = check_config(config)
        table = checked["datasets"]
        datasets = {
            name: DataSet(name, cells, table)
            for name, cells in read_table(table).items()
        }
        if "export" in checked:
            _check_places(checked["export"]["to"])
        tasks = read_tasks(checked, datasets.values(), look=look)
        for dataset in datasets.values() if look else ():
            dataset.all_files()
        pairs = read_pattern(Pairs, checked, tasks, look=look)
        gathers = read_pattern(Gathers, checked, tasks, look=look)
        return cls(checked, datasets, tasks, pairs, gathers)

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
        return cls.read(load_config(path), look=look)

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
