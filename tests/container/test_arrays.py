"""Auxiliary data: what is written reads back the same, here, in h5py and in pyasdf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyasdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from asdf_pipeline.container.arrays import encode_auxiliary
from asdf_pipeline.container.codec import COMPRESSED, RAW, Encoding
from asdf_pipeline.container.digest import array_digest
from asdf_pipeline.container.encoded import Product
from asdf_pipeline.container.names import check_auxiliary_path
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.verify import verify
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import AuxiliaryError, InputError
from tests.container.made import decode

ARRAYS: dict[str, Any] = {
    "Rows/many": np.arange(100_000).reshape(1000, 100),
    "Rows/wide": np.random.default_rng(0).normal(size=(3, 100_000)),
    "Rows/cube": np.ones((3, 4, 5), "c16"),
    "Kinds/big_endian": np.arange(10, dtype=">f4"),
    "Kinds/big_endian_rows": np.arange(60_000, dtype=">f4").reshape(20_000, 3),
    "Kinds/flags": np.array([[True], [False]]),
    "Kinds/bytes": np.array([[b"a", b"bcd"]]),
    "Kinds/small/int8": np.arange(-3, 3, dtype="i1"),
    "Empty/a": np.zeros(0),
    "Empty/b": np.zeros((0, 4)),
    "Empty/c": np.zeros((3, 0)),
    "Odd/a-b_c.!#$%&*+,:;<=>?@^~": np.zeros(1),
    "Odd/turned": np.arange(12).reshape(3, 4).T,
}
PARAMETERS: dict[str, Any] = {
    "integer": 1,
    "text": "höh",
    "texts": ["p", "qq"],
    "reals": [1.5, 2],
    "flag": True,
    "nothing": np.zeros(0),
    "bytes": b"abc",
    "array of texts": np.array(["x", "yy"]),
    "rows of texts": [["a", "bc"], ["d", "ü"]],
    "text of NumPy": np.str_("x"),
    "large": np.arange(20_000),  # 160 kB
    "complex": 1 + 2j,
}


def write(path: Path, auxiliary: dict[str, Any], encoding: Encoding) -> list[str]:
    """Write auxiliary data; return the digests in the order of the paths."""
    encoded = encode_auxiliary(auxiliary, encoding, "{http://a.org/b}id")
    with Writer.create(path) as writer:
        writer.write(Product("XX.A", "t", (), None, None, encoded))
    assert all(one.nbytes for one in encoded)
    return [one.digest for one in encoded]


@pytest.mark.parametrize("encoding", [COMPRESSED, RAW], ids=["compressed", "raw"])
def test_all_kinds_read_back(encoding: Encoding, tmp_path: Path) -> None:
    path = tmp_path / "arrays.h5"
    auxiliary = {name: (array, PARAMETERS) for name, array in ARRAYS.items()}
    digests = write(path, auxiliary, encoding)
    with Reader(path) as reader:
        assert reader.auxiliary_paths() == sorted(ARRAYS)
        assert reader.stations() == []
        for name, digest in zip(sorted(ARRAYS), digests, strict=True):
            array, parameters = reader.auxiliary(name)
            assert array.dtype == ARRAYS[name].dtype
            assert np.array_equal(array, ARRAYS[name])
            assert array_digest(name, parameters, array) == digest
    assert verify(path) == []
    with pyasdf.ASDFDataSet(str(path), mode="r") as data_set:
        item = data_set.auxiliary_data.Rows.wide
        assert np.array_equal(item.data[:], ARRAYS["Rows/wide"])
        assert item.provenance_id == "{http://a.org/b}id"
        assert set(item.parameters) == set(PARAMETERS)
        assert item.parameters["text"] == "höh"
        assert list(item.parameters["texts"]) == ["p", "qq"]
        assert item.parameters["complex"] == 1 + 2j


def test_digests_do_not_depend_on_how_arrays_are_stored(tmp_path: Path) -> None:
    compressed = write(tmp_path / "a.h5", ARRAYS, COMPRESSED)
    turned = {name: np.asfortranarray(array) for name, array in ARRAYS.items()}
    assert write(tmp_path / "b.h5", turned, RAW) == compressed


@given(
    hnp.arrays(
        st.sampled_from(["i2", "f8", "u1", "c8"]),
        hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=9),
    ),
    st.integers(1, 20),
)
def test_chunks_cover_the_array(array: np.ndarray[Any, Any], chunk: int) -> None:
    encoding = Encoding(chunk=chunk)
    (one,) = encode_auxiliary({"A/b": array}, encoding)
    shape, itemsize = one.array.chunk, array.dtype.itemsize
    assert len(shape) == array.ndim
    size = int(np.prod(shape)) * itemsize
    filters = encoding.filters(itemsize)
    raw = [bytes(decode(c, filters, itemsize, size)) for c in one.array.chunks]
    data = np.frombuffer(b"".join(raw), array.dtype)[: array.size]
    assert data.tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "path",
    ["name", "", "/A/b", "A/b/", "A//b", "A/../b", "A/.", "A/b c", "A/ä", "A/b\n", 3],
)
def test_wrong_paths_are_named(path: Any) -> None:
    with pytest.raises(AuxiliaryError, match="expected a path such as Type/name"):
        check_auxiliary_path(path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2], "not a list"),
        (np.ma.array([1]), "not a MaskedArray"),
        (np.array(1.0), "has no dimension"),
        (np.array(["a"]), "type <U1"),
        (np.array([None]), "type object"),
        (np.zeros(2, "f2,f4"), "of numbers, booleans"),
        ((np.zeros(1), 3), "parameters a mapping, not an int"),
        ((np.zeros(1), {"provenance_id": "x"}), "the format's own"),
        ((np.zeros(1), {"x": {}}), "a dict cannot be an attribute"),
        ((np.zeros(1), {"x": None}), "a NoneType cannot be an attribute"),
        ((np.zeros(1), {"x": "a\0b"}), "a text with a zero byte"),
        ((np.zeros(1), {3: 4}), "its name is not a text"),
        ((np.zeros(1), {"\udcff": 4}), "its name is not a text"),
        ((np.zeros(1), {"x": "\udcff"}), "of which UTF-8 has no form"),
        ((np.zeros(1), {"x": ["a", "\udcff"]}), "of which UTF-8 has no form"),
        ((np.zeros(1), {"x": np.array(["\udcff"])}), "of which UTF-8 has no form"),
        ((np.zeros(1), {"x": [[1, 2], [3]]}), "'x': its rows are of different lengths"),
        ((np.zeros(1), {"x": [np.zeros(2), [3.0]]}), "rows are of different lengths"),
        ((np.zeros(1), {"x": [["a", "b"], ["c"]]}), "rows are of different lengths"),
        ((np.zeros(1), {"x": ["a", 1]}), "texts and others in one list"),
        ((np.zeros(1), {"x": [["a"], [2.5]]}), "texts and others in one list"),
        ((np.zeros(1), {"x": np.ma.array([1, 2], mask=[0, 1])}), "a masked array"),
        ((np.zeros(1), {"x": 2**70}), "an int cannot be an attribute"),
    ],
)
def test_what_cannot_be_written_is_named(value: Any, message: str) -> None:
    with pytest.raises(AuxiliaryError, match=r"'A/b'.*") as caught:
        encode_auxiliary({"A/b": value}, COMPRESSED)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_that_is_taken_is_refused(tmp_path: Path) -> None:
    with Writer.create(tmp_path / "a.h5") as writer:
        for name in ("A/b", "A/b/c", "A/b"):
            encoded = encode_auxiliary({name: np.zeros(3)}, COMPRESSED)
            product = Product("XX.A", "t", (), None, None, encoded)
            if name == "A/b" and not writer.file_id.links.exists(b"AuxiliaryData/A"):
                writer.write(product)
                continue
            with pytest.raises(AuxiliaryError, match="XX.A: auxiliary data 'A/b"):
                writer.write(product)


def test_only_hard_links_lead_to_an_array(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write(path, {"A/b": np.zeros(3)}, COMPRESSED)
    with h5py.File(path, "r+") as file:
        file["AuxiliaryData/A/soft"] = h5py.SoftLink("/AuxiliaryData/A/b")
    with Reader(path) as reader:
        with pytest.raises(InputError, match="/AuxiliaryData/A/soft is a link to"):
            reader.auxiliary_paths()
        with pytest.raises(InputError, match="'A/soft' cannot be read: .* is a link"):
            reader.auxiliary("A/soft")
        for name in ("A", "A/b/c", "A/x"):
            with pytest.raises(KeyError, match="no auxiliary data"):
                reader.auxiliary(name)
