"""A function for every station of an ASDF file: what is asked, and what there is."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.reader import Reader
from asdf_pipeline.engine.assignment import Assignment, Layout
from asdf_pipeline.plan import EVERYTHING, make_plan, run_key
from asdf_pipeline.provenance.document import document
from asdf_pipeline.provenance.ids import document_name, run_id
from asdf_pipeline.provenance.run import describe
from asdf_pipeline.work.attempt import ProcessWork
from asdf_pipeline.work.load import Process, load_process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from asdf_pipeline.container.codec import Encoding
    from asdf_pipeline.outcome import Outcome
    from asdf_pipeline.plan import Plan
    from asdf_pipeline.selection import Selection, Windows

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task(Assignment):
    """A function to be applied to every station (see `Assignment` for the rest).

    Attributes
    ----------
    input, output : path-like
        The file to read, and the one to make, which must not exist.
    function : str or callable
        See `work.load.load_process`.
    tag_map : mapping of str to str
        Input tag to output tag.
    parameters : mapping, optional
        Keyword arguments for the function.
    traceback_limit : int
        Levels of traceback shown of an error in the function.
    selection : Selection
        What of the input is to be done.
    windows : Windows or None
        How long traces are cut.
    cache_responses : bool
        Whether inventories carry memoising Responses.
    """

    input: str | Path
    output: str | Path
    function: str | Callable[..., Any]
    tag_map: Mapping[str, str]
    parameters: Mapping[str, Any] | None = None
    traceback_limit: int = 3
    selection: Selection = EVERYTHING
    windows: Windows | None = None
    cache_responses: bool = True

    @property
    def output_path(self) -> Path:
        """The output's absolute path."""
        return Path(self.output).absolute()

    @property
    def inputs(self) -> Sequence[Path]:
        """The input's path."""
        return [Path(self.input)]

    def lay_out(self) -> Processing:
        """Load the function and plan (see `Assignment.lay_out`)."""
        process = load_process(self.function, self.parameters)
        with Reader(Path(self.input)) as reader:
            plan = make_plan(reader, self.tag_map, self.selection, self.windows)
            quakeml = reader.quakeml()
        return Processing.over(plan, process, quakeml, self.encoding)

    def work(self, layout: Layout | None, brief: object) -> ProcessWork:
        """Return what a worker needs (see `Assignment.work`)."""
        # Loaded by every rank: a function cannot always be sent.
        process = (
            layout.process
            if isinstance(layout, Processing)
            else load_process(self.function, self.parameters)
        )
        return ProcessWork(
            input=Path(self.input),
            process=process,
            tag_map=dict(self.tag_map),
            selection=self.selection,
            windows=self.windows,
            encoding=self.encoding,
            traceback_limit=self.traceback_limit,
            cache_responses=self.cache_responses,
            run_id=str(brief),
        )


@dataclass(kw_only=True)
class Processing(Layout):
    """A function and the units of a file.

    Attributes
    ----------
    process : Process
        The function.
    started : datetime.datetime
        When the run began, in UTC.
    """

    process: Process
    started: datetime

    @classmethod
    def over(
        cls, plan: Plan, process: Process, quakeml: bytes | None, encoding: Encoding
    ) -> Processing:
        """Return what there is to do for a plan."""
        if process.fingerprint is None:
            log.warning("this run cannot be resumed: %s", process.unhashable)
        key = run_key(plan, process.fingerprint, process.parameters, str(encoding))
        windows = plan.windows
        return cls(
            source=str(plan.input),
            plan=plan,
            key=key,
            quakeml=quakeml,
            brief=run_id(key),
            joined=encoding if windows and windows.join else None,
            process=process,
            started=datetime.now(UTC),
        )

    def documents(
        self, outcomes: Sequence[Outcome], circumstances: Mapping[str, object]
    ) -> dict[str, bytes]:
        """Return the input's provenance documents, and the run's own."""
        name = run_id(self.key)
        run = describe(
            name,
            self.plan.input,
            self.process,
            self.plan.tag_map,
            self.started,
            circumstances,
        )
        with Reader(self.plan.input) as reader:
            documents = reader.provenance()
        return {**documents, document_name(name): document(run, outcomes)}
