"""Problems of a configuration, collected: whoever mends one sees the others, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, TypeVar

from asdf_pipeline.errors import ASDFPipelineError, CallError

if TYPE_CHECKING:
    from collections.abc import Callable


P = ParamSpec("P")
T = TypeVar("T")


class Problems:
    """Errors of checks that do not depend on each other, a line each."""

    def __init__(self) -> None:
        self._errors: list[ASDFPipelineError] = []

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self._errors)

    def add(self, error: ASDFPipelineError) -> None:
        """Note an error."""
        self._errors.append(error)

    def of(
        self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs
    ) -> T | None:
        """Return what a call returns; note its error, and return None."""
        try:
            return call(*arguments, **named)
        except ASDFPipelineError as error:
            self._errors.append(error)
            return None

    def raise_all(self) -> None:
        """Raise one error of all problems, if there are any: each is a line of it.

        Raises
        ------
        ASDFPipelineError
            The one that there is, or a CallError for several.
        """
        if len(self._errors) == 1:
            raise self._errors[0]
        # Rows that share a cell share its problem.
        lines = [line for error in self._errors for line in str(error).splitlines()]
        if lines:
            raise CallError("\n".join(dict.fromkeys(lines)))


def prefixed(
    where: str, call: Callable[P, T], *arguments: P.args, **named: P.kwargs
) -> T:
    """Return what a call returns; each line of its error begins with `where`."""
    try:
        return call(*arguments, **named)
    except ASDFPipelineError as error:
        lines = [f"{where}: {line}" for line in str(error).splitlines()]
        raise CallError("\n".join(lines)) from None
