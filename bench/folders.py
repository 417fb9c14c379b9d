"""Folders of miniSEED and StationXML files to stage, made once and kept."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import records
from bench.inputs import SCRATCH, header

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400
"""Seconds."""


@dataclass(frozen=True)
class Folder:
    """A file for each channel (Steim 2, records of 512 bytes) and each station.

    Attributes
    ----------
    stations : int
        How many.
    samples : int
        Of each file.
    channels : tuple of str
        Of each station.
    days : int
        Files of each channel, one after the other.
    rate : float
        In Hz; the stations' responses are those of 40 Hz.
    """

    stations: int
    samples: int
    channels: tuple[str, ...] = records.CHANNELS
    days: int = 1
    rate: float = records.RATE

    @property
    def path(self) -> Path:
        """The folder, made now if it is not there."""
        shape = self.stations, len(self.channels), self.days, self.samples
        path = SCRATCH / f"files-{'x'.join(map(str, shape))}"
        if not path.exists():
            partial = path.with_suffix(".part")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            for index in range(self.stations):
                self._write(index, partial)
            partial.replace(path)
        return path

    def _write(self, index: int, folder: Path) -> None:
        from obspy import Trace

        length = self.samples * self.days
        station = records.make_station(index, self.channels, length, response=True)
        stem = f"{records.NETWORK}.{station.code}"
        (folder / f"{stem}.xml").write_bytes(station.stationxml)
        for channel, samples in station.samples.items():
            for day in range(self.days):
                piece = samples[day * self.samples : (day + 1) * self.samples]
                trace = Trace(piece, header(station.code, channel))
                trace.stats.sampling_rate = self.rate
                trace.stats.starttime += day * self.samples / self.rate
                path = folder / f"{stem}.{channel}.{day:02d}.mseed"
                trace.write(str(path), format="MSEED", encoding="STEIM2", reclen=512)
