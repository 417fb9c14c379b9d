"""Opening and closing: modes, options, what is left untouched."""

from __future__ import annotations

import gc
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import h5py
import obspy
import pytest

from asdf_pipeline import ASDFDataSet, ASDFWarning
from asdf_pipeline.errors import (
    CallError,
    InputError,
    InputMissingError,
    NotASDFError,
    OutputExistsError,
    WriteError,
)
from tests.dataset.recordings import told


def state(path: Path) -> tuple[str, int]:
    return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns


@pytest.mark.parametrize("mode", ["r", "r+", "a"])
def test_reading_touches_nothing(example: Path, mode: str) -> None:
    before = state(example)
    with ASDFDataSet(example, mode=mode) as ds:
        for station in ds.waveforms:
            station.list()
            assert len(station.raw_recording) > 0
            station.get_waveform_attributes()
        ds.get_all_coordinates()
        list(ds.ifilter(ds.q.npts > 5, ds.q.latitude != 3))
        assert len(ds.events) == 3
        assert "StationXML" in ds.waveforms.BW_RJOB
        assert ds.provenance.list() == []
        assert ds.auxiliary_data.list() == []
        ds.flush()
        str(ds)
    assert state(example) == before


def test_read_only_file_is_read_with_the_default_mode(example: Path) -> None:
    example.chmod(0o444)
    with ASDFDataSet(example) as ds:
        assert len(ds.waveforms) == 3


def test_modes_that_create(tmp_path: Path, example: Path) -> None:
    new = tmp_path / "new.h5"
    for mode in ("r", "r+"):
        with pytest.raises(InputMissingError, match=r"new\.h5: no such file"):
            ASDFDataSet(new, mode=mode)
    with ASDFDataSet(new, mode="x") as ds:
        ds.add_waveforms(obspy.read(), tag="raw")
    for mode in ("x", "w-"):
        with pytest.raises(OutputExistsError, match=r"new\.h5 exists already"):
            ASDFDataSet(new, mode=mode)
    with ASDFDataSet(new) as ds:
        assert ds.waveform_tags == {"raw"}
    # What a link leads to stays, though it is opened by "w".
    new.unlink()
    new.symlink_to(example)
    before = state(example)
    with ASDFDataSet(new, mode="w") as ds:
        assert ds.waveforms.list() == []
    assert state(example) == before
    assert not new.is_symlink()


def test_mode_r_adds_nothing(example: Path) -> None:
    before = state(example)
    with ASDFDataSet(example, mode="r") as ds:
        with pytest.raises(CallError, match="open it with mode 'a'"):
            ds.add_waveforms(obspy.read(), tag="raw")
        with pytest.raises(CallError, match="open it with mode 'a'"):
            ds.events = obspy.read_events()[:]
        assert len(ds.waveforms) == 3
    assert state(example) == before


def test_what_is_no_asdf_file(tmp_path: Path) -> None:
    text = tmp_path / "text.h5"
    text.write_text("no HDF5")
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = 1
    before = [state(text), state(other)]
    for mode in ("r", "a"):
        with pytest.raises(NotASDFError, match=r"text\.h5: not an HDF5 file"):
            ASDFDataSet(text, mode=mode)
        with pytest.raises(NotASDFError, match=r"other\.h5: HDF5, but not ASDF"):
            ASDFDataSet(other, mode=mode)
    assert [state(text), state(other)] == before


def test_unknown_options(tmp_path: Path) -> None:
    path = tmp_path / "new.h5"
    with pytest.raises(CallError, match="compression 'zip' is none of None, lzf"):
        ASDFDataSet(path, compression="zip")
    with pytest.raises(CallError, match="mode 'q' is none of"):
        ASDFDataSet(path, mode="q")
    with pytest.raises(CallError, match=r"version '2\.0' is not supported.*1\.0\.0"):
        ASDFDataSet(path, format_version="2.0")
    assert not path.exists()


def test_options_without_effect_say_so_in_one_line(example: Path) -> None:
    with pytest.warns(ASDFWarning) as caught:
        ASDFDataSet(
            example, "lzf", False, True, None, "r", format_version="1.0.0"
        ).close()
    vain, forced = caught
    for words in ("compression='lzf'", "shuffle=False", "debug=True"):
        assert words in str(vain.message)
    assert "forcing ASDF version 1.0.0 but" in str(forced.message)
    assert vain.filename == forced.filename == __file__


def test_closed_is_closed(example: Path) -> None:
    with ASDFDataSet(example) as ds:
        station = ds.waveforms.BW_RJOB
    for ask in (ds.waveforms.list, station.list, lambda: ds.events):
        with pytest.raises(CallError, match=r"example\.h5: the data set is closed"):
            ask()
    assert repr(ds) == f"ASDF file '{example}' (closed)"
    ds.close()


def test_last_reference_closes(tmp_path: Path) -> None:
    path = tmp_path / "new.h5"
    ds = ASDFDataSet(path)
    ds.add_waveforms(obspy.read(), tag="raw")
    gc.disable()  # counting references must do
    try:
        del ds
        with h5py.File(path) as file:
            assert list(file["Waveforms/BW.RJOB"])
    finally:
        gc.enable()
    # A station outlives its data set.
    assert len(ASDFDataSet(path).waveforms.BW_RJOB.raw) == 3


def test_forgotten_data_set_is_complete_at_the_end_of_python(tmp_path: Path) -> None:
    code = (
        "import obspy, asdf_pipeline\n"
        "ds = asdf_pipeline.ASDFDataSet('new.h5')\n"
        "ds.add_waveforms(obspy.read(), tag='raw')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    with ASDFDataSet(tmp_path / "new.h5", mode="r") as ds:
        assert told(ds.waveforms.BW_RJOB.raw)[0][0] == "BW.RJOB..EHE"


def test_error_inside_the_context_closes(tmp_path: Path) -> None:
    def script() -> None:
        with ASDFDataSet(tmp_path / "new.h5") as ds:
            ds.add_waveforms(obspy.read(), tag="raw")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        script()
    with h5py.File(tmp_path / "new.h5") as file:
        assert len(file["Waveforms/BW.RJOB"]) == 3


def test_flush_completes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new.h5"
    ds = ASDFDataSet(path)
    ds.add_waveforms(obspy.read(), tag="raw")
    ds.flush()
    with h5py.File(path) as file:
        assert len(file["Waveforms/BW.RJOB"]) == 3
    ds.add_waveforms(obspy.read(), tag="more")
    assert ds.waveform_tags == {"raw", "more"}


def test_two_data_sets_on_one_file(example: Path) -> None:
    with ASDFDataSet(example) as one, ASDFDataSet(example) as two:
        assert one.waveforms.list() == two.waveforms.list()
        two.add_waveforms(obspy.read(), tag="more")
        assert one.waveform_tags == two.waveform_tags > {"more"}
        one.add_waveforms(obspy.read(), tag="most")
        with pytest.warns(ASDFWarning, match="already exists in file"):
            two.add_waveforms(obspy.read()[0], tag="most")
        assert "most" in two.waveforms.BW_RJOB.get_waveform_tags()
        two.add_waveforms(obspy.read(), tag="last")
        assert one == two


def test_the_cell_of_a_notebook_runs_twice(tmp_path: Path) -> None:
    first = ASDFDataSet(tmp_path / "new.h5")
    first.add_stationxml(obspy.read_inventory())
    first.add_waveforms(obspy.read(), tag="raw")
    again = ASDFDataSet(tmp_path / "new.h5")
    again.add_stationxml(obspy.read_inventory())
    with pytest.warns(ASDFWarning, match="already exists in file"):
        again.add_waveforms(obspy.read(), tag="raw")
    first.close()
    assert len(again.waveforms.BW_RJOB.raw) == 3
    again.close()


def test_a_file_that_is_open_in_h5py_is_not_added_to(example: Path) -> None:
    with (
        ASDFDataSet(example) as ds,
        h5py.File(example, "r", locking=False),
        pytest.raises(WriteError, match="open elsewhere in this process: close"),
    ):
        ds.add_waveforms(obspy.read(), tag="more")


def test_equality_is_of_content(example: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.h5"
    copy.write_bytes(example.read_bytes())
    with ASDFDataSet(example) as one, ASDFDataSet(copy) as two:
        assert one == two
        two.add_waveforms(obspy.read(), tag="more")
        assert one != two
        assert one != "example"


def test_limit_of_one_access(example: Path) -> None:
    with ASDFDataSet(example, mode="r", single_item_read_limit_in_mb=0.01) as ds:
        station = ds.waveforms.BW_RJOB
        with pytest.raises(InputError, match=r"single_item_read_limit_in_mb.*get_wave"):
            _ = station.raw_recording
        start = obspy.UTCDateTime(2009, 8, 24, 0, 20, 3)
        one = ds.get_waveforms("BW", "RJOB", "", "EHZ", start, start + 1, "other")
        assert len(one[0]) == 101
        ds.single_item_read_limit_in_mb = 100
        assert len(station.raw_recording) == 3


def test_windows_are_exact(example: Path) -> None:
    """On every sample, by integers: pyasdf takes one too many now and then."""
    with ASDFDataSet(example, mode="r") as ds:
        whole = ds.waveforms.BW_RJOB.other.select(channel="EHZ")[0]
        start = whole.stats.starttime
        for number in (0, 1, 29, 290, 2900, 2999):
            at = obspy.UTCDateTime(ns=start.ns + number * 10_000_000)
            (one,) = ds.get_waveforms("BW", "RJOB", "", "EHZ", at, at, "other")
            assert one.stats.starttime == at
            assert one.data.tolist() == [whole.data[number]]
        after = start + 31
        assert len(ds.get_waveforms("*", "*", "*", "*", after, after + 9, "other")) == 0


def test_filename_is_absolute(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(example.parent)
    with ASDFDataSet("example.h5", mode="r") as ds:
        monkeypatch.chdir(os.sep)
        assert ds.filename == str(example)
        assert len(ds.waveforms) == 3
