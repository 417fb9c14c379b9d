"""Reading single data sets: headers from attributes, samples from chunks.

Nothing here trusts the file: whatever is not as the ASDF definition says raises
`TraceError` in one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from asdf_pipeline.container import codec
from asdf_pipeline.container.byte_order import native_dtype
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

# Deflate makes at most 1032 bytes out of one: what claims more was never written.
LARGEST_RATIO = 1100


class _Kind(NamedTuple):
    """Which classes of types an attribute may have, and what it is read as."""

    classes: tuple[int, ...]
    type: Any
    dtype: str


_INTEGERS = _Kind((h5t.INTEGER,), h5t.NATIVE_INT64, "i8")
_REALS = _Kind((h5t.FLOAT, h5t.INTEGER), h5t.NATIVE_DOUBLE, "f8")


@dataclass(frozen=True, slots=True)
class OpenDataset:
    """An open one-dimensional data set.

    Attributes
    ----------
    id : h5py.h5d.DatasetID
        The data set.
    size : int
        Number of elements.
    """

    id: Any
    size: int


def open_dataset(group: Any, name: bytes) -> OpenDataset:
    """Open a one-dimensional data set.

    Raises
    ------
    TraceError
        If it is none.
    """
    try:
        dataset = h5d.open(group, name)
        shape = dataset.get_space().get_simple_extent_dims()
    except HDF5_ERRORS as error:
        msg = f"cannot be opened as a data set: {reason(error)}"
        raise TraceError(msg) from error
    if shape is None:
        msg = "has no elements, not even none"
        raise TraceError(msg)
    if len(shape) != 1:
        msg = f"has {len(shape)} dimensions where a trace has one"
        raise TraceError(msg)
    return OpenDataset(dataset, shape[0])


def read_header(dataset: OpenDataset, name: str, station: str) -> TraceHeader:
    """Return the header of a trace.

    Parameters
    ----------
    dataset : OpenDataset
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
        dtype = native_dtype(dataset.id.dtype)
        count = h5a.get_num_attrs(dataset.id)
    except HDF5_ERRORS as error:
        msg = f"cannot be read: {reason(error)}"
        raise TraceError(msg) from error
    header = TraceHeader(
        parts.network,
        parts.station,
        parts.location,
        parts.channel,
        int(_number(dataset.id, b"starttime", _INTEGERS)),
        float(_number(dataset.id, b"sampling_rate", _REALS)),
        dataset.size,
        dtype,
        parts.tag,
        **(_notes(dataset.id) if count > 2 else {}),
    )
    check(header)
    return header


def _notes(dataset: Any) -> dict[str, Any]:
    """Return what few traces have: ids, labels and provenance id."""
    notes: dict[str, Any] = {f"{name}s": _list(dataset, name) for name in IDS}
    notes["labels"] = _list(dataset, "labels")
    notes["provenance_id"] = _text(dataset, "provenance_id")
    return notes


def _number(dataset: Any, name: bytes, wanted: _Kind) -> Any:
    """Return a scalar attribute; HDF5 converts it to the type that is wanted."""
    value: np.ndarray[Any, Any] = np.empty((), wanted.dtype)
    try:
        attribute = h5a.open(dataset, name)
        kind = attribute.get_type()
        right = kind.get_class() in wanted.classes
        if right and attribute.get_storage_size() == kind.get_size():
            if attribute.get_space().get_simple_extent_ndims():
                value = value.reshape(1)
            attribute.read(value, mtype=wanted.type)
            return value.item()
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
    dataset: OpenDataset, begin: int = 0, end: int | None = None
) -> np.ndarray[Any, Any]:
    """Return a range of a data set's elements, in the byte order of the file.

    Where that is this machine's, their type says so (see `native_dtype`). Only the
    chunks that hold them are read; they are decoded here where their filters are
    known (checksums are verified), else by HDF5.

    Raises
    ------
    TraceError
        If bytes are damaged, missing or outside the file.
    """
    end = dataset.size if end is None else end
    try:
        properties = dataset.id.get_create_plist()
        layout = properties.get_layout()
        _check_storage(dataset, properties, layout)
        samples = np.empty(max(end - begin, 0), native_dtype(dataset.id.dtype))
        if not samples.size:
            return samples
        if layout == h5d.CHUNKED:
            count = properties.get_nfilters()
            filters = [properties.get_filter(index)[0] for index in range(count)]
            if codec.can_decode(filters):
                step = properties.get_chunk()[0]
                _read_chunks(dataset.id, filters, step, begin, samples)
                return samples
        file_space = dataset.id.get_space()
        file_space.select_hyperslab((begin,), samples.shape)
        dataset.id.read(h5s.create_simple(samples.shape), file_space, samples)
    except TraceError:
        raise
    except codec.CodecError as error:
        raise TraceError(str(error)) from error
    except HDF5_ERRORS as error:
        msg = f"cannot be read: {reason(error)}"
        raise TraceError(msg) from error
    return samples


def _check_storage(dataset: OpenDataset, properties: Any, layout: int) -> None:
    if layout == h5d.VIRTUAL or (
        layout == h5d.CONTIGUOUS and properties.get_external_count()
    ):
        msg = "its samples lie in other files, which are not followed"
        raise TraceError(msg)
    stored = dataset.id.get_storage_size()
    if dataset.size * dataset.id.dtype.itemsize > stored * LARGEST_RATIO:
        msg = f"claims {dataset.size} samples but stores {stored} bytes: never written"
        raise TraceError(msg)


def _read_chunks(
    dataset: Any,
    filters: list[int],
    step: int,
    begin: int,
    samples: np.ndarray[Any, Any],
) -> None:
    """Fill an array with a data set's elements from `begin` on."""
    end = begin + samples.size
    itemsize = samples.itemsize
    elements = samples.view(np.uint8).reshape(-1, itemsize)
    for start in range(begin - begin % step, end, step):
        mask, chunk = dataset.read_direct_chunk((start,))
        low, high = max(start, begin), min(start + step, end)
        wanted = elements[low - begin : high - begin]
        codec.decode_into(wanted, chunk, filters, step * itemsize, low - start, mask)


def read_document(group: Any, name: bytes) -> bytes:
    """Return a document (StationXML, QuakeML, provenance), byte for byte.

    Raises
    ------
    TraceError
        If it is not an array of bytes, or damaged.
    """
    dataset = open_dataset(group, name)
    try:
        dtype = dataset.id.dtype
    except HDF5_ERRORS as error:
        msg = f"has a type that cannot be read: {reason(error)}"
        raise TraceError(msg) from error
    if dtype.itemsize != 1:
        msg = f"is an array of {dtype} where a document is one of bytes"
        raise TraceError(msg)
    return read_samples(dataset).tobytes()
