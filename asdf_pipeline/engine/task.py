"""What a run is asked to do, as plain data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.codec import COMPRESSED, Encoding
from asdf_pipeline.errors import CallError
from asdf_pipeline.journal.segments import MINIMUM_AGE
from asdf_pipeline.plan import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asdf_pipeline.selection import Selection, Windows


@dataclass(frozen=True)
class Task:
    """What a run is asked to do.

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
    backend, workers, io
        See `team.form_team`.
    max_failures : int or str, optional
        How many units may fail: a number or a percentage (``"10%"``). None: any
        number, with a warning.
    traceback_limit : int
        Levels of traceback shown of an error in the function.
    work_dir : path-like, optional
        The work directory, ``<output>.work`` by default.
    outcomes : path-like, optional
        Where the outcomes table (JSON lines) is to be kept.
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
    """

    input: str | Path
    output: str | Path
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
    seal_every: float = MINIMUM_AGE
    progress: str = "auto"
    selection: Selection = EVERYTHING
    windows: Windows | None = None
    encoding: Encoding = COMPRESSED
    cache_responses: bool = True

    @property
    def output_path(self) -> Path:
        """The output's absolute path."""
        return Path(self.output).absolute()

    @property
    def directory(self) -> Path:
        """The work directory's path."""
        if self.work_dir is not None:
            return Path(self.work_dir)
        return self.output_path.with_name(f"{self.output_path.name}.work")

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
