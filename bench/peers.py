"""What people write themselves, and pyasdf's way to the same end, from files.

``python -m bench.peers read FOLDER``: `obspy.read` of each file, nothing else;
``... add FOLDER OUT.h5``: pyasdf's `add_waveforms` and `add_stationxml`;
``... bare FOLDER OUT``: the response removed by ObsPy and a `multiprocessing.Pool`.
"""

from __future__ import annotations

import functools
import multiprocessing
import sys
from pathlib import Path

import obspy

WORKERS = 2


def read(folder: str) -> None:
    """Read every file."""
    for path in sorted(Path(folder).glob("*.mseed")):
        obspy.read(path)


def add(folder: str, output: str) -> None:
    """Put the files into an ASDF file by pyasdf."""
    import pyasdf

    with pyasdf.ASDFDataSet(output, mpi=False) as ds:
        for path in sorted(Path(folder).glob("*.mseed")):
            ds.add_waveforms(str(path), tag="raw_recording")
        for path in sorted(Path(folder).glob("*.xml")):
            ds.add_stationxml(str(path))


def bare(folder: str, output: str) -> None:
    """Remove the response of every station's files; write one file a station."""
    Path(output).mkdir()
    documents = sorted(Path(folder).glob("*.xml"))
    with multiprocessing.Pool(WORKERS) as pool:
        pool.map(functools.partial(_station, output=output), documents, chunksize=1)


def _station(document: Path, output: str) -> None:
    inventory = obspy.read_inventory(document)
    stream = obspy.read(f"{document.with_suffix('')}.*.mseed")
    stream.remove_response(inventory, output="VEL")
    stream.write(f"{output}/{document.stem}.mseed", format="MSEED")


if __name__ == "__main__":
    {"read": read, "add": add, "bare": bare}[sys.argv[1]](*sys.argv[2:])
