"""The documents of an open ASDF file, and the events of its QuakeML."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container import datasets
from asdf_pipeline.container.hdf5 import (
    HDF5_ERRORS,
    attribute_text,
    h5d,
    has_member,
    members_of,
    open_group,
    reading,
)
from asdf_pipeline.container.names import decoded, encoded
from asdf_pipeline.errors import InputError, TraceError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from obspy.core.event import Catalog, Event

    from asdf_pipeline.metadata.events import EventDocument


class Documents:
    """The documents that stand beside the stations: QuakeML and provenance.

    Parameters
    ----------
    root : h5py.h5f.FileID
        The open file.
    path : pathlib.Path
        Its name, for messages.
    """

    def __init__(self, root: Any, path: Path) -> None:
        self.path = path
        self._root = root
        self._events: EventDocument | None = None
        self._without_events = False

    def ignore_events(self) -> None:
        """From here on, return what a file without events would."""
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
        from asdf_pipeline.metadata.events import EventDocument

        document = self.quakeml() or b""
        if self._events is None or self._events.document != document:
            self._events = EventDocument(document, str(self.path))
        return self._events

    def provenance(self) -> dict[str, bytes]:
        """Return all provenance documents, byte for byte, by name."""
        group = open_group(self._root, b"Provenance", self.path)
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
        group = self._root
        if name is not None:
            group = open_group(self._root, b"Provenance", self.path)
        try:
            dataset = h5d.open(group, b"QuakeML" if name is None else encoded(name))
            return attribute_text(dataset, b"digest")
        except HDF5_ERRORS:
            return None
