"""``ds.provenance``: the provenance documents of a data set, to read."""

from __future__ import annotations

import importlib
import io
from typing import TYPE_CHECKING, Any, TypeAlias

from asdf_pipeline.dataset import pyasdf
from asdf_pipeline.errors import CallError, NotOfferedError, StationMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asdf_pipeline.dataset.open_file import OpenFile

# Spelt out here, as the class's method `list` hides the built-in one.
Names: TypeAlias = list[str]


class Provenance:
    """All provenance documents, as items and attributes.

    Parameters
    ----------
    open_file : OpenFile
        The data set's file.
    """

    def __init__(self, open_file: OpenFile) -> None:
        self._open_file = open_file

    def list(self) -> Names:
        """Return the documents' names, sorted."""
        return sorted(self._open_file.reader.provenance())

    keys = list

    def raw(self, name: str) -> bytes:
        """Return a document as it stands in the file: PROV-XML.

        Raises
        ------
        StationMissingError
            If there is no such document.
        """
        documents = self._open_file.reader.provenance()
        if name not in documents:
            msg = (
                f"{self._open_file.path}: no provenance document {name!r}; there are: "
                f"{', '.join(sorted(documents)) or 'none'}"
            )
            raise StationMissingError(msg)
        return documents[name]

    def __getitem__(self, name: str) -> Any:
        """Return a document as `prov.model.ProvDocument`.

        Raises
        ------
        StationMissingError
            If there is no such document.
        CallError
            If the package prov is not installed.
        """
        document = self.raw(name)
        try:
            prov = importlib.import_module("prov")
        except ImportError as error:
            msg = (
                f"{self._open_file.path}: reading provenance needs the package prov: "
                f"pip install prov; the text is ds.provenance.raw({name!r})"
            )
            raise CallError(msg) from error
        with io.BytesIO(document) as text:
            return prov.read(text, format="xml")

    def __getattr__(self, name: str) -> Any:
        """Return a document by attribute."""
        if name.startswith("__") or name in pyasdf.PROVENANCE:
            pyasdf.refuse(pyasdf.PROVENANCE, name, "ds.provenance")
        return self[name]

    def values(self) -> Iterator[Any]:
        """Yield the documents."""
        for name in self.list():
            yield self[name]

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield the documents with their names."""
        for name in self.list():
            yield name, self[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names, sorted."""
        return iter(self.list())

    def __len__(self) -> int:
        """Return how many documents there are."""
        return len(self.list())

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a document."""
        return name in self.list()

    def __dir__(self) -> Names:
        """Return the attributes, for tab completion."""
        return [*self.list(), "items", "keys", "list", "raw", "values"]

    def __setitem__(self, name: str, document: object) -> None:
        """Raise NotOfferedError: documents are read here."""
        raise NotOfferedError(pyasdf.PROVENANCE["ds.provenance[...] = document"].note)

    def __delitem__(self, name: str) -> None:
        """Raise NotOfferedError: nothing is deleted from a file."""
        raise NotOfferedError(pyasdf.PROVENANCE["del ds.provenance[...]"].note)

    __delattr__ = __delitem__

    def __str__(self) -> str:
        """Return the names."""
        return f"{len(self)} provenance document(s): {', '.join(self) or 'none'}"

    __repr__ = __str__
