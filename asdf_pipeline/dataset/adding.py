"""Adding to an ASDF file: traces, station metadata, events, auxiliary data.

All of what one call hands over is made ready before any of it is written.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from asdf_pipeline.container.arrays import encode_auxiliary
from asdf_pipeline.container.digest import trace_digest
from asdf_pipeline.container.encoded import EncodedTrace, Product
from asdf_pipeline.container.names import STATIONXML, name_in
from asdf_pipeline.container.product import encode_stream
from asdf_pipeline.dataset import coerce
from asdf_pipeline.errors import ASDFWarning, CallError, TraceError
from asdf_pipeline.metadata.merge import merge
from asdf_pipeline.metadata.split import split

if TYPE_CHECKING:
    from collections.abc import Iterable

    from obspy import Catalog, Trace

    from asdf_pipeline.container.codec import Encoding
    from asdf_pipeline.dataset.open_file import OpenFile


def add_traces(
    open_file: OpenFile, traces: Iterable[Trace], tag: str, encoding: Encoding
) -> None:
    """Add traces of any stations, those left out that are there already.

    Raises
    ------
    TraceError
        If one cannot be written, or is there already with other samples.
    """
    by_station: dict[str, list[Trace]] = {}
    for trace in traces:
        station = f"{trace.stats.network}.{trace.stats.station}"
        by_station.setdefault(station, []).append(trace)
    products = []
    for station, its_traces in by_station.items():
        new = tuple(
            trace
            for trace in encode_stream(its_traces, station, tag, encoding)
            if not _has(open_file, station, trace)
        )
        if new:
            products.append(Product(station, tag, new))
    for product in products:
        open_file.writer.write(product)
        open_file.changed(product.station, (trace.name for trace in product.traces))


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
            "it under another tag; nothing was added"
        )
        raise TraceError(msg)
    coerce.warn_repeated(name)
    return True


def add_stationxml(open_file: OpenFile, stationxml: bytes) -> None:
    """Add station metadata: one document a station, merged with what is there.

    Raises
    ------
    InputError
        If what is there, or what is added, is damaged.
    """
    documents = split(stationxml, "what is added")
    for name, own in documents.items():
        there = None
        if STATIONXML in open_file.names(name):
            there = open_file.reader.stationxml(name)
        if there:
            both = (str(open_file.path), there), ("what is added", own.document)
            documents[name] = merged = merge(both, name)
            own = replace(merged, warnings=(*own.warnings, *merged.warnings))
        for line in own.warnings:
            warnings.warn(line, ASDFWarning, stacklevel=4)
    for name, own in documents.items():
        open_file.writer.write_stationxml(name, own.document)
        open_file.changed(name, (STATIONXML,))


def add_array(
    open_file: OpenFile, path: str, content: object, encoding: Encoding, record: str
) -> None:
    """Add auxiliary data.

    Parameters
    ----------
    content : (numpy.ndarray, mapping)
        The array and its parameters.
    record : str
        Qualified name of a record of provenance, or empty.

    Raises
    ------
    AuxiliaryError
        If it cannot be written, or something has that path already.
    """
    arrays = encode_auxiliary({path: content}, encoding, record)
    open_file.writer.write(Product("", "", (), auxiliary=arrays))


def add_events(open_file: OpenFile, catalog: Catalog) -> None:
    """Add events to those that are there.

    Raises
    ------
    CallError
        If one of them is there already; then none is added.
    """
    events = open_file.reader.events()
    there = {str(event.resource_id) for event in events}
    repeated = sorted(there & {str(event.resource_id) for event in catalog})
    if repeated:
        msg = (
            f"{open_file.path}: event {', '.join(repeated)} is there already; no event "
            "was added"
        )
        raise CallError(msg)
    events.extend(catalog.events)
    replace_events(open_file, events)


def replace_events(open_file: OpenFile, catalog: Catalog) -> None:
    """Write a catalog in place of the one that is there."""
    with io.BytesIO() as document:
        catalog.write(document, format="quakeml")
        open_file.writer.write_quakeml(document.getvalue())
