"""Data sets of traces that grow at their end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.container import codec, create
from asdf_pipeline.container.codec import DEFLATE, FLETCHER32, SHUFFLE, Encoding, encode
from asdf_pipeline.container.datasets import OpenDataset, open_dataset, read_header
from asdf_pipeline.container.datasets import read_samples as read
from asdf_pipeline.container.encoded import EncodedArray
from asdf_pipeline.container.hdf5 import h5d, h5g, h5s
from asdf_pipeline.container.names import encoded

if TYPE_CHECKING:
    from asdf_pipeline.container.traces import TraceHeader

_ENOUGH = 4096  # samples of a chunk, below which chunks become a burden


def station_group(file: Any, station: str) -> Any:
    """Return the open group of a station of an open file (low-level ids)."""
    return h5g.open(file, b"Waveforms/" + encoded(station))


def header_of(file: Any, station: str, name: str) -> TraceHeader:
    """Return the header of a trace of an open file; errors as of `read_header`."""
    dataset = open_dataset(station_group(file, station), encoded(name))
    return read_header(dataset, name, station)


def is_stored(
    file: Any, station: str, name: str, header: TraceHeader, data: np.ndarray[Any, Any]
) -> bool:
    """Return whether a trace of an open file has this start, rate and samples."""
    dataset = open_dataset(station_group(file, station), encoded(name))
    there = read_header(dataset, name, station)
    return (
        (there.starttime, there.sampling_rate)
        == (header.starttime, header.sampling_rate)
        and there.dtype.str[1:] == data.dtype.str[1:]
        and np.array_equal(read(dataset), data)
    )


def start(
    group: Any,
    name: str,
    header: TraceHeader,
    data: np.ndarray[Any, Any],
    encoding: Encoding,
) -> None:
    """Create a trace's data set, in chunks that others will fill.

    Parameters
    ----------
    group : h5py.h5g.GroupID
        The station's.
    name : str
        The data set's.
    header : TraceHeader
        What becomes its attributes.
    data : numpy.ndarray, shape (n,)
        The samples so far.
    encoding : Encoding
        How they are stored.
    """
    rows = encoding.chunk
    content = EncodedArray(
        data.dtype, data.size, _chunks(data, rows, encoding), encoding, rows=rows
    )
    dataset = create.array(group, encoded(name), content)
    create.header(dataset, header)
    create.write_samples(dataset, content)


def extend(
    group: Any, name: str, new_name: str, data: np.ndarray[Any, Any], encoding: Encoding
) -> None:
    """Write samples behind those of a data set, and give it its new name.

    A data set of one piece, or of small chunks, is written anew, in chunks that grow.

    Parameters
    ----------
    group : h5py.h5g.GroupID
        The station's.
    name, new_name : str
        The data set's, before and after.
    data : numpy.ndarray, shape (n,)
        The samples, of its type.
    encoding : Encoding
        How one that is written anew is stored.

    Raises
    ------
    TraceError
        If what is there is damaged.
    """
    opened = open_dataset(group, encoded(name))
    properties = opened.id.get_create_plist()
    chunked = properties.get_layout() == h5d.CHUNKED
    grows = opened.id.get_space().get_simple_extent_dims(True)[0] == h5s.UNLIMITED
    if not (chunked and grows) or (
        properties.get_chunk()[0] < _ENOUGH and opened.size <= encoding.chunk
    ):
        station = new_name.split(".", 2)
        header = read_header(opened, name, ".".join(station[:2]))
        samples = np.concatenate((read(opened), data.astype(opened.id.dtype)))
        group.unlink(encoded(name))
        start(group, new_name, header, samples, encoding)
        return
    _grow(opened, properties, data.astype(opened.id.dtype))
    if new_name != name:
        group.links.move(encoded(name), group, encoded(new_name))


def _grow(opened: OpenDataset, properties: Any, data: np.ndarray[Any, Any]) -> None:
    """Write samples behind those of a chunked data set."""
    filters = [
        properties.get_filter(index)[0] for index in range(properties.get_nfilters())
    ]
    size = opened.size + data.size
    if not codec.can_decode(filters):
        opened.id.set_extent((size,))
        space = opened.id.get_space()
        space.select_hyperslab((opened.size,), data.shape)
        opened.id.write(h5s.create_simple(data.shape), space, data)
        return
    rows = properties.get_chunk()[0]
    begin = opened.size - opened.size % rows
    data = np.concatenate((read(opened, begin), data))
    encoding = Encoding(
        level=1 if DEFLATE in filters else None,
        shuffle=SHUFFLE in filters,
        fletcher32=FLETCHER32 in filters,
    )
    opened.id.set_extent((size,))
    for index, chunk in enumerate(_chunks(data, rows, encoding)):
        opened.id.write_direct_chunk((begin + index * rows,), chunk)


def _chunks(
    data: np.ndarray[Any, Any], rows: int, encoding: Encoding
) -> tuple[bytes, ...]:
    """Return samples in encoded chunks of so many, the last filled up with zeros."""
    padded = np.zeros(-(-data.size // rows) * rows, data.dtype)
    padded[: data.size] = data
    # Encoded one by one, for an encoding makes chunks of about equal length.
    exact = replace(encoding, chunk=rows)
    return tuple(
        chunk
        for first in range(0, padded.size, rows)
        for chunk in encode(padded[first : first + rows], exact)
    )
