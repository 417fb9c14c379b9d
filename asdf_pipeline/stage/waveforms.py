"""The traces of one station from the files that hold them, each counted once."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import obspy

from asdf_pipeline.container.encoded import EncodedTrace
from asdf_pipeline.container.product import encode_stream
from asdf_pipeline.errors import InputError, TraceError
from asdf_pipeline.stage.waveform_file import station_of

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
    """The traces of a station's files, each kept once and under one name.

    Trace names hold times cut to seconds. Traces of one channel that start and end
    in the same seconds share a name, and then all of them get the form with
    nanoseconds.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, dict[tuple[int, int], tuple[EncodedTrace, str]]] = {}

    def add(self, trace: EncodedTrace, source_name: str) -> bool:
        """Keep a trace, unless it is there already; return whether it was kept.

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
            return True
        kept, other = known[span]
        if kept.digest != trace.digest:
            msg = (
                f"{other} and {source_name}: both hold the trace {name}, "
                "with different samples: leave one of them out"
            )
            raise InputError(msg)
        _LOGGER.info("%s: %s is in %s too: counted once", source_name, name, other)
        return False

    def traces(self) -> tuple[EncodedTrace, ...]:
        """Return what was kept, sorted by name."""
        kept = [
            replace(trace, name=trace.header.name(fraction=len(known) > 1))
            for known in self._by_name.values()
            for trace, _ in known.values()
        ]
        return tuple(sorted(kept, key=lambda trace: trace.name))


def encoded(
    trace: obspy.Trace, source_name: str, station: str, tag: str, encoding: Encoding
) -> Iterator[EncodedTrace]:
    """Yield what a trace that was read from a file gives: several where it has gaps.

    Parameters
    ----------
    trace : obspy.Trace
        Another station's gives nothing.
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
    if station_of(trace) != station:
        return
    if (wider := _WIDER.get(trace.data.dtype.newbyteorder("="))) is not None:
        trace.data = trace.data.astype(wider)
    try:
        yield from encode_stream(obspy.Stream([trace]), station, tag, encoding)
    except TraceError as error:
        text = str(error)
        trouble = text if trace.id in text else f"trace {trace.id}: {text}"
        msg = f"{source_name}: {trouble}"
        raise InputError(msg) from error
