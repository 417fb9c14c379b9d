"""What people hand over to be added - paths, objects, ids - made ready to write."""

from __future__ import annotations

import copy
import io
import re
import warnings
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.dataset.query import resource_id
from asdf_pipeline.errors import (
    ASDFWarning,
    CallError,
    InputError,
    InputMissingError,
)
from asdf_pipeline.metadata.inventory import parse
from asdf_pipeline.metadata.stationxml import check_xml
from asdf_pipeline.metadata.write import written
from asdf_pipeline.text import named_line

if TYPE_CHECKING:
    from obspy import Catalog, Stream, Trace

# A qualified name as lxml writes it, the namespace a URL.
_QUALIFIED = re.compile(r"\{[A-Za-z][A-Za-z0-9+.-]*://[^{}/\s][^{}\s]*\}[^{}\s]+")
_KINDS = {
    "event_id": "Event",
    "origin_id": "Origin",
    "magnitude_id": "Magnitude",
    "focal_mechanism_id": "FocalMechanism",
}


def as_stream(waveform: Any) -> Stream:
    """Return the traces of a Stream, a Trace, or whatever `obspy.read` takes.

    Raises
    ------
    InputMissingError
        If no file is there.
    InputError
        If ObsPy cannot read it.
    CallError
        If it is nothing that could be read.
    """
    from obspy import Stream, Trace, read

    if isinstance(waveform, Stream):
        return waveform
    if isinstance(waveform, Trace):
        return Stream([waveform])
    return _read(read, waveform, "a Stream, a Trace")


def as_stationxml(stationxml: Any) -> bytes:
    """Return a StationXML document: a file's own, or one made of an Inventory.

    Raises
    ------
    InputMissingError
        If no file is there.
    InputError
        If ObsPy cannot read or write it.
    CallError
        If it is nothing that could be read.
    """
    from obspy import Inventory, read_inventory

    if isinstance(stationxml, Inventory):
        return written(stationxml)
    name = str(getattr(stationxml, "name", stationxml))
    if hasattr(stationxml, "read"):
        stationxml = io.BytesIO(stationxml.read())  # it may not be one to rewind
    document = _xml_in(stationxml)
    if document is not None:
        parse(document, name, cache_responses=False)
        return document
    # Packed, a pattern or an address, which ObsPy knows how to read; or nothing.
    expected = "an Inventory"
    return written(_read(read_inventory, stationxml, expected, format="stationxml"))


def as_catalog(event: Any) -> Catalog:
    """Return a Catalog: of an Event, itself, or the one in a QuakeML file.

    Raises
    ------
    InputMissingError
        If no file is there.
    InputError
        If ObsPy cannot read it.
    CallError
        If it is nothing that could be read.
    """
    from obspy import Catalog, read_events
    from obspy.core.event import Event

    if isinstance(event, Catalog):
        return event
    if isinstance(event, Event):
        return Catalog([event])
    _xml_in(event)
    return _read(read_events, event, "a Catalog, an Event", format="quakeml")


def _xml_in(source: Any) -> bytes | None:
    """Return the XML in a file; None if there is no file or it is none.

    Raises
    ------
    InputError
        If it is damaged.
    """
    if isinstance(source, io.BytesIO):
        content = source.getvalue()
    elif isinstance(source, (str, PathLike)) and Path(source).is_file():
        content = Path(source).read_bytes()
    else:
        return None
    return content if check_xml(content, str(source)) else None


def _kind(source: Any) -> str:
    """Return what something is; of a list also what it holds, and what to do then."""
    kind = type(source).__name__
    if isinstance(source, (list, tuple)) and source:
        return f"a {kind} of {type(source[0]).__name__}: add them one by one"
    return f"{kind}: {source!r:.60}"


def _read(function: Any, source: Any, expected: str, **options: str) -> Any:
    if isinstance(source, PathLike):
        source = str(source)
    if not isinstance(source, (str, bytes)) and not hasattr(source, "read"):
        # ObsPy would open a number as a file descriptor, of our own file perhaps,
        # and close it.
        msg = f"expected {expected}, a path or an open file, not {_kind(source)}"
        raise CallError(msg)
    name = source if isinstance(source, str) else getattr(source, "name", source)
    try:
        return function(source, **options)
    except Exception as error:
        # ObsPy's plugins raise anything; for files that are not there an Exception.
        reason = named_line(error)
        if isinstance(error, FileNotFoundError) or "No file match" in reason:
            msg = f"{name}: no such file"
            raise InputMissingError(msg) from error
        msg = f"{name}: ObsPy cannot read it ({reason})"
        raise InputError(msg) from error


def resource_ids(value: Any, argument: str) -> tuple[str, ...] | None:
    """Return the ids in what was given as ``event_id`` and the like.

    Parameters
    ----------
    value : object, ResourceIdentifier, str, several of them, or None
        None: not given, the trace's own ids stay.
    argument : {"event_id", "origin_id", "magnitude_id", "focal_mechanism_id"}
        Which: an object must be of that kind.

    Raises
    ------
    CallError
        If it is something else, or an id holds a comma, which separates ids.
    """
    if value is None:
        return None
    several = (
        [*value]
        if isinstance(value, Iterable)
        and not hasattr(value, "resource_id")
        and not isinstance(value, str)
        else [value]
    )
    ids = []
    for one in several:
        if not one and isinstance(one, str):
            continue
        kinds = (_KINDS[argument], "ResourceIdentifier")
        wrong = hasattr(one, "resource_id") and type(one).__name__ not in kinds
        try:
            text = resource_id(one)
        except TypeError:
            wrong = True
        if wrong:
            msg = (
                f"{argument}={one!r}: expected an ObsPy {_KINDS[argument]}, a "
                "ResourceIdentifier or a string"
            )
            raise CallError(msg)
        if "," in text:
            msg = f"{argument}={text!r}: an id in an ASDF file cannot hold a comma"
            raise CallError(msg)
        ids.append(text)
    return tuple(ids)


def checked_labels(labels: Iterable[str] | str | None) -> tuple[str, ...]:
    """Return labels as a tuple; none where none are given.

    Raises
    ------
    CallError
        If one holds a comma, which separates labels.
    """
    if not labels:
        return ()
    several = (labels,) if isinstance(labels, str) else tuple(labels)
    for label in several:
        if "," in label:
            msg = f"label {label!r}: a label in an ASDF file cannot hold a comma"
            raise CallError(msg)
    return tuple(label.strip() for label in several)


def checked_provenance_id(provenance_id: str | None) -> str | None:
    """Return a provenance id.

    Raises
    ------
    CallError
        If it is no qualified name, ``"{namespace_uri}id"``.
    """
    if provenance_id and _QUALIFIED.fullmatch(provenance_id) is None:
        msg = (
            f"provenance_id={provenance_id!r} is no qualified name: expected "
            "'{namespace_uri}id'"
        )
        raise CallError(msg)
    return provenance_id


def annotated(stream: Stream, annotations: dict[str, Any]) -> Stream:
    """Return traces over the same samples with ids and labels set.

    Parameters
    ----------
    stream : obspy.Stream
        Not changed.
    annotations : dict
        What to set in ``trace.stats.asdf``; what is None stays as the trace has it.
    """
    from obspy import Stream
    from obspy.core import AttribDict

    given = {key: value for key, value in annotations.items() if value is not None}
    traces = []
    for trace in stream:
        new = copy.copy(trace)
        new.stats = copy.copy(trace.stats)  # Stats made of others round the rate
        new.stats.asdf = AttribDict({**trace.stats.get("asdf", {}), **given})
        traces.append(new)
    return Stream(traces)


def without_repeats(stream: Stream) -> Stream:
    """Return the stream without traces that are in it twice, samples and all.

    Two traces of one name with other samples stay: writing them is an error.
    """
    from obspy import Stream

    seen: dict[tuple[Any, ...], Trace] = {}
    traces = []
    for trace in stream:
        stats = trace.stats
        key = (trace.id, stats.starttime.ns, stats.npts, stats.sampling_rate)
        other = seen.setdefault(key, trace)
        if other is not trace and _same_samples(other, trace):
            warn_repeated(f"{trace.id} {stats.starttime}")
        else:
            traces.append(trace)
    return Stream(traces)


def _same_samples(one: Trace, other: Trace) -> bool:
    import numpy as np

    return bool(
        one.data.dtype == other.data.dtype
        and not np.ma.isMaskedArray(one.data)
        and not np.ma.isMaskedArray(other.data)
        and np.array_equal(one.data, other.data)
    )


def warn_repeated(name: str) -> None:
    """Warn that a trace is there already, as pyasdf does."""
    warnings.warn(
        f"{name} is in the data set already, with the same samples: not added again",
        ASDFWarning,
        stacklevel=4,
    )
