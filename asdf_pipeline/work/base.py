"""What a team needs of the work: someone to attempt units, one after the other."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from asdf_pipeline.container.codec import COMPRESSED, Encoding
from asdf_pipeline.errors import StopUnitError
from asdf_pipeline.plan.units import ALL_STATIONS
from asdf_pipeline.work.tracebacks import whole_traceback

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from asdf_pipeline.container.encoded import Product
    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.plan.units import Unit


@dataclass(frozen=True, kw_only=True)
class Work(ABC):
    """What every worker of a run needs to know: plain data.

    Attributes
    ----------
    encoding : Encoding
        How the samples are stored.
    """

    encoding: Encoding = COMPRESSED

    @abstractmethod
    def begin(self, name: str) -> Worker:
        """Return a worker, a context manager.

        Parameters
        ----------
        name : str
            Who this is, for logs and outcomes.
        """

    @property
    def inputs(self) -> Sequence[Path]:
        """Files, or folders, that every worker must see."""
        return ()

    def preload(self) -> None:  # noqa: B027
        """Import what every worker would import anew; called before they are forked."""

    def stored(self, encoding: Encoding) -> Self:
        """Return the same work with samples stored otherwise."""
        return replace(self, encoding=encoding)


@dataclass(frozen=True, slots=True)
class Made:
    """What an attempt at a unit made.

    Attributes
    ----------
    product : Product or None
        What a segment is to hold of it, None if nothing.
    row : dict or None
        The station's row of the table that a comparison makes.
    """

    product: Product | None = None
    row: dict[str, Any] | None = None


class Source(ABC):
    """What a unit is made from: opened for one attempt, and read during it."""

    @abstractmethod
    def described(self, outcome: Outcome) -> Outcome:
        """Return the outcome with what was read so far; also after a failure."""


class Worker(ABC):
    """Takes units one after the other; holds what is open meanwhile.

    Parameters
    ----------
    work : Work
        What is to be done with each unit.
    name : str
        Who this is, for logs and outcomes.
    """

    def __init__(self, work: Work, name: str) -> None:
        self.name = name

    def __enter__(self) -> Self:
        """Return the worker itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what is open."""
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""

    @abstractmethod
    def quakeml(self) -> bytes | None:
        """Return the events, with which every segment is born."""

    @abstractmethod
    def attempt(self, unit: Unit) -> tuple[Outcome, Product | None]:
        """Do one unit; whatever is raised becomes a failed outcome.

        Returns
        -------
        Outcome, Product or None
            The product is None unless the outcome is ``ok``. The outcome of a unit
            with parts holds theirs.
        """

    def explain(self, error: BaseException) -> str:
        """Return what the outcome keeps of an error beside its message."""
        return whole_traceback(error)


class UnitWorker(Worker):
    """A worker whose units have no parts: each is made from a source of its own."""

    @abstractmethod
    def open(self, unit: Unit) -> Source:
        """Return what the unit is made from, ready to be read."""

    @abstractmethod
    def produce(self, unit: Unit, source: Source) -> Made:
        """Return what is made of a unit.

        Parameters
        ----------
        unit : Unit
            What to do.
        source : Source
            What `open` returned for it.
        """

    def attempt(self, unit: Unit) -> tuple[Outcome, Product | None]:
        """Do one unit (see `Worker.attempt`)."""
        began = time.perf_counter()
        outcome = unit.outcome("failed", worker=self.name)
        source, made = None, Made()
        try:
            source = self.open(unit)
            made = self.produce(unit, source)
        except (StopUnitError, KeyboardInterrupt):
            raise
        except BaseException as error:  # also sys.exit, asyncio.CancelledError
            outcome = failed(outcome, error, self.explain(error))
        if source is not None:
            outcome = source.described(outcome)
        seconds = round(time.perf_counter() - began, 6)
        if outcome.error_type:
            return replace(outcome, seconds=seconds), None
        return worked(outcome, made, seconds), made.product


def failed(outcome: Outcome, error: BaseException, explained: str) -> Outcome:
    """Return the outcome of a unit of which an error was raised.

    Parameters
    ----------
    outcome : Outcome
        What is known of the unit besides; its status is ``failed``.
    explained : str
        What is kept of the error beside its message.
    """
    return replace(
        outcome,
        error_type=type(error).__name__,
        error_message=_message(error),
        traceback=explained,
    )


def worked(outcome: Outcome, made: Made, seconds: float) -> Outcome:
    """Return the outcome of a unit that did not fail."""
    product = made.product
    fields: dict[str, Any] = {
        "status": "empty" if product is None and made.row is None else "ok",
        "row": made.row,
        "seconds": seconds,
    }
    if product is not None:
        fields |= {
            "auxiliary": tuple(array.path for array in product.auxiliary),
            "digest": product.digest,
            "bytes_out": product.nbytes,
        }
    written = [] if product is None else [one for one in product.each if one.traces]
    if written:
        traces = [trace for one in written for trace in one.traces]
        headers = [trace.header for trace in traces]
        names = [trace.name for trace in traces]
        gathers = outcome.station == ALL_STATIONS
        if gathers:
            names = [f"{one.station}/{t.name}" for one in written for t in one.traces]
            fields["written"] = {
                one.station: (
                    len(one.traces),
                    sum(trace.header.npts for trace in one.traces),
                )
                for one in written
            }
        fields |= {
            # Units of windows cannot write the same trace; these can.
            "traces": (
                tuple(names) if gathers or outcome.event or outcome.channel else ()
            ),
            "traces_out": len(headers),
            "samples_out": sum(header.npts for header in headers),
            "start": min(header.starttime for header in headers),
            "end": max(header.endtime for header in headers),
            "sampling_rates": tuple(sorted({h.sampling_rate for h in headers})),
            "channels": tuple(sorted({h.channel_id for h in headers})),
            "peak": float(np.max([trace.peak for trace in traces])),  # or NaN
        }
    return replace(outcome, **fields)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as another:  # a class of the user's may do anything
        return f"its message cannot be shown ({type(another).__name__})"
