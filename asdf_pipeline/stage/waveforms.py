"""The traces of one station from the files that hold them, each counted once."""

from __future__ import annotations

import logging
import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import obspy

from asdf_pipeline.container.encoded import EncodedTrace
from asdf_pipeline.container.product import encode_stream
from asdf_pipeline.container.traces import indices_between, offset
from asdf_pipeline.errors import InputError, TraceError
from asdf_pipeline.stage.layouts import matches
from asdf_pipeline.times import utc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


@dataclass(frozen=True, slots=True)
class WaveformFile:
    """A file of waveforms that is to be staged.

    Attributes
    ----------
    path : pathlib.Path
        The file, perhaps packed.
    codes : tuple of (str or None)
        Network, station, location and channel that its place in an archive says it
        holds; None for what it does not say.
    patterns : tuple of str
        Of these codes, for those that its place does not say (see `layouts.matches`).
    window : (int, int) or None
        First and last time in ns since 1970 that are wanted of it; None for all.
    samples : int
        How many its headers claim of the station that it is staged for.
    """

    path: Path
    codes: tuple[str | None, ...] = (None,) * 4
    patterns: tuple[str, ...] = ("*",) * 4
    window: tuple[int, int] | None = None
    samples: int = 0

    def wanted(self, trace: obspy.Trace) -> obspy.Trace | None:
        """Return what is wanted of a trace, or of its header; None for nothing."""
        codes = zip(_codes(trace), self.codes, self.patterns, strict=True)
        if any(said is None and not matches(code, one) for code, said, one in codes):
            return None
        return trace if self.window is None else cut(trace, self.window)

    def check(self, trace: obspy.Trace, source_name: str) -> str:
        """Return what a trace is that the file should not hold, empty if it should.

        Raises
        ------
        InputError
            If it is another station's.
        """
        codes = _codes(trace)
        if all(
            expected in (None, code)
            for expected, code in zip(self.codes, codes, strict=True)
        ):
            return ""
        expected = ".".join("*" if code is None else code for code in self.codes)
        if any(
            expected not in (None, code)
            for expected, code in zip(self.codes[:2], codes[:2], strict=True)
        ):
            msg = (
                f"{source_name}: holds {trace.id}, where its place in the archive says "
                f"{expected}: it is misplaced: move it, or leave it out"
            )
            raise InputError(msg)
        return f"where its place in the archive says {expected}"


def _codes(trace: obspy.Trace) -> tuple[str, str, str, str]:
    stats = trace.stats
    return stats.network, stats.station, stats.location, stats.channel


def cut(trace: obspy.Trace, window: tuple[int, int]) -> obspy.Trace | None:
    """Return a trace, changed in place, with its samples within two times.

    By integers: ObsPy's trim rounds a sample at midnight into both days.

    Parameters
    ----------
    trace : obspy.Trace
        Its samples may not have been read.
    window : (int, int)
        First and last time in ns since 1970.

    Returns
    -------
    obspy.Trace or None
        None where there is no sample.
    """
    start, rate = trace.stats.starttime.ns, trace.stats.sampling_rate
    if not 0 < rate < math.inf:
        return trace  # refused where it is encoded
    begin, end = indices_between(start, rate, trace.stats.npts, window)
    if begin == end:
        return None
    if trace.data.size:
        trace.data = trace.data[begin:end]
    else:
        trace.stats.npts = end - begin
    trace.stats.starttime = utc(start + offset(begin, rate))
    return trace


class TraceCollector:
    """The traces of a station's files, each kept once and under one name.

    Trace names hold times cut to seconds. Traces of one channel that start and end
    in the same seconds share a name, and then all of them get the form with
    nanoseconds.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, dict[tuple[int, int], tuple[EncodedTrace, str]]] = {}

    def add(self, trace: EncodedTrace, source_name: str) -> None:
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
            If another file holds the same trace with different samples.
        """
        header = trace.header
        name = header.name(fraction=False)
        span = (header.starttime, header.endtime)
        known = self._by_name.setdefault(name, {})
        if span not in known:
            known[span] = (trace, source_name)
            return
        kept, other = known[span]
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
            replace(trace, name=trace.header.name(fraction=len(known) > 1))
            for known in self._by_name.values()
            for trace, _ in known.values()
        ]
        return tuple(sorted(kept, key=lambda trace: trace.name))


def station_of(trace: obspy.Trace) -> str:
    """Return ``"NET.STA"`` of a trace."""
    return f"{trace.stats.network}.{trace.stats.station}"


def no_waveform(trace: obspy.Trace) -> str:
    """Return why a trace is no waveform, empty if it is one; its header may tell."""
    encoding = trace.stats.get("mseed", {}).get("encoding")
    if encoding == "ASCII" or trace.data.dtype.kind in "SU":
        return "is text (a log channel)"
    return "" if trace.stats.npts else "has no samples"


def calib_of(trace: obspy.Trace) -> float:
    """Return the factor by which ObsPy would calibrate a trace; 1 for none."""
    calib = float(trace.stats.calib)
    return calib if calib and math.isfinite(calib) else 1.0


def calibrates(trace: obspy.Trace) -> bool:
    """Return whether a trace's factor makes physical units of its samples.

    SAC's does not: ObsPy takes SCALE for it, which data centres fill with the
    sensitivity, by which one would divide.
    """
    return calib_of(trace) != 1 and "sac" not in trace.stats


def calibrate(trace: obspy.Trace) -> None:
    """Multiply a trace's samples by its factor; they become float64."""
    if calibrates(trace):
        trace.data = trace.data * calib_of(trace)


def say_calib(trace: obspy.Trace, applied: bool) -> str:
    """Return what becomes of a trace's factor, for the log; empty where it has none."""
    if calib_of(trace) == 1:
        return ""
    what = f"{trace.id}: the factor calib {calib_of(trace):g} of its header"
    if not calibrates(trace):
        return f"{what} (SAC's SCALE) is not kept"
    if applied:
        return f"{what} is applied: samples are multiplied by it"
    return f"{what} is not kept; --apply-calib multiplies the samples by it"


class Tally:
    """Counts what is said of many traces, so that each thing is one log line."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def add(self, said: str, source_name: str) -> None:
        """Count something said of a trace of a file."""
        self._counts[said] += 1
        self._first.setdefault(said, source_name)

    def log(self, level: int) -> None:
        """Log what was said, each with the first file and how often."""
        for said, count in self._counts.items():
            times = "" if count == 1 else f" ({count} times, here first)"
            _LOGGER.log(level, "%s: %s%s", self._first[said], said, times)


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
        if station_of(trace) != station:
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
