"""A process that is killed while it changes a file leaves it whole."""

from __future__ import annotations

import multiprocessing
import operator
import os
import random
import shutil
import signal
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import h5py
import numpy as np
import obspy
import pyasdf
import pytest
from obspy import UTCDateTime
from obspy.core.event import Catalog, Event

from asdf_pipeline import ASDFDataSet
from asdf_pipeline.container import commit, edit
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.file_lock import has_writer
from asdf_pipeline.errors import WriteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

KILLS = int(os.environ.get("ASDF_PIPELINE_KILLS", "12"))
ROUNDS = 40
INVENTORY, CATALOG = obspy.read_inventory(), Catalog([Event(), Event()])
START = UTCDateTime(2024, 1, 1)


def piece(station: str, number: int, size: int = 100) -> obspy.Trace:
    header = {
        "network": "XX",
        "station": station,
        "channel": "HHZ",
        "sampling_rate": 100.0,
        "starttime": START + number,
    }
    data = np.random.default_rng(number).integers(-999, 999, size).astype("i4")
    return obspy.Trace(data, header)


def calls(ds: ASDFDataSet) -> Iterator[Callable[[], object]]:
    """Yield one change after another: add, append, replace, delete."""
    for number in range(ROUNDS):
        name = f"S{number % 7}"
        new, array = piece(name, number, 5000), np.arange(50.0 * number + 1)
        yield partial(ds.append_waveforms, piece("LIVE", number), "live")
        for _ in range(2):
            yield partial(ds.add_waveforms, new, f"t{number}", replace=True)
        yield partial(ds.append_waveforms, piece("LIVE", number + 500), "live")
        yield partial(ds.add_auxiliary_data, array, "Kind", f"a{number}", {"n": number})
        if number % 3 == 1:
            yield partial(operator.delitem, ds.waveforms, f"XX.{name}")
            yield partial(operator.delitem, ds.auxiliary_data["Kind"], f"a{number}")
        if number % 4 == 2:
            yield partial(ds.add_stationxml, INVENTORY)
            yield partial(operator.delitem, ds.waveforms["GR.FUR"], "StationXML")
            yield partial(setattr, ds, "events", CATALOG)
        if number % 4 == 3:
            yield partial(delattr, ds, "events")
            yield ds.flush


def change(path: Path) -> None:
    edit._INTERVAL = 0.005  # commits between any two calls
    ds = ASDFDataSet(path)
    for call in calls(ds):
        call()
    ds.close()


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Return the digest of the file after each call, with the number of the call."""
    path = tmp_path_factory.mktemp("states") / "whole.h5"
    found = {}
    with ASDFDataSet(path) as ds:
        found[file_digest(path)] = 0
        for number, call in enumerate(calls(ds), 1):
            call()
            ds.flush()
            found[file_digest(path)] = number
    return found


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_killed_writer_leaves_a_state_between_two_calls(
    tmp_path: Path, states: dict[str, int]
) -> None:
    process = multiprocessing.get_context("fork")
    chance = random.Random(2024)
    path = tmp_path / "in.h5"
    began = time.monotonic()
    ASDFDataSet(path).close()
    whole = process.Process(target=change, args=(path,))
    whole.start()
    whole.join()
    takes = time.monotonic() - began
    assert whole.exitcode == 0
    assert file_digest(path) == max(states, key=lambda one: states[one])
    seen = set()
    for _ in range(KILLS):
        path.unlink()
        ASDFDataSet(path).close()
        writer = process.Process(target=change, args=(path,))
        writer.start()
        time.sleep(chance.uniform(0, takes))
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        # A commit that was begun is finished by the process that writes it. Until then
        # HDF5 refuses the file, as it is locked.
        while has_writer(path):
            time.sleep(0.01)
        with pyasdf.ASDFDataSet(str(path), mode="r") as theirs:
            for station in theirs.waveforms:
                for tag in station.get_waveform_tags():
                    assert station[tag]
            for group in theirs.auxiliary_data.list():
                for one in theirs.auxiliary_data[group]:
                    assert one.data[:].size
        digest = file_digest(path)
        assert digest in states, "no state between two calls"
        seen.add(states[digest])
        shutil.copy(path, tmp_path / "copy.h5")
        with pyasdf.ASDFDataSet(str(tmp_path / "copy.h5")) as theirs:
            theirs.add_waveforms(piece("NEW", 0), "more")
        with ASDFDataSet(path) as ds:
            ds.add_waveforms(piece("NEW", 0), "more")
            assert len(ds.waveforms.XX_NEW.more) == 1
    assert len(seen) > min(2, KILLS - 1)


def commit_one_and_a_half(path: Path, ready: Connection) -> None:
    """Commit two changes, the second by a process that has been stopped."""
    ds = ASDFDataSet(path)
    for number in range(30):  # more than a page, of which more than one changes
        ds.add_waveforms(piece("FIRST", number), f"t{number}")
    ds.flush()
    commit._connection()
    helper = commit._running[os.getpid()].process
    os.kill(helper.pid, signal.SIGSTOP)
    ready.send(helper.pid)
    ds.add_waveforms(piece("FIRST", 0), "more")
    ds.add_waveforms(piece("SECOND", 0), "more")
    ds.flush()


def killed_in_a_commit(path: Path, seconds: float) -> int:
    """Kill a writer whose commit stands; return the process that is to write it."""
    process = multiprocessing.get_context("fork")
    ASDFDataSet(path).close()
    here, there = process.Pipe()
    writer = process.Process(target=commit_one_and_a_half, args=(path, there))
    writer.start()
    there.close()
    helper: int = here.recv()
    time.sleep(seconds)
    writer.kill()
    writer.join()
    return helper


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_commit_that_outlives_its_writer_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The lock is the open file's: the process that writes the commit has it, too."""
    path = tmp_path / "in.h5"
    for seconds in (1, 10, 60):  # a busy machine may not have begun the commit
        path.unlink(missing_ok=True)
        helper = killed_in_a_commit(path, seconds)
        if has_writer(path):
            break
        os.kill(helper, signal.SIGKILL)
    try:
        with pytest.raises(BlockingIOError), h5py.File(path):
            raise AssertionError
        with pytest.raises(WriteError, match="open elsewhere"), ASDFDataSet(path) as ds:
            ds.add_waveforms(piece("THIRD", 0), "three")
        assert f"{path}: another program is changing it" in caplog.text
        go_on = threading.Timer(0.3, os.kill, (helper, signal.SIGCONT))
        go_on.start()
        caplog.clear()
        with ASDFDataSet(path) as ds:
            assert ds.waveforms.list() == ["XX.FIRST", "XX.SECOND"]
            ds.add_waveforms(piece("THIRD", 0), "three")
        assert not caplog.text
        go_on.join()
    finally:
        with suppress(ProcessLookupError):
            os.kill(helper, signal.SIGKILL)
    with pyasdf.ASDFDataSet(str(path), mode="r") as theirs:
        assert theirs.waveforms.list() == ["XX.FIRST", "XX.SECOND", "XX.THIRD"]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_closed_file_is_free_whatever_children_have_it_open(tmp_path: Path) -> None:
    path = tmp_path / "in.h5"
    ds = ASDFDataSet(path)
    ds.add_waveforms(piece("FIRST", 0), "one")
    assert has_writer(path)
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    child.start()
    try:
        ds.close()
        assert has_writer(path) is False
    finally:
        child.kill()
        child.join()
