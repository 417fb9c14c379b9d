"""An ASDF file open to be read: its documents and auxiliary data."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from asdf_pipeline.container import auxiliary, datasets
from asdf_pipeline.container.hdf5 import (
    HDF5_ERRORS,
    attribute_text,
    h5d,
    h5g,
    has_member,
    members_of,
    open_input,
    reading,
    version_of,
)
from asdf_pipeline.container.names import decoded, encoded
from asdf_pipeline.errors import InputError, StationMissingError, TraceError
from asdf_pipeline.metadata.events import EventDocument

if TYPE_CHECKING:
    import os
    from collections.abc import Collection

    import numpy as np
    from obspy.core.event import Catalog, Event


class InputFile:
    """An ASDF file, open to be read; the file is never touched.

    Parameters
    ----------
    path : path-like
        The file.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    format_version : str
        ``"1.0.0"`` to ``"1.0.3"``.

    Raises
    ------
    InputMissingError
        If there is no such file.
    NotASDFError
        If it is not HDF5, not ASDF, of an unknown version, or damaged as a whole.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._file = open_input(self.path)
        self._root = self._file.id
        self.format_version = version_of(self._root, self.path)
        self._events: EventDocument | None = None
        self._without_events = False

    def __enter__(self) -> Self:
        """Return the reader."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; may be called again."""
        self._file.close()

    def _group(self, name: bytes) -> Any:
        """Return a group of the root, or None."""
        with reading(self.path, f"/{name.decode()}"):
            return h5g.open(self._root, name) if has_member(self._root, name) else None

    def ignore_events(self) -> None:
        """From here on, be a file without events."""
        self._without_events = True

    def quakeml(self) -> bytes | None:
        """Return the QuakeML document, byte for byte, or None.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        if self._without_events:
            return None
        with reading(self.path, "the list of what is in the file"):
            there = has_member(self._root, b"QuakeML")
        if not there:
            return None
        try:
            return datasets.read_document(self._root, b"QuakeML")
        except TraceError as error:
            msg = f"{self.path}: the QuakeML document {error}"
            raise InputError(msg) from error

    def events(self) -> Catalog:
        """Return the events, the caller's own; an empty catalog where there are none.

        Raises
        ------
        InputError
            If the document is damaged.
        """
        return copy.deepcopy(self.shared_events())

    def shared_events(self) -> Catalog:
        """Return the events, parsed once, for those who only read them.

        Raises
        ------
        InputError
            If the document is damaged.
        """
        return self.event_document().shared

    def event(self, identifiers: Collection[str]) -> Event | None:
        """Return the first event that has one of these ids, the caller's own.

        Raises
        ------
        InputError
            If the document is damaged.
        """
        return self.event_document().event(identifiers)

    def event_document(self) -> EventDocument:
        """Return the events' document, the same until the file has another."""
        document = self.quakeml() or b""
        if self._events is None or self._events.document != document:
            self._events = EventDocument(document, str(self.path))
        return self._events

    def provenance(self) -> dict[str, bytes]:
        """Return all provenance documents, byte for byte, by name."""
        group = self._group(b"Provenance")
        documents = {}
        with reading(self.path, "the list of provenance documents"):
            names = [] if group is None else members_of(group)
        for name in names:
            try:
                document = datasets.read_document(group, name)
            except TraceError as error:
                msg = f"{self.path}: provenance document {decoded(name)!r} {error}"
                raise InputError(msg) from error
            documents[decoded(name)] = document
        return documents

    def stated_digest(self, name: str | None = None) -> str | None:
        """Return the digest that stands beside a document, where its writer put one.

        Parameters
        ----------
        name : str or None
            Of a provenance document; None for QuakeML.
        """
        group = self._root if name is None else self._group(b"Provenance")
        try:
            dataset = h5d.open(group, b"QuakeML" if name is None else encoded(name))
            return attribute_text(dataset, b"digest")
        except HDF5_ERRORS:
            return None

    def auxiliary_paths(self) -> list[str]:
        """Return the paths of all auxiliary data, sorted.

        Raises
        ------
        InputError
            If a list of them is damaged.
        """
        group = self._group(b"AuxiliaryData")
        with reading(self.path, "the list of auxiliary data"):
            return [] if group is None else auxiliary.paths(group)

    def auxiliary_members(self, path: str = "") -> dict[str, bool]:
        """Return the names in a group of auxiliary data; True for what is a group.

        Parameters
        ----------
        path : str
            Of the group below ``/AuxiliaryData``; empty for that itself.

        Raises
        ------
        StationMissingError
            If there is no such group.
        InputError
            If its list is damaged.
        """
        group = self._group(b"AuxiliaryData")
        with reading(self.path, "the list of auxiliary data"):
            members = auxiliary.members(group, path)
        if members is None:
            msg = f"{self.path}: no group {path!r} of auxiliary data"
            raise StationMissingError(msg)
        return members

    def auxiliary(self, path: str) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
        """Return the array and the parameters of auxiliary data.

        Raises
        ------
        StationMissingError
            If there is none of that path.
        InputError
            If it cannot be read.
        """
        return auxiliary.read(self._group(b"AuxiliaryData"), path, str(self.path))
