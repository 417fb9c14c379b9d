"""``ds.auxiliary_data``: arrays beside the waveforms, to read."""

from __future__ import annotations

import io
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from asdf_pipeline.dataset import pyasdf
from asdf_pipeline.errors import NotOfferedError, StationMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from asdf_pipeline.dataset.open_file import OpenFile

# Spelt out here, as the class's method `list` hides the built-in one.
Names: TypeAlias = list[str]


class AuxiliaryItem:
    """One array with its parameters.

    Attributes
    ----------
    data_type : str
        The groups it is in, joined by slashes.
    path : str
        Its own name.
    """

    def __init__(self, open_file: OpenFile, full_path: str) -> None:
        self._open_file = open_file
        self._full_path = full_path
        self.data_type, _, self.path = full_path.rpartition("/")

    @cached_property
    def _content(self) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
        data, parameters = self._open_file.reader.auxiliary(self._full_path)
        return data, dict(parameters)

    @property
    def data(self) -> np.ndarray[Any, Any]:
        """The array."""
        return self._content[0]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters, without the provenance id."""
        return {
            name: value
            for name, value in self._content[1].items()
            if name != "provenance_id"
        }

    @property
    def provenance_id(self) -> str | None:
        """The qualified name of a provenance record, or None."""
        value = self._content[1].get("provenance_id")
        return value.decode() if isinstance(value, bytes) else value

    @property
    def file(self) -> io.BytesIO:
        """The bytes of data that are a file.

        Raises
        ------
        StationMissingError
            If the data type is not Files or File.
        """
        if self.data_type.lower() not in ("file", "files"):
            msg = (
                f"{self._open_file.path}: {self._full_path} is no file: use .data ("
                "only data of type Files or File is)"
            )
            raise StationMissingError(msg)
        return io.BytesIO(self.data.tobytes())

    def __eq__(self, other: object) -> bool:
        """Return whether path, parameters and array are the same."""
        import numpy as np

        if not isinstance(other, AuxiliaryItem):
            return NotImplemented
        return (
            self._full_path == other._full_path
            and repr(self._content[1]) == repr(other._content[1])
            and self.data.dtype == other.data.dtype
            and np.array_equal(self.data, other.data)
        )

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        """Return a summary."""
        lines = [
            f"Auxiliary data {self._full_path}",
            f"    shape {self.data.shape}, type {self.data.dtype}",
        ]
        if self.provenance_id:
            lines.append(f"    provenance id {self.provenance_id}")
        lines += [f"    {name}: {value}" for name, value in self.parameters.items()]
        return "\n".join(lines)

    __repr__ = __str__


class AuxiliaryData:
    """A group of auxiliary data: groups and arrays as items and attributes.

    Parameters
    ----------
    open_file : OpenFile
        The data set's file.
    group : str
        Path of the group below ``/AuxiliaryData``; empty for the whole.
    """

    def __init__(self, open_file: OpenFile, group: str = "") -> None:
        self._open_file = open_file
        self._group = group

    @property
    def auxiliary_data_type(self) -> str:
        """The group's path."""
        return self._group

    def _below(self) -> dict[str, bool]:
        """Return what is in the group; True for what is a group itself."""
        start = f"{self._group}/" if self._group else ""
        found: dict[str, bool] = {}
        for path in self._open_file.reader.auxiliary_paths():
            if path.startswith(start):
                name, slash, _ = path.removeprefix(start).partition("/")
                found[name] = bool(slash)
        return found

    def list(self) -> Names:
        """Return the names of what is in the group, sorted."""
        return sorted(self._below())

    def __getitem__(self, item: str) -> Any:
        """Return a group or an array, also by a path with slashes.

        Raises
        ------
        StationMissingError
            If there is no such item.
        """
        first, slash, rest = item.strip("/").partition("/")
        below = self._below()
        if first not in below:
            msg = (
                f"{self._open_file.path}: no auxiliary data {item!r} in "
                f"/{self._group}; there are: {', '.join(sorted(below)) or 'none'}"
            )
            raise StationMissingError(msg)
        path = f"{self._group}/{first}" if self._group else first
        if not below[first]:
            return AuxiliaryItem(self._open_file, path)
        group = AuxiliaryData(self._open_file, path)
        return group[rest] if slash else group

    def __getattr__(self, item: str) -> Any:
        """Return a group or an array by attribute."""
        if item.startswith("__"):
            pyasdf.refuse(pyasdf.AUXILIARY, item, "ds.auxiliary_data")
        return self[item]

    def __contains__(self, item: object) -> bool:
        """Return whether there is such an item."""
        return item in self._below()

    def __iter__(self) -> Iterator[Any]:
        """Yield what is in the group, sorted by name."""
        for name in self.list():
            yield self[name]

    def __len__(self) -> int:
        """Return how much is in the group."""
        return len(self._below())

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same group of the same file."""
        if not isinstance(other, AuxiliaryData):
            return NotImplemented
        return (self._open_file.path, self._group) == (
            other._open_file.path,
            other._group,
        )

    def __hash__(self) -> int:
        """Return a hash that goes with equality."""
        return hash((self._open_file.path, self._group))

    def __dir__(self) -> Names:
        """Return the attributes, for tab completion."""
        return [*self.list(), "auxiliary_data_type", "list"]

    def __delitem__(self, item: str) -> None:
        """Raise NotOfferedError: nothing is deleted from a file."""
        raise NotOfferedError(pyasdf.AUXILIARY["del ds.auxiliary_data[...]"].note)

    __delattr__ = __delitem__

    def __str__(self) -> str:
        """Return the names of groups and arrays."""
        names = [
            f"{name} ({len(self[name])} item(s))" if group else name
            for name, group in sorted(self._below().items())
        ]
        return f"Auxiliary data /{self._group}: {', '.join(names) or 'none'}"

    __repr__ = __str__
