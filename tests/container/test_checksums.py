"""Checksums are HDF5's own: of chunks of any length, and of metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from asdf_pipeline.container.checksums import fletcher32, lookup3

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("size", [1, 2, 3, 719, 16384, 16385, 40000])
@pytest.mark.parametrize("fill", ["random", "zeros", "ones"])
def test_chunks_end_with_what_hdf5_puts_there(
    tmp_path: Path, size: int, fill: str
) -> None:
    random = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8)
    bytes_of = {"zeros": np.zeros_like(random), "ones": np.full_like(random, 255)}
    data = bytes_of.get(fill, random)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("a", data=data, chunks=(size,), fletcher32=True)
        _, chunk = dataset.id.read_direct_chunk((0,))
    assert chunk == data.tobytes() + fletcher32(data)


def test_the_superblock_ends_with_the_checksum_of_metadata(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    h5py.File(path, "w", libver="v110").close()
    superblock = path.read_bytes()[:48]
    assert lookup3(superblock[:-4]) == superblock[-4:]
    for size in range(1, 44):  # no part of it is left out
        changed = superblock[:size] + b"\xff" + superblock[size + 1 : -4]
        assert lookup3(changed) != superblock[-4:] or changed == superblock[:-4]
