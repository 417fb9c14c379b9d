"""``ds.auxiliary_data``: arrays beside the waveforms."""

from __future__ import annotations

import io
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from asdf_pipeline.container.codec import Encoding
from asdf_pipeline.dataset import adding
from asdf_pipeline.dataset.view import View
from asdf_pipeline.errors import StationMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from asdf_pipeline.dataset.open_file import OpenFile

# Spelt out here, as the class's method `list` hides the built-in one.
Names: TypeAlias = list[str]


class StoredArray(np.ndarray[Any, Any]):
    """An array in memory, of which an assignment to elements is written to the file.

    Everything else gives arrays that are the caller's own, as of h5py's data sets.
    """

    _store: Callable[[np.ndarray[Any, Any]], None] | None

    def __array_finalize__(self, obj: object) -> None:
        """Let arrays that are made of this one be the caller's own."""
        self._store = None

    def __getitem__(self, key: Any) -> Any:
        """Return elements as an array of their own."""
        return np.array(np.asarray(self)[key])[()]

    def __setitem__(self, key: Any, value: Any) -> None:
        """Set elements, in the file too."""
        changed = np.array(self, subok=False)
        changed[key] = value
        if self._store is not None:
            self._store(changed)
        np.asarray(self)[key] = value


class AuxiliaryItem:
    """One array with its parameters.

    Attributes
    ----------
    data_type : str
        The groups it is in, joined by slashes.
    path : str
        Its own name.
    """

    def __init__(self, open_file: OpenFile, encoding: Encoding, full_path: str) -> None:
        self._open_file = open_file
        self._encoding = encoding
        self._full_path = full_path
        self.data_type, _, self.path = full_path.rpartition("/")

    @cached_property
    def _content(self) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
        data, parameters = self._open_file.reader.auxiliary(self._full_path)
        return data, dict(parameters)

    @property
    def data(self) -> np.ndarray[Any, Any]:
        """The array; setting it, or elements of it, changes the file.

        An array of the same shape and type is written in place; another replaces the
        one that is there, and the parameters stay.

        Raises
        ------
        AuxiliaryError
            If what is set is of a type that cannot be written.
        CallError
            If the data set was opened with mode "r".
        """
        array = self._content[0].view(StoredArray)
        array._store = self._set
        return array

    @data.setter
    def data(self, data: np.ndarray[Any, Any]) -> None:
        self._set(np.array(data, subok=False))

    def _set(self, data: np.ndarray[Any, Any]) -> None:
        adding.set_array(self._open_file, self._full_path, data, self._encoding)
        self.__dict__.pop("_content", None)

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

    @cached_property
    def file(self) -> io.BytesIO:
        """The bytes of data that are a file, as one that is open to be read.

        Raises
        ------
        StationMissingError
            If the data type is not Files or File.
        """
        if self.data_type.partition("/")[0].lower() not in ("file", "files"):
            msg = (
                f"{self._open_file.path}: {self._full_path} is no file: use .data ("
                "only data of type Files or File is)"
            )
            raise StationMissingError(msg)
        return io.BytesIO(self._content[0].tobytes())

    def __eq__(self, other: object) -> bool:
        """Return whether path, parameters and array are the same."""
        if not isinstance(other, AuxiliaryItem):
            return NotImplemented
        return (
            self._full_path == other._full_path
            and repr(self._content[1]) == repr(other._content[1])
            and self._content[0].dtype == other._content[0].dtype
            and np.array_equal(self._content[0], other._content[0])
        )

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        """Return a summary."""
        first, *rest = self._full_path.split("/")
        data = self._content[0]
        lines = [f"Auxiliary Data of Type '{first}'", f"\tPath: '{'/'.join(rest)}'"]
        if self.provenance_id:
            lines.append(f"\tProvenance ID: '{self.provenance_id}'")
        lines.append(f"\tData shape: '{data.shape}', dtype: '{data.dtype}'")
        parameters = [f"{name}: {value}" for name, value in self.parameters.items()]
        lines.append("\tParameters:\n\t\t" + "\n\t\t".join(sorted(parameters)))
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print the summary in IPython."""
        printer.text(str(self))


class AuxiliaryData(View):
    """A group of auxiliary data: groups and arrays as items and attributes.

    Parameters
    ----------
    open_file : OpenFile
        The data set's file.
    encoding : Encoding
        How data that is set is stored.
    group : str
        Path of the group below ``/AuxiliaryData``; empty for the whole.
    """

    _open_file: OpenFile

    def __init__(
        self, open_file: OpenFile, encoding: Encoding, group: str = ""
    ) -> None:
        super().__init__(open_file)
        self._encoding = encoding
        self._group = group

    @property
    def auxiliary_data_type(self) -> str:
        """The group's path."""
        return self._group

    def _members(self) -> dict[str, bool]:
        """Return what is in the group; True for what is a group itself."""
        return self._open_file.reader.auxiliary_members(self._group)

    def list(self) -> Names:
        """Return the names of what is in the group, sorted."""
        return sorted(self._members())

    def _known(self, item: str) -> tuple[str, bool]:
        """Return the path of a member, and whether it is a group.

        Raises
        ------
        StationMissingError
            If there is no such item.
        """
        members = self._members()
        if item not in members:
            msg = (
                f"{self._open_file.path}: no auxiliary data {item!r} in "
                f"/{self._group}; there are: {', '.join(sorted(members)) or 'none'}"
            )
            raise StationMissingError(msg)
        return f"{self._group}/{item}" if self._group else item, members[item]

    def __getitem__(self, item: str) -> Any:
        """Return a group or an array, also by a path with slashes.

        Raises
        ------
        StationMissingError
            If there is no such item.
        """
        first, slash, rest = item.strip("/").partition("/")
        path, is_group = self._known(first)
        if not is_group:
            return AuxiliaryItem(self._open_file, self._encoding, path)
        group = AuxiliaryData(self._open_file, self._encoding, path)
        return group[rest] if slash else group

    def __delitem__(self, item: str) -> None:
        """Delete an array, or a group and all that is in it.

        Raises
        ------
        StationMissingError
            If there is no such item.
        """
        path, _ = self._known(item)
        self._open_file.delete(("AuxiliaryData", *path.split("/")))

    def __contains__(self, item: object) -> bool:
        """Return whether there is such an item."""
        return item in self._members()

    def __iter__(self) -> Iterator[Any]:
        """Yield what is in the group, sorted by name."""
        for name in self.list():
            yield self[name]

    def __len__(self) -> int:
        """Return how much is in the group."""
        return len(self._members())

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
        return [*self.list(), "list", *(["auxiliary_data_type"] if self._group else [])]

    def __str__(self) -> str:
        """Return the names of groups and arrays."""
        members = sorted(self._members().items())
        if not self._group:
            if not members:
                return "Data set contains no auxiliary data."
            return "Data set contains the following auxiliary data types:\n\t" + (
                "\n\t".join(
                    f"{name} ({len(self[name]) if group else 1} item(s))"
                    for name, group in members
                )
            )
        texts = []
        for wanted, what in ((True, "sub group"), (False, "item")):
            names = [name for name, group in members if group is wanted]
            if names:
                texts.append(
                    f"{len(names)} auxiliary data {what}(s) of type '{self._group}' "
                    "available:\n\t" + "\n\t".join(names)
                )
        return "\n".join(texts) or "Empty auxiliary data group."
