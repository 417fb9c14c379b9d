"""Files of pyasdf and of this package, each read by the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pyasdf
import pytest

from asdf_pipeline.container.codec import COMPRESSED, RAW, Encoding
from asdf_pipeline.container.product import make_product
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.writer import Writer
from tests.container.made import DTYPES, trace, write

STATION = "BW.RJOB"


def peer(path: Path, **options: Any) -> pyasdf.ASDFDataSet:
    return pyasdf.ASDFDataSet(str(path), mpi=False, **options)


def test_we_read_pyasdfs_traces(peer_file: Path) -> None:
    with peer(peer_file, mode="r") as data_set:
        expected = data_set.waveforms.BW_RJOB.raw_recording
    with Reader(peer_file) as reader:
        assert reader.stations() == ["BW.RJOB", "GR.FUR", "GR.WET"]
        assert reader.tags(STATION) == ["raw_recording"]
        stream = reader.stream(STATION, "raw_recording")
    assert stream == expected
    for ours, theirs in zip(stream, expected, strict=True):
        assert ours.data.dtype == theirs.data.dtype
        assert set(ours.stats.asdf) == set(theirs.stats.asdf)
        assert ours.stats.asdf.labels == ["a label", "Erdstöße"]
        assert len(ours.stats.asdf.origin_ids) == 2


def test_we_read_pyasdfs_inventories_and_events(peer_file: Path) -> None:
    with peer(peer_file, mode="r") as data_set, Reader(peer_file) as reader:
        for station in data_set.waveforms:
            name = station._station_name
            assert reader.inventory(name) == station.StationXML
            latitude, longitude, elevation = reader.coordinates(name) or (0, 0, 0)
            assert station.coordinates == {
                "latitude": latitude,
                "longitude": longitude,
                "elevation_in_m": elevation,
            }
        assert reader.events() == data_set.events


@pytest.mark.parametrize("encoding", [COMPRESSED, RAW, Encoding(3, chunk=500)])
def test_pyasdf_reads_ours(peer_file: Path, tmp_path: Path, encoding: Encoding) -> None:
    path = tmp_path / "ours.h5"
    with Reader(peer_file) as reader:
        stream = reader.stream(STATION, "raw_recording")
        document = reader.stationxml(STATION)
        product = make_product(stream, STATION, "processed", encoding, document)
        with Writer.create(path, reader.quakeml()) as writer:
            writer.write(product)
    with peer(peer_file, mode="r") as theirs, peer(path, mode="r") as ours:
        assert ours.events == theirs.events
        assert ours.waveforms.list() == [STATION]
        assert ours.waveforms.BW_RJOB.StationXML == theirs.waveforms.BW_RJOB.StationXML
        expected = theirs.waveforms.BW_RJOB.raw_recording
        for one, other in zip(ours.waveforms.BW_RJOB.processed, expected, strict=True):
            assert (one.data == other.data).all()
            assert one.stats.asdf.tag == "processed"
            for name in ("event_ids", "origin_ids", "labels"):
                assert one.stats.asdf[name] == other.stats.asdf[name]
        names = [name for name in ours.waveforms.BW_RJOB.list() if "__" in name]
        assert [name.replace("processed", "raw_recording") for name in names] == [
            name for name in theirs.waveforms.BW_RJOB.list() if "__" in name
        ]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("compression", [None, "gzip-3", "lzf", "gzip-9"])
def test_every_type_and_compression_of_pyasdf(
    tmp_path: Path, dtype: str, compression: str | None
) -> None:
    data = np.arange(-3000, 3000).astype(dtype)
    path = tmp_path / "theirs.h5"
    with peer(path, compression=compression) as data_set:
        data_set.add_waveforms(trace(data), tag="raw")
    with Reader(path) as reader:
        (read,) = reader.stream("XX.ABC", "raw")
    assert read.data.dtype == np.dtype(dtype)
    assert (read.data == data).all()


@pytest.mark.parametrize("version", ["1.0.0", "1.0.1", "1.0.2", "1.0.3"])
def test_every_version_of_pyasdf(tmp_path: Path, version: str) -> None:
    path = tmp_path / "theirs.h5"
    with peer(path, format_version=version) as data_set:
        data_set.add_waveforms(obspy.read(), tag="raw")
        data_set.add_waveforms(trace(), tag="raw")
    with Reader(path) as reader:
        assert reader.format_version == version
        assert len(reader.stream(STATION, "raw")) == 3
        assert list(reader.stream("XX.ABC", "raw")[0].data) == [1, 2, 3, 4, 5]


def test_names_are_as_pyasdf_makes_them(tmp_path: Path) -> None:
    traces = [
        trace(start=10**18),  # start and end in one second
        trace(start=10**18 + 60 * 10**9 + 999_999_000, rate=1.0),
        trace(location="00", channel="HHZ", start=0, rate=1 / 3),
    ]
    with peer(tmp_path / "theirs.h5") as data_set:
        data_set.add_waveforms(obspy.Stream(traces), tag="raw")
    write(tmp_path / "ours.h5", *traces, tag="raw")
    listed = []
    for name in ("ours.h5", "theirs.h5"):
        with Reader(tmp_path / name) as reader:
            listed.append(reader.names("XX.ABC"))
    assert listed[0] == listed[1]


def test_pyasdf_adds_to_ours_and_we_to_pyasdfs(our_file: Path, peer_file: Path) -> None:
    with peer(our_file) as data_set:
        data_set.add_waveforms(trace(), tag="added")
        data_set.add_quakeml(obspy.read_events())
        data_set.add_stationxml(obspy.read_inventory())  # replaces BW.RJOB's
    with Reader(our_file) as reader:
        assert reader.stations() == ["BW.RJOB", "GR.FUR", "GR.WET", "XX.ABC"]
        assert len(reader.stream("XX.ABC", "added")) == 1
        assert len(reader.events()) == 3
        assert reader.inventory(STATION) == obspy.read_inventory().select("BW")
    copy = our_file.with_name("copy.h5")
    copy.write_bytes(peer_file.read_bytes())
    write(copy, *obspy.read(), tag="added")
    with peer(copy, mode="r") as data_set:
        assert data_set.waveforms.BW_RJOB.get_waveform_tags() == [
            "added",
            "raw_recording",
        ]
        assert len(data_set.waveforms.BW_RJOB.added) == 3


def test_stationxml_with_padding_is_copied_and_parsed(
    our_file: Path, tmp_path: Path, rjob_xml: bytes
) -> None:
    padded = b"\n" + rjob_xml + b"  \n\0\0"
    with Writer.reopen(our_file) as writer:
        writer.write_stationxml(STATION, padded)
    with Reader(our_file) as reader:
        document = reader.stationxml(STATION)
        assert document == padded
        inventory = reader.inventory(STATION)
        assert inventory is not None
        assert inventory[0][0].code == "RJOB"
        stream = reader.stream(STATION, "raw_recording")
    path = write(tmp_path / "copy.h5", *stream, stationxml=document)
    with Reader(path) as reader:
        assert reader.stationxml(STATION) == padded
