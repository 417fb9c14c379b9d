"""The formats that are written: what each can hold, and samples made to fit.

Each takes network, station, location and channel code, as GSE2 does without location.
Formats that lose more (WAV, SEG-Y, SU, SH) are not offered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.errors import CallError, SampleTypeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import obspy

_STEIM2_LARGEST = 2**29  # a difference has 30 bits
_INTEGERS, _FLOATS = ("i2", "i4", "i8"), ("f4", "f8")


@dataclass(frozen=True, slots=True)
class Format:
    """A format that ObsPy writes and reads.

    Attributes
    ----------
    name : str
        ObsPy's name of it.
    several : bool
        Whether a file may hold several traces.
    instead : mapping of str to tuple of str
        Types of samples that it does not have, and those that are tried in their
        place, the widest last.
    """

    name: str
    several: bool
    instead: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


FORMATS = {
    # ObsPy reads miniSEED's INT16 as int32; miniSEED has no integers of 64 bits.
    "mseed": Format("MSEED", True, {"i2": ("i4",), "i8": ("i4", "f8")}),
    "sac": Format("SAC", False, dict.fromkeys((*_INTEGERS, "f8"), ("f4",))),
    "gse2": Format("GSE2", True, dict.fromkeys(("i2", "i8", *_FLOATS), ("i4",))),
    "slist": Format("SLIST", True),
    "tspair": Format("TSPAIR", True),
}
"""By the name that a call gives."""


def format_named(name: str) -> Format:
    """Return a format.

    Raises
    ------
    CallError
        If there is none of that name.
    """
    found = FORMATS.get(name.lower())
    if found is None:
        msg = f"format {name!r}: expected {', '.join(FORMATS)}"
        raise CallError(msg)
    return found


def fit(trace: obspy.Trace, form: Format, lossy: bool) -> np.ndarray[Any, Any]:
    """Return a trace's samples in a type that a format has.

    Parameters
    ----------
    trace : obspy.Trace
        The trace.
    form : Format
        The format.
    lossy : bool
        Whether samples may be rounded; if not, each keeps its value.

    Raises
    ------
    SampleTypeError
        If they do not fit.
    """
    data: np.ndarray[Any, Any]
    data = trace.data.astype(trace.data.dtype.newbyteorder("="), copy=False)
    types = form.instead.get(data.dtype.str[1:])
    if types is None:
        return np.ascontiguousarray(data)
    for name in types:
        with np.errstate(over="ignore", invalid="ignore"):
            converted = data.astype(name)
            back = converted.astype(data.dtype)
        if np.array_equal(back, data, equal_nan=data.dtype.kind == "f"):
            return converted
    target = np.dtype(types[-1])
    if lossy and target.kind == "f":
        return data.astype(target)
    if lossy and np.all(np.isfinite(data)):
        rounded = np.rint(data)
        limits = np.iinfo(target)
        if rounded.min() >= limits.min and rounded.max() <= limits.max:
            fitting: np.ndarray[Any, Any] = rounded.astype(target)
            return fitting
    said = "" if lossy else "; with --lossy (lossy) they are rounded"
    msg = (
        f"trace {trace.id}: {form.name} has no {data.dtype}, and its samples are not "
        f"all values of {target}{said}"
    )
    raise SampleTypeError(msg)


def mseed_encoding(data: np.ndarray[Any, Any]) -> str:
    """Return the encoding of a trace in miniSEED: what compresses, if it can."""
    if data.dtype.kind == "f":
        return "FLOAT32" if data.dtype.itemsize == 4 else "FLOAT64"
    if not data.size or max(-int(data.min()), int(data.max())) < _STEIM2_LARGEST // 2:
        return "STEIM2"
    wide = np.diff(data.astype(np.int64), prepend=0)  # the first one's is from 0
    return "INT32" if np.abs(wide).max() >= _STEIM2_LARGEST else "STEIM2"
