"""Chunks as HDF5's filters make them, encoded and decoded outside HDF5.

HDF5's own take 6 times as long to compress, and do it while the file is open: here a
worker encodes before its turn to write comes.

The three filters of ASDF files are defined in HDF5's file format specification
(data storage, filter pipeline message): shuffle (2), deflate (1, a zlib stream) and
Fletcher-32 (3, four bytes appended, little-endian). They are applied in the order
shuffle, deflate, Fletcher-32, by this package and by h5py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from deflate import DeflateError, zlib_decompress
from isal import isal_zlib

from asdf_pipeline.container.checksums import fletcher32
from asdf_pipeline.container.deflate import Deflate

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3  # filter numbers in HDF5's H5Zpublic.h


class CodecError(ValueError):
    """A chunk's bytes are not what its filters make."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How an array is stored.

    Attributes
    ----------
    level : int or None
        Level of isal's deflate, 0 to 3; None: not compressed.
    shuffle : bool
        Bytes of equal weight stand together before compression.
    fletcher32 : bool
        Each chunk ends with its checksum.
    chunk : int
        About how many samples a chunk holds.
    """

    level: int | None = 1
    shuffle: bool = True
    fletcher32: bool = True
    chunk: int = 32768

    @property
    def chunked(self) -> bool:
        """Whether the array is stored in chunks; else in one contiguous piece."""
        return self.level is not None or self.shuffle or self.fletcher32

    def chunk_length(self, size: int) -> int:
        """Return the number of samples a chunk of an array of `size` holds.

        Chunks are of about equal length, so that the last is hardly padded.
        """
        count = max(1, round(size / self.chunk))
        return max(1, -(-size // count))

    def filters(self, itemsize: int) -> tuple[int, ...]:
        """Return HDF5's numbers of the filters, in the order they are applied."""
        filters = []
        if self.shuffle and itemsize > 1:
            filters.append(SHUFFLE)
        if self.level is not None:
            filters.append(DEFLATE)
        if self.fletcher32:
            filters.append(FLETCHER32)
        return tuple(filters)


COMPRESSED = Encoding(level=1, shuffle=True, fletcher32=True)
RAW = Encoding(level=None, shuffle=False, fletcher32=False)


def encode(array: np.ndarray[Any, Any], encoding: Encoding) -> list[bytes]:
    """Encode an array.

    Parameters
    ----------
    array : numpy.ndarray, shape (n,)
        Of any type of fixed size, in either byte order, which is kept.
    encoding : Encoding
        How.

    Returns
    -------
    list of bytes
        One a chunk, the last padded with zeros before it is encoded; of an
        encoding that is not chunked the array's bytes, in one.
    """
    if not encoding.chunked:
        return [array.tobytes()]
    itemsize = array.dtype.itemsize
    raw = np.ascontiguousarray(array).view(np.uint8)
    step = encoding.chunk_length(array.size) * itemsize
    shuffle = encoding.shuffle and itemsize > 1
    deflate = None if encoding.level is None else Deflate(encoding.level)
    chunks = []
    for begin in range(0, raw.size, step):
        piece = raw[begin : begin + step]
        if piece.size < step:
            whole = np.zeros(step, np.uint8)
            whole[: piece.size] = piece
            piece = whole
        chunk: Any = piece
        if shuffle:
            planes = _shuffle(piece, itemsize)
            chunk = planes.reshape(-1)
            if deflate is not None:
                chunk = deflate(planes)
        elif encoding.level is not None:
            chunk = isal_zlib.compress(piece, encoding.level)
        if encoding.fletcher32:
            chunks.append(b"".join((chunk, fletcher32(chunk))))
        else:
            chunks.append(bytes(chunk))
    return chunks


def decode_into(
    elements: np.ndarray[Any, np.dtype[np.uint8]],
    chunk: bytes,
    filters: Sequence[int],
    size: int,
    skip: int = 0,
    mask: int = 0,
) -> None:
    """Decode a chunk, or a part of it, into an array.

    Parameters
    ----------
    elements : numpy.ndarray of uint8, shape (n, itemsize)
        Bytes of the elements to fill.
    chunk : bytes
        As stored.
    filters : sequence of int
        Filters of the data set in the order they were applied; see `can_decode`.
    size : int
        Of the decoded chunk, in bytes.
    skip : int
        Elements of the chunk that come before those wanted.
    mask : int
        Bit i is set where filter i was not applied to this chunk.

    Raises
    ------
    CodecError
        If the checksum differs, the stream is damaged, or the size is another.
    """
    data: Any = chunk
    shuffled = False
    for index in reversed(range(len(filters))):
        if mask >> index & 1:
            continue
        code = filters[index]
        if code == FLETCHER32:
            data = _without_checksum(data)
        elif code == DEFLATE:
            data = _inflate(data, size)
        else:
            shuffled = True
    if len(data) != size:
        msg = f"a chunk holds {len(data)} bytes where {size} belong"
        raise CodecError(msg)
    count, itemsize = elements.shape
    whole = np.frombuffer(data, np.uint8)
    if shuffled and itemsize > 1:
        planes = whole.reshape(itemsize, -1)[:, skip : skip + count]
        for k in range(itemsize):  # twice as fast as one transposed copy
            elements[:, k] = planes[k]
    else:
        elements[:] = whole.reshape(-1, itemsize)[skip : skip + count]


def can_decode(filters: Sequence[int]) -> bool:
    """Return whether `decode_into` knows the filters, in this order."""
    order = [
        (SHUFFLE, DEFLATE, FLETCHER32).index(code)
        for code in filters
        if code in (1, 2, 3)
    ]
    return len(order) == len(filters) and order == sorted(set(order))


def _shuffle(piece: np.ndarray[Any, Any], itemsize: int) -> np.ndarray[Any, Any]:
    """Return a chunk's bytes by their weight: shape (itemsize, elements)."""
    planes = np.empty((itemsize, piece.size // itemsize), np.uint8)
    elements = piece.reshape(-1, itemsize)
    for k in range(itemsize):  # twice as fast as one transposed copy
        planes[k] = elements[:, k]
    return planes


def _inflate(data: Any, size: int) -> bytearray:
    """Return what a zlib stream holds; raise CodecError unless it is `size` bytes.

    By libdeflate, made for streams that are in memory as a whole: it takes 0.6 of
    isal's time. Compressing is done by isal (docs/performance.md).
    """
    try:
        return zlib_decompress(data, size)
    except (DeflateError, MemoryError) as error:
        msg = "the compressed bytes are damaged, or of another size"
        raise CodecError(msg) from error


def _without_checksum(data: Any) -> Any:
    """Return a chunk without its checksum; raise CodecError if that differs."""
    if len(data) < 4:
        msg = "a chunk is too short for its checksum"
        raise CodecError(msg)
    kept = memoryview(data)[:-4]
    if fletcher32(kept) != data[-4:]:
        msg = "a chunk's checksum differs: its bytes were changed or damaged"
        raise CodecError(msg)
    return kept
