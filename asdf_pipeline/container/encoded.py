"""What one unit makes, encoded: plain data that any writer can write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.container.digest import product_digest

if TYPE_CHECKING:
    from asdf_pipeline.container.codec import Encoding
    from asdf_pipeline.container.traces import TraceHeader


@dataclass(frozen=True, slots=True)
class EncodedArray:
    """An array as it is stored.

    Attributes
    ----------
    dtype : numpy.dtype
        Of its elements.
    size : int
        Number of elements.
    chunks : tuple of bytes
        See `codec.encode`.
    encoding : Encoding
        How the chunks were made.
    shape : tuple of int
        Of an array of several dimensions; empty for one of `size` elements.
    rows : int
        How many rows (along the first dimension) a chunk holds; 0 where that follows
        from the size, as of an array of one dimension that will not grow.
    """

    dtype: np.dtype[Any]
    size: int
    chunks: tuple[bytes, ...]
    encoding: Encoding
    shape: tuple[int, ...] = ()
    rows: int = 0

    @property
    def chunk(self) -> tuple[int, ...]:
        """Shape of a chunk; empty where the array is stored in one piece."""
        if not self.encoding.chunked:
            return ()
        if not self.shape:
            return (self.rows or self.encoding.chunk_length(self.size),)
        return (self.rows, *(max(1, length) for length in self.shape[1:]))

    @property
    def nbytes(self) -> int:
        """Encoded size in bytes."""
        return sum(map(len, self.chunks))


@dataclass(frozen=True, slots=True)
class EncodedTrace:
    """A trace as it is stored.

    Attributes
    ----------
    header : TraceHeader
        What becomes the attributes.
    name : str
        Name of the data set.
    chunks : tuple of bytes
        See `codec.encode`.
    encoding : Encoding
        How the chunks were made.
    digest : str
        Content digest (hex).
    peak : float
        Largest absolute sample; NaN where a sample is none.
    """

    header: TraceHeader
    name: str
    chunks: tuple[bytes, ...]
    encoding: Encoding
    digest: str = ""
    peak: float = 0.0

    @property
    def nbytes(self) -> int:
        """Encoded size in bytes."""
        return self.array.nbytes

    @property
    def array(self) -> EncodedArray:
        """The samples alone."""
        return EncodedArray(
            self.header.dtype, self.header.npts, self.chunks, self.encoding
        )


@dataclass(frozen=True, slots=True)
class EncodedAuxiliary:
    """Auxiliary data as it is stored.

    Attributes
    ----------
    path : str
        Below ``/AuxiliaryData``.
    array : EncodedArray
        The data.
    parameters : tuple of (str, value)
        What becomes the attributes, sorted by name.
    digest : str
        Content digest (hex).
    provenance_id : str
        Qualified name of the record of provenance that it belongs to, or empty.
    """

    path: str
    array: EncodedArray
    parameters: tuple[tuple[str, Any], ...]
    digest: str
    provenance_id: str = ""

    @property
    def nbytes(self) -> int:
        """Encoded size in bytes, with path and parameters: never 0."""
        values = sum(len(k) + np.asarray(v).nbytes for k, v in self.parameters)
        return len(self.path) + values + self.array.nbytes


@dataclass(frozen=True, slots=True)
class Product:
    """What one unit wrote.

    Attributes
    ----------
    station : str
        ``"NET.STA"``; empty where there is auxiliary data alone, of no station.
    tag : str
        Tag written.
    traces : tuple of EncodedTrace
        In the order of their names.
    stationxml : bytes or None
        The station's document, byte for byte as in the input.
    document : EncodedArray or None
        The same, encoded; a writer encodes it where this is missing.
    auxiliary : tuple of EncodedAuxiliary
        Auxiliary data, in the order of their paths.
    others : tuple of Product
        What the unit wrote of further stations.
    """

    station: str
    tag: str
    traces: tuple[EncodedTrace, ...]
    stationxml: bytes | None = None
    document: EncodedArray | None = None
    auxiliary: tuple[EncodedAuxiliary, ...] = ()
    others: tuple[Product, ...] = ()

    @property
    def each(self) -> tuple[Product, ...]:
        """What was written of each station: itself, and what others it has."""
        return (self, *self.others)

    @property
    def nbytes(self) -> int:
        """Encoded size in bytes."""
        document = (
            self.document.nbytes if self.document else len(self.stationxml or b"")
        )
        traces = sum(trace.nbytes for trace in self.traces)
        auxiliary = sum(one.nbytes for one in self.auxiliary)
        return document + traces + auxiliary + sum(one.nbytes for one in self.others)

    @property
    def digest(self) -> str:
        """Content digest (hex)."""
        return product_digest(
            (trace.digest for trace in self.traces),
            self.stationxml,
            [
                *(one.digest for one in self.auxiliary),
                *(one.digest for one in self.others),
            ],
        )
