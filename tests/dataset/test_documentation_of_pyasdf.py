"""What pyasdf's documentation shows, in short, with either import: equal files.

After its pages: tutorial, parallel processing, large data (continuous recordings) and
ambient noise cross-correlation.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import obspy
import pytest

from asdf_pipeline import ASDFDataSet
from asdf_pipeline.container.digest import file_digest

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = ("pyasdf", "asdf_pipeline")

TUTORIAL = """
import glob
import obspy
from PACKAGE import ASDFDataSet

ds = ASDFDataSet("new_file.h5", compression="gzip-3")
ds.add_quakeml("quake.xml")
event = ds.events[0]
for filename in sorted(glob.glob("*.mseed")):
    ds.add_waveforms(filename, tag="raw_recording", event_id=event)
ds.add_stationxml("stations.xml")
print(ds)
for station in ds.ifilter(ds.q.station == "RJ*", ds.q.tag == "raw_recording"):
    for tr in station.raw_recording:
        tr.taper(max_percentage=0.05, type="cosine")
        ds.add_waveforms(tr, tag="tapered")
del ds
"""

PROCESSING = """
import obspy
from PACKAGE import ASDFDataSet

def process(st, inv):
    st.detrend("linear")
    st.detrend("demean")
    st.taper(max_percentage=0.05, type="hann")
    st.interpolate(sampling_rate=10.0)
    for tr in st:
        tr.data = tr.data.astype("float32")
    return st

if __name__ == "__main__":
    ds = ASDFDataSet("in.h5", mode="r")
    ds.process(process, "new_file.h5", {"raw_recording": "preprocessed"}, cpu_count=2)
    del ds
"""

CONTINUOUS = """
import numpy as np
import obspy
from PACKAGE import ASDFDataSet

start = obspy.UTCDateTime(2012, 1, 1)
data = np.random.default_rng(1).integers(-999, 999, 86_400).astype("int32")
with ASDFDataSet("new_file.h5") as ds:
    for hour in range(24):
        tr = obspy.Trace(data[hour * 3600 : (hour + 1) * 3600])
        tr.stats.update({"network": "XX", "station": "LONG", "channel": "LHZ"})
        tr.stats.starttime = start + 3600 * hour
        ds.append_waveforms(tr, tag="raw_recording")
with ASDFDataSet("new_file.h5", mode="r") as ds:
    st = ds.get_waveforms("XX", "LONG", "", "LHZ", start + 7200, start + 7300,
                          "raw_recording")
    assert st[0].data[0] == data[7200], st
    print(st[0].stats.npts, ds.waveforms.XX_LONG.list())
"""

CORRELATION = """
import itertools
import numpy as np
from PACKAGE import ASDFDataSet

with ASDFDataSet("in.h5", mode="r") as ds:
    traces = {
        f"{station._station_name}_{tr.id.split('.')[-1]}": tr
        for station in ds.waveforms
        for tr in station.raw_recording[:2]
    }
with ASDFDataSet("new_file.h5") as ds:
    for one, other in itertools.combinations(sorted(traces), 2):
        a, b = (traces[name].data[:500].astype("float64") for name in (one, other))
        ds.add_auxiliary_data(
            np.fft.irfft(np.fft.rfft(a) * np.conj(np.fft.rfft(b))),
            data_type="CrossCorrelation",
            path=f"{one}/{other}".replace(".", "_"),
            parameters={"sampling_rate": 100.0, "stacked": 1, "pair": f"{one} {other}"},
        )
    print(ds.auxiliary_data)
    for group in ds.auxiliary_data.CrossCorrelation:
        for one in group:
            print(one.path, one.parameters["pair"], float(np.abs(one.data[:]).max()))
"""

SCRIPTS = {
    "tutorial": TUTORIAL,
    "parallel processing": PROCESSING,
    "continuous data": CONTINUOUS,
    "cross-correlation": CORRELATION,
}


def taken_inventories(path: Path) -> dict[str, obspy.Inventory]:
    """Take the StationXML out of a file; return what it says, by station.

    The catalog, which gets another id in each process, gets one and the same.
    """
    found = {}
    with ASDFDataSet(path) as ds:
        catalog = ds.events
        catalog.resource_id = "smi:local/catalog"
        ds.events = catalog
        for station in ds.waveforms:
            if "StationXML" in station:
                inventory = station.StationXML
                inventory.module = inventory.created = inventory.module_uri = None
                found[station._station_name] = inventory
                del station.StationXML
    return found


@pytest.mark.parametrize("page", SCRIPTS)
def test_a_page_of_the_documentation_makes_the_same_file(
    tmp_path: Path, by_pyasdf: Path, page: str
) -> None:
    digests, said, inventories = [], [], []
    for package in PACKAGES:
        folder = tmp_path / package
        folder.mkdir()
        (folder / "in.h5").symlink_to(by_pyasdf)
        stream = obspy.read()
        for trace in stream:
            trace.data = (trace.data * 100).astype("int32")
            trace.write(str(folder / f"{trace.id}.mseed"), format="MSEED")
        obspy.read_inventory().write(str(folder / "stations.xml"), "STATIONXML")
        catalog = obspy.read_events()[:1]
        catalog.resource_id = "smi:local/catalog"
        catalog.write(str(folder / "quake.xml"), "QUAKEML")
        script = folder / "script.py"
        script.write_text(SCRIPTS[page].replace("PACKAGE", package), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-W", "ignore", script.name],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        said.append([line for line in done.stdout.splitlines() if ".h5" not in line])
        inventories.append(taken_inventories(folder / "new_file.h5"))
        digests.append(file_digest(folder / "new_file.h5"))
    # pyasdf writes StationXML anew; here a station's own is cut out of the document.
    assert inventories[0] == inventories[1]
    if page != "parallel processing":  # both show how far they are
        assert said[0] == said[1]
    assert digests[0] == digests[1]
