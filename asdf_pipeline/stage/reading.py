"""Reading a file's waveforms for a station: checked, and cut to what is wanted.

A file that holds several stations is kept while the others may be asked for.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from obspy import Stream, Trace

from asdf_pipeline.errors import InputError
from asdf_pipeline.stage.ahead import Downloads
from asdf_pipeline.stage.batches import LARGEST
from asdf_pipeline.stage.calib import calibrate
from asdf_pipeline.stage.files import name_of, unpacked
from asdf_pipeline.stage.formats import read_file
from asdf_pipeline.stage.inspection import Inspection
from asdf_pipeline.stage.miniseed import check_records
from asdf_pipeline.stage.waveform_file import no_waveform, station_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from asdf_pipeline.stage.codes import Codes
    from asdf_pipeline.stage.remote import Place
    from asdf_pipeline.stage.waveform_file import WaveformFile

_LOGGER = logging.getLogger(__name__)


@dataclass
class _Opened:
    """The file read last.

    Attributes
    ----------
    path : pathlib.Path, RemoteFile or None
        None where it is not kept.
    streams : list of (str, obspy.Stream)
        What it holds, with the names of its members.
    samples : Counter of str
        By station, before anything was cut.
    """

    path: Place | None = None
    streams: list[tuple[str, Stream]] = field(default_factory=list)
    samples: Counter[str] = field(default_factory=Counter)


class FileReader:
    """Reads waveform files.

    Parameters
    ----------
    shared : mapping of pathlib.Path or RemoteFile to frozenset of str
        Stations of a file that holds several.
    split_drift : bool
        See `miniseed.check_records`.
    apply_calib : bool
        Whether samples are multiplied by ``stats.calib``.
    codes : Codes
        Codes for traces whose file has none.
    """

    def __init__(
        self,
        shared: Mapping[Place, frozenset[str]],
        split_drift: bool,
        apply_calib: bool,
        codes: Codes,
    ) -> None:
        self._shared = shared
        self._codes = codes
        self._split_drift = split_drift
        self._apply_calib = apply_calib
        self._last = _Opened()
        self._downloads = Downloads()
        self._inspection: Inspection | None = None

    def close(self) -> None:
        """Forget the file read last, and what is on its way."""
        self._log()
        self._last = _Opened()
        self._downloads.close()

    def expect(self, files: Iterable[WaveformFile]) -> None:
        """Say which files are read next, in this order: servers are asked for them.

        What there was to be said of the files before goes to the log.
        """
        self._log()
        last = self._last.path
        self._downloads.expect(one.path for one in files if one.path != last)

    def read(self, file: WaveformFile, station: str) -> Iterator[tuple[str, Stream]]:
        """Yield what is wanted of a file, or of each member of a packed one.

        Parameters
        ----------
        file : WaveformFile
            The file.
        station : str
            ``"NET.STA"`` that it is read for; the others' traces are there too.

        Raises
        ------
        InputError
            If it cannot be read, or has changed since it was scanned.
        """
        if file.path != self._last.path:
            yield from self._open(file, station)
        else:
            yield from self._last.streams
        there = self._last.samples[station]
        if there < file.samples:
            _LOGGER.warning(
                "%s: station %s: its headers claim %d samples, %d are there: %d are "
                "missing",
                *(file.path, station, file.samples, there, file.samples - there),
            )

    def _open(self, file: WaveformFile, station: str) -> Iterator[tuple[str, Stream]]:
        expected = self._shared.get(file.path, frozenset({station}))
        self._last = last = _Opened()
        size, kept = 0, len(expected) > 1
        with unpacked(file.path, self._downloads) as members:
            for member in members:
                source_name = name_of(file.path, member)
                stream, name = read_file("waveform", member, source_name)
                for number, trace in enumerate(stream, 1):
                    trace.stats.trace_number = number  # of what may be split
                if name == "MSEED":
                    split = self._split_drift
                    stream = check_records(member, stream, source_name, split)
                if file.span is not None:
                    self._inspect(file, member, stream, source_name)
                codes = self._codes.of_file(file.path, member)
                wanted = Stream()
                for trace in stream:
                    codes.apply(trace, trace.stats.trace_number)
                    if no_waveform(trace):
                        continue
                    trace.stats.npts = trace.data.size  # ObsPy's may be the claim
                    there = trace.stats.npts
                    if (part := file.wanted(trace)) is not None:
                        last.samples[station_of(part)] += there
                        _check_station(part, source_name, expected)
                        if self._apply_calib:
                            calibrate(part)
                        wanted.append(part)
                        size += part.stats.npts
                kept = kept and size <= LARGEST
                last.streams = [*last.streams, (source_name, wanted)] if kept else []
                yield source_name, wanted
        if kept:
            last.path = file.path

    def _inspect(
        self, file: WaveformFile, member: Path, stream: Stream, source_name: str
    ) -> None:
        """Look at the headers of a file that was not scanned before it was read."""
        if self._inspection is None:
            self._inspection = Inspection(None, self._apply_calib, self._codes)
        heads = Stream([Trace(header=trace.stats) for trace in stream])
        for _ in self._inspection.of_member(file, member, heads, source_name):
            pass

    def _log(self) -> None:
        if self._inspection is not None:
            self._inspection.log()
            self._inspection = None


def _check_station(trace: Trace, source_name: str, expected: frozenset[str]) -> None:
    """Refuse a file that is not what it was when it was scanned.

    Raises
    ------
    InputError
        Naming a station that would be lost.
    """
    if station_of(trace) not in expected:
        msg = (
            f"{source_name}: holds station {station_of(trace)}, where "
            f"{', '.join(sorted(expected))} was expected: it changed meanwhile"
        )
        raise InputError(msg)
