"""Files of both makers, of real recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import obspy
import pyasdf
import pytest

from asdf_pipeline.metadata.split import split
from asdf_pipeline.metadata.write import to_stationxml
from tests.container.made import write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def rjob_xml() -> bytes:
    """Return the StationXML of BW.RJOB."""
    return split(to_stationxml(obspy.read_inventory()), "ObsPy")["BW.RJOB"].document


@pytest.fixture(scope="session")
def peer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file that pyasdf made of ObsPy's real recordings."""
    path = tmp_path_factory.mktemp("peer") / "pyasdf.h5"
    catalog = obspy.read_events()
    with pyasdf.ASDFDataSet(str(path), mpi=False) as data_set:
        data_set.add_quakeml(catalog)
        data_set.add_waveforms(
            obspy.read(),
            tag="raw_recording",
            event_id=catalog[0],
            origin_id=[catalog[0].origins[0], catalog[1].origins[0]],
            labels=["a label", "Erdstöße"],
        )
        data_set.add_stationxml(obspy.read_inventory())
        data_set.add_auxiliary_data(
            np.arange(12.0).reshape(3, 4), "Spectra", "some/path", {"a": 1, "b": "x"}
        )
    return path


@pytest.fixture
def our_file(tmp_path: Path, rjob_xml: bytes) -> Path:
    """Return a file that this package made of ObsPy's real recordings."""
    return write(tmp_path / "ours.h5", *obspy.read(), stationxml=rjob_xml)
