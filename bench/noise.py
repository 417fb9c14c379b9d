"""Ambient noise of many stations: made, correlated, and held against NoisePy's."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import obspy

from asdf_pipeline import ASDFDataSet, steps
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.work.station_data import StationData
from bench.inputs import SCRATCH
from bench.measure import CommandFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from asdf_pipeline.steps import Spectra

    Array = np.ndarray[Any, Any]

START = obspy.UTCDateTime(2020, 1, 1)
HOURS = 25  # NoisePy takes one window less than there is time for
WINDOW = 3600.0
"""Seconds of a window."""
BAND = (0.05, 2.0)  # Hz
SMOOTH = 11  # bins of the running mean of amplitudes
SLOPE = 100  # bins at each end of the band, in NoisePy's code
TAPER = 20  # samples at each end of a window, in NoisePy's code
_ROUNDING = 1e-7  # of the peak: the filters' depends on how many threads there are
MAXLAG = 200.0
"""Seconds."""


@dataclass(frozen=True)
class Noise:
    """A day of noise at stations with three components.

    Attributes
    ----------
    stations : int
        How many.
    rate : float
        In Hz.
    """

    stations: int
    rate: float

    @property
    def path(self) -> Path:
        """One file with one tag, made now if it is not there."""
        path = SCRATCH / f"noise-{self.stations}x{self.rate:g}.h5"
        if not path.exists():
            SCRATCH.mkdir(exist_ok=True)
            partial = path.with_suffix(".part")
            partial.unlink(missing_ok=True)
            self._write(partial, by_channel=False)
            partial.replace(path)
        return path

    @property
    def folder(self) -> Path:
        """The same as NoisePy wants it: named by its times, a tag a channel."""
        folder = SCRATCH / f"noisepy-{self.stations}x{self.rate:g}"
        times = "T".join(
            time.strftime("%Y_%m_%d_%H_%M_%S") for time in (START, START + HOURS * 3600)
        )
        path = folder / f"{times}.h5"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".part")
            partial.unlink(missing_ok=True)
            self._write(partial, by_channel=True)
            partial.replace(path)
        return folder

    def configuration(self) -> dict[str, Any]:
        """Return NoisePy's parameters for what `prepare` and `correlate` do."""
        return {
            "sampling_rate": self.rate,
            "inc_hours": HOURS,
            "cc_len": int(WINDOW),
            "step": WINDOW,
            "freqmin": BAND[0],
            "freqmax": BAND[1],
            "smoothspect_N": SMOOTH,
            "maxlag": int(MAXLAG),
        }

    def _write(self, path: Path, *, by_channel: bool) -> None:
        random = np.random.default_rng(7)
        npts = int(HOURS * 3600 * self.rate)
        furthest = self.stations * 10
        shared = random.standard_normal(npts + furthest, np.float32)
        with ASDFDataSet(path, compression=None) as ds:
            for index in range(self.stations):
                code = f"S{index:02d}"
                place = random.uniform((45, 10), (47, 13))
                ds.add_stationxml(_inventory(code, *place))
                for channel in ("BHE", "BHN", "BHZ"):
                    data = random.standard_normal(npts, np.float32)
                    first = furthest - 10 * index
                    data += shared[first : first + npts]
                    header = {"network": "XX", "station": code, "channel": channel}
                    header |= {"sampling_rate": self.rate, "starttime": START}
                    trace = obspy.Trace(np.round(1000 * data).astype(np.int32), header)
                    tag = f"{channel.lower()}_00" if by_channel else "noise"
                    ds.add_waveforms(trace, tag=tag)


def _inventory(code: str, latitude: float, longitude: float) -> obspy.Inventory:
    from obspy.core.inventory import Channel, Inventory, Network, Station

    place = (latitude, longitude, 1.0)
    channels = [Channel(name, "", *place, 0.0) for name in ("BHE", "BHN", "BHZ")]
    station = Station(code, *place, channels=channels)
    return Inventory([Network("XX", [station])])


class Record(NamedTuple):
    """A station's record, changed before it is prepared."""

    stream: obspy.Stream
    station: str
    window: tuple[int, int] | None = None


def prepare(station: StationData) -> Spectra | None:
    """Do what NoisePy's ``preprocess_raw`` does, and prepare 24 windows."""
    st = station.stream
    rate = st[0].stats.sampling_rate
    steps.detrend(st, None)
    steps.taper(st, None)
    steps.taper(st, None, max_length=50.0)
    freqmin, freqmax = 0.9 * BAND[0], 1.1 * BAND[1]
    steps.filter(st, None, "bandpass", freqmin=freqmin, freqmax=freqmax, zerophase=True)
    st.trim(START, START + 24 * 3600, nearest_sample=False)
    bin_width = 1 / WINDOW
    return steps.spectra(
        Record(st, station.station),
        length=WINDOW,
        maxlag=MAXLAG,
        taper=TAPER / (WINDOW * rate),
        whiten=BAND,
        whiten_smooth=SMOOTH * bin_width,
        whiten_slope=SLOPE * bin_width,
        circular=True,
    )


def prepare_plainly(station: StationData) -> Spectra | None:
    """Transform 24 windows as they are."""
    st = station.stream.trim(START, START + 24 * 3600, nearest_sample=False)
    record = Record(st, station.station)
    return steps.spectra(
        record, length=WINDOW, maxlag=MAXLAG, taper=0.0, detrend=False, circular=True
    )


def as_noisepy(correlation: Array, lags: int) -> Array:
    """Return what NoisePy makes of a correlation.

    Its ``noise_module.correlate`` (0.9.93) takes the mean of all frequencies from each
    of them, and the lags that it keeps are one sample earlier than it says.

    Parameters
    ----------
    correlation : numpy.ndarray, shape (npts + 1,)
        From the lag ``-npts / 2`` to ``npts / 2``, cyclic.
    lags : int
        The largest lag to keep, in samples.
    """
    half = len(correlation) // 2
    cyclic = np.roll(correlation[:-1].astype(np.float64), -half)
    spectrum = np.fft.rfft(cyclic)
    spectrum[:half] -= spectrum[:half].mean()
    spectrum[half] = 0
    changed = np.roll(np.fft.irfft(spectrum, 2 * half), half)
    return changed[half - lags - 1 : half + lags]


def largest_difference(noise: Noise, ours: Path, theirs: Path, stations: int) -> float:
    """Return by how much our correlations differ from NoisePy's, in terms of a peak.

    Parameters
    ----------
    ours : pathlib.Path
        The file that was made, of lags up to `MAXLAG`.
    theirs : pathlib.Path
        NoisePy's folder.
    stations : int
        Of how many stations all pairs are looked at.

    Raises
    ------
    CommandFailedError
        If the file does not hold what the same functions make here of all lags.
    """
    worst = 0.0
    lags = round(MAXLAG * noise.rate)
    with Reader(noise.path) as reader, Reader(ours) as made:
        names = reader.stations()[:: noise.stations // stations][:stations]
        prepared = {}
        for name in names:
            one = prepare(StationData(reader, name, tag="noise"))
            assert one is not None
            prepared[name] = dataclasses.replace(one, maxlag=one.npts // 2)
        for one, other in itertools.combinations_with_replacement(names, 2):
            result = steps.correlate(prepared[one], prepared[other])
            assert result is not None
            noisepys = read_noisepy(theirs / one / other)
            for path, (data, _) in result.auxiliary.items():
                middle = len(data) // 2
                written, _ = made.auxiliary(path)
                wrong = np.abs(written - data[middle - lags :][: 2 * lags + 1]).max()
                if wrong > _ROUNDING * np.abs(written).max():
                    msg = f"{ours}: {path} is not what it should be"
                    raise CommandFailedError(msg)
                expected = noisepys[path.rpartition("/")[2]]
                difference = np.abs(as_noisepy(data, lags) - expected).max()
                worst = max(worst, difference / np.abs(expected).max())
    return float(worst)


def read_noisepy(folder: Path) -> dict[str, Array]:
    """Return NoisePy's correlations of a pair of stations, by ``CHA_CHA``."""
    (path,) = folder.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        array, parameters = (
            archive.extractfile(name) for name in ("array.npy", "params.json")
        )
        assert array is not None
        assert parameters is not None
        data = np.load(io.BytesIO(array.read()))
        names = [
            f"{one[0]}_{one[2]}".upper() for one in json.load(parameters)["metadata"]
        ]
    return {name: row[0] for name, row in zip(names, data, strict=True)}
