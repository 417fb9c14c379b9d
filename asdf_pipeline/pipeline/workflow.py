"""What the rules ask for: the configuration and the table it names, as one object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asdf_pipeline.pipeline.config import check_config, load_config
from asdf_pipeline.pipeline.inputs import DataSet
from asdf_pipeline.pipeline.patterns import Pairs, read_pairs
from asdf_pipeline.pipeline.table import read_table
from asdf_pipeline.pipeline.task import Task, read_tasks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


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
    """

    config: Mapping[str, Any]
    datasets: Mapping[str, DataSet]
    tasks: Mapping[str, Task]
    pairs: Pairs | None = None

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
        tasks = read_tasks(checked, datasets.values(), look=look)
        for dataset in datasets.values() if look else ():
            dataset.all_files()
        pairs = read_pairs(checked, tasks, look=look)
        return cls(checked, datasets, tasks, pairs)

    @classmethod
    def load(cls, path: Path) -> Pipeline:
        """Check a configuration in a file, and all that it names.

        Raises
        ------
        ASDFPipelineError
            As of `read`; also if there is no such file, or it is no YAML.
        """
        return cls.read(load_config(path), look=True)

    @property
    def merged(self) -> list[str]:
        """The names of the files that data sets are merged into, sorted."""
        return sorted({row.cells["merge"] for row in self.datasets.values()} - {""})

    def parts_of(self, merged: str) -> list[str]:
        """Return the names of the data sets that are merged into one file."""
        rows = self.datasets.values()
        return [row.name for row in rows if row.cells["merge"] == merged]
