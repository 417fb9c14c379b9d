"""A function for every station of an ASDF file: what is asked, and what there is."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from asdf_pipeline.container.digest import bytes_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.engine import retry
from asdf_pipeline.engine.assignment import Assignment, Layout
from asdf_pipeline.errors import (
    CallError,
    InputError,
    InputMissingError,
    ProcessingFailedError,
)
from asdf_pipeline.files import identity
from asdf_pipeline.function.load import UserFunction, load_function
from asdf_pipeline.metadata.events import check_quakeml
from asdf_pipeline.plan.key import run_key
from asdf_pipeline.plan.planning import make_plan
from asdf_pipeline.plan.selection import EVERYTHING
from asdf_pipeline.plan.units import BY
from asdf_pipeline.provenance.document import document
from asdf_pipeline.provenance.ids import document_name, run_id
from asdf_pipeline.provenance.run import describe
from asdf_pipeline.text import plural
from asdf_pipeline.work.attempt import ProcessWork

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from asdf_pipeline.errors import ASDFPipelineError
    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.plan.selection import Selection, Windows
    from asdf_pipeline.plan.units import Plan
    from asdf_pipeline.work.function_work import FunctionWork

log = logging.getLogger(__name__)

MANY = 1_000_000
"""Units of which each takes 1 kB of the leading process's memory."""


@dataclass(frozen=True)
class ProcessTask(Assignment):
    """A function to be applied to every station (see `Assignment` for the rest).

    Attributes
    ----------
    input : path-like
        The file to read.
    output : path-like or None
        The file to make, which must not exist; None where only a table is made.
    function : str or callable
        See `function.load.load_function`.
    tag_map : mapping of str to str
        Input tag to output tag; empty where units read otherwise.
    parameters : mapping, optional
        Keyword arguments for the function.
    selection : Selection
        What of the input is to be done.
    windows : Windows or None
        How long traces are cut.
    cache_responses : bool
        Whether inventories carry memoising Responses.
    by : {"station", "event", "channel"} or None
        What the units of a station and tag are; None: stations, but events for a
        function that asks for one.
    no_events : bool
        Whether the input's events are left alone: neither checked, nor copied, nor
        handed to the function.
    copy_auxiliary : bool
        Whether the input's auxiliary data is copied to the output.
    table : path-like, optional
        Where the rows that the function returns are to be written, as CSV.
    """

    input: str | Path
    output: str | Path | None
    function: str | Callable[..., Any]
    tag_map: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] | None = None
    selection: Selection = EVERYTHING
    windows: Windows | None = None
    cache_responses: bool = True
    by: str | None = None
    no_events: bool = False
    copy_auxiliary: bool = False
    table: str | Path | None = None

    @property
    def output_path(self) -> Path | None:
        """The output's absolute path."""
        return None if self.output is None else Path(self.output).absolute()

    @property
    def table_path(self) -> Path | None:
        """The table's absolute path."""
        return None if self.table is None else Path(self.table).absolute()

    @property
    def inputs(self) -> Sequence[Path]:
        """The files to read."""
        return [Path(self.input)]

    def load(self) -> UserFunction:
        """Return the function, ready to be called.

        Raises
        ------
        CallError
            If units are asked for that there are not.
        FunctionError
            If it cannot be found, loaded or called.
        """
        if self.by not in (None, *BY):
            msg = f"by {self.by!r}: expected {', '.join(BY)}"
            raise CallError(msg)
        if self.by == "event" and self.no_events:
            msg = "by event: events are needed: leave --no-events (no_events) out"
            raise CallError(msg)
        return load_function(self.function, self.parameters)

    def plan(self, function: UserFunction) -> Plan:
        """Return what is to be done.

        A function that asks for `event` gets one, with its traces, where nothing else
        is said: there is a unit for each event of a station whose traces belong to
        events.

        Raises
        ------
        CallError
            If that is nothing.
        InputError
            If an input cannot be read.
        """
        by = self.by or "station"
        if self.by is None and "event" in function.asks and not self.no_events:
            by = "event"
        with Reader(self.input) as reader:
            return make_plan(
                reader,
                self.tag_map,
                self.selection,
                self.windows,
                by=by,
                lenient=self.by is None,
            )

    def lay_out(self) -> Processing:
        """Load the function and plan (see `Assignment.lay_out`)."""
        if self.only_failed:
            self._check_again()
        process = self.load()
        quakeml = None if self.no_events else self._quakeml()
        plan = self.plan(process)
        self.log_plan(plan)
        with Reader(self.input) as reader:
            auxiliary = reader.auxiliary_paths()
        if auxiliary and not self.copy_auxiliary and self.output is not None:
            log.info(
                "%s: its auxiliary data (%d) is not copied to the output "
                "(copy_auxiliary copies it)",
                self.input,
                len(auxiliary),
            )
        if process.unhashable:
            log.warning("this run cannot be resumed: %s", process.unhashable)
        tag_map = dict(self.tag_map) or {plan.units[0].tag: plan.units[0].output_tag}
        key = run_key(
            self.inputs,
            plan,
            {
                "the function": process.fingerprint,
                "the parameters": process.parameters_fingerprint,
                "the tag map": json.dumps(tag_map, sort_keys=True),
                "the selection": repr((self.selection, self.windows)),
                "the encoding": str(self.encoding),
                **self.more_of_key(),
            },
        )
        if self.no_events:
            key["the events"] = "left alone"
        if self.by is not None:
            key["what a unit is"] = self.by
        if self.only_failed:
            key[retry.STATE] = identity(self.target, by_inode=True)
        return Processing(
            source=str(self.input),
            plan=plan,
            key=key,
            quakeml=quakeml,
            brief=run_id(key),
            reserved_paths=auxiliary if self.copy_auxiliary else (),
            auxiliary_from=Path(self.input) if self.copy_auxiliary else None,
            join_encoding=self.encoding if self.joins_pieces else None,
            renamed=any(unit.event or unit.gathered for unit in plan.units),
            inputs=self.inputs,
            tag_map=tag_map,
            process=process,
            started=datetime.now(UTC),
        )

    @property
    def joins_pieces(self) -> bool:
        """Whether traces that were done in windows become one again."""
        return self.windows is not None and self.windows.join

    @property
    def why_without(self) -> str:
        """Why there is nothing to do for some stations, for the log."""
        return "no waveforms with a tag that is read"

    def more_of_key(self) -> dict[str, str | None]:
        """Return what else the work depends on, by name."""
        return {}

    def _quakeml(self) -> bytes | None:
        """Return the input's events, checked: what is published must verify.

        Raises
        ------
        InputError
            If they are damaged.
        """
        with Reader(self.input) as reader:
            try:
                document = reader.quakeml()
                check_quakeml(document, str(self.input))
                stated = reader.stated_digest() if document is not None else None
            except InputError as error:
                msg = f"{error}; --no-events (no_events) goes on without the events"
                raise InputError(msg) from error
        if document is not None and stated not in (None, bytes_digest(document)):
            msg = (
                f"{self.input}: the QuakeML document was changed: it has not the "
                "digest that stands beside it; --no-events (no_events) goes on "
                "without the events"
            )
            raise InputError(msg)
        return document

    def _check_again(self) -> None:
        """Check that there is something to try again.

        Raises
        ------
        CallError
            If no outcomes are named, or the work cannot be taken over.
        InputMissingError
            If the output or its outcomes are not there.
        """
        if self.outcomes is None:
            msg = "--only-failed needs --outcomes FILE: what became of each station"
            raise CallError(msg)
        for wanted, option in (
            (self.windows is not None, "--window"),
            (self.copy_auxiliary, "--copy-auxiliary"),
        ):
            if wanted:
                msg = f"--only-failed does not go with {option}: process the file anew"
                raise CallError(msg)
        for path in (self.target, Path(self.outcomes)):
            if not path.is_file():
                msg = (
                    f"{path}: no such file; "
                    "--only-failed goes on from what was published"
                )
                raise InputMissingError(msg)

    def log_plan(self, plan: Plan) -> None:
        """Log what is left out, and warn of what may take much memory."""
        if plan.without:
            log.info(
                "%s: nothing to do for %s: %s: %s%s",
                self.input,
                plural(len(plan.without), "station"),
                self.why_without,
                ", ".join(plan.without[:5]),
                ", ..." if len(plan.without) > 5 else "",
            )
        if plan.of_no_event:
            log.warning(
                "%s: %s of no event left out, as the work is done by events: %s%s",
                self.input,
                plural(sum(count for *_, count in plan.of_no_event), "trace"),
                ", ".join(
                    f"{station}, tag {tag}: {count}"
                    for station, tag, count in plan.of_no_event[:5]
                ),
                ", ..." if len(plan.of_no_event) > 5 else "",
            )
        if plan.total > MANY:
            log.warning(
                "%s: %d units: this process needs about %.0f GB for them; longer "
                "windows, or fewer pairs, need less",
                self.input,
                plan.total,
                plan.total / 1e6,
            )

    def work(self, layout: Layout | None, brief: object) -> FunctionWork:
        """Return what a worker needs (see `Assignment.work`)."""
        return ProcessWork(**self.shared(layout, brief))

    def shared(self, layout: Layout | None, brief: object) -> dict[str, Any]:
        """Return the attributes of a `FunctionWork`."""
        # Loaded by every rank: a function cannot always be sent.
        process = layout.process if isinstance(layout, Processing) else self.load()
        return {
            "input": Path(self.input),
            "process": process,
            "selection": self.selection,
            "windows": self.windows,
            "encoding": self.encoding,
            "cache_responses": self.cache_responses,
            "run_id": str(brief),
            "no_events": self.no_events,
            "writes": self.output is not None,
        }


@dataclass(kw_only=True)
class Processing(Layout):
    """A function and the units of a file.

    Attributes
    ----------
    inputs : sequence of pathlib.Path
        The input, and the file that it is compared with.
    tag_map : dict of str to str
        Input tag to output tag, for the record of provenance.
    process : UserFunction
        The function.
    started : datetime.datetime
        When the run began, in UTC.
    """

    inputs: Sequence[Path]
    tag_map: dict[str, str]
    process: UserFunction
    started: datetime

    has_provenance: ClassVar[bool] = True

    def failed(
        self, failures: Sequence[Outcome], table: Path, stays: Path | None = None
    ) -> ASDFPipelineError:
        """Return the error of a run in which more units failed than may."""
        error = super().failed(failures, table, stays)
        if len(self.inputs) > 1 or stays is not None:
            return error
        return ProcessingFailedError(
            f"{error}; then 'asdf-pipeline process --only-failed' tries an edited "
            "function on the rest (in the pipeline, an edited one starts afresh)"
        )

    def documents(
        self, outcomes: Sequence[Outcome], circumstances: Mapping[str, object]
    ) -> dict[str, bytes]:
        """Return the input's provenance documents, and the run's own."""
        name = run_id(self.key)
        run = describe(
            name, self.inputs, self.process, self.tag_map, self.started, circumstances
        )
        with Reader(self.inputs[0]) as reader:
            documents = reader.provenance()
        return {**documents, document_name(name): document(run, outcomes)}
