"""What a team needs of the work: someone to attempt units, one after the other."""

from __future__ import annotations

import dataclasses
import time
import traceback
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from asdf_pipeline.container.codec import COMPRESSED, Encoding
from asdf_pipeline.errors import ASDFPipelineError, StopUnitError
from asdf_pipeline.plan.outcome import Outcome

if TYPE_CHECKING:
    from types import TracebackType

    from asdf_pipeline.container.encoded import Product
    from asdf_pipeline.plan.units import Unit

_HERE = str(Path(__file__).parent)
_PACKAGE = str(Path(__file__).parent.parent)


@dataclass(frozen=True, kw_only=True)
class Work(ABC):
    """What every worker of a run needs to know: plain data.

    Attributes
    ----------
    tag_map : dict of str to str
        Input tag to output tag.
    encoding : Encoding
        How the samples are stored.
    traceback_limit : int
        Levels of traceback kept of an error.
    """

    tag_map: dict[str, str]
    encoding: Encoding = COMPRESSED
    traceback_limit: int = 3

    @abstractmethod
    def begin(self, name: str) -> Worker:
        """Return a worker, a context manager.

        Parameters
        ----------
        name : str
            Who this is, for logs and outcomes.
        """

    def stored(self, encoding: Encoding) -> Self:
        """Return the same work with samples stored otherwise."""
        return dataclasses.replace(self, encoding=encoding)


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
        self.tag_map = work.tag_map
        self.traceback_limit = work.traceback_limit
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
    def produce(self, unit: Unit, record: dict[str, Any]) -> Product | None:
        """Do one unit.

        Parameters
        ----------
        unit : Unit
            What to do.
        record : dict
            Fields of the outcome; all that is learned goes there, `status` too.

        Returns
        -------
        Product or None
            None unless the status is ``ok``.
        """

    def attempt(self, unit: Unit) -> tuple[Outcome, Product | None]:
        """Do one unit; whatever is raised becomes a failed outcome.

        Returns
        -------
        Outcome, Product or None
            The product is None unless the outcome is ``ok``.
        """
        began = time.perf_counter()
        record: dict[str, Any] = {
            "station": unit.station,
            "input_tag": unit.tag,
            "output_tag": self.tag_map[unit.tag],
            "window": unit.window,
            "worker": self.name,
        }
        product = None
        try:
            product = self.produce(unit, record)
        except (StopUnitError, KeyboardInterrupt):
            raise
        except BaseException as error:  # also sys.exit, asyncio.CancelledError
            record |= {
                "status": "failed",
                "error_type": type(error).__name__,
                "error_message": _message(error),
                "traceback": self.explain(error),
            }
        record["seconds"] = round(time.perf_counter() - began, 6)
        return Outcome(**record), product

    def explain(self, error: BaseException) -> str:
        """Return the traceback to show for an error."""
        trace = error.__traceback__
        # Our own frames say nothing to the function's author.
        while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_HERE):
            trace = trace.tb_next
        files = {frame.f_code.co_filename for frame, _ in traceback.walk_tb(trace)}
        if isinstance(error, ASDFPipelineError) and all(
            name.startswith(_PACKAGE) for name in files
        ):
            return f"{type(error).__name__}: {error}"  # it says what is wrong itself
        limit = self.traceback_limit
        lines = traceback.format_exception(
            type(error), error, trace, limit=-limit if limit > 0 else 0, chain=False
        )
        return "".join(lines).rstrip()


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as another:  # a class of the user's may do anything
        return f"its message cannot be shown ({type(another).__name__})"
