"""Content digests: the same content has the same digest, however it is stored.

Provenance ids and records, names of data sets, chunks, compression, byte order and
the order of writing do not enter. Every field is preceded by its length, so that no
two contents feed the same bytes to the hash (XXH3, 128 bits).
"""

from __future__ import annotations

import struct
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

from asdf_pipeline.container.names import tag_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.container.traces import TraceHeader

# Names of HDF5 objects need not be UTF-8.
_ANY_NAME = ("utf-8", "surrogateescape")


def _field(field: bytes) -> bytes:
    return struct.pack("<Q", len(field)) + field


def _list(fields: Iterable[bytes]) -> bytes:
    fields = list(fields)
    return b"".join([struct.pack("<Q", len(fields)), *map(_field, fields)])


def _hex(*parts: bytes | memoryview) -> str:
    """Return the hash (hex) of the parts, which must state their own lengths."""
    return _hex_of(parts)


def _hex_of(parts: Iterable[bytes | memoryview]) -> str:
    state = xxhash.xxh3_128()
    for part in parts:
        state.update(part)
    return str(state.hexdigest())


def bytes_digest(data: bytes) -> str:
    """Return the digest (hex) of a document's bytes."""
    return str(xxhash.xxh3_128_hexdigest(data))


def trace_digest(header: TraceHeader, data: np.ndarray[Any, Any]) -> str:
    """Return the digest (hex) of a trace.

    Parameters
    ----------
    header : TraceHeader
        Codes, tag, exact start time, sampling rate, ids and labels enter.
    data : numpy.ndarray, shape (npts,)
        Samples in either byte order; their type without byte order enters.
    """
    return blocks_digest(header, [data])


def blocks_digest(header: TraceHeader, blocks: Iterable[np.ndarray[Any, Any]]) -> str:
    """Return the digest (hex) of a trace whose samples come in several arrays."""
    texts = (
        "trace 1",
        header.network,
        header.station,
        header.location,
        header.channel,
        header.tag,
        header.dtype.str[1:],
    )
    notes = (
        header.event_ids,
        header.origin_ids,
        header.magnitude_ids,
        header.focal_mechanism_ids,
        header.labels,
    )
    head = (
        b"".join(_field(text.encode(*_ANY_NAME)) for text in texts),
        struct.pack("<qd", header.starttime, header.sampling_rate),
        b"".join(_list(text.encode() for text in note) for note in notes),
        struct.pack("<Q", header.npts * header.dtype.itemsize),
    )
    return _hex_of(chain(head, map(_little_endian, blocks)))


def array_digest(
    path: str, parameters: dict[str, Any], data: np.ndarray[Any, Any]
) -> str:
    """Return the digest (hex) of auxiliary data: path, parameters and array."""
    parameters = {k: v for k, v in parameters.items() if k != "provenance_id"}
    fields = [b"auxiliary data 1", path.encode(*_ANY_NAME)]
    for name in sorted(parameters):
        fields += [name.encode(*_ANY_NAME), *_value(parameters[name])]
    return _hex(_list([*fields, *_value(data)]))


def _value(value: Any) -> tuple[bytes, bytes, bytes]:
    """Return type, shape and content of an array or scalar."""
    if type(value) is np.float64:  # most parameters are
        return b"f8", b"()", struct.pack("<d", value)
    array = np.asarray(value)
    shape = repr(array.shape).encode()
    if array.dtype.kind in "OSU":
        texts = [
            item if isinstance(item, bytes) else str(item).encode(*_ANY_NAME)
            for item in array.reshape(-1).tolist()
        ]
        return b"text", shape, _list(text.rstrip(b"\0") for text in texts)
    return _type_name(array.dtype).encode(), shape, bytes(_little_endian(array))


def _type_name(dtype: np.dtype[Any]) -> str:
    little = dtype.newbyteorder("<")
    return str(little.descr) if little.names else little.str[1:]


def _little_endian(array: np.ndarray[Any, Any]) -> memoryview:
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8).data


def product_digest(
    traces: Iterable[str],
    stationxml: bytes | None,
    auxiliary: Iterable[str] = (),
) -> str:
    """Return the digest (hex) of what one unit wrote.

    Parameters
    ----------
    traces : iterable of str
        Digests of its traces, in any order.
    stationxml : bytes or None
        The station's StationXML.
    auxiliary : iterable of str
        Digests of its auxiliary data, in any order.
    """
    documents = [] if stationxml is None else [stationxml]
    return _hex(
        _field(b"product 1"),
        _list(digest.encode() for digest in sorted(traces)),
        _list(documents),
        _list(digest.encode() for digest in sorted(auxiliary)),
    )


def stored_digests(
    reader: Reader, station: str, tag: str | None = None
) -> Iterator[tuple[TraceHeader, str]]:
    """Yield header and digest of a station's traces, in the order of their names.

    Memory is bounded, however long the traces.

    Raises
    ------
    StationMissingError, TraceError
        See `Reader.trace`.
    """
    for name in reader.names(station):
        if tag is None or tag_of(name) == tag:
            header, blocks = reader.blocks(station, name)
            yield header, blocks_digest(header, blocks)


def file_digest(path: str | os.PathLike[str]) -> str:
    """Return the digest (hex) of an ASDF file's content.

    It is taken over the sorted traces of all tags, each station's StationXML, the
    QuakeML document and the auxiliary data.

    Raises
    ------
    InputError
        If the file, or anything in it, cannot be read.
    """
    from asdf_pipeline.container.reader import Reader

    fields = [b"file 1"]
    with Reader(path) as reader:
        for station in reader.stations():
            traces = (digest for _, digest in stored_digests(reader, station))
            digest = product_digest(traces, reader.stationxml(station))
            fields += [station.encode(*_ANY_NAME), digest.encode()]
        quakeml = reader.quakeml()
        documents = [] if quakeml is None else [quakeml]
        arrays = []
        for name in reader.auxiliary_paths():
            data, parameters = reader.auxiliary(name)
            arrays.append(array_digest(name, parameters, data).encode())
    return _hex(_list(fields), _list(documents), _list(arrays))
