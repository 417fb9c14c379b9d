"""What stations, one station, auxiliary data and provenance have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asdf_pipeline.dataset.open_file import Source


class View(ABC):
    """A part of a data set whose members are items and attributes alike.

    Parameters
    ----------
    open_file : Source
        The data set's file.
    """

    def __init__(self, open_file: Source) -> None:
        self._open_file = open_file

    @abstractmethod
    def __getitem__(self, item: str) -> Any:
        """Return a member."""

    @abstractmethod
    def __delitem__(self, item: str) -> None:
        """Delete a member from the file."""

    @abstractmethod
    def __str__(self) -> str:
        """Return a summary."""

    def __getattr__(self, item: str) -> Any:
        """Return a member as an attribute.

        Raises
        ------
        AttributeError
            If there is none of that name.
        """
        own = getattr(type(self), item, None)
        if isinstance(own, property):
            # It raised an AttributeError, for which Python came here: once more.
            return own.__get__(self)
        if item.startswith("__") or item == "_open_file":
            msg = f"{type(self).__name__!r} object has no attribute {item!r}"
            raise AttributeError(msg)
        return self[item]

    def __delattr__(self, item: str) -> None:
        """Delete a member, as ``del view[item]`` does.

        Raises
        ------
        AttributeError
            If there is none of that name.
        """
        if hasattr(type(self), item):
            msg = f"Attribute {item!r} cannot be deleted."
            raise AttributeError(msg)
        del self[item]

    def __repr__(self) -> str:
        """Return the summary."""
        return str(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print the summary in IPython."""
        printer.text(str(self))
