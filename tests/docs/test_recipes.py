"""The recipes run as docs/recipes.md says, and make what they promise."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pyasdf
import pytest
from obspy.signal.cross_correlation import correlate, xcorr_max

from asdf_pipeline.container.reader import Reader
from tests.docs.blocks import ROOT, blocks, missing_line

PAGE = "docs/recipes.md"
RECIPES = ROOT / "docs" / "recipes"
MADE = ("benchmarks", "data", "logs", "results", ".snakemake", "*.csv", "*.h5")


def follow(section: str, name: str, folder: Path) -> Path:
    """Run a section's commands in a copy; return the recipe's folder."""
    shutil.copy(ROOT / "Snakefile", folder)
    shutil.copytree(ROOT / "workflow", folder / "workflow")
    place = folder / "docs" / "recipes" / name
    shutil.copytree(RECIPES / name, place, ignore=shutil.ignore_patterns(*MADE))
    here = str(Path(sys.executable).parent)
    path = os.pathsep.join([here, os.environ["PATH"]])
    printed = None
    for block in blocks(PAGE, section):
        if block.language == "bash":
            done = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", block.text],
                cwd=folder,
                env={**os.environ, "PATH": path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=300,
            )
            printed = done.stdout
            assert done.returncode == 0, printed
        elif block.language == "text":
            assert printed is not None
            missing = missing_line(block.text, printed)
            assert missing is None, f"not printed: {missing}\n{printed}"
    return place


def test_the_page_shows_the_files_as_they_are() -> None:
    shown = {block.file: block.text for block in blocks(PAGE) if block.file}
    for name, text in shown.items():
        assert (RECIPES / str(name)).read_text() == text.partition("\n")[2], name
    there = {
        str(path.relative_to(RECIPES))
        for path in RECIPES.glob("*/*.*")
        if path.suffix in (".py", ".tsv", ".yaml") and path.stem != "make_data"
    }
    assert set(shown) == there


def lag(one: obspy.Trace, other: obspy.Trace) -> float:
    """Return how much later the second is like the first, in s."""
    samples, _ = xcorr_max(correlate(other, one, 300))
    return float(samples * one.stats.delta)


def test_ambient_noise(tmp_path: Path) -> None:
    place = follow("Ambient noise", "noise", tmp_path)
    results = place / "results" / "bavaria"
    (pair,) = pd.read_csv(results / "pairs.csv").to_dict("records")
    assert (pair["station"], pair["other_station"]) == ("FUR", "WET")
    assert pair["lag_BHZ_BHZ"] == 25.0
    assert pair["distance_in_km"] == pytest.approx(160.7, abs=0.1)
    with pyasdf.ASDFDataSet(str(results / "pairs.h5"), mode="r") as data_set:
        found = data_set.auxiliary_data.CrossCorrelation.GR_FUR.GR_WET.BHZ_BHZ
        parameters, data = found.parameters, found.data[:]
    assert parameters["ngood"] == 48  # the hours of two days
    assert parameters["dist"] == pair["distance_in_km"]
    spectrum = abs(np.fft.rfft(data))
    frequencies = np.fft.rfftfreq(len(data), parameters["dt"])
    outside = (frequencies < 0.01) | (frequencies > 0.4)
    assert spectrum[outside].max() < 0.05 * spectrum.max()  # it is whitened in a band
    assert np.sort(abs(data))[-8] < 0.9 * abs(data).max()  # and has one peak
    # Nobody sees it beside the earthquake of the second day before.
    with Reader(results / "staged.h5") as reader:
        raw = [
            reader.stream(f"GR.{name}", "raw_recording").detrend().resample(2.0)[0]
            for name in ("FUR", "WET")
        ]
    assert lag(*raw) == pytest.approx(-60, abs=1)
    assert "Record section: 1 correlations" in (results / "pairs.html").read_text()


def test_adjoint_tomography(tmp_path: Path) -> None:
    place = follow("Adjoint tomography", "adjoint", tmp_path)
    origin = obspy.read_events(str(place / "data" / "event.xml"))[0].origins[0].time
    peaks = {}
    for name in ("observed", "synthetic"):
        with Reader(place / "results" / name / "processed.h5") as reader:
            assert reader.stations() == ["GR.FUR", "GR.WET"]
            st = reader.stream("GR.FUR", name)
            (event,) = reader.events()
        assert len(st) == 3
        for trace in st:
            assert trace.stats.sampling_rate == 2.0
            assert abs(trace.stats.endtime - (origin + 1200)) < 0.6
            assert trace.stats.asdf.event_ids == [event.resource_id]
            peaks[name, trace.stats.channel[-1]] = abs(trace.data).max()
    assert abs(st[0].stats.starttime - (origin - 60)) < 0.3  # where a simulation begins
    for component in "ZNE":
        ratio = peaks["observed", component] / peaks["synthetic", component]
        assert ratio == pytest.approx(1.1, rel=0.02)

    table = pd.read_csv(place / "misfits.csv", index_col="station")
    for component in "ZNE":
        assert list(table[f"later_{component}"]) == [1.0, -1.5]
    with pyasdf.ASDFDataSet(str(place / "adjoint_sources.h5"), mode="r") as data_set:
        for station, row in table.iterrows():
            group = data_set.auxiliary_data.AdjointSources[station.replace(".", "_")]
            assert group.list() == ["E", "N", "Z"]
            for component in group.list():
                source = group[component]
                power = 0.5 * np.sum(source.data[:] ** 2) * source.parameters["dt"]
                assert power == pytest.approx(row[f"misfit_{component}"])
                assert power > 0
                start = obspy.UTCDateTime(source.parameters["starttime"])
                assert 0 < start - (origin - 60) < 2


def test_receiver_functions(tmp_path: Path) -> None:
    place = follow("Receiver functions", "receiver_functions", tmp_path)
    with Reader(place / "results" / "anmo" / "processed.h5") as reader:
        st = reader.stream("IU.ANMO", "receiver")
        events = reader.events()
    assert len(st) == 6
    assert {trace.id for trace in st} == {f"IU.ANMO.00.BH{c}" for c in "LQT"}
    arrivals = ("2013-05-24T05:54:46.1", "2014-04-01T23:57:19.7")  # of P
    for event, arrival in zip(events, map(obspy.UTCDateTime, arrivals), strict=True):
        ray, across, transverse = (
            trace
            for component in "LQT"
            for trace in st.select(component=component)
            if trace.stats.asdf.event_ids == [event.resource_id]
        )
        for trace in (ray, across, transverse):
            assert abs(trace.stats.starttime - (arrival - 30)) < 0.1
            assert trace.stats.npts == 1200
        peak = ray.data.max()
        assert ray.times()[ray.data.argmax()] == pytest.approx(30, abs=0.1)
        assert across.times()[across.data.argmax()] == pytest.approx(35, abs=0.1)
        assert across.data.max() == pytest.approx(0.2 * peak, rel=0.02)
        before = abs(across.data[290:310]).max()
        assert before < 0.02 * peak  # what is along the ray is not across it
        assert abs(transverse.data).max() < 0.002 * peak


def test_magnitudes(tmp_path: Path) -> None:
    place = follow("Magnitudes", "magnitudes", tmp_path)
    results = place / "results" / "bavaria"
    with Reader(results / "processed.h5") as reader:
        events = {str(event.resource_id) for event in reader.events()}
        stations = reader.stations()
        for station in stations:
            st = reader.stream(station, "cut")
            ids = [str(trace.stats.asdf.event_ids[0]) for trace in st]
            assert set(ids) == events
            assert len(st) == 2  # the gap is filled
            for trace in st:
                assert trace.stats.npts == pytest.approx(150 * 50, abs=2)
    with Reader(results / "gathers.h5") as reader:
        for name, size in (("first", 3.2), ("second", 4.1)):
            found, parameters = reader.auxiliary(f"LocalMagnitude/{name}")
            assert found == pytest.approx(np.full(3, size), abs=0.1)
            assert list(parameters["stations"]) == stations
