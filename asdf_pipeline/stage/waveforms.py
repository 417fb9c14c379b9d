"""Waveform files to the traces of an ASDF file, each trace counted once."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import obspy

from asdf_pipeline.container.codec import COMPRESSED
from asdf_pipeline.container.names import trace_name
from asdf_pipeline.container.product import EncodedTrace, Product, encode_stream
from asdf_pipeline.errors import InputError, TraceError
from asdf_pipeline.stage.files import unpacked
from asdf_pipeline.stage.formats import read_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Set
    from pathlib import Path

    from asdf_pipeline.container.traces import TraceHeader
    from asdf_pipeline.container.writer import Writer

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


class Claims:
    """Which traces the files claim, so that each is written once and under one name.

    Trace names hold times cut to seconds. Two traces of one channel that start and
    end in the same seconds share a name, and then both get the form with
    nanoseconds. That a name is shared may show only after the first trace was
    written: then `crowded` holds more names than were known at the start, and all
    has to be written again with them.

    Parameters
    ----------
    crowded : set of str
        The shared names known from an earlier round.

    Attributes
    ----------
    crowded : set of str
        All shared names met so far.
    traces, samples : int
        How many were admitted.
    stations : set of str
        Of the traces that were admitted.
    """

    def __init__(self, crowded: Set[str] = frozenset()) -> None:
        self._known = frozenset(crowded)
        self._claims: dict[str, dict[tuple[int, int], tuple[str, str]]] = {}
        self.crowded = set(crowded)
        self.traces = 0
        self.samples = 0
        self.stations: set[str] = set()

    @property
    def complete(self) -> bool:
        """Whether every shared name was known before anything was written."""
        return self.crowded == self._known

    def admit(self, trace: EncodedTrace, shown: str) -> EncodedTrace | None:
        """Return the trace under the name to write it, None if it is there already.

        Parameters
        ----------
        trace : EncodedTrace
            A trace.
        shown : str
            The file that it is from.

        Raises
        ------
        InputError
            If another file claims the same trace with different samples.
        """
        header = trace.header
        name = _name(header, fraction=False)
        span = (header.starttime, header.endtime)
        claims = self._claims.setdefault(name, {})
        if span in claims:
            digest, other = claims[span]
            if digest != trace.digest:
                msg = (
                    f"{other} and {shown}: both hold the trace {name}, "
                    "with different samples: leave one of them out"
                )
                raise InputError(msg)
            _LOGGER.info("%s: %s is in %s too: counted once", shown, name, other)
            return None
        claims[span] = (trace.digest, shown)
        self.traces += 1
        self.samples += header.npts
        self.stations.add(header.station_name)
        if len(claims) > 1:
            self.crowded.add(name)
        if name in self.crowded:
            name = _name(header, fraction=True)
        return replace(trace, name=name)


def write_waveforms(
    writer: Writer, files: Iterable[Path], tag: str, claims: Claims
) -> None:
    """Write the traces of all files, file by file.

    Parameters
    ----------
    writer : Writer
        The open output.
    files : iterable of pathlib.Path
        In any format that ObsPy reads, packed or not.
    tag : str
        The tag of all traces.
    claims : Claims
        What is known of the names; if it is not `complete` afterwards, the output
        is to be thrown away and written again.

    Raises
    ------
    InputError
        If a file cannot be read, holds what no ASDF file can hold, or claims a
        trace that another file claims with different samples.
    """
    for path in files:
        with unpacked(path) as members:
            for member in members:
                shown = str(path) if member == path else f"{path}, {member.name}"
                admitted: dict[str, list[EncodedTrace]] = {}
                for trace in _read_traces(member, shown, tag):
                    if (named := claims.admit(trace, shown)) is not None:
                        station = named.header.station_name
                        admitted.setdefault(station, []).append(named)
                if claims.complete:
                    for station, traces in admitted.items():
                        writer.write(Product(station, tag, tuple(traces), None))


def _read_traces(path: Path, shown: str, tag: str) -> Iterator[EncodedTrace]:
    """Yield the traces of one file, encoded."""
    stream, _ = read_file("waveform", path, shown)
    left_out: Counter[str] = Counter()
    for trace in stream:
        if trace.data.dtype.kind in "SU":
            left_out[f"{trace.id} is text (a log channel), no waveform"] += 1
            continue
        if not trace.stats.npts:
            left_out[f"{trace.id} has no samples"] += 1
            continue
        if (wider := _WIDER.get(trace.data.dtype.newbyteorder("="))) is not None:
            trace.data = trace.data.astype(wider)
        station = f"{trace.stats.network}.{trace.stats.station}"
        try:
            yield from encode_stream(obspy.Stream([trace]), station, tag, COMPRESSED)
        except TraceError as error:
            text = str(error)
            trouble = text if trace.id in text else f"trace {trace.id}: {text}"
            msg = f"{shown}: {trouble}"
            raise InputError(msg) from error
    for why, count in left_out.items():
        _LOGGER.info("%s: %s: left out (%d pieces)", shown, why, count)


def _name(header: TraceHeader, fraction: bool) -> str:
    return trace_name(
        header.network,
        header.station,
        header.location,
        header.channel,
        header.starttime,
        header.endtime,
        header.tag,
        fraction,
    )
