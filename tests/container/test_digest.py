"""Digests: the same content, the same digest; any change of content, another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asdf_pipeline.container.codec import COMPRESSED, RAW, Encoding
from asdf_pipeline.container.digest import (
    array_digest,
    file_digest,
    product_digest,
    trace_digest,
)
from asdf_pipeline.container.product import make_product
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.traces import TraceHeader
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import InputError
from tests.container.made import DTYPES, trace, write

HEADER = TraceHeader(
    "XX", "ABC", "00", "BHZ", 10**18, 20.0, 3, np.dtype("<i4"), "raw", ("smi:a",)
)
DATA = np.array([1, 2, 3], "<i4")
PINNED_TRACE = "d1407125f829faaf560ba2f1adfc9206"
PINNED_PRODUCT = "989875d6b7a1b85da3df0592774f976f"


def test_it_is_pinned() -> None:
    """A change here makes all digests ever published worthless."""
    assert trace_digest(HEADER, DATA) == trace_digest(HEADER, DATA.copy())
    assert trace_digest(HEADER, DATA) == PINNED_TRACE
    assert product_digest([trace_digest(HEADER, DATA)], b"<x/>") == PINNED_PRODUCT


@pytest.mark.parametrize(
    "change",
    [
        {"network": "XY"},
        {"station": "ABD"},
        {"location": ""},
        {"channel": "BHN"},
        {"tag": "proc"},
        {"starttime": 10**18 + 1},
        {"sampling_rate": np.nextafter(20.0, 21.0)},
        {"event_ids": ()},
        {"event_ids": ("smi:a", "smi:b")},
        {"event_ids": (), "origin_ids": ("smi:a",)},
        {"magnitude_ids": ("m",)},
        {"focal_mechanism_ids": ("f",)},
        {"labels": ("one",)},
    ],
)
def test_all_of_the_header_counts(change: dict[str, Any]) -> None:
    assert trace_digest(replace(HEADER, **change), DATA) != trace_digest(HEADER, DATA)


def test_provenance_does_not_count() -> None:
    other = replace(HEADER, provenance_id="{http://seisprov.org}x")
    assert trace_digest(other, DATA) == trace_digest(HEADER, DATA)


@pytest.mark.parametrize("dtype", DTYPES)
def test_byte_order_does_not_count_but_the_type_does(dtype: str) -> None:
    digest = trace_digest(
        replace(HEADER, dtype=np.dtype(dtype)), np.array([1, 2, 3], dtype)
    )
    little = np.dtype(dtype).newbyteorder("<")
    assert digest == trace_digest(replace(HEADER, dtype=little), DATA.astype(little))
    assert (digest == trace_digest(HEADER, DATA)) == (dtype[1:] == "i4")


@given(st.lists(st.text(max_size=3), min_size=4, max_size=4))
def test_fields_do_not_run_into_each_other(codes: list[str]) -> None:
    network, station, location, channel = codes
    made = replace(
        HEADER, network=network, station=station, location=location, channel=channel
    )
    shifted = replace(
        made, network=network + station[:1], station=station[1:] if station else ""
    )
    same = (made.network, made.station) == (shifted.network, shifted.station)
    assert (trace_digest(made, DATA) == trace_digest(shifted, DATA)) == same


def test_every_sample_counts() -> None:
    data = np.arange(1000, dtype="<i4")
    header = replace(HEADER, npts=1000)
    digests = {trace_digest(header, data)}
    for index in (0, 500, 999):
        changed = data.copy()
        changed[index] ^= 1
        digests.add(trace_digest(header, changed))
    assert len(digests) == 4


def test_a_product_is_its_traces_in_any_order_and_its_stationxml() -> None:
    assert product_digest(["a", "b"], b"x") == product_digest(["b", "a"], b"x")
    different = [
        product_digest(["a", "b"], b"x"),
        product_digest(["a", "b"], b"y"),
        product_digest(["a", "b"], b""),
        product_digest(["a", "b"], None),
        product_digest(["a"], b"x"),
        product_digest(["a", "b", "b"], b"x"),
        product_digest(["ab"], b"x"),
        product_digest(["a", "b"], b"x", ["c"]),
    ]
    assert len(set(different)) == len(different)


def test_auxiliary_data() -> None:
    array = np.arange(6, dtype="<f8").reshape(2, 3)
    digest = array_digest("a/b", {"x": 1, "y": "text"}, array)
    assert digest == array_digest("a/b", {"y": "text", "x": 1}, array.astype(">f8"))
    different = [
        digest,
        array_digest("a/c", {"x": 1, "y": "text"}, array),
        array_digest("a/b", {"x": 2, "y": "text"}, array),
        array_digest("a/b", {"x": 1}, array),
        array_digest("a/b", {"x": 1, "y": "text"}, array.reshape(3, 2)),
        array_digest("a/b", {"x": 1, "y": "text"}, array.astype("<f4")),
        array_digest("a/b", {"x": 1, "y": "text"}, array + 1),
    ]
    assert len(set(different)) == len(different)


@pytest.mark.parametrize(
    "encoding", [RAW, Encoding(chunk=7), Encoding(level=3, shuffle=False)]
)
def test_how_a_file_is_stored_does_not_count(
    tmp_path: Path, encoding: Encoding
) -> None:
    traces = [trace(np.arange(100, dtype="<i4"), 10**18 + k * 10**12) for k in range(3)]
    one = write(tmp_path / "1.h5", *traces, stationxml=b"<x/>")
    two = tmp_path / "2.h5"
    for made in reversed(traces):
        write(two, made, encoding=encoding, stationxml=b"<x/>")
    with h5py.File(two, "r+") as file:
        file["Waveforms/XX.ABC"].attrs["anything"] = 1
        file["Provenance/a"] = np.frombuffer(b"<y/>", "i1")
    assert file_digest(one) == file_digest(two)


def test_what_is_in_a_file_counts(tmp_path: Path) -> None:
    made = [write(tmp_path / f"{k}.h5", trace(), stationxml=b"<x/>") for k in range(7)]
    write(made[1], trace(), tag="other")
    with Writer.reopen(made[2]) as writer:
        writer.write_stationxml("XX.ABC", b"<y/>")
    with Writer.reopen(made[3]) as writer:
        writer.write_stationxml("XX.DEF", b"<x/>")
    with Writer.reopen(made[4]) as writer:
        writer.write_quakeml(b"<x/>")
    with h5py.File(made[5], "r+") as file:
        file["AuxiliaryData/Type/array"] = [1, 2]
    with h5py.File(made[6], "r+") as file:
        file["AuxiliaryData/Type/array"] = [1, 3]
    digests = [file_digest(path) for path in made]
    assert len(set(digests)) == len(digests)


def test_a_product_has_the_digest_that_its_file_shows(our_file: Path) -> None:
    with Reader(our_file) as reader:
        stream = reader.stream("BW.RJOB", "raw_recording")
        document = reader.stationxml("BW.RJOB")
        digests = [trace_digest(*one) for one in reader.traces("BW.RJOB")]
    product = make_product(stream, "BW.RJOB", "raw_recording", COMPRESSED, document)
    assert sorted(one.digest for one in product.traces) == sorted(digests)
    assert product.digest == product_digest(digests, document)


def test_a_damaged_file_has_none(our_file: Path) -> None:
    with h5py.File(our_file) as file:
        dataset = next(iter(file["Waveforms/BW.RJOB"].values()))
        place = dataset.id.get_chunk_info(0)
    content = bytearray(our_file.read_bytes())
    content[place.byte_offset + 50] ^= 1
    our_file.write_bytes(content)
    with pytest.raises(InputError, match="checksum"):
        file_digest(our_file)
