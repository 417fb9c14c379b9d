"""Merging segments: everything once, nothing twice, nothing changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import obspy
import pytest

from asdf_pipeline.container import merge as module
from asdf_pipeline.container.codec import RAW
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.merge import extend, merge
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.verify import verify
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import InputError, OutputExistsError, VerificationError
from tests.container.made import trace, write

QUAKEML = b"<q:quakeml xmlns:q='http://quakeml.org/xmlns/quakeml/1.2'/>"


def segment(path: Path, *stations: str, tag: str = "raw_recording") -> Path:
    """Return a segment as the engine makes them: born with the events."""
    Writer.create(path, QUAKEML).close()
    for station in stations:
        xml = f"<FDSNStationXML station='{station}'/>".encode()
        write(path, trace(station=station), tag=tag, stationxml=xml)
    return path


def test_the_parts_make_the_whole(tmp_path: Path) -> None:
    whole = segment(tmp_path / "whole.h5", "A", "B", "C", "D")
    parts = [
        segment(tmp_path / "1.h5", "D", "B"),
        segment(tmp_path / "2.h5"),
        segment(tmp_path / "3.h5", "A", "C"),
    ]
    merge(parts, tmp_path / "merged.h5")
    assert file_digest(tmp_path / "merged.h5") == file_digest(whole)
    with Reader(tmp_path / "merged.h5") as reader:
        assert reader.stations() == ["XX.A", "XX.B", "XX.C", "XX.D"]
        assert reader.quakeml() == QUAKEML


def test_a_part_grows_to_the_whole(tmp_path: Path) -> None:
    whole = segment(tmp_path / "whole.h5", "A", "B", "C", "D")
    parts = [segment(tmp_path / f"{name}.h5", name) for name in "ACD"]
    growing = segment(tmp_path / "growing.h5", "B")
    extend(growing, parts)
    assert file_digest(growing) == file_digest(whole)
    with pytest.raises(VerificationError, match="XX.A"):
        extend(growing, parts[:1])


def test_more_stations_than_are_copied_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OBJECTS_PER_OPENING", 2)
    whole = segment(tmp_path / "whole.h5", *"ABCDE")
    merge([whole], tmp_path / "merged.h5")
    assert file_digest(tmp_path / "merged.h5") == file_digest(whole)


def test_a_station_with_two_tags_in_two_segments(tmp_path: Path) -> None:
    one = segment(tmp_path / "1.h5", "A", tag="one")
    two = segment(tmp_path / "2.h5", "A", tag="two")
    merge([one, two], tmp_path / "merged.h5")
    with Reader(tmp_path / "merged.h5") as reader:
        assert reader.tags("XX.A") == ["one", "two"]
        assert reader.stationxml("XX.A") == b"<FDSNStationXML station='XX.A'/>".replace(
            b"XX.", b""
        )


def test_a_trace_in_two_segments_is_an_error(tmp_path: Path) -> None:
    one = segment(tmp_path / "1.h5", "A")
    two = segment(tmp_path / "2.h5", "B", "A")
    with pytest.raises(
        VerificationError, match=r"2\.h5: /Waveforms/XX\.A/XX\.A\.\..*in another"
    ):
        merge([one, two], tmp_path / "merged.h5")


@pytest.mark.parametrize("what", ["StationXML", "QuakeML", "provenance"])
def test_documents_that_differ_are_an_error(tmp_path: Path, what: str) -> None:
    parts = [tmp_path / "1.h5", tmp_path / "2.h5"]
    for index, path in enumerate(parts):
        document = f"<x{index}/>".encode()
        with Writer.create(path) as writer:
            if what == "StationXML":
                writer.write_stationxml("XX.A", document)
            elif what == "QuakeML":
                writer.write_quakeml(document)
            else:
                writer.write_provenance("run", document)
    with pytest.raises(VerificationError, match=r"2\.h5: .* differs from"):
        merge(parts, tmp_path / "merged.h5")


def test_provenance_and_auxiliary_data_are_merged(tmp_path: Path) -> None:
    parts = [tmp_path / "1.h5", tmp_path / "2.h5"]
    for index, path in enumerate(parts):
        with Writer.create(path) as writer:
            writer.write_provenance("same", b"<x/>")
            writer.write_provenance(f"own_{index}", b"<y/>")
        with h5py.File(path, "r+") as file:
            group = file.require_group("AuxiliaryData/Type/deep")
            group[f"array_{index}"] = np.arange(index + 3)
            group[f"array_{index}"].attrs["a"] = "ä"
    merge(parts, tmp_path / "merged.h5")
    with Reader(tmp_path / "merged.h5") as reader:
        assert set(reader.provenance()) == {"same", "own_0", "own_1"}
        assert reader.auxiliary_paths() == ["Type/deep/array_0", "Type/deep/array_1"]
        array, parameters = reader.auxiliary("Type/deep/array_1")
        assert list(array) == [0, 1, 2, 3]
        assert parameters == {"a": "ä"}
    with pytest.raises(VerificationError, match="Type/deep/array_0 is in another"):
        merge([parts[0], parts[0]], tmp_path / "twice.h5")


def test_bytes_and_attributes_are_copied_as_they_are(
    peer_file: Path, tmp_path: Path
) -> None:
    raw = write(tmp_path / "raw.h5", trace(np.arange(99, dtype=">i8")), encoding=RAW)
    merge([peer_file, raw], tmp_path / "merged.h5")
    assert verify(tmp_path / "merged.h5") == []
    with h5py.File(tmp_path / "merged.h5") as merged:
        for path in (peer_file, raw):
            with h5py.File(path) as source:
                for station, group in source["Waveforms"].items():
                    for name, dataset in group.items():
                        copy = merged["Waveforms"][station][name]
                        assert copy.dtype == dataset.dtype
                        assert copy.compression == dataset.compression
                        assert dict(copy.attrs) == dict(dataset.attrs)
                        assert (copy[()] == dataset[()]).all()


@pytest.mark.parametrize("group", ["Waveforms", "Provenance", "AuxiliaryData"])
def test_links_out_of_a_segment_are_an_error(tmp_path: Path, group: str) -> None:
    path = segment(tmp_path / "1.h5", "A")
    with h5py.File(path, "r+") as file:
        file[f"{group}/XX.B"] = h5py.ExternalLink(path, "/Waveforms/XX.A")
    with pytest.raises(InputError, match=rf"1\.h5: .*/{group}/XX\.B is a link to"):
        merge([path], tmp_path / "merged.h5")


def test_output_and_segments_must_be_right(tmp_path: Path, our_file: Path) -> None:
    with pytest.raises(OutputExistsError):
        merge([our_file], our_file)
    cut = tmp_path / "cut.h5"
    cut.write_bytes(our_file.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"cut\.h5: truncated"):
        merge([our_file, cut], tmp_path / "merged.h5")


def test_no_segments_make_an_empty_file(tmp_path: Path) -> None:
    merge([], tmp_path / "merged.h5")
    with Reader(tmp_path / "merged.h5") as reader:
        assert reader.stations() == []


def test_real_recordings(peer_file: Path, tmp_path: Path) -> None:
    merge([peer_file], tmp_path / "merged.h5")
    assert file_digest(tmp_path / "merged.h5") == file_digest(peer_file)
    with Reader(tmp_path / "merged.h5") as reader:
        expected = obspy.read().sort()
        stream = reader.stream("BW.RJOB", "raw_recording")
        for ours, theirs in zip(stream, expected, strict=True):
            assert (ours.data == theirs.data).all()


_FILL = """
import resource, signal, sys
from pathlib import Path
from asdf_pipeline.container.merge import extend, merge
from asdf_pipeline.errors import WriteError

source, output, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
try:
    merge([source], output)
except WriteError as error:
    print(error)
"""


@pytest.mark.parametrize("part", [0, 0.01, 0.1, 0.5, 0.9, 0.99])
def test_an_output_that_cannot_grow_gives_one_line_and_no_crash(
    tmp_path: Path, peer_file: Path, part: float
) -> None:
    output = tmp_path / "full.h5"
    limit = int(peer_file.stat().st_size * 0.7 * part)
    done = subprocess.run(
        [sys.executable, "-c", _FILL, str(peer_file), str(output), str(limit)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == f"{output}: cannot be written: File too large\n"
    assert (done.returncode, done.stderr) == (0, "")
