"""Which station has data when: spans and gaps, from the names of the traces."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from asdf_pipeline.container.names import TraceName
from asdf_pipeline.errors import ASDFPipelineError, TraceError
from asdf_pipeline.times import SECOND, iso_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asdf_pipeline.container.reader import Reader

Span = tuple[int, int]
_time = lru_cache(4096)(iso_ns)  # in a day's volumes, channels share their times
_TOLERANCE = 2 * SECOND  # names are cut to seconds: less is no gap


@dataclass
class Availability:
    """When each station has data in the input.

    Attributes
    ----------
    spans : dict of str to list of (int, int)
        By station: start and end in ns since 1970, of all channels together, in
        order and without overlaps.
    gaps : dict of (str, str) to int
        By station and tag: gaps within channels, summed over them.
    """

    spans: dict[str, list[Span]] = field(default_factory=dict)
    gaps: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def extent(self) -> Span | None:
        """First and last time of all."""
        ends = [span for spans in self.spans.values() for span in spans]
        if not ends:
            return None
        return min(start for start, _ in ends), max(end for _, end in ends)


def gather(reader: Reader, stations: Iterable[str], tags: set[str]) -> Availability:
    """Return when stations have data of the given tags."""
    result = Availability()
    for station in stations:
        by_channel: dict[tuple[str, str], list[Span]] = {}
        try:
            names = reader.names(station)
        except ASDFPipelineError:
            names = []  # its unit failed for it, with the reason
        for name in names:
            try:
                parts = TraceName.parse(name)
                span = (_time(parts.start), _time(parts.end))
            except (TraceError, ValueError):
                continue
            if parts.tag in tags:
                channel = f"{parts.location}.{parts.channel}"
                by_channel.setdefault((parts.tag, channel), []).append(span)
        everything: list[Span] = []
        for (tag, _), spans in by_channel.items():
            joined = join(spans)
            everything += joined
            key = (station, tag)
            result.gaps[key] = result.gaps.get(key, 0) + len(joined) - 1
        if everything:
            result.spans[station] = join(everything)
    return result


def join(spans: Sequence[Span], tolerance: int = _TOLERANCE) -> list[Span]:
    """Return spans in order, those joined that overlap or nearly touch."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start - joined[-1][1] <= tolerance:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def drawable(spans: Sequence[Span], extent: Span, least: float) -> list[Span]:
    """Return spans as they are to be drawn: no span and no gap is too small to see.

    Parameters
    ----------
    least : float
        Smallest share of the extent that can be seen.
    """
    small = max(int((extent[1] - extent[0]) * least), 1)
    shown: list[Span] = []
    for start, end in spans:
        if shown and start - shown[-1][1] < small:
            # Widen the gap into what lies behind it, if that leaves something.
            start = shown[-1][1] + small
            if end - start < small:
                shown[-1] = (shown[-1][0], max(end, shown[-1][1]))
                continue
        shown.append((min(start, extent[1] - small), max(end, start + small)))
    return shown


def coverage(
    spans: dict[str, list[Span]], stations: Sequence[str], extent: Span, bins: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the share of each time bin that each station has data for.

    Returns
    -------
    numpy.ndarray, shape (stations, bins)
        From 0 to 1.
    """
    share = np.zeros((len(stations), bins))
    width = max((extent[1] - extent[0]) / bins, 1.0)
    for row, station in enumerate(stations):
        for start, end in spans.get(station, ()):
            low = (start - extent[0]) / width
            high = max((end - extent[0]) / width, low + 1e-9)
            first, last = min(int(low), bins - 1), min(int(high), bins - 1)
            if first == last:
                share[row, first] += high - low
            else:
                share[row, first] += first + 1 - low
                share[row, first + 1 : last] = 1
                share[row, last] += high - last
    return np.minimum(share, 1.0)
