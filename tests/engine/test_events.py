"""Damaged events are refused before any work; the function can do without them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from asdf_pipeline import ASDFDataSet, InputError
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.verify import verify
from asdf_pipeline.engine import ProcessTask, run
from tests.engine.conftest import SERIAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from obspy import Inventory, Stream
    from obspy.core.event import Catalog, Event

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda document: document[: len(document) // 2],
    "entities": lambda document: (
        b"<?xml version='1.0'?><!DOCTYPE q [<!ENTITY a 'b'>]>"
        + document.partition(b"?>")[2]
    ),
    "flipped bit": lambda document: document.replace(b"<value>", b"<valuf>", 1),
    "flipped digit": lambda document: document.replace(b"<value>", b"<value>1", 1),
}


@pytest.fixture(params=DAMAGES)
def damaged(request: pytest.FixtureRequest, example: Path, tmp_path: Path) -> Path:
    """Return the example with another QuakeML document, and its old digest."""
    path = tmp_path / "in.h5"
    staged = tmp_path / "staged.h5"
    run(
        ProcessTask(
            example, staged, unchanged, {"raw_recording": "raw"}, progress="none"
        )
    )
    shutil.copy(staged, path)
    with h5py.File(path, "r+") as file:
        document = DAMAGES[request.param](file["QuakeML"][()].tobytes())
        attributes = dict(file["QuakeML"].attrs)
        del file["QuakeML"]
        file["QuakeML"] = np.frombuffer(document, dtype=np.int8)
        file["QuakeML"].attrs.update(attributes)
    return path


def unchanged(st: Stream, inv: Inventory | None) -> Stream:
    return st


def with_events(
    st: Stream, inv: Inventory | None, event: Event | None, events: Catalog
) -> Stream:
    assert event is None
    assert len(events) == 0
    return st


def test_damaged_events_are_refused_before_any_work(
    damaged: Path, tmp_path: Path
) -> None:
    words = (damaged, tmp_path / "out.h5", "--tag", "raw=done")
    refused = SERIAL.start("process", "unchanged", *words)
    assert refused.returncode == 1
    (line,) = [line for line in refused.stderr.splitlines() if "QuakeML" in line]
    assert str(damaged) in line
    assert "--no-events" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.h5", "staged.h5"]
    accepted = SERIAL.start("process", "unchanged", *words, "--no-events")
    assert accepted.returncode == 0, accepted.stderr
    assert verify(tmp_path / "out.h5") == []
    with Reader(tmp_path / "out.h5") as reader:
        assert reader.quakeml() is None
        assert len(reader.stations()) > 1


def test_the_library_refuses_them_too_and_goes_on_without(
    damaged: Path, tmp_path: Path
) -> None:
    output, tag_map = tmp_path / "out.h5", {"raw": "done"}
    with ASDFDataSet(damaged, mode="r") as ds:
        with pytest.raises(InputError, match="QuakeML"):
            ds.process(with_events, output, tag_map, backend="serial")
        assert not output.exists()
        report = ds.process(
            with_events, output, tag_map, backend="serial", no_events=True
        )
    assert not report.failures
    assert verify(output) == []


def test_a_run_without_events_is_other_work(example: Path, tmp_path: Path) -> None:
    """The same command with and without does not go on with one another's work."""
    outputs = []
    for no_events in (False, True):
        outputs.append(tmp_path / f"{no_events}.h5")
        task = ProcessTask(
            example,
            outputs[-1],
            unchanged,
            {"raw_recording": "raw"},
            no_events=no_events,
            work_dir=tmp_path / "work",
            progress="none",
        )
        run(task)
    assert file_digest(outputs[0]) != file_digest(outputs[1])
