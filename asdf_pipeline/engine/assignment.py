"""What the engine can be asked to do: each way to make an ASDF file in units."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from asdf_pipeline.container.codec import COMPRESSED, Encoding
from asdf_pipeline.engine.report import describe_failures
from asdf_pipeline.errors import ASDFPipelineError, CallError, ProcessingFailedError
from asdf_pipeline.journal.segments import MINIMUM_AGE
from asdf_pipeline.manifest import row_table
from asdf_pipeline.team.base import TeamOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.plan.units import Plan
    from asdf_pipeline.work.base import Work


@dataclass(frozen=True, kw_only=True)
class Assignment(TeamOptions, ABC):
    """What a run is asked to do, whatever its units are, and by whom.

    Attributes
    ----------
    max_failures : int or str, optional
        How many units may fail: a number or a percentage (``"10%"``). None: any
        number, with a warning.
    work_dir : path-like, optional
        The work directory, ``<output>.work`` by default (or ``<table>.work``).
    outcomes : path-like, optional
        Where the outcomes table (JSON lines) is to be kept.
    only_failed : bool
        The output exists, and so do its outcomes: what failed is tried again, and
        both are replaced. See `engine.retry`.
    seal_every : float
        Seconds after which finished work is sealed for the first time; see
        `journal.segments.SealSchedule`.
    progress : {"auto", "bar", "lines", "none"}
        What is shown while it runs.
    traceback_limit : int
        Innermost levels shown of a failed unit's traceback, beside the user's own.
    encoding : Encoding
        How samples are stored in segments.
    """

    max_failures: int | str | None = None
    work_dir: str | Path | None = None
    outcomes: str | Path | None = None
    only_failed: bool = False
    seal_every: float = MINIMUM_AGE
    progress: str = "auto"
    traceback_limit: int = 3
    encoding: Encoding = COMPRESSED

    @property
    @abstractmethod
    def output_path(self) -> Path | None:
        """The output's absolute path; None where only a table is made."""

    @property
    def table_path(self) -> Path | None:
        """Where the table of a comparison is to be written."""
        return None

    @property
    def replaces(self) -> bool:
        """Whether what is published may take the place of an earlier run's."""
        return False

    @property
    def target(self) -> Path:
        """What is published when all is done: the output, else the table.

        Raises
        ------
        CallError
            If neither is named.
        """
        target = self.output_path or self.table_path
        if target is None:
            msg = "neither an output nor a table is named"
            raise CallError(msg)
        return target

    @property
    @abstractmethod
    def inputs(self) -> Sequence[Path]:
        """Files that are read, and that no other file may replace."""

    @abstractmethod
    def lay_out(self) -> Layout:
        """Find out what there is to do; only the process that leads calls this."""

    @abstractmethod
    def work(self, layout: Layout | None, brief: object) -> Work:
        """Return what a worker needs; every process calls this.

        Parameters
        ----------
        layout : Layout or None
            What `lay_out` returned, on the process that leads.
        brief : object
            Its `Layout.brief`, on every process.
        """

    @property
    def directory(self) -> Path:
        """The work directory's path."""
        if self.work_dir is not None:
            return Path(self.work_dir)
        return self.target.with_name(f"{self.target.name}.work")

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


@dataclass(kw_only=True)
class Layout:
    """What there is to do, known to the process that leads.

    Attributes
    ----------
    source : str
        What is read, for the log.
    plan : Plan
        The units.
    key : dict of str to (str or None)
        What the work depends on, by name: other work does not resume it.
    quakeml : bytes or None
        The output's events.
    brief : object
        What every process needs to know of it: picklable.
    reserved_paths : sequence of str
        Paths of auxiliary data that no unit may write to.
    auxiliary_from : pathlib.Path or None
        The file whose auxiliary data that is: it is copied.
    join_encoding : Encoding or None
        How traces that were done in windows are stored once their pieces are
        joined; None: nothing is to be joined.
    renamed : bool
        Whether traces of several units of a station may start and end in the same
        seconds: they have nine digits in segments, and get their names when all is
        there.
    retries : bool
        Whether the same command, given again after units failed, may go on with what
        worked.
    """

    source: str
    plan: Plan
    key: dict[str, str | None]
    quakeml: bytes | None
    brief: object = None
    reserved_paths: Sequence[str] = ()
    auxiliary_from: Path | None = None
    join_encoding: Encoding | None = None
    renamed: bool = False
    retries: bool = True

    has_provenance: ClassVar[bool] = False
    """Whether `documents` returns any."""

    def documents(
        self, outcomes: Sequence[Outcome], circumstances: Mapping[str, object]
    ) -> dict[str, bytes]:
        """Return the provenance documents of the output, by name.

        Parameters
        ----------
        outcomes : sequence of Outcome
            What became of each station.
        circumstances : mapping of str to object
            What the content does not depend on: backend, workers, ....
        """
        return {}

    def nothing(self, outcomes: Sequence[Outcome]) -> ASDFPipelineError | None:
        """Return the error of a run that made nothing worth publishing, if it did.

        Parameters
        ----------
        outcomes : sequence of Outcome
            What became of each unit.
        """
        return None

    def table(self, outcomes: Iterable[Outcome]) -> pd.DataFrame:
        """Return the table that is published, of what became of all units."""
        return row_table(outcomes)

    def failed(
        self, failures: Sequence[Outcome], table: Path, stays: Path | None = None
    ) -> ASDFPipelineError:
        """Return the error of a run in which more units failed than may.

        Parameters
        ----------
        failures : sequence of Outcome
            Of the units that failed.
        table : pathlib.Path
            Where the outcomes are.
        stays : pathlib.Path or None
            The output of an earlier run, which this one was to complete.
        """
        what = "Nothing" if stays is None else f"{stays} stays as it was: nothing more"
        return ProcessingFailedError(
            f"{describe_failures(failures)}. {what} is published. Outcomes: "
            f"{table}. The same command tries again only what failed; with "
            f"--max-failures {len(failures)} (max_failures) it publishes what worked"
        )
