"""From sealed segments to one file: complete, and what is sealed left as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import xxhash

from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.engine.publish import (
    durable_file,
    merge_segments,
    write_provenance_and_auxiliary,
)
from asdf_pipeline.errors import VerificationError
from asdf_pipeline.files import checksum, copy_file
from asdf_pipeline.journal.segments import seal
from asdf_pipeline.journal.workdir import WorkDirectory
from asdf_pipeline.plan.outcome import Outcome

STATIONXML = b"<FDSNStationXML/>"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[WorkDirectory]:
    """Yield a work directory without segments."""
    directory = WorkDirectory(tmp_path / "out.h5.work", {"the input": "a"})
    yield directory
    directory.close()


def add_segment(directory: WorkDirectory, station: str) -> Path:
    """Seal a segment that holds one station's StationXML; return its path."""
    part = directory.new_segment()
    with Writer.create(part) as writer:
        writer.write_stationxml(station, STATIONXML)
    outcome = Outcome(station, "raw", "done", "ok")
    sealed = seal(part)
    directory.record(sealed, {outcome.unit_id: outcome.to_json().encode()})
    return directory.path / sealed.name


def make(directory: WorkDirectory, *, modified: bool = True) -> Path:
    return durable_file(
        directory,
        merge_segments(directory, None, None, renamed=False),
        modified=modified,
    )


@pytest.mark.parametrize("stations", [[], ["XX.A"], ["XX.A", "XX.B"]])
def test_what_is_added_is_not_added_to_a_segment(
    directory: WorkDirectory, stations: list[str]
) -> None:
    segments = {
        path: path.read_bytes()
        for path in [add_segment(directory, station) for station in stations]
    }
    made = make(directory)
    write_provenance_and_auxiliary(made, {"run": b"a document"})
    with Reader(made) as reader:
        assert list(reader.stations()) == stations
        assert reader.provenance() == {"run": b"a document"}
    assert {path: path.read_bytes() for path in segments} == segments


def test_the_only_segment_is_the_file_where_nothing_is_added(
    directory: WorkDirectory,
) -> None:
    segment = add_segment(directory, "XX.A")
    assert make(directory, modified=False) == segment


@pytest.mark.parametrize("modified", [True, False])
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("how", ["changed", "missing"])
def test_a_segment_that_is_not_as_it_was_sealed(
    directory: WorkDirectory, number: int, how: str, *, modified: bool
) -> None:
    segments = [add_segment(directory, f"XX.{index}") for index in range(number)]
    last = segments[-1]
    if how == "missing":
        last.unlink()
    else:
        content = bytearray(last.read_bytes())
        content[-1] ^= 1
        last.write_bytes(content)
    with pytest.raises(VerificationError, match=f"{last.name}: missing, or changed"):
        make(directory, modified=modified)


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (5 << 20) + 17])
def test_a_copy_has_the_same_bytes(tmp_path: Path, size: int) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(bytes(index * index % 251 for index in range(size)))
    copy.write_bytes(b"what was there before, and longer" * 10)
    copy_file(source, copy)
    assert copy.read_bytes() == source.read_bytes()
    assert checksum(copy) == xxhash.xxh3_128_hexdigest(source.read_bytes())
