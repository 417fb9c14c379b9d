"""Tags that this package would not write are read from the files that have them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from asdf_pipeline import ASDFDataSet
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.verify import verify
from asdf_pipeline.errors import TagError
from tests.container.made import trace, write

if TYPE_CHECKING:
    from pathlib import Path

    from obspy import Inventory, Stream

# As SeisIO, SPECFEM and others write them; "a=b" for the command's separator.
TAGS = ["_observed", "HHZ", "my-tag", "a__b", "raw__2", "a=b", "with space", "Täg"]


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Return a file with a trace of each of these tags."""
    path = write(tmp_path / "foreign.h5", trace())
    with h5py.File(path, "r+") as file:
        group = file["Waveforms/XX.ABC"]
        (name,) = group
        for number, tag in enumerate(TAGS):
            new = name.replace("raw_recording", tag)
            group.copy(name, new)
            group[new][...] = np.arange(5) + number
        del group[name]
    return path


def test_they_are_listed_and_read(foreign: Path) -> None:
    assert verify(foreign) == []
    with Reader(foreign) as reader:
        assert reader.tags("XX.ABC") == sorted(TAGS)
    with ASDFDataSet(foreign, mode="r") as data_set:
        station = data_set.waveforms.XX_ABC
        for number, tag in enumerate(TAGS):
            (one,) = station[tag]
            assert one.stats.asdf.tag == tag
            assert one.data[0] == number
            assert len(getattr(station, tag)) == 1
            times = one.stats.starttime, one.stats.endtime
            found = data_set.get_waveforms("XX", "ABC", "*", "*", *times, tag)
            assert [each.data[0] for each in found] == [number]


def test_the_library_processes_them(foreign: Path, tmp_path: Path) -> None:
    seen = []

    def function(st: Stream, inv: Inventory | None) -> Stream:
        seen.append(int(st[0].data[0]))
        return st

    tag_map = {tag: f"out_{number}" for number, tag in enumerate(TAGS)}
    with ASDFDataSet(foreign, mode="r") as data_set:
        report = data_set.process(
            function, tmp_path / "out.h5", tag_map, backend="serial"
        )
    assert [outcome.status for outcome in report.outcomes] == ["ok"] * len(TAGS)
    assert sorted(seen) == [*range(len(TAGS))]
    with Reader(tmp_path / "out.h5") as reader:
        assert reader.tags("XX.ABC") == sorted(tag_map.values())


def test_the_command_processes_them(foreign: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    pairs = (f"--tag={tag}=out_{number}" for number, tag in enumerate(TAGS))
    (tmp_path / "same.py").write_text("def same(st, inv):\n    return st\n")
    words = ["process", foreign, out, "--function", tmp_path / "same.py:same", *pairs]
    done = subprocess.run(
        [sys.executable, "-m", "asdf_pipeline", *map(str, words), "--workers=2"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    with Reader(out) as reader:
        for number in range(len(TAGS)):
            (one,) = reader.stream("XX.ABC", f"out_{number}")
            assert one.data[0] == number


@pytest.mark.parametrize("tag", ["Out", "_out", "a__b", "", "a-b"])
def test_they_are_not_written(foreign: Path, tmp_path: Path, tag: str) -> None:
    with (
        ASDFDataSet(foreign, mode="r") as data_set,
        pytest.raises(TagError, match="is not valid"),
    ):
        data_set.process(lambda st, inv: st, tmp_path / "out.h5", {"HHZ": tag})


@pytest.mark.parametrize("tag", ["", None, 5, "a/b"])
def test_what_is_no_tag_is_refused(foreign: Path, tmp_path: Path, tag: str) -> None:
    with (
        ASDFDataSet(foreign, mode="r") as data_set,
        pytest.raises(TagError, match="no tag"),
    ):
        data_set.process(lambda st, inv: st, tmp_path / "out.h5", {tag: "out"})


def test_a_tag_that_no_trace_has_is_named_with_those_there_are(
    foreign: Path, tmp_path: Path
) -> None:
    with (
        ASDFDataSet(foreign, mode="r") as data_set,
        pytest.raises(
            TagError, match="no waveforms with tag hhz; tags in the file: .*HHZ"
        ),
    ):
        data_set.process(lambda st, inv: st, tmp_path / "out.h5", {"hhz": "out"})
