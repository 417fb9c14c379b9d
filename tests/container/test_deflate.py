"""Any zlib reads the streams, and real samples take less room than in one piece."""

from __future__ import annotations

import zlib

import numpy as np
import obspy
import pytest
from isal import isal_zlib

from asdf_pipeline.container.deflate import Deflate

RANDOM = np.random.default_rng(7)


def planes_of(samples):
    size = samples.dtype.itemsize
    return np.ascontiguousarray(samples.view(np.uint8).reshape(-1, size).T)


def real_samples(dtype):
    """BW.RJOB's three channels, an offset to each, in counts of a 24-bit digitiser."""
    channels = [trace.data * 20 + 1000 * n for n, trace in enumerate(obspy.read())]
    return np.concatenate(channels).astype(dtype)


SAMPLES = {
    "int32": real_samples(np.int32),
    "float64": real_samples(np.float64) / 3,
    "noise": RANDOM.integers(-(2**31), 2**31, 70_000).astype(np.int32),
    "constant": np.full(40_000, -1, np.int16),
    "ramp": np.arange(40_000, dtype=np.int64),
    "short": np.arange(5, dtype=np.float32),
    "single": np.ones(1, np.int32),
}


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("name", SAMPLES)
def test_zlib_gives_the_planes_back(name, level):
    planes = planes_of(SAMPLES[name])
    assert zlib.decompress(Deflate(level)(planes)) == planes.tobytes()


def test_the_same_samples_give_the_same_bytes():
    planes = planes_of(SAMPLES["int32"])
    first = Deflate(1)(planes)
    Deflate(1)(planes_of(SAMPLES["noise"]))
    assert Deflate(1)(planes.copy()) == first


def test_real_samples_take_less_room_than_in_one_piece():
    planes = planes_of(SAMPLES["int32"])
    together = isal_zlib.compress(planes.reshape(-1), 1)
    assert len(Deflate(1)(planes)) < 0.97 * len(together)


def test_what_is_noise_at_first_is_looked_at_again():
    deflate = Deflate(1)
    deflate(planes_of(SAMPLES["noise"]))
    assert len(deflate(planes_of(np.full(70_000, 5, np.int32)))) < 2_000


def test_noise_takes_hardly_more_room_than_it_has():
    planes = planes_of(SAMPLES["noise"])
    assert len(Deflate(1)(planes)) < planes.size + 100
