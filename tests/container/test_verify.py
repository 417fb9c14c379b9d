"""Verifying: every change is found and named, and a whole file passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import obspy
import pytest

from asdf_pipeline.container.codec import COMPRESSED, RAW, Encoding
from asdf_pipeline.container.product import make_product
from asdf_pipeline.container.verify import verify
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import InputMissingError
from tests.container.made import trace

Row = dict[str, Any]


def recordings(station: str) -> obspy.Stream:
    """Return real recordings as if of another station."""
    stream = obspy.read()
    for one in stream:
        one.stats.station = station
        one.data = one.data.astype("<i4")
    return stream


def processed(path: Path, encoding: Encoding = COMPRESSED) -> list[Row]:
    """Write a processed file; return its manifest."""
    rows: list[Row] = []
    with Writer.create(path, b"<q/>") as writer:
        writer.write_provenance("run", b"<p/>")
        for code in ("ONE", "TWO", "THREE"):
            station = f"BW.{code}"
            xml = (
                f"<F><Network code='BW'><Station code='{code}'/></Network></F>"
            ).encode()
            stream = recordings(code)
            stream[0].stats.asdf = {"labels": ["a"], "event_ids": ["smi:x"]}
            product = make_product(stream, station, "processed", encoding, xml)
            writer.write(product)
            rows.append(
                {
                    "network": "BW",
                    "station": code,
                    "output_tag": "processed",
                    "status": "ok",
                    "traces_out": 3,
                    "samples_out": 9000,
                    "digest": product.digest,
                }
            )
    empty = {"traces_out": 0, "samples_out": 0, "digest": ""}
    for code, status in (("FOUR", "empty"), ("FIVE", "failed")):
        rows.append({**rows[0], "station": code, "status": status, **empty})
    return rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "processed.h5"


@pytest.mark.parametrize("encoding", [COMPRESSED, RAW])
def test_a_whole_file_passes(path: Path, encoding: Encoding) -> None:
    rows = processed(path, encoding)
    assert verify(path) == []
    assert verify(path, rows) == []


def test_pyasdfs_files_pass(peer_file: Path) -> None:
    assert verify(peer_file) == []


def test_a_missing_file(path: Path) -> None:
    with pytest.raises(InputMissingError):
        verify(path)


def test_a_truncated_file(path: Path) -> None:
    rows = processed(path)
    path.write_bytes(path.read_bytes()[:-1000])
    (problem,) = verify(path, rows)
    assert problem == "truncated; get a complete copy"


def _stored_bytes(path: Path) -> list[tuple[str, int, int]]:
    """Return name, place and size of all stored bytes of data."""
    pieces: list[tuple[str, int, int]] = []

    def note(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        if item.chunks is None:
            pieces.append((name, item.id.get_offset(), item.id.get_storage_size()))
            return
        for index in range(item.id.get_num_chunks()):
            chunk = item.id.get_chunk_info(index)
            pieces.append((name, chunk.byte_offset, chunk.size))

    with h5py.File(path) as file:
        file.visititems(note)
    return pieces


@pytest.mark.parametrize("encoding", [COMPRESSED, RAW], ids=["compressed", "raw"])
def test_200_of_200_flipped_bits_are_found(path: Path, encoding: Encoding) -> None:
    rows = processed(path, encoding)
    whole = path.read_bytes()
    pieces = _stored_bytes(path)
    sizes = np.array([size for _, _, size in pieces])
    generator = np.random.default_rng(11)
    missed = []
    for _ in range(200):
        name, place, size = pieces[generator.choice(len(pieces), p=sizes / sizes.sum())]
        damaged = bytearray(whole)
        damaged[place + generator.integers(size)] ^= 1 << generator.integers(8)
        path.write_bytes(damaged)
        problems = verify(path, rows)
        named = name.split("/")[1] if name.startswith("Waveforms") else ""
        if not any(named in problem for problem in problems):
            missed.append((name, problems))
    assert missed == []


@pytest.mark.parametrize("encoding", [COMPRESSED, RAW], ids=["compressed", "raw"])
@pytest.mark.parametrize("name", ["QuakeML", "Provenance/run"])
def test_flipped_bits_in_documents_are_found(
    path: Path, encoding: Encoding, name: str
) -> None:
    with Writer.create(path) as writer:
        writer.write_quakeml(b"<quakeml/>", encoding)
        writer.write_provenance("run", b"<provenance/>", encoding)
    ((_, place, size),) = [piece for piece in _stored_bytes(path) if piece[0] == name]
    whole = path.read_bytes()
    for position in range(place, place + size):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        problems = verify(path)
        assert problems, position
        assert name.split("/")[-1] in problems[0]


def _first(file: h5py.File) -> Any:
    return next(
        dataset
        for name, dataset in file["Waveforms/BW.ONE"].items()
        if name != "StationXML" and "labels" in dataset.attrs
    )


def _start(file: h5py.File) -> None:
    _first(file).attrs["starttime"] += 1


def _rate(file: h5py.File) -> None:
    _first(file).attrs["sampling_rate"] *= 1 + 1e-15


def _label(file: h5py.File) -> None:
    _first(file).attrs["labels"] = "b"


def _no_event(file: h5py.File) -> None:
    del _first(file).attrs["event_id"]


def _extra_label(file: h5py.File) -> None:
    for name, dataset in file["Waveforms/BW.ONE"].items():
        if name != "StationXML":
            dataset.attrs["labels"] = "c"


def _sample(file: h5py.File) -> None:
    _first(file)[100] += 1


def _missing_trace(file: h5py.File) -> None:
    del file[_first(file).name]


def _extra_trace(file: h5py.File) -> None:
    dataset = _first(file)
    group = file["Waveforms/BW.ONE"]
    group.copy(dataset.name, dataset.name.replace("..EH", ".00.EH"))


def _renamed_trace(file: h5py.File) -> None:
    name = _first(file).name
    file.move(name, name.replace("BW.ONE..EH", "BW.ONE.00.EH"))


def _other_tag(file: h5py.File) -> None:
    name = _first(file).name
    file.move(name, name.replace("processed", "other"))


def _shorter(file: h5py.File) -> None:
    _first(file).resize((2999,))


def _no_stationxml(file: h5py.File) -> None:
    del file["Waveforms/BW.ONE/StationXML"]


def _other_stationxml(file: h5py.File) -> None:
    content = file["Waveforms/BW.ONE/StationXML"][()].tobytes()
    del file["Waveforms/BW.ONE/StationXML"]
    file["Waveforms/BW.ONE/StationXML"] = np.frombuffer(content + b" ", "i1")


def _missing_station(file: h5py.File) -> None:
    del file["Waveforms/BW.ONE"]


@pytest.mark.parametrize(
    "change",
    [
        _start,
        _rate,
        _label,
        _no_event,
        _extra_label,
        _sample,
        _missing_trace,
        _extra_trace,
        _renamed_trace,
        _other_tag,
        _shorter,
        _no_stationxml,
        _other_stationxml,
        _missing_station,
    ],
)
def test_every_edit_is_found_and_named(
    path: Path, change: Callable[[h5py.File], None]
) -> None:
    rows = processed(path)
    with h5py.File(path, "r+") as file:
        change(file)
    problems = verify(path, rows)
    assert problems
    assert all("BW.ONE" in problem for problem in problems)


@pytest.mark.parametrize("code", ["FOUR", "FIVE", "SIX"])
def test_a_station_that_should_not_be_there(path: Path, code: str) -> None:
    rows = processed(path)
    with Writer.reopen(path) as writer:
        product = make_product(recordings(code), f"BW.{code}", "processed", COMPRESSED)
        writer.write(product)
    (problem,) = verify(path, rows)
    assert f"BW.{code}" in problem


def test_traces_that_should_not_be_there(path: Path) -> None:
    rows = processed(path)
    with Writer.reopen(path) as writer:
        made = make_product(recordings("ONE"), "BW.ONE", "second", COMPRESSED)
        writer.write(made)
    (problem,) = verify(path, rows)
    assert "BW.ONE, tag second: 3 traces in the file" in problem


def test_names_must_agree_with_attributes(path: Path) -> None:
    processed(path)
    with h5py.File(path, "r+") as file:
        _first(file).attrs["starttime"] += 5 * 10**9
    problems = verify(path)
    assert len(problems) == 2
    assert all("its name says" in problem for problem in problems)


def test_a_name_with_a_month_that_is_none(path: Path) -> None:
    processed(path)
    with h5py.File(path, "r+") as file:
        (name, *_) = group = file["Waveforms/BW.ONE"]
        group.move(name, name.replace("__2009-08-", "__2009-13-"))
    problems = verify(path)
    assert len(problems) == 2  # start and end
    assert all("'2009-13-24T00:20:" in one and "no" in one for one in problems)


@pytest.fixture
def arrays(path: Path) -> Path:
    """Return a file with the auxiliary data A/b."""
    processed(path)
    with h5py.File(path, "r+") as file:
        file["AuxiliaryData/A/b"] = np.zeros(3)
    return path


def test_a_provenance_id_in_no_encoding(arrays: Path) -> None:
    with h5py.File(arrays, "r+") as file:
        file["AuxiliaryData/A/b"].attrs["provenance_id"] = np.bytes_(b"{x}\xff")
    assert verify(arrays) == []


def test_auxiliary_data_that_claims_more_than_memory(arrays: Path) -> None:
    with h5py.File(arrays, "r+") as file:
        file.create_dataset("AuxiliaryData/A/huge", (10**14,), "f8", chunks=(1000,))
    (problem,) = verify(arrays)
    assert (
        "'A/huge' cannot be read: claims 800000000000000 bytes but stores 0" in problem
    )


def test_auxiliary_data_of_a_type_with_texts(arrays: Path) -> None:
    kind = np.dtype([("name", h5py.string_dtype()), ("value", "f8")])
    with h5py.File(arrays, "r+") as file:
        file.create_dataset("AuxiliaryData/A/table", (2,), kind)
    (problem,) = verify(arrays)
    assert "'A/table' cannot be read: is of type" in problem


def test_a_damaged_station_does_not_hide_the_next(path: Path) -> None:
    rows = processed(path)
    with h5py.File(path, "r+") as file:
        for code in ("ONE", "TWO"):
            (name, *_) = file[f"Waveforms/BW.{code}"]
            del file[f"Waveforms/BW.{code}"][name].attrs["starttime"]
    problems = verify(path, rows)
    for code in ("BW.ONE", "BW.TWO"):
        assert any(code in problem for problem in problems)
    assert not any("BW.THREE" in problem for problem in problems)


def test_a_trace_without_samples_to_speak_of(path: Path) -> None:
    with Writer.create(path) as writer:
        writer.write(make_product([trace([7])], "XX.ABC", "raw", COMPRESSED))
    assert verify(path) == []
