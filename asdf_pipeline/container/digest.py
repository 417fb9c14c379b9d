"""Content digests: the same content has the same digest, however it is stored.

Provenance ids and records, names of data sets, chunks, compression, byte order and
the order of writing do not enter. Every field is preceded by its length, so that no
two contents feed the same bytes to the hash (XXH3, 128 bits).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from asdf_pipeline.container.traces import TraceHeader


class _Fields:
    """A hash over fields, each preceded by its length."""

    def __init__(self, kind: bytes) -> None:
        self._hash = xxhash.xxh3_128()
        self.add(kind)

    def add(self, field: bytes | memoryview) -> None:
        size = field.nbytes if isinstance(field, memoryview) else len(field)
        self._hash.update(struct.pack("<Q", size))
        self._hash.update(field)

    def add_all(self, fields: Iterable[bytes]) -> None:
        fields = list(fields)
        self._hash.update(struct.pack("<Q", len(fields)))
        for field in fields:
            self.add(field)

    def hex(self) -> str:
        return str(self._hash.hexdigest())


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
    fields = _Fields(b"trace 1")
    texts = (
        header.network,
        header.station,
        header.location,
        header.channel,
        header.tag,
        header.dtype.str[1:],
    )
    for text in texts:
        fields.add(text.encode())
    fields.add(struct.pack("<qd", header.starttime, header.sampling_rate))
    for group in (
        header.event_ids,
        header.origin_ids,
        header.magnitude_ids,
        header.focal_mechanism_ids,
        header.labels,
    ):
        fields.add_all(text.encode() for text in group)
    fields.add(_little_endian(data))
    return fields.hex()


def array_digest(
    path: str, parameters: dict[str, Any], data: np.ndarray[Any, Any]
) -> str:
    """Return the digest (hex) of auxiliary data: path, parameters and array."""
    fields = _Fields(b"auxiliary data 1")
    fields.add(path.encode())
    for name in sorted(parameters):
        value = parameters[name]
        fields.add(name.encode())
        _add_value(fields, value)
    _add_value(fields, data)
    return fields.hex()


def _add_value(fields: _Fields, value: Any) -> None:
    array = np.asarray(value)
    if array.dtype.kind in "OSU":
        texts = [
            item if isinstance(item, bytes) else str(item).encode()
            for item in array.reshape(-1).tolist()
        ]
        fields.add(b"text")
        fields.add(repr(array.shape).encode())
        fields.add_all(text.rstrip(b"\0") for text in texts)
        return
    fields.add(_type_name(array.dtype).encode())
    fields.add(repr(array.shape).encode())
    fields.add(_little_endian(array))


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
    fields = _Fields(b"product 1")
    fields.add_all(digest.encode() for digest in sorted(traces))
    fields.add_all([] if stationxml is None else [stationxml])
    fields.add_all(digest.encode() for digest in sorted(auxiliary))
    return fields.hex()


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

    fields = _Fields(b"file 1")
    with Reader(path) as reader:
        for station in reader.stations():
            traces = [
                trace_digest(header, data)
                for tag in reader.tags(station)
                for header, data in reader.traces(station, tag)
            ]
            fields.add(station.encode())
            fields.add(product_digest(traces, reader.stationxml(station)).encode())
        quakeml = reader.quakeml()
        fields.add_all([] if quakeml is None else [quakeml])
        fields.add_all(
            array_digest(name, *reversed(reader.auxiliary(name))).encode()
            for name in reader.auxiliary_paths()
        )
    return fields.hex()
