"""What of an input is to be done: stations, channels, times; and in which windows."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asdf_pipeline.errors import CallError
from asdf_pipeline.times import ALWAYS, TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asdf_pipeline.container.traces import TraceHeader

SLACK = 1_000
"""Nanoseconds by which a sample may precede a window's start and still be in it: the
times of samples are rounded to 1 ns."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What of an input is to be done; everything by default.

    Attributes
    ----------
    stations, exclude : tuple of str
        Patterns with ``*`` and ``?`` of ``"NET.STA"``: only these, and none of those.
    channels : tuple of str
        Patterns of ``"CHA"`` or ``"LOC.CHA"``; other channels are not read.
    starttime, endtime : int or None
        First and last time in ns since 1970; samples outside are not read, but for
        those that a time misses by no more than half a microsecond.
    limit : int or None
        At most so many stations, in the order of their names.

    Examples
    --------
    >>> from obspy import UTCDateTime
    >>> from asdf_pipeline import Selection
    >>> selection = Selection(
    ...     stations=("BW.*", "GR.FUR"),
    ...     channels=("?HZ",),
    ...     starttime=UTCDateTime("2024-01-31").ns,
    ... )
    >>> [selection.has_station(name) for name in ("BW.RJOB", "GR.WET")]
    [True, False]
    """

    stations: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    starttime: int | None = None
    endtime: int | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        """Refuse a text where several belong: each of its letters would be one."""
        for name in ("stations", "exclude", "channels"):
            if isinstance(getattr(self, name), str):
                msg = f"{name}={getattr(self, name)!r}: expected a tuple of patterns"
                raise CallError(msg)
        for name in ("starttime", "endtime"):
            if not isinstance(getattr(self, name), int | None):
                msg = f"{name}={getattr(self, name)!r}: expected ns since 1970 (.ns)"
                raise CallError(msg)

    def has_station(self, station: str) -> bool:
        """Tell whether a station is wanted, whatever the limit."""
        wanted = not self.stations or _matches(station, self.stations)
        return wanted and not _matches(station, self.exclude)

    def has_trace(self, header: TraceHeader) -> bool:
        """Tell whether a trace's channel is wanted."""
        return self.has_channel(header.location, header.channel)

    def has_channel(self, location: str, channel: str) -> bool:
        """Tell whether a channel is wanted."""
        return not self.channels or any(
            _matches(code, self.channels)
            for code in (
                channel,
                f"{location}.{channel}",
                f"{location.strip()}.{channel}",
            )
        )

    @property
    def times(self) -> tuple[int, int] | None:
        """First and last time of samples to read in ns since 1970; None for all."""
        if self.starttime is None and self.endtime is None:
            return None
        first = ALWAYS[0] if self.starttime is None else self.starttime
        last = ALWAYS[1] if self.endtime is None else self.endtime
        if last < first:
            msg = "the end time of the selection is before its start time"
            raise CallError(msg)
        return first - TOLERANCE, last + TOLERANCE


EVERYTHING = Selection()


def overlap(one: tuple[int, int], other: tuple[int, int] | None) -> tuple[int, int]:
    """Return what of one span of times lies in another too; None is for ever."""
    first, last = other or ALWAYS
    return max(one[0], first), min(one[1], last)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Windows:
    """How long traces are cut: window by window, each with overlap on both sides.

    Attributes
    ----------
    length : int
        Of a window, in ns.
    overlap : int
        What the function gets before and after the window, in ns; it is trimmed
        from what the function returns.
    aligned : {"round", "trace"}
        Whether windows start at multiples of their length since 1970 (days at
        midnight, hours on the hour), or at the station's first sample.
    join : bool
        Whether neighbouring pieces that touch exactly become one trace again.

    Examples
    --------
    Days, of which the function sees ten minutes more on either side:

    >>> from asdf_pipeline import Windows
    >>> second = int(1e9)  # times are in ns
    >>> windows = Windows(length=86_400 * second, overlap=600 * second)
    """

    length: int
    overlap: int = 0
    aligned: str = "round"
    join: bool = True

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.length <= 0 or self.overlap < 0:
            msg = "a window must be longer than 0 s, its overlap not negative"
            raise CallError(msg)
        if self.aligned not in ("round", "trace"):
            msg = f"windows aligned to {self.aligned!r}: expected round or trace"
            raise CallError(msg)

    def over(self, spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Yield the windows that hold samples.

        Parameters
        ----------
        spans : list of (int, int)
            First and last sample of each trace, in ns since 1970.

        Yields
        ------
        (int, int)
            Start, and end (not included), in ns since 1970.
        """
        origin = 0 if self.aligned == "round" else min(first for first, _ in spans)
        done = None
        for first, last in sorted(spans):
            index = (first + SLACK - origin) // self.length
            if done is not None:
                index = max(index, done + 1)
            while (start := origin + index * self.length) - SLACK <= last:
                yield start, start + self.length
                done = index
                index += 1

    def padded(self, window: tuple[int, int]) -> tuple[int, int]:
        """Return first and last time that the function sees of a window, in ns."""
        start, end = window
        return start - self.overlap - SLACK, end + self.overlap - SLACK - 1

    @staticmethod
    def kept(window: tuple[int, int]) -> tuple[int, int]:
        """Return first and last time of what is kept of its result, in ns."""
        return window[0] - SLACK, window[1] - SLACK - 1
