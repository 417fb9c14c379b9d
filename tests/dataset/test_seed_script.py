"""The script this project started from, with nothing but its import changed.

It passes a function of its own, has no ``__main__`` guard, and is compared with what
pyasdf makes of the same file.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import obspy
import pyasdf
import pytest

from asdf_pipeline import ASDFDataSet
from asdf_pipeline.errors import (
    CallError,
    FunctionError,
    OutputExistsError,
    ProcessingFailedError,
    TagError,
)
from tests.dataset.recordings import told

SCRIPT = (Path(__file__).parent / "seed_script.txt").read_text(encoding="utf-8")
CHANGED = SCRIPT.replace("import pyasdf\n", "import asdf_pipeline as pyasdf\n")
OUTPUT = "processed_example.h5"


def start(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(script, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def state(path: Path) -> tuple[str, int]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return digest, path.stat().st_mtime_ns


@pytest.fixture(scope="module")
def peer_output(by_pyasdf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return pyasdf's output; it needs the guard that the script does not have."""
    folder = tmp_path_factory.mktemp("processed")
    shutil.copy2(by_pyasdf, folder / "example.h5")
    head, keyword, body = SCRIPT.partition("with ")
    body = "\n    ".join((keyword + body).splitlines())
    done = start(f'{head}if __name__ == "__main__":\n    {body}\n', folder)
    assert done.returncode == 0, done.stderr
    return folder / OUTPUT


@pytest.fixture(scope="module")
def folder(by_pyasdf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the script has run once."""
    folder = tmp_path_factory.mktemp("changed")
    example = shutil.copy2(by_pyasdf, folder / "example.h5")
    before = state(example)
    done = start(CHANGED, folder)
    assert done.returncode == 0, done.stderr
    assert state(example) == before
    return folder


def test_same_stations_and_names(folder: Path, peer_output: Path) -> None:
    with (
        ASDFDataSet(folder / OUTPUT, mode="r") as ours,
        pyasdf.ASDFDataSet(str(peer_output), mode="r") as theirs,
    ):
        assert ours.waveforms.list() == theirs.waveforms.list() == ["BW.RJOB", "IU.ULN"]
        for name in ours.waveforms.list():
            assert ours.waveforms[name].list() == theirs.waveforms[name].list()
            assert "StationXML" in ours.waveforms[name].list()
        assert ours.events == theirs.events == obspy.read_events()


def test_same_samples(folder: Path, peer_output: Path) -> None:
    """Both files are read by pyasdf here."""
    with (
        pyasdf.ASDFDataSet(str(folder / OUTPUT), mode="r") as ours,
        pyasdf.ASDFDataSet(str(peer_output), mode="r") as theirs,
    ):
        for name in ("BW.RJOB", "IU.ULN"):
            streams = [ds.waveforms[name].processed for ds in (ours, theirs)]
            for own, other in zip(*streams, strict=True):
                assert own.id == other.id
                assert own.stats.asdf.tag == "processed"
                assert own.stats.asdf.get("event_ids") == other.stats.asdf.get(
                    "event_ids"
                )
                peak = np.abs(other.data).max()
                assert peak > 0
                np.testing.assert_allclose(
                    own.data, other.data, rtol=0, atol=1e-10 * peak
                )


def test_station_metadata_is_copied_byte_for_byte(folder: Path) -> None:
    from asdf_pipeline.container.reader import Reader

    with Reader(folder / "example.h5") as before, Reader(folder / OUTPUT) as after:
        for name in after.stations():
            assert after.stationxml(name) == before.stationxml(name)


def test_second_run_is_refused(folder: Path) -> None:
    before = state(folder / OUTPUT)
    done = start(CHANGED, folder)
    assert done.returncode != 0
    assert "OutputExistsError" in done.stderr
    assert OUTPUT in done.stderr.splitlines()[-1]
    assert state(folder / OUTPUT) == before
    assert not (folder / f"{OUTPUT}.work").exists()
    assert sorted(path.name for path in folder.iterdir()) == [
        "example.h5",
        OUTPUT,
        "script.py",
    ]


def test_process_in_this_process(
    example: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A closure, a report, and a data set that goes on working."""
    factor = 3

    def scaled(st: obspy.Stream, inv: obspy.Inventory | None) -> obspy.Stream:
        if st[0].stats.station == "BGLD":
            msg = "not this one"
            raise RuntimeError(msg)
        for trace in st:
            trace.data = trace.data * factor
        return st

    with ASDFDataSet(example) as ds:
        report = ds.process(
            scaled, tmp_path / "out.h5", {"raw_recording": "scaled"}, cpu_count=2
        )
        assert report.counts["ok"] == 2
        assert [one.station for one in report.failures] == ["BW.BGLD"]
        assert report.failures[0].error_message == "not this one"
        assert "BW.BGLD (raw_recording): RuntimeError: not this one" in caplog.text
        before = ds.waveforms.BW_RJOB.raw_recording
    with ASDFDataSet(tmp_path / "out.h5", mode="r") as out:
        after = out.waveforms.BW_RJOB.scaled
        assert out.waveforms.list() == ["BW.RJOB", "IU.ULN"]
    for trace in before:
        trace.data = trace.data * factor
        trace.stats.asdf.tag = "scaled"
        # The record of the run takes the place of what the trace referred to.
        trace.stats.asdf.provenance_id = after[0].stats.asdf.provenance_id
    assert told(after) == told(before)


def test_wrong_calls_leave_the_data_set_usable(example: Path, tmp_path: Path) -> None:
    ds = ASDFDataSet(example)
    with pytest.raises(TagError, match="tags in the file: other, raw_recording"):
        ds.process(lambda st, inv: st, tmp_path / "out.h5", {"nothing": "processed"})
    with pytest.raises(FunctionError, match="not a function"):
        ds.process(3, tmp_path / "out.h5", {"other": "processed"})
    with pytest.raises(OutputExistsError):
        ds.process(lambda st, inv: st, example, {"other": "processed"})
    with pytest.raises(ProcessingFailedError, match=r"1 failed: BW\.RJOB"):
        ds.process(
            lambda st, inv: st.nothing,
            tmp_path / "out.h5",
            {"other": "processed"},
            max_failures=0,
        )
    assert not (tmp_path / "out.h5").exists()
    assert len(ds.waveforms.BW_RJOB.other) == 3
    ds.close()
    with pytest.raises(CallError, match="closed"):
        ds.process(lambda st, inv: st, tmp_path / "out.h5", {"other": "processed"})


def test_function_that_looks_into_the_data_set(example: Path, tmp_path: Path) -> None:
    with ASDFDataSet(example) as ds:
        assert len(ds.events) == 3

        def only_with_events(st: obspy.Stream, inv: object) -> obspy.Stream | None:
            return st if len(ds.events) == 3 and "IU.ULN" in ds.waveforms else None

        report = ds.process(
            only_with_events,
            tmp_path / "out.h5",
            {"raw_recording": "kept"},
            cpu_count=2,
            progress="none",
        )
        assert report.counts["ok"] == 3
        assert len(ds.events) == 3
