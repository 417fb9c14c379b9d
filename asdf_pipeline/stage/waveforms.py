"""The traces of one station from the files that hold them, each counted once."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import obspy

from asdf_pipeline.container.encoded import EncodedTrace
from asdf_pipeline.container.product import encode_stream
from asdf_pipeline.errors import InputError, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asdf_pipeline.container.codec import Encoding

_LOGGER = logging.getLogger(__name__)

# What ASDF has no type for, and the type that holds the same values exactly.
_WIDER = {
    np.dtype(narrow): np.dtype(wide)
    for narrow, wide in (
        ("int8", "int16"),
        ("uint8", "int16"),
        ("uint16", "int32"),
        ("uint32", "int64"),
        ("float16", "float32"),
    )
}


class TraceCollector:
    """Which traces the files claim, so that each is kept once and under one name.

    Trace names hold times cut to seconds. Traces of one channel that start and end
    in the same seconds share a name, and then all of them get the form with
    nanoseconds.
    """

    def __init__(self) -> None:
        self._claims: dict[str, dict[tuple[int, int], tuple[EncodedTrace, str]]] = {}

    def admit(self, trace: EncodedTrace, source_name: str) -> None:
        """Keep a trace, unless it is there already.

        Parameters
        ----------
        trace : EncodedTrace
            A trace.
        source_name : str
            The file that it is from.

        Raises
        ------
        InputError
            If another file claims the same trace with different samples.
        """
        header = trace.header
        name = header.name(fraction=False)
        span = (header.starttime, header.endtime)
        claims = self._claims.setdefault(name, {})
        if span not in claims:
            claims[span] = (trace, source_name)
            return
        kept, other = claims[span]
        if kept.digest != trace.digest:
            msg = (
                f"{other} and {source_name}: both hold the trace {name}, "
                "with different samples: leave one of them out"
            )
            raise InputError(msg)
        _LOGGER.info("%s: %s is in %s too: counted once", source_name, name, other)

    def traces(self) -> tuple[EncodedTrace, ...]:
        """Return what was kept, sorted by name."""
        kept = [
            replace(trace, name=trace.header.name(fraction=len(claims) > 1))
            for claims in self._claims.values()
            for trace, _ in claims.values()
        ]
        return tuple(sorted(kept, key=lambda trace: trace.name))


def no_waveform(trace: obspy.Trace) -> str:
    """Return why a trace is no waveform, empty if it is one; its header may tell."""
    encoding = trace.stats.get("mseed", {}).get("encoding")
    if encoding == "ASCII" or trace.data.dtype.kind in "SU":
        return "is text (a log channel)"
    return "" if trace.stats.npts else "has no samples"


class LeftOut:
    """Counts the traces that are no waveforms, for one log line a channel."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], str] = {}

    def add(self, channel: str, why: str, source_name: str) -> None:
        """Count a trace.

        Parameters
        ----------
        channel : str
            The trace's id.
        why : str
            What `no_waveform` said of it.
        source_name : str
            The file that it is from.
        """
        self._counts[channel, why] += 1
        self._first.setdefault((channel, why), source_name)

    def say(self) -> None:
        """Log what was counted."""
        for (channel, why), count in self._counts.items():
            _LOGGER.info(
                "%s: %s %s: left out (%s)",
                self._first[channel, why],
                channel,
                why,
                "1 piece" if count == 1 else f"{count} pieces, this file's the first",
            )


def encoded(
    stream: obspy.Stream, source_name: str, station: str, tag: str, encoding: Encoding
) -> Iterator[EncodedTrace]:
    """Yield a station's traces of what was read from one file.

    Parameters
    ----------
    stream : obspy.Stream
        What the file holds; other stations' traces are passed over.
    source_name : str
        The file's name, for log lines and errors.
    station : str
        ``"NET.STA"``.
    tag : str
        The tag of all traces.
    encoding : Encoding
        How to store them.

    Raises
    ------
    InputError
        If a trace is what no ASDF file can hold.
    """
    for trace in stream:
        of_station = f"{trace.stats.network}.{trace.stats.station}" == station
        if not of_station or no_waveform(trace):
            continue
        if (wider := _WIDER.get(trace.data.dtype.newbyteorder("="))) is not None:
            trace.data = trace.data.astype(wider)
        try:
            yield from encode_stream(obspy.Stream([trace]), station, tag, encoding)
        except TraceError as error:
            text = str(error)
            trouble = text if trace.id in text else f"trace {trace.id}: {text}"
            msg = f"{source_name}: {trouble}"
            raise InputError(msg) from error
