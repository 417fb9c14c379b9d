"""Chunks: ours are read by HDF5, HDF5's are read by us, damage is found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from asdf_pipeline.container import create, datasets
from asdf_pipeline.container.codec import (
    COMPRESSED,
    DEFLATE,
    FLETCHER32,
    RAW,
    SHUFFLE,
    CodecError,
    Encoding,
    can_decode,
    encode,
)
from asdf_pipeline.container.encoded import EncodedArray
from asdf_pipeline.errors import TraceError
from tests.container.made import DTYPES, decode

ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: arrays.arrays(dtype, st.integers(0, 300))
)
ENCODINGS = st.builds(
    Encoding,
    level=st.sampled_from([None, 0, 1, 2, 3]),
    shuffle=st.booleans(),
    fletcher32=st.booleans(),
    chunk=st.integers(1, 200),
)


@contextmanager
def memory_file() -> Iterator[h5py.File]:
    with h5py.File("memory.h5", "w", driver="core", backing_store=False) as file:
        yield file


def stored(file: h5py.File, array: np.ndarray[Any, Any], encoding: Encoding) -> Any:
    chunks = tuple(encode(array, encoding))
    content = EncodedArray(array.dtype, array.size, chunks, encoding)
    create.write_samples(create.array(file.id, b"array", content), content)
    return file["array"]


@settings(deadline=None)
@given(ARRAYS, ENCODINGS)
def test_hdf5_reads_what_we_encode(
    array: np.ndarray[Any, Any], encoding: Encoding
) -> None:
    with memory_file() as file:
        dataset = stored(file, array, encoding)
        assert dataset.dtype == array.dtype
        assert dataset[()].tobytes() == array.tobytes()
        read = datasets.read_samples(datasets.open_dataset(file.id, b"array"))
        assert read.dtype == array.dtype
        assert read.tobytes() == array.tobytes()


@settings(deadline=None)
@given(
    ARRAYS.filter(len),
    st.sampled_from([None, 1, 3, 9]),
    st.booleans(),
    st.booleans(),
    st.integers(1, 400),
    st.data(),
)
def test_we_read_what_hdf5_encodes(
    array: np.ndarray[Any, Any],
    level: int | None,
    shuffle: bool,
    fletcher32: bool,
    chunk: int,
    data: st.DataObject,
) -> None:
    begin = data.draw(st.integers(0, len(array)))
    end = data.draw(st.integers(begin, len(array)))
    with memory_file() as file:
        file.create_dataset(
            "array",
            data=array,
            chunks=(chunk,),
            maxshape=(None,),
            compression=None if level is None else "gzip",
            compression_opts=level,
            shuffle=shuffle,
            fletcher32=fletcher32,
        )
        opened = datasets.open_dataset(file.id, b"array")
        read = datasets.read_samples(opened, begin, end)
        assert read.dtype == array.dtype
        assert read.tobytes() == array[begin:end].tobytes()


@pytest.mark.parametrize("kind", ["lzf", "scaleoffset", "contiguous", "compact"])
def test_other_ways_to_store_are_read_by_hdf5(kind: str) -> None:
    array = np.arange(1000, dtype=">i4")
    options: dict[str, Any] = {
        "lzf": {"compression": "lzf", "shuffle": True},
        "scaleoffset": {"scaleoffset": 0},
        "contiguous": {},
        "compact": {},
    }[kind]
    with memory_file() as file:
        if kind == "compact":
            properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            properties.set_layout(h5py.h5d.COMPACT)
            space = h5py.h5s.create_simple(array.shape)
            made = h5py.h5d.create(
                file.id, b"array", h5py.h5t.STD_I32BE, space, properties
            )
            made.write(h5py.h5s.ALL, h5py.h5s.ALL, array)
        else:
            file.create_dataset("array", data=array, **options)
        opened = datasets.open_dataset(file.id, b"array")
        assert (datasets.read_samples(opened, 10, 900) == array[10:900]).all()


def test_a_chunk_that_a_filter_left_alone_is_read(tmp_path: Path) -> None:
    array = np.arange(100, dtype="<i4")
    with h5py.File(tmp_path / "file.h5", "w") as file:
        dataset = file.create_dataset(
            "array", (100,), "<i4", chunks=(100,), compression="gzip", shuffle=True
        )
        dataset.id.write_direct_chunk((0,), array.tobytes(), filter_mask=0b11)
    with h5py.File(tmp_path / "file.h5") as file:
        opened = datasets.open_dataset(file.id, b"array")
        assert (datasets.read_samples(opened) == array).all()


def test_chunks_are_about_equal_and_hardly_padded() -> None:
    encoding = COMPRESSED
    for size in (1, 100, 32768, 32769, 168_000, 168_001, 10**7):
        length = encoding.chunk_length(size)
        count = len(range(0, size, length))
        assert count * length - size < count
        assert length <= 1.5 * encoding.chunk


def test_raw_is_the_bytes_in_one() -> None:
    array = np.arange(10, dtype=">i2")
    assert encode(array, RAW) == [array.tobytes()]


@pytest.mark.parametrize("itemsize", [2, 4, 8])
def test_every_flipped_bit_of_a_chunk_is_found(itemsize: int) -> None:
    array = np.arange(300, dtype=f"<i{itemsize}")
    (chunk,) = encode(array, COMPRESSED)
    filters = COMPRESSED.filters(itemsize)
    assert filters == (SHUFFLE, DEFLATE, FLETCHER32)
    for position in range(len(chunk) * 8):
        damaged = bytearray(chunk)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(CodecError):
            decode(bytes(damaged), filters, itemsize, array.nbytes)


def test_without_checksum_damage_never_gives_other_samples() -> None:
    array = np.random.default_rng(1).integers(-99, 99, 500).astype("<i4")
    encoding = Encoding(level=1, fletcher32=False)
    (chunk,) = encode(array, encoding)
    found = 0
    for position in range(len(chunk)):
        damaged = bytearray(chunk)
        damaged[position] ^= 0x10
        try:
            read = decode(bytes(damaged), encoding.filters(4), 4, array.nbytes)
        except CodecError:
            found += 1
        else:  # a bit that says nothing, in a header
            assert read.tobytes() == array.tobytes()
    assert found >= 0.97 * len(chunk)


@pytest.mark.parametrize("size", [0, 1, 3, 10, 50])
def test_a_cut_chunk_is_damaged(size: int) -> None:
    array = np.arange(300, dtype="<i4")
    (chunk,) = encode(array, COMPRESSED)
    with pytest.raises(CodecError):
        decode(chunk[:size], COMPRESSED.filters(4), 4, array.nbytes)


def test_a_chunk_of_another_size_is_damaged() -> None:
    array = np.arange(300, dtype="<i4")
    (chunk,) = encode(array, COMPRESSED)
    for size in (array.nbytes - 4, array.nbytes + 4):
        with pytest.raises(CodecError):
            decode(chunk, COMPRESSED.filters(4), 4, size)


def test_which_filters_are_decoded_here() -> None:
    assert can_decode(())
    assert can_decode((SHUFFLE, DEFLATE, FLETCHER32))
    assert can_decode((DEFLATE,))
    assert not can_decode((DEFLATE, SHUFFLE))
    assert not can_decode((SHUFFLE, SHUFFLE))
    assert not can_decode((SHUFFLE, 32000))


def test_a_data_set_that_was_never_written_is_not_read_as_zeros() -> None:
    with memory_file() as file:
        file.create_dataset("none", (1000,), "<i4", chunks=(100,))
        partly = file.create_dataset("partly", (1000,), "<i4", chunks=(500,))
        partly[:500] = 1
        for name, message in ((b"none", "never written"), (b"partly", "cannot be")):
            opened = datasets.open_dataset(file.id, name)
            with pytest.raises(TraceError, match=message):
                datasets.read_samples(opened)


def test_a_data_set_without_elements_is_empty() -> None:
    with memory_file() as file:
        file.create_dataset("chunked", (0,), "<f4", maxshape=(None,), chunks=(10,))
        file.create_dataset("contiguous", (0,), "<f4")
        for name in (b"chunked", b"contiguous"):
            assert datasets.read_samples(datasets.open_dataset(file.id, name)).size == 0
