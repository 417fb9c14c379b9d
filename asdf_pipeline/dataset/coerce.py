"""Arguments of a data set's methods - paths, objects, ids - as what is written."""

from __future__ import annotations

import copy
import importlib
import io
import warnings
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import (
    ASDFWarning,
    CallError,
    InputError,
    InputMissingError,
)
from asdf_pipeline.metadata.inventory import parse
from asdf_pipeline.metadata.stationxml import check_xml
from asdf_pipeline.metadata.write import to_stationxml
from asdf_pipeline.text import callers_level, named_line

if TYPE_CHECKING:
    from obspy import Catalog, Stream, Trace

_PROV = b"http://www.w3.org/ns/prov#"


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
        return to_stationxml(stationxml)
    name = str(getattr(stationxml, "name", stationxml))
    if hasattr(stationxml, "read"):
        stationxml = io.BytesIO(stationxml.read())  # it may not be one to rewind
    document = _xml_in(stationxml)
    if document is not None:
        parse(document, name, cache_responses=False, quiet=False)
        return document
    # Packed, a pattern or an address, which ObsPy knows how to read; or nothing.
    expected = "an Inventory"
    return to_stationxml(
        _read(read_inventory, stationxml, expected, format="stationxml")
    )


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


def as_bytes(source: Any) -> bytes:
    """Return the bytes of a file: of its path, or of one that is open.

    Raises
    ------
    InputMissingError
        If no file is there.
    CallError
        If it is neither, or a file that is open as text.
    """
    if isinstance(source, (str, PathLike)):
        if not Path(source).is_file():
            msg = f"{source}: no such file"
            raise InputMissingError(msg)
        return Path(source).read_bytes()
    content = source.read() if hasattr(source, "read") else source
    if not isinstance(content, bytes):
        msg = f"expected a path or a file that is open as bytes, not {_kind(source)}"
        raise CallError(msg)
    return content


def as_provenance(document: Any) -> bytes:
    """Return a provenance document as PROV-XML.

    Parameters
    ----------
    document : prov.model.ProvDocument, path-like, file object or bytes
        PROV-XML stays as it is, byte for byte; other formats need the package prov.

    Raises
    ------
    InputMissingError
        If no file is there.
    InputError
        If it cannot be read.
    CallError
        If it is no such thing.
    """
    if hasattr(document, "serialize"):
        with io.BytesIO() as text:
            document.serialize(text, format="xml")
            content: bytes = text.getvalue()
            return content
    source = document if isinstance(document, (str, PathLike)) else "the document"
    raw = as_bytes(document)
    try:
        if _PROV in raw and check_xml(raw, str(source)):
            return raw
        with io.BytesIO(raw) as text:
            return as_provenance(importlib.import_module("prov").read(text))
    except ImportError as error:
        msg = f"{source} is no PROV-XML, and other formats need: pip install prov"
        raise InputError(msg) from error
    except Exception as error:
        # prov raises anything.
        msg = f"{source}: cannot be read as provenance: {named_line(error)}"
        raise InputError(msg) from error


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

    changes = {key: value for key, value in annotations.items() if value is not None}
    traces = []
    for trace in stream:
        new = copy.copy(trace)
        new.stats = copy.copy(trace.stats)  # Stats made of others round the rate
        new.stats.asdf = AttribDict({**trace.stats.get("asdf", {}), **changes})
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
        f"{name} already exists in file, with the same content: not added again",
        ASDFWarning,
        stacklevel=callers_level(),
    )
