"""The scripts that are measured for pairs of stations.

``python -m bench.pairs_script pairs INPUT OUTPUT PREPARE WORKERS`` correlates every
station with every other and itself. ``python -m bench.pairs_script bare INPUT`` does
nothing but the transforms and products of that, in memory, and prints the seconds of
CPU that they took.
"""

from __future__ import annotations

import itertools
import sys
import time

import numpy as np
from scipy import fft

from asdf_pipeline import ASDFDataSet, steps
from bench import noise


def pairs(source: str, output: str, prepare: str, workers: str) -> None:
    """Correlate all pairs of a file's stations, into another file."""
    with ASDFDataSet(source, mode="r", compression=None) as ds:
        ds.process_pairs(
            steps.correlate,
            output,
            prepare=getattr(noise, prepare),
            autocorrelations=True,
            cpu_count=int(workers),
            prepare_memory_in_mb=2048,  # of 60 stations all, as NoisePy and NumPy here
        ).raise_for_failures()


def bare(source: str) -> None:
    """Transform, multiply and transform back, as one would in a notebook."""
    with ASDFDataSet(source, mode="r") as ds:
        rate = ds.waveforms[ds.waveforms.list()[0]].noise[0].stats.sampling_rate
        npts = round(noise.WINDOW * rate)
        records = [
            [trace.data[: 24 * npts].reshape(24, npts) for trace in station.noise]
            for station in ds.waveforms
        ]
    lags = round(noise.MAXLAG * rate)
    began = time.process_time()
    spectra = [
        [
            fft.rfft(data.astype(np.float64), npts).astype(np.complex64)
            for data in station
        ]
        for station in records
    ]
    total = 0.0
    for one, other in itertools.combinations_with_replacement(range(len(spectra)), 2):
        channels = itertools.product(spectra[one], spectra[other])
        if one == other:
            channels = itertools.combinations_with_replacement(spectra[one], 2)
        for a, b in channels:
            mean = np.mean(np.conj(a) * b, axis=0)
            correlation = np.roll(fft.irfft(mean, npts), npts // 2)
            kept = correlation[npts // 2 - lags : npts // 2 + lags + 1]
            total += float(kept[lags])
    print(time.process_time() - began)


if __name__ == "__main__":
    {"pairs": pairs, "bare": bare}[sys.argv[1]](*sys.argv[2:])
