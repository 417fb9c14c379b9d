"""A function for the gathers of an ASDF file: what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asdf_pipeline.container.reader import Reader
from asdf_pipeline.engine.process_task import ProcessTask
from asdf_pipeline.errors import CallError
from asdf_pipeline.function.load import GATHER, UserFunction, load_function
from asdf_pipeline.plan.gathers import plan_gathers
from asdf_pipeline.plan.units import GATHERED
from asdf_pipeline.work.gathers import GatherWork

if TYPE_CHECKING:
    from asdf_pipeline.engine.assignment import Layout
    from asdf_pipeline.plan.units import Plan


@dataclass(frozen=True)
class GatherTask(ProcessTask):
    """A function to be applied to gathers (see `ProcessTask` for the rest).

    Attributes
    ----------
    tag : str or None
        Which waveforms belong to gathers; None for all.
    output_tag : str
        Under which waveforms are written.
    windows : Windows or None
        The windows; None: gathers are those of events.
    """

    tag: str | None = None
    output_tag: str = GATHERED

    def load(self) -> UserFunction:
        """Return the function, ready to be called (see `ProcessTask.load`)."""
        return load_function(self.function, self.parameters, GATHER)

    def plan(self, function: UserFunction) -> Plan:
        """Return what is to be done (see `ProcessTask.plan`).

        Raises
        ------
        CallError
            If that is nothing, or events are asked for and left alone.
        """
        if self.no_events and self.windows is None:
            msg = "without the events (no_events) there are gathers of windows only"
            raise CallError(msg)
        with Reader(self.input) as reader:
            return plan_gathers(
                reader, self.tag, self.output_tag, self.selection, self.windows
            )

    @property
    def joins_pieces(self) -> bool:
        """Whether pieces of windows become one trace: no, each gather is its own."""
        return False

    def work(self, layout: Layout | None, brief: object) -> GatherWork:
        """Return what a worker needs (see `Assignment.work`)."""
        return GatherWork(**self.shared(layout, brief))
