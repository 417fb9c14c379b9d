"""From what a function returned to what is stored: checked, named, encoded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.container.codec import Encoding, encode
from asdf_pipeline.container.digest import trace_digest
from asdf_pipeline.container.encoded import EncodedArray, EncodedTrace, Product
from asdf_pipeline.container.traces import (
    TraceHeader,
    from_trace,
    offset,
    samples_between,
)
from asdf_pipeline.errors import TraceError
from asdf_pipeline.times import iso_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from obspy import Stream, Trace

_DOCUMENT_CHUNK = 2**18  # bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """What a function was given by window, and what is kept of its result.

    Attributes
    ----------
    seen, kept : (int, int)
        First and last time in ns since 1970 of the window with its overlap, and
        without.
    given : (int, int)
        First and last sample that the function was given.
    interval : int
        Longest one between its samples, in ns.
    """

    seen: tuple[int, int]
    kept: tuple[int, int]
    given: tuple[int, int]
    interval: int

    def admits(self, header: TraceHeader) -> bool:
        """Tell whether cutting loses nothing of a trace that no other window has.

        A sample more is none: resampling and padding move the last one.
        """
        sample = max(self.interval, offset(1, header.sampling_rate))
        first, last = self.kept
        # What moves by the overlap at most comes back from the window beside.
        if self.given[0] < first:
            first = self.given[0] - (first - self.seen[0])
        if self.given[1] > last:
            last = self.given[1] + (self.seen[1] - last)
        return header.starttime >= first - sample and header.endtime <= last + sample


def make_product(
    stream: Stream,
    station: str,
    tag: str,
    encoding: Encoding,
    stationxml: bytes | None = None,
) -> Product:
    """Return what a function returned for a station, encoded.

    Parameters
    ----------
    stream : obspy.Stream
        Traces of the station; see `encode_stream`.
    station : str
        ``"NET.STA"``.
    tag : str
        Tag to write.
    encoding : Encoding
        How to store the samples.
    stationxml : bytes or None
        The station's document, written along with any trace.
    """
    traces = encode_stream(stream, station, tag, encoding)
    document = None if stationxml is None else encode_document(stationxml, encoding)
    return Product(station, tag, traces, stationxml, document)


def encode_document(document: bytes, encoding: Encoding) -> EncodedArray:
    """Return a document as it is stored: an array of int8, mostly in one chunk."""
    encoding = replace(encoding, chunk=_DOCUMENT_CHUNK)
    data = np.frombuffer(document, np.int8)
    return EncodedArray(data.dtype, data.size, tuple(encode(data, encoding)), encoding)


def encode_stream(
    stream: Stream,
    station: str,
    tag: str,
    encoding: Encoding,
    cut: Cut | None = None,
    *,
    exact_names: bool = False,
) -> tuple[EncodedTrace, ...]:
    """Return the traces of a Stream, encoded.

    Masked traces are split into contiguous ones, never filled; empty ones dropped.

    Parameters
    ----------
    stream : obspy.Stream
        Or any iterable of traces.
    station : str
        ``"NET.STA"`` that all of them must be of.
    tag : str
        Tag to write them under.
    encoding : Encoding
        How to store them.
    cut : Cut or None
        What is kept of them; None for all.
    exact_names : bool
        Whether all names get nine digits of fraction: other units of the station may
        have traces that start and end in the same seconds.

    Returns
    -------
    tuple of EncodedTrace
        In the order of their names.

    Raises
    ------
    TraceError
        If a trace is of another station, has a type, sampling rate, code, id or label
        that cannot be written, two have one name, or one is of other times than
        the function was given.
    """
    whole = [
        piece for trace in stream for piece in contiguous(trace, tag) if piece[0].npts
    ]
    for header, _ in whole:
        if header.station_name != station:
            msg = (
                f"trace {header.id} is not of station {station}: "
                "a function returns traces of the station it was given"
            )
            raise TraceError(msg)
        if cut is not None and not cut.admits(header):
            msg = (
                f"trace {header.id}: the function returned "
                f"{_span(header.starttime, header.endtime)}, where it was given "
                f"{_span(*cut.given)}: by windows, it must not change start times by "
                "more than the overlap; process whole stations"
            )
            raise TraceError(msg)
    kept = None if cut is None else cut.kept
    trimmed = [_trimmed(*piece, kept) for piece in whole]
    pieces = [piece for piece in trimmed if piece[0].npts]
    headers = [header for header, _ in pieces]
    return tuple(
        sorted(
            (
                EncodedTrace(
                    header,
                    name,
                    tuple(encode(data, encoding)),
                    encoding,
                    trace_digest(header, data),
                    # By way of float: the smallest integer has no absolute value.
                    max(abs(float(data.min())), abs(float(data.max()))),
                )
                for name, (header, data) in zip(
                    names(headers, kept is not None, exact_names),
                    pieces,
                    strict=True,
                )
            ),
            key=lambda trace: trace.name,
        )
    )


def _span(first: int, last: int) -> str:
    """Return two times in words."""
    return f"{iso_text(first, fraction=True)} to {iso_text(last, fraction=True)}"


def _trimmed(
    header: TraceHeader, data: np.ndarray[Any, Any], window: tuple[int, int] | None
) -> tuple[TraceHeader, np.ndarray[Any, Any]]:
    """Return what of a trace lies in a window."""
    begin, end = samples_between(header, window)
    return header.cut(begin, end), data[begin:end]


def names(
    headers: Iterable[TraceHeader], cut: bool = False, exact: bool = False
) -> list[str]:
    """Return the names of a unit's data sets, whatever the order of the traces.

    Where several would have one name, all of them get nine digits of fraction.

    Parameters
    ----------
    cut : bool
        Whether the traces were cut to a window, for the error.
    exact : bool
        Whether all get nine digits, as traces of other units may have these names.

    Raises
    ------
    TraceError
        If two have one name even so.
    """
    headers = list(headers)
    found = [header.name(fraction=False) for header in headers]
    count = Counter(found)
    found = [
        header.name(fraction=True) if exact or count[name] > 1 else name
        for header, name in zip(headers, found, strict=True)
    ]
    for name, number in Counter(found).items():
        if number > 1:
            msg = (
                f"{number} traces have the same codes, tag, start and end"
                f"{' once cut to the window' if cut else ''}: {name}; merge them"
                f"{', process whole stations,' if cut else ''} or leave all but one out"
            )
            raise TraceError(msg)
    return found


def contiguous(
    trace: Trace, tag: str
) -> Iterator[tuple[TraceHeader, np.ndarray[Any, Any]]]:
    """Yield a trace's contiguous pieces: one, unless samples are masked.

    Start times are computed by integers from the trace's own.
    """
    data = trace.data
    if not isinstance(data, np.ndarray) or data.ndim != 1:
        msg = f"trace {trace.id}: its data is not a one-dimensional array"
        raise TraceError(msg)
    header = from_trace(trace, tag)
    # `numpy.ma`, which takes 20 ms to import, is looked at only where it may matter.
    if type(data) is np.ndarray or not isinstance(data, np.ma.MaskedArray):
        yield header, np.ascontiguousarray(data)
        return
    valid = np.concatenate(([False], ~np.ma.getmaskarray(data), [False]))
    edges = np.flatnonzero(valid[1:] != valid[:-1]).tolist()
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        yield header.cut(begin, end), np.ascontiguousarray(data.data[begin:end])
