"""What a run is asked to do, as plain data."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.codec import COMPRESSED, Encoding
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import CallError
from asdf_pipeline.journal.segments import MINIMUM_AGE
from asdf_pipeline.plan import EVERYTHING, make_plan, plan_comparison
from asdf_pipeline.work.load import load_process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asdf_pipeline.plan import Plan
    from asdf_pipeline.selection import Selection, Windows
    from asdf_pipeline.work.load import Process


@dataclass(frozen=True)
class Task:
    """What a run is asked to do.

    Attributes
    ----------
    input : path-like
        The file to read.
    output : path-like or None
        The file to make, which must not exist; None where only a table is made.
    function : str or callable
        See `work.load.load_process`.
    tag_map : mapping of str to str
        Input tag to output tag; of a comparison ``{"*": tag}``.
    parameters : mapping, optional
        Keyword arguments for the function.
    backend, workers, io
        See `team.form_team`.
    max_failures : int or str, optional
        How many units may fail: a number or a percentage (``"10%"``). None: any
        number, with a warning.
    traceback_limit : int
        Levels of traceback shown of an error in the function.
    work_dir : path-like, optional
        The work directory, ``<output>.work`` by default (or ``<table>.work``).
    outcomes : path-like, optional
        Where the outcomes table (JSON lines) is to be kept.
    only_failed : bool
        The output exists, and so do its outcomes: what failed is tried again, and
        both are replaced. See `engine.again`.
    seal_every : float
        Seconds after which finished work is sealed for the first time; see
        `journal.segments.Roll`.
    progress : {"auto", "bar", "lines", "none"}
        What is shown while it runs.
    selection : Selection
        What of the input is to be done.
    windows : Windows or None
        How long traces are cut.
    encoding : Encoding
        How samples are stored in segments.
    cache_responses : bool
        Whether inventories carry memoising Responses.
    copy_auxiliary : bool
        Whether the input's auxiliary data is copied to the output.
    other : path-like, optional
        A second file to read: the function compares the stations that are in both.
    table : path-like, optional
        Where the rows that a comparison returns are to be written, as CSV.
    """

    input: str | Path
    output: str | Path | None
    function: str | Callable[..., Any]
    tag_map: Mapping[str, str]
    parameters: Mapping[str, Any] | None = None
    backend: str = "auto"
    workers: int = -1
    io: str = "auto"
    max_failures: int | str | None = None
    traceback_limit: int = 3
    work_dir: str | Path | None = None
    outcomes: str | Path | None = None
    only_failed: bool = False
    seal_every: float = MINIMUM_AGE
    progress: str = "auto"
    selection: Selection = EVERYTHING
    windows: Windows | None = None
    encoding: Encoding = COMPRESSED
    cache_responses: bool = True
    copy_auxiliary: bool = False
    other: str | Path | None = None
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
    def made(self) -> Path:
        """What is published when all is done: the output, else the table.

        Raises
        ------
        CallError
            If neither is named.
        """
        made = self.output_path or self.table_path
        if made is None:
            msg = f"{self.input}: neither an output nor a table is named"
            raise CallError(msg)
        return made

    @property
    def directory(self) -> Path:
        """The work directory's path."""
        if self.work_dir is not None:
            return Path(self.work_dir)
        return self.made.with_name(f"{self.made.name}.work")

    def load(self) -> Process:
        """Return the function, ready to be called.

        Raises
        ------
        FunctionError
            If it cannot be found, loaded or called.
        """
        compares = self.other is not None
        return load_process(self.function, self.parameters, compares=compares)

    def plan(self) -> Plan:
        """Return what is to be done.

        Raises
        ------
        CallError
            If that is nothing, or comparing goes with something that it does not.
        InputError
            If an input cannot be read.
        """
        with ExitStack() as stack:
            reader = stack.enter_context(Reader(self.input))
            if self.other is None:
                return make_plan(reader, self.tag_map, self.selection, self.windows)
            if self.windows is not None:
                msg = "two data sets are compared station by station, not by windows"
                raise CallError(msg)
            other = stack.enter_context(Reader(self.other))
            (tag,) = self.tag_map.values()
            return plan_comparison(reader, other, tag, self.selection)

    def failures_allowed(self, units: int) -> int | None:
        """Return how many of so many units may fail; None for any number.

        Raises
        ------
        CallError
            If `max_failures` is neither a number nor a percentage.
        """
        if self.max_failures is None:
            return None
        text = str(self.max_failures).strip()
        number, percent = text.removesuffix("%"), text.endswith("%")
        try:
            value = float(number) if percent else int(number)
        except ValueError:
            value = -1
        if value < 0 or (percent and value > 100):
            msg = f"max failures {text!r}: expected a number (3) or a percentage (10%)"
            raise CallError(msg)
        return math.floor(units * value / 100) if percent else int(value)
