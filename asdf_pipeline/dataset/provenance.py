"""``ds.provenance``: the provenance documents of a data set."""

from __future__ import annotations

import importlib
import io
from typing import TYPE_CHECKING, Any, TypeAlias

from asdf_pipeline.dataset import adding, checks, coerce
from asdf_pipeline.dataset.view import View
from asdf_pipeline.errors import CallError, StationMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asdf_pipeline.dataset.open_file import OpenFile

# Spelt out here, as the class's method `list` hides the built-in one.
Names: TypeAlias = list[str]


class Provenance(View):
    """All provenance documents, as items and attributes.

    Parameters
    ----------
    open_file : OpenFile
        The data set's file.
    """

    _open_file: OpenFile

    def list(self) -> Names:
        """Return the documents' names, sorted."""
        return sorted(self._open_file.reader.provenance())

    def keys(self) -> Iterator[str]:
        """Yield the documents' names, sorted."""
        return iter(self)

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

    def __setitem__(self, name: str, document: Any) -> None:
        """Write a document in place of the one of its name, if any.

        Parameters
        ----------
        name : str
            In ASDF 1.0.3 of any printable ASCII characters but the slash; in older
            files of a-z, 0-9 and underscores.
        document : prov.model.ProvDocument, path-like or file object
            A file may be of any format that the package prov reads.

        Raises
        ------
        CallError
            If the name is not valid, or the document is no such thing.
        InputError
            If a file cannot be read.
        """
        name = checks.checked_document_name(name, self._open_file.format_version)
        adding.add_document(self._open_file, name, coerce.as_provenance(document))

    def __delitem__(self, name: str) -> None:
        """Delete a document.

        Raises
        ------
        StationMissingError
            If there is no such document.
        """
        self.raw(name)
        self._open_file.delete(("Provenance", name))

    def get_provenance_document_for_id(self, provenance_id: str) -> dict[str, Any]:
        """Return the document that has a record, as ``{"name": .., "document": ..}``.

        Parameters
        ----------
        provenance_id : str
            The record's qualified name: ``"{namespace_uri}id"``.

        Raises
        ------
        CallError
            If it is no qualified name.
        StationMissingError
            If no document has such a record.
        """
        wanted = checks.checked_provenance_id(provenance_id)
        for name, document in self.items():
            for bundle in (document, *document.bundles):
                for record in bundle.get_records():
                    one = record.identifier
                    if one and f"{{{one.namespace.uri}}}{one.localpart}" == wanted:
                        return {"name": name, "document": document}
        msg = (
            f"{self._open_file.path}: no provenance document has a record "
            f"{provenance_id!r}"
        )
        raise StationMissingError(msg)

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
        methods = ("get_provenance_document_for_id", "items", "keys", "list", "values")
        return [*self.list(), *methods]

    def __str__(self) -> str:
        """Return the documents' names."""
        if not len(self):
            return "No provenance document in file."
        return f"{len(self)} Provenance Document(s):\n\t" + "\n\t".join(self.list())
