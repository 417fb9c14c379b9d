"""Adding to an ASDF file: traces, station metadata, events, auxiliary data.

All of what one call hands over is made ready before any of it is written.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.arrays import encode_auxiliary
from asdf_pipeline.container.digest import array_digest, trace_digest
from asdf_pipeline.container.encoded import EncodedTrace, Product
from asdf_pipeline.container.names import STATIONXML, encoded, name_in
from asdf_pipeline.container.product import contiguous, encode_stream
from asdf_pipeline.container.traces import check_version
from asdf_pipeline.dataset import coerce
from asdf_pipeline.errors import ASDFWarning, CallError, TraceError
from asdf_pipeline.metadata.merge import merge
from asdf_pipeline.metadata.split import split
from asdf_pipeline.text import callers_level

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from obspy import Catalog, Trace

    from asdf_pipeline.container.codec import Encoding
    from asdf_pipeline.dataset.open_file import OpenFile


def add_traces(
    open_file: OpenFile,
    traces: Iterable[Trace],
    tag: str,
    encoding: Encoding,
    *,
    replacing: bool = False,
) -> None:
    """Add traces of any stations.

    Parameters
    ----------
    replacing : bool
        Whether a trace of the same name that is there makes room for the new one;
        else the new one is left out where it has the same samples.

    Raises
    ------
    TraceError
        If one cannot be written, or is there already with other samples.
    """
    products = []
    for station, its_traces in _by_station(traces).items():
        encoded_traces = encode_stream(its_traces, station, tag, encoding)
        for trace in encoded_traces:
            check_version(trace.header, open_file.format_version)
        new = tuple(
            trace
            for trace in encoded_traces
            if replacing or not _has(open_file, station, trace)
        )
        if new:
            products.append(Product(station, tag, new))
    old = [
        (product.station, name)
        for product in products
        for name in _names(open_file, product)
        if name in open_file.names(product.station)
    ]
    if not products:
        return
    with open_file.change() as writer:
        for station, name in old:
            open_file.editor.delete(b"Waveforms", encoded(station), encoded(name))
        for product in products:
            writer.write(product)
    for product in products:
        open_file.changed(product.station, _names(open_file, product))


def append_traces(
    open_file: OpenFile, traces: Iterable[Trace], tag: str, encoding: Encoding
) -> None:
    """Append traces of any stations to those that end where they start.

    Raises
    ------
    TraceError
        If one cannot be written.
    """
    by_station = {
        station: [piece for trace in its for piece in contiguous(trace, tag)]
        for station, its in _by_station(traces).items()
    }
    for station, pieces in by_station.items():
        filled = [piece for piece in pieces if piece[0].npts]
        for header, _ in filled:
            check_version(header, open_file.format_version)
        if filled:
            open_file.append(station, filled, encoding)


def _by_station(traces: Iterable[Trace]) -> dict[str, list[Trace]]:
    """Return traces by station, ``"NET.STA"``."""
    found: dict[str, list[Trace]] = {}
    for trace in traces:
        station = f"{trace.stats.network}.{trace.stats.station}"
        found.setdefault(station, []).append(trace)
    return found


def _names(open_file: OpenFile, product: Product) -> list[str]:
    """Return the names of a product's traces as the file's version has them."""
    return [name_in(open_file.format_version, one.name) for one in product.traces]


def _has(open_file: OpenFile, station: str, trace: EncodedTrace) -> bool:
    """Return whether a trace is there already, with the same samples.

    Raises
    ------
    TraceError
        If there is one of its name with other samples.
    """
    name = name_in(open_file.format_version, trace.name)
    if name not in open_file.names(station):
        return False
    header, data = open_file.reader.trace(station, name)
    # Samples decide: as in pyasdf, other ids or labels do not make it another trace.
    header = replace(
        header,
        event_ids=trace.header.event_ids,
        origin_ids=trace.header.origin_ids,
        magnitude_ids=trace.header.magnitude_ids,
        focal_mechanism_ids=trace.header.focal_mechanism_ids,
        labels=trace.header.labels,
    )
    if trace_digest(header, data) != trace.digest:
        msg = (
            f"{open_file.path}: {name} is there already with other samples: add "
            "it under another tag, or with replace=True; nothing was added"
        )
        raise TraceError(msg)
    coerce.warn_repeated(name)
    return True


def add_stationxml(
    open_file: OpenFile, stationxml: bytes, *, replacing: bool = False
) -> None:
    """Add station metadata: one document a station, merged with what is there.

    Parameters
    ----------
    replacing : bool
        Whether the new document stands in place of the one that is there.

    Raises
    ------
    InputError
        If what is there, or what is added, is damaged.
    """
    documents = split(stationxml, "what is added")
    for name, own in documents.items():
        there = None
        if not replacing and STATIONXML in open_file.names(name):
            there = open_file.reader.stationxml(name)
        if there:
            both = (str(open_file.path), there), ("what is added", own.document)
            documents[name] = merged = merge(both, name)
            own = replace(merged, warnings=(*own.warnings, *merged.warnings))
        for line in own.warnings:
            warnings.warn(line, ASDFWarning, stacklevel=callers_level())
    with open_file.change() as writer:
        for name, own in documents.items():
            writer.write_stationxml(name, own.document)
    for name in documents:
        open_file.changed(name, (STATIONXML,))


def add_array(
    open_file: OpenFile,
    path: str,
    content: object,
    encoding: Encoding,
    record: str,
    *,
    replacing: bool = False,
) -> None:
    """Add auxiliary data.

    Parameters
    ----------
    content : (numpy.ndarray, mapping)
        The array and its parameters.
    record : str
        Qualified name of a record of provenance, or empty.
    replacing : bool
        Whether an array of that path that is there makes room for the new one.

    Warns
    -----
    ASDFWarning
        If the same is there already; it is not added again.

    Raises
    ------
    AuxiliaryError
        If it cannot be written, or something else has that path already.
    """
    (new,) = encode_auxiliary({path: content}, encoding, record)
    old = path in open_file.reader.auxiliary_paths()
    if old and not replacing and _stored_digest(open_file, path) == new.digest:
        coerce.warn_repeated(f"auxiliary data {path}")
        return
    with open_file.change() as writer:
        if old and replacing:
            open_file.editor.delete(b"AuxiliaryData", *map(encoded, path.split("/")))
        writer.write(Product("", "", (), auxiliary=(new,)))


def _stored_digest(open_file: OpenFile, path: str) -> str:
    """Return the content digest of auxiliary data that is there."""
    data, parameters = open_file.reader.auxiliary(path)
    parameters.pop("provenance_id", None)
    return array_digest(path, parameters, data)


def set_array(
    open_file: OpenFile, path: str, data: np.ndarray[Any, Any], encoding: Encoding
) -> None:
    """Write other data under a path of auxiliary data; its parameters stay.

    In place where shape and type are the same, else as a new array in place of the
    old one.

    Raises
    ------
    StationMissingError
        If there is no such array.
    AuxiliaryError
        If the data cannot be written.
    """
    parts = (b"AuxiliaryData", *map(encoded, path.split("/")))
    _, parameters = open_file.reader.auxiliary(path)
    record = parameters.pop("provenance_id", "")
    record = record.decode() if isinstance(record, bytes) else str(record)
    new = encode_auxiliary({path: (data, parameters)}, encoding, record)
    with open_file.change() as writer:
        if not open_file.editor.overwrite(parts, data):
            open_file.editor.delete(*parts)
            writer.write(Product("", "", (), auxiliary=new))


def add_events(
    open_file: OpenFile, catalog: Catalog, *, replacing: bool = False
) -> None:
    """Add events to those that are there.

    Parameters
    ----------
    replacing : bool
        Whether an event with the resource id of a new one makes room for it.

    Raises
    ------
    CallError
        If one of them is there already; then none is added.
    """
    events = open_file.reader.events()
    new = {str(event.resource_id) for event in catalog}
    repeated = sorted(new & {str(event.resource_id) for event in events})
    if repeated and not replacing:
        msg = (
            f"{open_file.path}: event {', '.join(repeated)} is there already; no event "
            "was added (replace=True replaces it)"
        )
        raise CallError(msg)
    kept = [event for event in events if str(event.resource_id) not in new]
    events.events = [*kept, *catalog.events]
    replace_events(open_file, events)


def replace_events(open_file: OpenFile, catalog: Catalog) -> None:
    """Write a catalog in place of the one that is there."""
    with io.BytesIO() as document:
        catalog.write(document, format="quakeml")
        with open_file.change() as writer:
            writer.write_quakeml(document.getvalue())


def add_document(open_file: OpenFile, name: str, document: bytes) -> None:
    """Write a provenance document in place of the one of its name, if any."""
    with open_file.change() as writer:
        writer.write_provenance(name, document)
