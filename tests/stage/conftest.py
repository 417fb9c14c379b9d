"""Recordings that people have: files of many formats that ObsPy's wheel brings."""

from __future__ import annotations

from pathlib import Path

import obspy
import pytest

DATA = Path(obspy.__file__).parent


@pytest.fixture(scope="session")
def rjob() -> obspy.Stream:
    """Return BW.RJOB's three channels, without a response."""
    stream = obspy.read()
    for trace in stream:
        del trace.stats.response
        trace.data = trace.data.astype("float32")
    return stream


@pytest.fixture
def folder(tmp_path: Path, rjob: obspy.Stream) -> Path:
    """Return a folder with three miniSEED files and a StationXML of BW.RJOB."""
    for trace in rjob:
        path = tmp_path / f"{trace.stats.channel}.mseed"
        trace.write(str(path), format="MSEED")
    document = DATA / "core" / "data" / "BW_RJOB.xml"
    (tmp_path / "BW_RJOB.xml").write_bytes(document.read_bytes())
    return tmp_path
