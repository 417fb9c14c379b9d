"""Creating groups, data sets and attributes, without writing their samples.

Apart from writing, as of ranks that write together one creates, and each writes its
own. By h5py's low-level interface with shared property lists, which takes 0.1 ms a
trace instead of 0.7.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.container.codec import DEFLATE, FLETCHER32, SHUFFLE, Encoding
from asdf_pipeline.container.hdf5 import (
    bound_metadata_cache,
    h5a,
    h5d,
    h5f,
    h5g,
    h5o,
    h5p,
    h5py,
    h5s,
    h5t,
)
from asdf_pipeline.container.traces import IDS

if TYPE_CHECKING:
    from asdf_pipeline.container.encoded import (
        EncodedArray,
        EncodedAuxiliary,
        EncodedTrace,
    )
    from asdf_pipeline.container.traces import TraceHeader

_SCALAR = h5s.create(h5s.SCALAR)
_TEXT = h5py.string_dtype("utf-8")


@lru_cache(maxsize=1)
def access_list() -> Any:
    """Return the properties with which every output file is opened.

    ``libver`` v110: 0.8 kB of overhead a data set where "earliest" takes 3.0, and
    still readable by HDF5 1.10.
    """
    properties = h5p.create(h5p.FILE_ACCESS)
    # Closing the file closes what is open in it: by default HDF5 would keep it open.
    properties.set_fclose_degree(h5f.CLOSE_STRONG)
    properties.set_libver_bounds(h5f.LIBVER_V110, h5f.LIBVER_V110)
    properties.set_file_locking(True, True)  # where the file system can
    bound_metadata_cache(properties)
    return properties


@lru_cache(maxsize=1)
def _link_list() -> Any:
    properties = h5p.create(h5p.LINK_CREATE)
    properties.set_char_encoding(h5t.CSET_UTF8)
    return properties


@lru_cache(maxsize=256)
def _dataset_list(encoding: Encoding, itemsize: int, chunk: tuple[int, ...]) -> Any:
    """Return a data set's creation properties; `chunk` is empty if contiguous."""
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_obj_track_times(False)  # the same content, the same bytes
    properties.set_fill_time(h5d.FILL_TIME_NEVER)  # every sample is written anyway
    keep_attributes_compact(properties)
    if not chunk:  # its place is known before others write into it
        properties.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    else:
        properties.set_chunk(chunk)
        for code in encoding.filters(itemsize):
            if code == SHUFFLE:
                properties.set_shuffle()
            elif code == DEFLATE:
                properties.set_deflate(encoding.level)
            elif code == FLETCHER32:
                properties.set_fletcher32()
    return properties


def keep_attributes_compact(properties: Any) -> None:
    """Let a data set have its attributes in its header, however many there are.

    More than 8 would be stored densely, which HDF5 before 1.14.4 cannot copy (see
    `copying`). One larger than 64 kB still makes all of them dense.
    """
    properties.set_attr_phase_change(65535, 0)


@lru_cache(maxsize=256)
def _space(shape: tuple[int, ...], resizable: bool) -> Any:
    return h5s.create_simple(
        shape, (h5s.UNLIMITED,) * len(shape) if resizable else None
    )


@lru_cache(maxsize=64)
def _type(dtype: str) -> Any:
    return h5t.py_create(np.dtype(dtype))


@lru_cache(maxsize=256)
def _text_type(size: int, ascii_only: bool) -> Any:
    kind = h5t.C_S1.copy()
    kind.set_size(size)
    kind.set_strpad(h5t.STR_NULLPAD)
    kind.set_cset(h5t.CSET_ASCII if ascii_only else h5t.CSET_UTF8)
    return kind


@lru_cache(maxsize=1)
def _variable_text_type() -> Any:
    return h5t.py_create(_TEXT, logical=True)


@lru_cache(maxsize=1)
def _text_in_memory() -> Any:
    return h5t.py_create(_TEXT)


def file(file_id: Any, format_version: str) -> Any:
    """Make a new file an ASDF file; return its group of waveforms.

    Parameters
    ----------
    file_id : h5py.h5f.FileID
        The new, empty file.
    format_version : str
        ASDF version that the file will claim.
    """
    text_attribute(file_id, b"file_format", "ASDF")
    text_attribute(file_id, b"file_format_version", format_version)
    for name in (b"AuxiliaryData", b"Provenance"):
        group(file_id, name)
    return group(file_id, b"Waveforms")


def group(parent: Any, name: bytes) -> Any:
    """Create a group."""
    return h5g.create(parent, name, _link_list())


def array(parent: Any, name: bytes, content: EncodedArray) -> Any:
    """Create a data set for an encoded array, without its bytes."""
    chunk = content.chunk
    return h5d.create(
        parent,
        name,
        _type(content.dtype.str),
        _space(content.shape or (content.size,), bool(chunk)),
        _dataset_list(content.encoding, content.dtype.itemsize, chunk),
        _link_list(),
    )


def trace(station: Any, content: EncodedTrace, name: str | None = None) -> Any:
    """Create a trace's data set and its attributes, without the samples.

    Parameters
    ----------
    station : h5py.h5g.GroupID
        The station's group.
    content : EncodedTrace
        The trace.
    name : str, optional
        Another name than the trace's own.
    """
    dataset = array(station, (name or content.name).encode(), content.array)
    header(dataset, content.header)
    return dataset


def auxiliary(
    file_id: Any,
    content: EncodedAuxiliary,
    like: tuple[Any, EncodedAuxiliary] | None = None,
) -> Any | None:
    """Create auxiliary data with its parameters and groups, without the array.

    Parameters
    ----------
    file_id : h5py.h5f.FileID
        The file.
    content : EncodedAuxiliary
        The data.
    like : (h5py.h5d.DatasetID, EncodedAuxiliary), optional
        Other data whose array was not written yet. Of the same kind it is copied, which
        takes a third of the time of as many new attributes.

    Returns
    -------
    h5py.h5d.DatasetID or None
        None where something has that path already.
    """
    *parents, name = f"AuxiliaryData/{content.path}".encode().split(b"/")
    parent = file_id
    for part in parents:
        if not parent.links.exists(part):
            parent = group(parent, part)
            continue
        parent = h5o.open(parent, part)
        if not isinstance(parent, h5g.GroupID):
            return None
    if parent.links.exists(name):
        return None
    if like is not None and _is_of_kind(content, like[1]):
        return _copied(parent, name, content, *like)
    dataset = array(parent, name, content.array)
    for key, value in content.parameters:
        parameter_attribute(dataset, key, value)
    if content.provenance_id:
        text_attribute(dataset, b"provenance_id", content.provenance_id)
    return dataset


def _is_of_kind(one: EncodedAuxiliary, other: EncodedAuxiliary) -> bool:
    """Tell whether data differs in its samples and in the values of attributes only."""

    def kind(content: EncodedAuxiliary) -> tuple[Any, ...]:
        stored = content.array
        return (
            (stored.dtype, stored.size, stored.shape, stored.chunk, stored.encoding),
            content.provenance_id,
            [
                (name, value.dtype if isinstance(value, np.generic) else type(value))
                for name, value in content.parameters
            ],
        )

    plain = all(isinstance(value, str | np.generic) for _, value in one.parameters)
    return plain and kind(one) == kind(other)


def _copied(
    parent: Any,
    name: bytes,
    content: EncodedAuxiliary,
    other: Any,
    its_content: EncodedAuxiliary,
) -> Any:
    """Create auxiliary data as a copy of other of its kind."""
    h5o.copy(other, b".", parent, name, lcpl=_link_list())
    dataset = h5d.open(parent, name)
    pairs = zip(content.parameters, its_content.parameters, strict=True)
    for (key, value), (_, known) in pairs:
        if value is known or value == known:
            continue
        attribute = h5a.open(dataset, key.encode())
        if isinstance(value, str):
            attribute.write(np.array(value, _TEXT), _text_in_memory())
        else:
            attribute.write(np.asarray(value), _type(value.dtype.str))
    return dataset


def header(dataset: Any, content: TraceHeader) -> None:
    """Create the attributes of a trace."""
    number_attribute(dataset, b"starttime", np.array(content.starttime, "<i8"))
    number_attribute(dataset, b"sampling_rate", np.array(content.sampling_rate, "<f8"))
    for name in IDS:
        ids = getattr(content, f"{name}s")
        if ids:
            text_attribute(dataset, name.encode(), ",".join(ids))
    if content.provenance_id:
        text_attribute(dataset, b"provenance_id", content.provenance_id)
    if content.labels:
        labels_attribute(dataset, content.labels)


def number_attribute(owner: Any, name: bytes, value: np.ndarray[Any, Any]) -> None:
    """Create a scalar attribute of a number's type."""
    kind = _type(value.dtype.str)
    h5a.create(owner, name, kind, _SCALAR).write(value, kind)


def parameter_attribute(dataset: Any, name: str, value: Any) -> None:
    """Create an attribute as h5py does it, a number or a text four times as fast.

    Most of what h5py 3.16 takes for one of these is to find its type again.
    """
    if isinstance(value, str):
        attribute = h5a.create(dataset, name.encode(), _variable_text_type(), _SCALAR)
        attribute.write(np.array(value, _TEXT), _text_in_memory())
    elif isinstance(value, np.generic) and value.dtype.kind in "iufb":
        number_attribute(dataset, name.encode(), np.asarray(value))
    else:
        h5py.Dataset(dataset).attrs.create(name, value)


def text_attribute(owner: Any, name: bytes, text: str) -> None:
    """Create a text attribute as pyasdf writes it: fixed length, a NUL at the end.

    ASCII, or UTF-8 where the text needs it.
    """
    raw = text.encode() + b"\0"
    kind = _text_type(len(raw), text.isascii())
    h5a.create(owner, name, kind, _SCALAR).write(np.array(raw, f"S{len(raw)}"))


def labels_attribute(owner: Any, labels: tuple[str, ...]) -> None:
    """Create the attribute of labels: UTF-8 of variable length, as pyasdf reads it."""
    attribute = h5a.create(owner, b"labels", _variable_text_type(), _SCALAR)
    attribute.write(np.array(",".join(labels), _TEXT), _text_in_memory())


def write_samples(dataset: Any, content: EncodedArray) -> None:
    """Write an array's bytes into its data set (not with filters under mpio).

    Without chunks nothing is written: others have them (`container.parallel`).
    """
    if content.size == 0 or not content.chunks:
        return
    if not content.encoding.chunked:
        dataset.write(h5s.ALL, h5s.ALL, np.frombuffer(content.chunks[0], content.dtype))
        return
    rows, *others = content.chunk
    rest = (0,) * len(others)
    for index, chunk in enumerate(content.chunks):
        dataset.write_direct_chunk((index * rows, *rest), chunk)
