"""The files that are measured on, made once and kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench import records

TAG = "raw_recording"
SCRATCH = Path(__file__).with_name("scratch")


@dataclass(frozen=True)
class Input:
    """An ASDF file with one tag.

    Attributes
    ----------
    stations : int
        How many.
    samples : int
        Of each trace.
    channels : tuple of str
        Of each station.
    response : bool
        Full StationXML (18 kB, 24-bit digitiser with a FIR stage), or a short one.
    maker : {"pyasdf", "asdf_pipeline"}
        Which package writes it.
    """

    stations: int
    samples: int
    channels: tuple[str, ...] = records.CHANNELS
    response: bool = True
    maker: str = "pyasdf"

    @property
    def path(self) -> Path:
        """The file, made now if it is not there."""
        name = (
            f"{self.stations}x{len(self.channels)}x{self.samples}"
            f"{'' if self.response else '-short'}-{self.maker}.h5"
        )
        path = SCRATCH / name
        if not path.exists():
            SCRATCH.mkdir(exist_ok=True)
            partial = path.with_suffix(".part")
            partial.unlink(missing_ok=True)
            (_write_with_pyasdf if self.maker == "pyasdf" else _write)(self, partial)
            partial.replace(path)
        return path

    @property
    def traces(self) -> int:
        """How many traces there are in all."""
        return self.stations * len(self.channels)


def _write_with_pyasdf(wanted: Input, path: Path) -> None:
    import io

    import obspy
    import pyasdf

    with pyasdf.ASDFDataSet(path, mpi=False) as ds:
        ds.add_quakeml(io.BytesIO(records.event()))
        for index in range(wanted.stations):
            station = records.make_station(
                index, wanted.channels, wanted.samples, wanted.response
            )
            for channel, samples in station.samples.items():
                trace = obspy.Trace(samples, header(station.code, channel))
                ds.add_waveforms(trace, tag=TAG)
            ds.add_stationxml(io.BytesIO(station.stationxml))


def _write(wanted: Input, path: Path) -> None:
    from obspy import Stream, Trace

    from asdf_pipeline.container.codec import COMPRESSED
    from asdf_pipeline.container.product import make_product
    from asdf_pipeline.container.writer import Writer

    with Writer.create(path, quakeml=records.event()) as writer:
        for index in range(wanted.stations):
            station = records.make_station(
                index, wanted.channels, wanted.samples, wanted.response
            )
            stream = Stream(
                Trace(samples, header(station.code, channel))
                for channel, samples in station.samples.items()
            )
            name = f"{records.NETWORK}.{station.code}"
            document = station.stationxml
            writer.write(make_product(stream, name, TAG, COMPRESSED, document))


def header(code: str, channel: str) -> dict[str, object]:
    """Return the header of a trace."""
    from obspy import UTCDateTime

    return {
        "network": records.NETWORK,
        "station": code,
        "channel": channel,
        "sampling_rate": records.RATE,
        "starttime": UTCDateTime(records.START),
    }
