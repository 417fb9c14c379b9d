"""A function for the stations that two ASDF files have in common: what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.container.reader import Reader
from asdf_pipeline.engine.process_task import ProcessTask
from asdf_pipeline.errors import CallError
from asdf_pipeline.function.load import COMPARISON, UserFunction, load_function
from asdf_pipeline.plan.planning import plan_comparison
from asdf_pipeline.work.comparison import ComparisonWork

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asdf_pipeline.engine.assignment import Layout
    from asdf_pipeline.plan.units import Plan


@dataclass(frozen=True, kw_only=True)
class ComparisonTask(ProcessTask):
    """A function to be applied to stations of two files (see `ProcessTask`).

    Attributes
    ----------
    other : path-like
        The second file to read.
    tag : str
        Under which waveforms are written.
    """

    other: str | Path
    tag: str

    @property
    def inputs(self) -> Sequence[Path]:
        """The files to read."""
        return [Path(self.input), Path(self.other)]

    @property
    def why_without(self) -> str:
        """Why there is nothing to do for some stations, for the log."""
        return f"not in both files (the other is {self.other})"

    def load(self) -> UserFunction:
        """Return the function, ready to be called (see `ProcessTask.load`)."""
        return load_function(self.function, self.parameters, COMPARISON)

    def plan(self, function: UserFunction) -> Plan:
        """Return what is to be done (see `ProcessTask.plan`).

        Raises
        ------
        CallError
            If that is nothing, or windows are asked for.
        """
        if self.windows is not None:
            msg = "two data sets are compared station by station, not by windows"
            raise CallError(msg)
        with Reader(self.input) as reader, Reader(self.other) as other:
            return plan_comparison(reader, other, self.tag, self.selection)

    def work(self, layout: Layout | None, brief: object) -> ComparisonWork:
        """Return what a worker needs (see `Assignment.work`)."""
        shared = self.shared(layout, brief)
        return ComparisonWork(**shared, other=Path(self.other))
