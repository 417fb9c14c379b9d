"""A file of waveforms: what it should hold, and which of its traces are wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asdf_pipeline.container.traces import indices_between, offset
from asdf_pipeline.errors import InputError
from asdf_pipeline.stage.layouts import matches
from asdf_pipeline.times import utc

if TYPE_CHECKING:
    import obspy

    from asdf_pipeline.stage.remote import Place


@dataclass(frozen=True, slots=True)
class WaveformFile:
    """A file of waveforms that is to be staged.

    Attributes
    ----------
    path : pathlib.Path or RemoteFile
        Where it is; perhaps packed.
    codes : tuple of (str or None)
        Network, station, location and channel that its place in an archive says it
        holds; None for what it does not say.
    patterns : tuple of str
        Of these codes, for those that its place does not say (see `layouts.matches`).
    window : (int, int) or None
        First and last time in ns since 1970 that are wanted of it; None for all.
    samples : int
        How many its headers claim of the station that it is staged for.
    span : (int, int) or None
        First and last ns since 1970 of the days that its place says it is of, where
        place and codes are all that is looked at before it is read; None for a file
        whose headers are.
    """

    path: Place
    codes: tuple[str | None, ...] = (None,) * 4
    patterns: tuple[str, ...] = ("*",) * 4
    window: tuple[int, int] | None = None
    samples: int = 0
    span: tuple[int, int] | None = None

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


def station_of(trace: obspy.Trace) -> str:
    """Return ``"NET.STA"`` of a trace."""
    return f"{trace.stats.network}.{trace.stats.station}"


def no_waveform(trace: obspy.Trace) -> str:
    """Return why a trace is no waveform, empty if it is one; its header may tell."""
    encoding = trace.stats.get("mseed", {}).get("encoding")
    if encoding == "ASCII" or trace.data.dtype.kind in "SU":
        return "is text (a log channel)"
    return "" if trace.stats.npts else "has no samples"
