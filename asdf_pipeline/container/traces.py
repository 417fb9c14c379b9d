"""Trace headers: between ASDF's attributes, exact times and ObsPy's traces."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.container.names import trace_name
from asdf_pipeline.errors import SampleTypeError, TraceError
from asdf_pipeline.times import ALWAYS, SECOND, utc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from obspy import Trace

# Types of samples that the ASDF definition allows (int16 since 1.0.1).
SAMPLE_TYPES = frozenset({"i2", "i4", "i8", "f4", "f8"})
IDS = ("event_id", "origin_id", "magnitude_id", "focal_mechanism_id")


@dataclass(frozen=True, slots=True)
class TraceHeader:
    """What an ASDF file says about a trace, besides its samples.

    Attributes
    ----------
    network, station, location, channel : str
        Codes.
    starttime : int
        Time of the first sample in ns since 1970.
    sampling_rate : float
        In Hz.
    npts : int
        Number of samples.
    dtype : numpy.dtype
        Of the samples, with their byte order.
    tag : str
        Tag.
    event_ids, origin_ids, magnitude_ids, focal_mechanism_ids : tuple of str
        QuakeML resource identifiers that the trace belongs to.
    labels : tuple of str
        Free labels.
    provenance_id : str
        Qualified name of a provenance record, or empty.
    """

    network: str
    station: str
    location: str
    channel: str
    starttime: int
    sampling_rate: float
    npts: int
    dtype: np.dtype[Any]
    tag: str
    event_ids: tuple[str, ...] = ()
    origin_ids: tuple[str, ...] = ()
    magnitude_ids: tuple[str, ...] = ()
    focal_mechanism_ids: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    provenance_id: str = ""

    @property
    def station_name(self) -> str:
        """``"NET.STA"``."""
        return f"{self.network}.{self.station}"

    @property
    def channel_id(self) -> str:
        """``"LOC.CHA"``."""
        return f"{self.location}.{self.channel}"

    @property
    def id(self) -> str:
        """``"NET.STA.LOC.CHA"``."""
        return f"{self.network}.{self.station}.{self.location}.{self.channel}"

    @property
    def endtime(self) -> int:
        """Time of the last sample in ns since 1970, by integers only."""
        return self.starttime + offset(max(self.npts - 1, 0), self.sampling_rate)

    def name(self, *, fraction: bool) -> str:
        """Return the name of the trace's data set (see `trace_name`)."""
        return trace_name(
            self.network,
            self.station,
            self.location,
            self.channel,
            self.starttime,
            self.endtime,
            self.tag,
            fraction,
        )

    def cut(self, begin: int, end: int) -> TraceHeader:
        """Return the header of the samples from `begin` to before `end`."""
        if (begin, end) == (0, self.npts):
            return self
        start = self.starttime + offset(begin, self.sampling_rate)
        return replace(self, starttime=start, npts=end - begin)


def offset(index: int, sampling_rate: float) -> int:
    """Return the time from sample 0 to sample `index` in ns, correctly rounded.

    The rate is taken as the exact fraction that the float is: nothing drifts,
    however long the trace.
    """
    numerator, denominator = sampling_rate.as_integer_ratio()
    quotient, rest = divmod(index * SECOND * denominator, numerator)
    return quotient + (2 * rest > numerator or (2 * rest == numerator and quotient & 1))


def samples_between(
    header: TraceHeader, window: tuple[int, int] | None
) -> tuple[int, int]:
    """Return the range of samples whose times lie in a window.

    Parameters
    ----------
    header : TraceHeader
        The trace.
    window : (int, int) or None
        First and last time in ns since 1970, both included; None for all.

    Returns
    -------
    (int, int)
        Index of the first sample, and of the one behind the last.
    """
    return indices_between(header.starttime, header.sampling_rate, header.npts, window)


def indices_between(
    start: int, rate: float, npts: int, window: tuple[int, int] | None
) -> tuple[int, int]:
    """Return `samples_between` of a trace of that start (ns), rate (Hz) and length."""
    if window is None:
        return 0, npts
    first = _first_not_before(window[0] - start, rate, npts)
    return first, max(first, _first_not_before(window[1] + 1 - start, rate, npts))


def _first_not_before(wanted: int, rate: float, npts: int) -> int:
    """Index of the first sample at or after an offset in ns, at most `npts`."""
    numerator, denominator = rate.as_integer_ratio()
    index = min(max(wanted * numerator // (SECOND * denominator), 0), npts)
    # Times are rounded to ns: the sample may be a neighbour of the estimate.
    while index > 0 and offset(index - 1, rate) >= wanted:
        index -= 1
    while index < npts and offset(index, rate) < wanted:
        index += 1
    return index


def check(header: TraceHeader) -> None:
    """Check what a trace must have to stand in an ASDF file.

    Raises
    ------
    TraceError
        If the type of the samples, the sampling rate or a time is impossible.
    """
    if header.dtype.str[1:] not in SAMPLE_TYPES:
        msg = (
            f"trace {header.id}: samples of type {header.dtype} have no place in an "
            "ASDF file: convert to int16, int32, int64, float32 or float64"
        )
        raise SampleTypeError(msg)
    if not (math.isfinite(header.sampling_rate) and header.sampling_rate > 0):
        msg = f"trace {header.id}: the sampling rate is {header.sampling_rate} Hz"
        raise TraceError(msg)
    if header.starttime < ALWAYS[0] or header.endtime > ALWAYS[1]:
        msg = (
            f"trace {header.id}: starts or ends outside the years 1678 to 2261 "
            f"(sampling rate {header.sampling_rate} Hz, {header.npts} samples)"
        )
        raise TraceError(msg)


def check_version(header: TraceHeader, version: str) -> None:
    """Check that a version of the format has a trace's type of samples.

    Raises
    ------
    SampleTypeError
        If ASDF 1.0.0 should hold int16.
    """
    if version < "1.0.1" and header.dtype.itemsize == 2:
        msg = (
            f"trace {header.id}: ASDF {version} has no int16 samples: convert to int32"
        )
        raise SampleTypeError(msg)


def to_trace(
    header: TraceHeader, data: np.ndarray[Any, Any], format_version: str = "1.0.3"
) -> Trace:
    """Return an ObsPy trace, with ``stats.asdf`` as pyasdf gives it.

    Parameters
    ----------
    header : TraceHeader
        The header.
    data : numpy.ndarray, shape (npts,)
        The samples; not copied.
    format_version : str
        Version of the file that the trace comes from.
    """
    from obspy import Trace
    from obspy.core import AttribDict
    from obspy.core.event import ResourceIdentifier

    details: dict[str, Any] = {"format_version": format_version, "tag": header.tag}
    for name in IDS:
        ids = getattr(header, f"{name}s")
        if ids:
            details[f"{name}s"] = [ResourceIdentifier(id) for id in ids]
    if header.provenance_id:
        details["provenance_id"] = header.provenance_id
    if header.labels:
        details["labels"] = list(header.labels)
    # The order matters: each of the first three makes ObsPy work out the end time.
    stats = {
        "sampling_rate": header.sampling_rate,
        "starttime": utc(header.starttime),
        "npts": data.size,
        "network": header.network,
        "station": header.station,
        "location": header.location,
        "channel": header.channel,
        "_format": "ASDF",
        "asdf": AttribDict(details),
    }
    return Trace(data=data, header=stats)


def from_trace(trace: Trace, tag: str) -> TraceHeader:
    """Return the header of an ObsPy trace.

    Parameters
    ----------
    trace : obspy.Trace
        Its ``stats.asdf``, where there is one, gives ids, labels and provenance id.
    tag : str
        Tag to write it under.

    Raises
    ------
    TraceError
        If it has something that cannot be written: see `check`.
    """
    stats = trace.stats
    details = stats.get("asdf") or {}
    header = TraceHeader(
        str(stats.network),
        str(stats.station),
        str(stats.location),
        str(stats.channel),
        int(stats.starttime.ns),
        float(stats.sampling_rate),
        len(trace.data),
        trace.data.dtype,
        tag,
        labels=_texts(details.get("labels"), "label", trace),
        provenance_id=_text(details.get("provenance_id") or "", "provenance id", trace),
        **{f"{name}s": _texts(details.get(f"{name}s"), name, trace) for name in IDS},
    )
    check(header)
    return header


def _texts(values: Any, name: str, trace: Trace) -> tuple[str, ...]:
    """Ids or labels as text; a single one counts as a list of one."""
    if not values:
        return ()
    from obspy.core.event import ResourceIdentifier

    single = isinstance(values, (str, ResourceIdentifier))
    members: Iterable[Any] = (values,) if single else values
    texts = tuple(str(getattr(member, "id", member)).strip() for member in members)
    for text in texts:
        if "," in text:
            msg = (
                f"trace {trace.id}: {name} {text!r} holds a comma, which separates "
                "entries in an ASDF file"
            )
            raise TraceError(msg)
    return tuple(_text(text, name, trace) for text in texts if text)


def _text(value: Any, name: str, trace: Trace) -> str:
    text = str(value)
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        msg = f"trace {trace.id}: {name} {text!r} cannot be written as UTF-8"
        raise TraceError(msg)
    return text
