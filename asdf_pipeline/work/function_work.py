"""What every worker needs that calls a function on what is in an ASDF file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import TraceError
from asdf_pipeline.function.preload import preload
from asdf_pipeline.plan.selection import EVERYTHING
from asdf_pipeline.work.base import Work

if TYPE_CHECKING:
    from pathlib import Path

    from asdf_pipeline.function.load import UserFunction
    from asdf_pipeline.plan.selection import Selection, Windows


@dataclass(frozen=True, kw_only=True)
class FunctionWork(Work):
    """The user's function, and the file that it is applied to, in whatever units.

    Attributes
    ----------
    input : pathlib.Path
        The input file, opened read-only by each worker.
    process : UserFunction
        The user's function.
    selection : Selection
        Which channels and times are read.
    windows : Windows or None
        How long traces are cut.
    cache_responses : bool
        Whether inventories carry memoising Responses.
    run_id : str
        Names the records of provenance that results refer to; empty: they keep theirs.
    no_events : bool
        Whether the file's events are left alone.
    writes : bool
        Whether there is an output to write to; else the function may return rows only.
    """

    input: Path
    process: UserFunction
    selection: Selection = EVERYTHING
    windows: Windows | None = None
    cache_responses: bool = True
    run_id: str = ""
    no_events: bool = False
    writes: bool = True

    @property
    def inputs(self) -> list[Path]:
        """The files that are read (see `Work.inputs`)."""
        return [self.input]

    @property
    def functions(self) -> list[UserFunction]:
        """The user's functions that are called."""
        return [self.process]

    def preload(self) -> None:
        """Import what the functions' code names (see `Work.preload`)."""
        named = []
        for one in self.functions:
            calls = getattr(one.function, "calls", None)  # those of steps.chain
            called = calls(one.parameters) if calls else ()
            named += [one.function, *(other.function for other in called)]
        preload(*named)

    def open_inputs(self) -> list[Reader]:
        """Return the inputs, open."""
        readers = [Reader(path, self.cache_responses) for path in self.inputs]
        if self.no_events:
            for reader in readers:
                reader.ignore_events()
        return readers

    def refuse_unwritten(self, name: str) -> None:
        """Raise TraceError where a function returned what there is no output for.

        Parameters
        ----------
        name : str
            The unit's.
        """
        if not self.writes:
            msg = (
                f"{name}: the function returned waveforms or auxiliary data, and no "
                "output file is named to write them to"
            )
            raise TraceError(msg)
