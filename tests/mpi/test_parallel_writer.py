"""A file that all ranks write at once holds what each of them had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import obspy
import pytest

from asdf_pipeline.container.reader import Reader
from tests.mpi.conftest import PARALLEL

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.requires("parallel-hdf5")

# Rank 0 and 1 write the same station under other tags; rank 2 has nothing; in the
# second round rank 1 alone has something.
SCRIPT = """
from pathlib import Path
import numpy as np
import obspy
from mpi4py import MPI
from asdf_pipeline.container.codec import RAW
from asdf_pipeline.container.parallel import declare, fill, lay_out
from asdf_pipeline.container.product import make_product

comm = MPI.COMM_WORLD

def product(station, tag, dtype):
    stream = obspy.Stream()
    for trace in obspy.read():
        trace.stats.network, trace.stats.station = station.split(".")
        trace.stats.asdf = {"labels": ["gr\\u00fcn", "b"], "event_ids": ["smi:local/1"]}
        trace.data = np.arange(100 + comm.rank).astype(dtype)
        stream.append(trace)
    return make_product(stream, station, tag, RAW, f"<xml of {station}>".encode())

rounds = [
    {0: [product("XX.A", "one", ">i4"), product("XX.B", "one", "<f8")],
     1: [product("XX.A", "two", "<f4")]},
    {1: [product("XX.C", "one", "<i2"), product("XX.B", "two", "<i8")]},
]
for what in rounds:
    mine = what.get(comm.rank, [])
    declared = comm.gather([declare(one) for one in mine])
    if comm.rank == 0:
        products = [one for by_rank in declared for one in by_rank]
        lay_out(Path("out.h5"), products, b"<quakeml/>")
    comm.barrier()
    fill(Path("out.h5"), comm, MPI.INFO_NULL, mine)
"""


def test_what_ranks_write_together(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    done = PARALLEL.start(3, "script.py", cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stderr
    size = {("A", "one"): 100, ("B", "one"): 100, ("A", "two"): 101}
    size |= {("C", "one"): 101, ("B", "two"): 101}
    kind = {("A", "one"): ">i4", ("B", "one"): "<f8", ("A", "two"): "<f4"}
    kind |= {("C", "one"): "<i2", ("B", "two"): "<i8"}
    with Reader(tmp_path / "out.h5") as reader:
        assert reader.quakeml() == b"<quakeml/>"
        assert reader.stations() == ["XX.A", "XX.B", "XX.C"]
        found = set()
        for station in reader.stations():
            assert reader.stationxml(station) == f"<xml of {station}>".encode()
            for tag in reader.tags(station):
                stream = reader.stream(station, tag)
                found.add((station[3:], tag))
                assert len(stream) == len(obspy.read())
                for trace in stream:
                    expected = np.arange(size[station[3:], tag])
                    assert (trace.data == expected).all()
                    assert trace.data.dtype == kind[station[3:], tag]
                    assert trace.stats.asdf.labels == ["grün", "b"]
                    assert [str(i) for i in trace.stats.asdf.event_ids] == [
                        "smi:local/1"
                    ]
    assert found == set(size)
    with h5py.File(tmp_path / "out.h5") as file:
        stored: list[h5py.Dataset] = []
        file.visititems(
            lambda _, item: stored.append(item) if hasattr(item, "dtype") else None
        )
        assert len(stored) == 5 * 3 + 3 + 1
        assert {item.chunks for item in stored if "Waveforms" in item.name} == {None}
