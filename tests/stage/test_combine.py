"""Several ASDF files to one."""

from __future__ import annotations

from pathlib import Path

import obspy
import pytest

from asdf_pipeline.cli import main
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import (
    CallError,
    InputError,
    OutputExistsError,
    VerificationError,
)
from asdf_pipeline.stage import stage
from asdf_pipeline.stage.combine import combine
from tests.stage.conftest import DATA

CORE = DATA / "core" / "tests" / "data"


def staged(
    folder: Path, name: str, *waveforms: str, events: Path | None = None
) -> Path:
    output = folder / f"{name}.h5"
    stage(
        [str(folder / one) for one in waveforms],
        [str(folder / "*.xml")],
        [] if events is None else [str(events)],
        "raw",
        output,
        backend="serial",
    )
    return output


def test_parts_make_the_whole(folder: Path) -> None:
    events = CORE / "iris_events.xml"
    whole = staged(folder, "whole", "EH?.mseed", events=events)
    parts = [
        staged(folder, channel, f"{channel}.mseed", events=events)
        for channel in ("EHZ", "EHN", "EHE")
    ]
    before = [(path.stat().st_mtime_ns, path.read_bytes()) for path in parts]
    assert main(["merge", *map(str, parts), "--output", str(folder / "m.h5")]) == 0
    assert file_digest(folder / "m.h5") == file_digest(whole)
    assert before == [(path.stat().st_mtime_ns, path.read_bytes()) for path in parts]


def test_events_are_joined(folder: Path) -> None:
    catalogs = [CORE / "iris_events.xml", CORE / "neries_events.xml"]
    parts = [
        staged(folder, "a", "EHZ.mseed", events=catalogs[0]),
        staged(folder, "b", "EHN.mseed", events=catalogs[1]),
        staged(folder, "c", "EHE.mseed"),
    ]
    combine(parts, folder / "merged.h5")
    known = [str(e.resource_id) for c in catalogs for e in obspy.read_events(str(c))]
    with Reader(folder / "merged.h5") as reader:
        assert [str(event.resource_id) for event in reader.events()] == known
        assert len(reader.headers("BW.RJOB")) == 3


def test_two_versions_of_an_event_are_an_error(folder: Path) -> None:
    catalog = obspy.read_events(str(CORE / "iris_events.xml"))
    catalog[0].origins[0].depth = 1.0
    edited = folder / "edited.quakeml"
    catalog.write(str(edited), format="QUAKEML")
    parts = [
        staged(folder, "a", "EHZ.mseed", events=CORE / "iris_events.xml"),
        staged(folder, "b", "EHN.mseed", events=edited),
    ]
    with pytest.raises(InputError, match=r"a\.h5 and .*b\.h5: both hold the event"):
        combine(parts, folder / "merged.h5")
    assert not list(folder.glob("*merged*"))


def test_a_file_without_events_in_its_quakeml(folder: Path) -> None:
    parts = [
        staged(folder, "a", "EHZ.mseed", events=CORE / "iris_events.xml"),
        staged(folder, "b", "EHN.mseed"),
    ]
    with Writer.reopen(parts[1]) as writer:
        writer.write_quakeml(b" ")
    combine(parts, folder / "merged.h5")
    with Reader(folder / "merged.h5") as reader:
        assert len(reader.events()) == 2


def test_events_that_declare_entities_are_refused(folder: Path) -> None:
    parts = [
        staged(folder, "a", "EHZ.mseed", events=CORE / "iris_events.xml"),
        staged(folder, "b", "EHN.mseed"),
    ]
    document = (CORE / "iris_events.xml").read_bytes()
    begin = document.index(b"<q:quakeml")
    with Writer.reopen(parts[1]) as writer:
        writer.write_quakeml(
            document[:begin]
            + b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
            + document[begin:]
        )
    with pytest.raises(InputError, match=r"b\.h5: .* a document type or entities"):
        combine(parts, folder / "merged.h5")


def test_a_trace_in_two_files_is_an_error(folder: Path) -> None:
    parts = [
        staged(folder, "a", "EHZ.mseed"),
        staged(folder, "b", "EHZ.mseed", "EHN.mseed"),
    ]
    with pytest.raises(VerificationError, match=r"b\.h5: .*EHZ.* is in another"):
        combine(parts, folder / "merged.h5")
    assert not list(folder.glob(".*"))
    assert not (folder / "merged.h5").exists()


def test_calls_that_cannot_be(folder: Path) -> None:
    part = staged(folder, "a", "EHZ.mseed")
    (folder / "link.h5").symlink_to(part)
    with pytest.raises(CallError, match=r"link\.h5: named twice \(also as .*a\.h5"):
        combine([part, folder / "link.h5"], folder / "merged.h5")
    with pytest.raises(OutputExistsError, match=r"a\.h5: .*exists already"):
        combine([part], part)
    with pytest.raises(CallError, match="there is no directory"):
        combine([part], folder / "absent" / "merged.h5")
