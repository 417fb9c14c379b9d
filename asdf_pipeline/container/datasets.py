"""Reading single data sets: headers from attributes, samples from chunks.

Nothing here trusts the file: whatever is not as the ASDF definition says raises
`TraceError` in one line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.container import codec
from asdf_pipeline.container.hdf5 import (
    HDF5_ERRORS,
    attribute_text,
    h5a,
    h5d,
    h5s,
    h5t,
    reason,
)
from asdf_pipeline.container.names import TraceName
from asdf_pipeline.container.traces import IDS, TraceHeader, check
from asdf_pipeline.errors import TraceError

if TYPE_CHECKING:
    pass

# Deflate makes at most 1032 bytes out of one: what claims more was never written.
_LARGEST_RATIO = 1100


def open_dataset(group: Any, name: bytes) -> Any:
    """Open a one-dimensional data set whose bytes lie in the file itself.

    Raises
    ------
    TraceError
        If it is none: a group, two-dimensional, virtual or stored in other files.
    """
    try:
        dataset = h5d.open(group, name)
        rank = dataset.rank
    except HDF5_ERRORS as error:
        msg = f"cannot be opened as a data set: {reason(error)}"
        raise TraceError(msg) from error
    if rank != 1:
        msg = f"has {rank} dimensions where a trace has one"
        raise TraceError(msg)
    return dataset


def read_header(dataset: Any, name: str, station: str) -> TraceHeader:
    """Return the header of a trace.

    Parameters
    ----------
    dataset : h5py.h5d.DatasetID
        The open data set.
    name : str
        Its name.
    station : str
        ``"NET.STA"`` of the group that it is in.

    Raises
    ------
    TraceError
        If the name does not parse or is of another station, an attribute is missing
        or of the wrong type, or a value is impossible.
    """
    parts = TraceName.parse(name)
    if f"{parts.network}.{parts.station}" != station:
        msg = f"stands in the group of station {station}"
        raise TraceError(msg)
    try:
        dtype = dataset.dtype
        npts = dataset.get_space().get_simple_extent_npoints()
        count = h5a.get_num_attrs(dataset)
    except HDF5_ERRORS as error:
        msg = f"cannot be read: {reason(error)}"
        raise TraceError(msg) from error
    start = _number(dataset, b"starttime", (h5t.INTEGER,))
    rate = _number(dataset, b"sampling_rate", (h5t.FLOAT, h5t.INTEGER))
    header = TraceHeader(
        parts.network,
        parts.station,
        parts.location,
        parts.channel,
        int(start),
        float(rate),
        npts,
        dtype,
        parts.tag,
        **(_notes(dataset) if count > 2 else {}),
    )
    check(header)
    return header


def _notes(dataset: Any) -> dict[str, Any]:
    """Return what few traces have: ids, labels and provenance id."""
    notes: dict[str, Any] = {f"{name}s": _list(dataset, name) for name in IDS}
    notes["labels"] = _list(dataset, "labels")
    notes["provenance_id"] = _text(dataset, "provenance_id")
    return notes


def _number(dataset: Any, name: bytes, classes: tuple[int, ...]) -> Any:
    try:
        attribute = h5a.open(dataset, name)
        value = np.empty(attribute.shape, attribute.dtype)
        if value.size == 1 and attribute.get_type().get_class() in classes:
            attribute.read(value)
            return value.reshape(-1)[0]
    except KeyError as error:
        msg = f"has no attribute {name.decode()!r}"
        raise TraceError(msg) from error
    except HDF5_ERRORS as error:
        msg = f"attribute {name.decode()!r} cannot be read: {reason(error)}"
        raise TraceError(msg) from error
    msg = f"attribute {name.decode()!r} is not a number of the right type"
    raise TraceError(msg)


def _text(dataset: Any, name: str) -> str:
    raw = name.encode()
    try:
        return attribute_text(dataset, raw) if h5a.exists(dataset, raw) else ""
    except HDF5_ERRORS as error:
        msg = f"attribute {name!r} is not a text: {reason(error)}"
        raise TraceError(msg) from error


def _list(dataset: Any, name: str) -> tuple[str, ...]:
    texts = (text.strip() for text in _text(dataset, name).split(","))
    return tuple(text for text in texts if text)


def read_samples(
    dataset: Any, begin: int = 0, end: int | None = None
) -> np.ndarray[Any, Any]:
    """Return a range of a data set's elements, in the byte order of the file.

    Only the chunks that hold them are read; they are decoded here where their
    filters are known (checksums are verified), else by HDF5.

    Raises
    ------
    TraceError
        If bytes are damaged, missing or outside the file.
    """
    try:
        size = dataset.get_space().get_simple_extent_npoints()
        end = size if end is None else end
        properties = dataset.get_create_plist()
        _check_storage(dataset, properties, size)
        if end <= begin:
            return np.empty(0, dataset.dtype)
        if properties.get_layout() == h5d.CHUNKED:
            count = properties.get_nfilters()
            filters = [properties.get_filter(index)[0] for index in range(count)]
            if codec.can_decode(filters):
                step = properties.get_chunk()[0]
                return _read_chunks(dataset, filters, step, begin, end)
        return _read_plain(dataset, begin, end)
    except codec.CodecError as error:
        raise TraceError(str(error)) from error
    except TraceError:
        raise
    except HDF5_ERRORS as error:
        msg = f"cannot be read: {reason(error)}"
        raise TraceError(msg) from error


def _check_storage(dataset: Any, properties: Any, size: int) -> None:
    layout = properties.get_layout()
    if layout == h5d.VIRTUAL or (
        layout == h5d.CONTIGUOUS and properties.get_external_count()
    ):
        msg = "its samples lie in other files, which are not followed"
        raise TraceError(msg)
    stored = dataset.get_storage_size()
    if size * dataset.dtype.itemsize > stored * _LARGEST_RATIO:
        msg = f"claims {size} samples but stores {stored} bytes: never written"
        raise TraceError(msg)


def _read_plain(dataset: Any, begin: int, end: int) -> np.ndarray[Any, Any]:
    samples = np.empty(end - begin, dataset.dtype)
    file_space = dataset.get_space()
    file_space.select_hyperslab((begin,), (end - begin,))
    dataset.read(h5s.create_simple((end - begin,)), file_space, samples)
    return samples


def _read_chunks(
    dataset: Any, filters: list[int], step: int, begin: int, end: int
) -> np.ndarray[Any, Any]:
    samples = np.empty(end - begin, dataset.dtype)
    itemsize = samples.itemsize
    raw = samples.view(np.uint8)
    for start in range(begin - begin % step, end, step):
        mask, chunk = _stored_chunk(dataset, start)
        piece = codec.decode(chunk, filters, itemsize, step * itemsize, mask)
        low, high = max(start, begin), min(start + step, end)
        raw[(low - begin) * itemsize : (high - begin) * itemsize] = piece[
            (low - start) * itemsize : (high - start) * itemsize
        ]
    return samples


def _stored_chunk(dataset: Any, start: int) -> tuple[int, bytes]:
    try:
        mask, chunk = dataset.read_direct_chunk((start,))
    except HDF5_ERRORS as error:
        msg = f"samples from {start} on cannot be read: {reason(error)}"
        raise TraceError(msg) from error
    return mask, chunk


def read_document(group: Any, name: bytes) -> bytes:
    """Return a document (StationXML, QuakeML, provenance), byte for byte.

    Raises
    ------
    TraceError
        If it is not an array of bytes, or damaged.
    """
    dataset = open_dataset(group, name)
    try:
        dtype = dataset.dtype
    except HDF5_ERRORS as error:
        msg = f"has a type that cannot be read: {reason(error)}"
        raise TraceError(msg) from error
    if dtype.itemsize != 1:
        msg = f"is an array of {dtype} where a document is one of bytes"
        raise TraceError(msg)
    return read_samples(dataset).tobytes()
