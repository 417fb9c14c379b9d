"""Times as this package has them: whole nanoseconds since 1970 (UTC), an `int`.

Nothing goes through a float: a float of seconds is up to 128 ns wrong today, which
is how other readers of ASDF lose nanoseconds.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from asdf_pipeline.errors import CallError

if TYPE_CHECKING:
    from obspy import UTCDateTime

SECOND = 1_000_000_000
"""Nanoseconds in a second."""
ALWAYS = (-(2**63), 2**63 - 1)
"""First and last time that a trace may have: what an int64 of nanoseconds holds."""
TOLERANCE = 500
"""Nanoseconds by which a wanted time may miss a sample and still mean it.

Floats of seconds since 1970 and texts to the microsecond, which is how people write
times, are up to half a microsecond off; the fastest recorders sample every 100.
"""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - all times are UTC
_ISO = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z?", re.ASCII)
_DURATION = re.compile(r"\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*([a-z]*)\s*", re.ASCII)
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def iso_text(time: int, fraction: bool = False) -> str:
    """Return a time as ISO 8601 text: ``"2009-08-24T00:20:03"``.

    Parameters
    ----------
    time : int
        In ns since 1970.
    fraction : bool
        With nine digits of fraction; else cut to the second.
    """
    seconds, rest = divmod(time, SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()
    return f"{text}.{rest:09d}" if fraction else text


def iso_ns(text: str) -> int:
    """Return the time that `iso_text` wrote, in ns since 1970.

    Parameters
    ----------
    text : str
        Day and time to the second, with up to nine digits of fraction; a ``Z`` at
        its end changes nothing.

    Raises
    ------
    ValueError
        If it is of another form, or there is no such day or hour.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        msg = f"{text!r} is not a time such as 2024-01-31T12:00:00"
        raise ValueError(msg)
    return calendar_ns(datetime.fromisoformat(match[1])) + int(
        (match[2] or "").ljust(9, "0")
    )


def calendar(time: int) -> datetime:
    """Return a time in ns since 1970 as date and clock in UTC, cut to the second."""
    return _EPOCH + timedelta(seconds=time // SECOND)


def calendar_ns(moment: datetime) -> int:
    """Return the ns since 1970 of what `calendar` returned, cut to the second."""
    return (moment - _EPOCH) // timedelta(seconds=1) * SECOND


def utc(time: int) -> UTCDateTime:
    """Return a time in ns since 1970 as ObsPy has it; its ``ns`` gives it back."""
    from obspy import UTCDateTime

    return UTCDateTime(ns=time)


def utc_ns(text: str) -> int:
    """Return a time in any form that ObsPy reads, in ns since 1970.

    ObsPy 1.5 rounds the fraction of a text to microseconds: where it stands there
    in ISO 8601, it is read exactly.

    Raises
    ------
    TypeError, ValueError
        If it is none.
    """
    from obspy import UTCDateTime

    return iso_ns(text) if _ISO.fullmatch(text) else int(UTCDateTime(text).ns)


def duration_ns(text: str | float) -> int:
    """Return a duration such as ``"1d"``, ``"6h"``, ``"90 s"`` or ``30`` in ns.

    Raises
    ------
    CallError
        If it is none.
    """
    match = _DURATION.fullmatch(str(text))
    if match is not None and (match[2] or "s") in _UNITS:
        length = float(match[1]) * _UNITS[match[2] or "s"] * SECOND
        if math.isfinite(length):
            return round(length)
    msg = f"{text!r} is no duration: expected such as 1d, 6h, 30 min, 90 s"
    raise CallError(msg)
