"""A sample of stations before and after: envelopes and spectra, failures first."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.container.names import tag_of
from asdf_pipeline.errors import ASDFPipelineError
from asdf_pipeline.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.container.traces import TraceHeader
    from asdf_pipeline.plan.outcome import Outcome

    Samples = np.ndarray[Any, Any]

BINS = 400
"""Columns of an envelope: about as many as a screen shows."""
_CHANNELS = 3
_LARGEST = 4_000_000  # samples of a channel that are read, from its first on


@dataclass(frozen=True)
class Curve:
    """A trace, small enough to draw: least and largest sample in columns of time.

    Attributes
    ----------
    start, end : int
        In ns since 1970.
    low, high : numpy.ndarray, shape (columns,)
        Equal where the trace has few samples, which are then the columns.
    """

    start: int
    end: int
    low: Samples
    high: Samples

    @property
    def is_envelope(self) -> bool:
        """Whether columns stand for several samples."""
        return self.low is not self.high


@dataclass
class Recording:
    """One channel of one tag.

    Attributes
    ----------
    curves : list of Curve
        Its traces in order of time, their mean removed.
    peak : float
        Largest absolute sample after that.
    rate : float
        Sampling rate in Hz.
    frequencies, level : numpy.ndarray
        Amplitude spectrum in dB relative to its largest value.
    """

    curves: list[Curve] = field(default_factory=list)
    peak: float = 0.0
    rate: float = 0.0
    frequencies: Samples = field(default_factory=lambda: np.empty(0))
    level: Samples = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Panel:
    """One channel before and after; None where there is nothing."""

    channel: str
    before: Recording | None
    after: Recording | None


@dataclass(frozen=True)
class Example:
    """One station of the sample."""

    outcome: Outcome
    reason: str
    panels: list[Panel]


def choose(
    outcomes: Sequence[Outcome], count: int, strange: Collection[str] = ()
) -> list[tuple[Outcome, str]]:
    """Return the units to show, and why: failures first, then what stands out.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Sorted by unit.
    count : int
        How many.
    strange : collection of str
        Stations whose amplitudes stand out.
    """
    kinds = (
        ("failed", [o for o in outcomes if o.status == "failed"], count // 2),
        ("nothing written", [o for o in outcomes if o.status == "empty"], count // 6),
        (
            "amplitude stands out",
            [o for o in outcomes if o.status == "ok" and o.station in strange],
            count // 4,
        ),
    )
    chosen = [(o, why) for why, some, most in kinds for o in _spread(some, most)]
    good = [o for o in outcomes if o.status == "ok" and o.station not in strange]
    return chosen + [(o, "") for o in _spread(good, count - len(chosen))]


def _spread(outcomes: Sequence[Outcome], count: int) -> list[Outcome]:
    """Return so many of them, evenly from the first to the last."""
    if len(outcomes) <= count:
        return list(outcomes)
    return [outcomes[k * len(outcomes) // count] for k in range(count)]


def gather(
    chosen: Sequence[tuple[Outcome, str]], source: Reader, output: Reader | None
) -> list[Example]:
    """Return the examples, read from the input and the output."""
    return [
        Example(outcome, reason, _panels(outcome, source, output))
        for outcome, reason in chosen
    ]


def _panels(outcome: Outcome, source: Reader, output: Reader | None) -> list[Panel]:
    before = _record(source, outcome.station, outcome.input_tag, outcome.window)
    after: dict[str, Recording] = {}
    if output is not None and outcome.status == "ok":
        after = _record(output, outcome.station, outcome.output_tag, outcome.window)
    # The vertical first, as people read them.
    codes = sorted({*before, *after}, key=lambda code: (code[-1] != "Z", code))
    return [
        Panel(code, before.get(code), after.get(code)) for code in codes[:_CHANNELS]
    ]


def _record(
    reader: Reader, station: str, tag: str, window: tuple[int, int] | None
) -> dict[str, Recording]:
    """Return a station's recordings by channel; what cannot be read is left out."""
    recordings: dict[str, Recording] = {}
    longest: dict[str, tuple[TraceHeader, Samples]] = {}
    starts: dict[str, int] = {}
    # What cannot be read made its unit fail, and the page says so.
    with contextlib.suppress(ASDFPipelineError):
        for name in reader.names(station):
            if tag_of(name) != tag:
                continue
            header = reader.header(station, name)
            code = f"{header.location}.{header.channel}"
            first = starts.setdefault(code, header.starttime)
            most = int(_LARGEST / header.sampling_rate * SECOND)
            header, raw = reader.trace(station, name, window or (first, first + most))
            if not header.npts:
                continue
            data = np.nan_to_num(np.asarray(raw, np.float64))
            data -= data.mean()
            recording = recordings.setdefault(code, Recording())
            recording.curves.append(envelope(header, data))
            recording.peak = max(recording.peak, float(np.abs(data).max()))
            recording.rate = header.sampling_rate
            if code not in longest or len(data) > len(longest[code][1]):
                longest[code] = (header, data)
    for code, (header, data) in longest.items():
        found = spectrum(data, header.sampling_rate)
        recordings[code].frequencies, recordings[code].level = found
    return recordings


def envelope(header: TraceHeader, data: Samples, bins: int = BINS) -> Curve:
    """Return a trace as least and largest sample of at most so many columns."""
    if len(data) <= 2 * bins:
        return Curve(header.starttime, header.endtime, data, data)
    edges = np.linspace(0, len(data), bins + 1).astype(int)[:-1]
    return Curve(
        header.starttime,
        header.endtime,
        np.minimum.reduceat(data, edges),
        np.maximum.reduceat(data, edges),
    )


def spectrum(data: Samples, rate: float, points: int = 110) -> tuple[Samples, Samples]:
    """Return a trace's amplitude spectrum, averaged in bins of equal log width.

    Returns
    -------
    numpy.ndarray, numpy.ndarray
        Frequency in Hz, and level in dB relative to the largest; both empty for a
        trace that is too short or constant.
    """
    size = min(len(data), 1 << 16)
    if size < 32 or not np.ptp(data) > 0:
        return np.empty(0), np.empty(0)
    # Segments of an eighth: smooth, and still reaching down to long periods.
    segment = max(32, 1 << int(np.log2(max(len(data) // 8, 32))))
    frequency, power = welch(data, rate, min(segment, size))
    edges = np.geomspace(frequency[0] * 0.999, frequency[-1] * 1.001, points + 1)
    index = np.digitize(frequency, edges) - 1
    counts = np.bincount(index, minlength=points)
    sums = np.bincount(index, power, minlength=points)
    there = counts > 0
    mean = sums[there] / counts[there]
    centre = np.sqrt(edges[:-1] * edges[1:])[there]
    largest = mean.max()
    if not largest > 0:
        return np.empty(0), np.empty(0)
    level = 10 * np.log10(np.maximum(mean / largest, 1e-16))
    return centre, level


def welch(data: Samples, rate: float, segment: int) -> tuple[Samples, Samples]:
    """Return the power spectrum of a trace by Welch's method.

    As `scipy.signal.welch` with ``detrend="linear"``, whose import takes over a second
    of CPU (SciPy 1.17): more than all else that a page of three stations needs.

    Parameters
    ----------
    data : numpy.ndarray, shape (n,)
        At least `segment` samples.
    rate : float
        Sampling rate in Hz.
    segment : int
        Samples of a segment, even; neighbours overlap by half.

    Returns
    -------
    frequency, power : numpy.ndarray, shape (segment // 2,)
        In Hz, without zero, and in the square of the data's unit per Hz.
    """
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(segment) / segment)  # Hann
    slope = np.arange(segment) - (segment - 1) / 2
    total = np.zeros(segment // 2)
    starts = range(0, len(data) - segment + 1, segment // 2)
    for start in starts:
        part = data[start : start + segment]
        part = part - part.mean() - slope * (slope @ part / (slope @ slope))
        total += np.abs(np.fft.rfft(part * window)[1:]) ** 2
    total[:-1] *= 2  # negative frequencies; Nyquist's has none
    frequency = np.fft.rfftfreq(segment, 1 / rate)[1:]
    return frequency, total / (len(starts) * rate * (window @ window))
