"""What is staged, exported and staged again is the same."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import obspy
import pytest
from obspy import UTCDateTime
from obspy.clients.filesystem.sds import Client
from obspy.io.sac import SACTrace

from asdf_pipeline import ASDFDataSet
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.engine import run
from asdf_pipeline.stage import StageTask
from asdf_pipeline.stage.archive import Archive
from tests.export.conftest import EACH, START, asdf, exported, staged, trace
from tests.stage.conftest import DATA

if TYPE_CHECKING:
    from pathlib import Path

SAC = DATA / "io" / "sac" / "tests" / "data"
LINE = np.arange(400) - 17


def recordings(folder: Path) -> list[Path]:
    """Return miniSEED files: gaps, locations, types, times to the microsecond."""
    random = np.random.default_rng(4)
    noise = random.normal(size=400)
    traces = [
        trace(LINE.astype("i4")),
        trace(LINE.astype("i4"), START + 60),  # after a gap
        trace((LINE * 2**21).astype("i4"), seed="BW.RJOB..EHZ"),  # too steep for Steim2
        trace(noise.astype("f4"), seed="BW.RJOB.00.EHN", rate=1 / 3),
        trace(noise, seed="GR.FUR..BHZ", rate=250),
    ]
    files = []
    for number, one in enumerate(traces):
        files.append(folder / f"{number}.mseed")
        kind = {"encoding": "INT32"} if number == 2 else {}
        one.write(str(files[-1]), format="MSEED", **kind)
    return files


def told(stream: obspy.Stream) -> list[tuple[Any, ...]]:
    return sorted(
        (t.id, t.stats.starttime.ns, t.stats.sampling_rate, t.data.tolist())
        for t in stream
    )


def test_miniseed(tmp_path: Path) -> None:
    files = recordings(tmp_path)
    station = {"stations": [DATA / "core" / "data" / "BW_RJOB.xml"]}
    events = {"events": [DATA / "core" / "tests" / "data" / "iris_events.xml"]}
    first = staged(tmp_path / "first.h5", files, **station, **events)
    report = exported(
        first, tmp_path / "out" / f"{EACH}.mseed", backend="multiprocessing"
    )
    made = sorted((tmp_path / "out").glob("*.mseed"))
    assert len(made) == 5
    assert not list((tmp_path / "out").glob(".*"))
    both = (
        obspy.Stream([one for f in some for one in obspy.read(f)])
        for some in (files, made)
    )
    assert told(next(both)) == told(next(both))
    assert report.counts == {"ok": 4}  # two stations, their one StationXML, events
    second = staged(
        tmp_path / "second.h5",
        made,
        stations=sorted((tmp_path / "out" / "stations").glob("*.xml")),
        events=[tmp_path / "out" / "events.xml"],
    )
    assert file_digest(second) == file_digest(first)
    with Reader(first) as one, Reader(second) as other:
        assert one.stationxml("BW.RJOB") == other.stationxml("BW.RJOB") is not None


def full_header(path: Path) -> Path:
    """Return a SAC file of which every field that is the user's is set."""
    header: dict[str, Any] = {f"t{k}": 1.5 + k for k in range(10)}
    header |= {f"user{k}": 0.1 * k for k in range(10)}
    header |= {f"kt{k}": f"P{k}" for k in range(10)}
    header |= {f"kuser{k}": f"text {k}" for k in range(3)}
    header |= {f"resp{k}": float(k) for k in range(10)}
    header |= {"a": 1.25, "ka": "IPU0", "f": 12.5, "kf": "end", "ko": "origin"}
    header |= {"o": -12.25, "evla": 1.5, "evlo": 2.5, "evdp": 33.3, "mag": 5.1}
    header |= {"stla": 47.7372, "stlo": 12.7957, "stel": 860.0, "stdp": 1.0}
    header |= {"cmpaz": 30.0, "cmpinc": 80.0, "evel": 12.0}
    header |= {
        "kevnm": "an event of 16 c",
        "kinst": "STS-2",
        "kdatrd": "2024",
        "scale": 4.0,
    }
    header |= {"knetwk": "BW", "kstnm": "RJOB", "khole": "00", "kcmpnm": "EHZ"}
    header |= {
        "nzyear": 2020,
        "nzjday": 60,
        "nzhour": 1,
        "nzmin": 2,
        "nzsec": 3,
        "nzmsec": 4,
    }
    header |= {"b": 0.75, "delta": 0.05, "iztype": "ib"}
    SACTrace(data=LINE.astype("f4"), **header).write(str(path))
    return path


@pytest.mark.parametrize("beside", [False, True], ids=["headers", "documents"])
def test_sac(tmp_path: Path, beside: bool) -> None:
    files = [
        *(full_header(tmp_path / "full.sac"), SAC / "dis.G.SCZ.__.BHE_short"),
        *(SAC / "seism.sac", SAC / "null_terminated.sac", SAC / "LMOW.BHE.SAC"),
    ]
    first = staged(tmp_path / "first.h5", files)
    exported(first, tmp_path / f"out/x{EACH}.sac", "sac")
    made = sorted((tmp_path / "out").glob("*.sac"))
    assert len(made) == len(files)
    others: dict[str, Any] = {}
    if beside:
        others["stations"] = (tmp_path / "out" / "stations").glob("*.xml")
        others["events"] = [tmp_path / "out" / "events.xml"]
    second = staged(tmp_path / "second.h5", made, **others)
    assert file_digest(second) == file_digest(first)


def test_every_field_of_a_sac_header_survives(tmp_path: Path) -> None:
    path = full_header(tmp_path / "full.sac")
    exported(staged(tmp_path / "a.h5", [path]), tmp_path / f"out/{EACH}.sac", "sac")
    (made,) = (tmp_path / "out").glob("*.sac")
    one, other = (obspy.read(file)[0].stats for file in (path, made))
    assert one.starttime == other.starttime
    worked_out = ("dist", "az", "baz", "gcarc", "lcalda", "internal0")
    fields = one.sac.keys() - set(worked_out)
    assert len(fields) > 70
    assert {n: one.sac[n] for n in fields} == {n: other.sac.get(n) for n in fields}
    # SAC's own arithmetic, of a file that SAC wrote.
    exported(
        staged(tmp_path / "b.h5", [SAC / "seism.sac"]), tmp_path / f"x/y{EACH}", "sac"
    )
    (made,) = (tmp_path / "x").glob("y*")
    one, other = (obspy.read(file)[0].stats.sac for file in (SAC / "seism.sac", made))
    assert other.gcarc == pytest.approx(one.gcarc, abs=1e-3)
    assert (other.az, other.baz) == pytest.approx((one.az, one.baz), abs=1e-3)
    assert other.dist == pytest.approx(one.dist, abs=0.05)


def test_picks_of_sac_headers_are_picks_of_the_event(tmp_path: Path) -> None:
    with Reader(staged(tmp_path / "a.h5", [full_header(tmp_path / "a.sac")])) as reader:
        (event,) = reader.events()
    reference = UTCDateTime(2020, 2, 29, 1, 2, 3, 4000)
    assert [(p.time - reference, p.phase_hint) for p in event.picks] == [
        (1.25, "IPU0"),
        *((1.5 + k, f"P{k}") for k in range(10)),
    ]
    assert {p.waveform_id.get_seed_string() for p in event.picks} == {"BW.RJOB.00.EHZ"}


def test_kept_times_stay_where_they_are_when_a_trace_is_cut(tmp_path: Path) -> None:
    path = full_header(tmp_path / "a.sac")
    first = staged(tmp_path / "a.h5", [path])
    with ASDFDataSet(first, mode="r") as ds:
        ds.process(
            later, tmp_path / "b.h5", {"raw": "cut"}, copy_auxiliary=True, cpu_count=1
        )
    exported(tmp_path / "b.h5", tmp_path / f"out/{EACH}.sac", "sac")
    (made,) = (tmp_path / "out").glob("*.sac")
    one, other = (obspy.read(file)[0].stats for file in (path, made))
    assert other.starttime == one.starttime + 2.5
    for name in ("a", "o", "t0", "t9", "f"):
        before, after = (
            s.starttime + (float(s.sac[name]) - float(s.sac.b)) for s in (one, other)
        )
        assert abs(before - after) < 1e-5, name
    assert (other.sac.user3, other.sac.kt4) == (np.float32(0.3), "P4")


def later(st: obspy.Stream, inv: obspy.Inventory) -> obspy.Stream:
    return st.trim(st[0].stats.starttime + 2.5)


def test_sac_headers_say_station_and_event(tmp_path: Path) -> None:
    event = obspy.read_events()[0]
    origin = event.origins[0]
    start = origin.time + 100
    path = tmp_path / "a.h5"
    with ASDFDataSet(path) as ds:
        ds.add_quakeml(obspy.Catalog([event]))
        ds.add_stationxml(str(DATA / "core" / "data" / "BW_RJOB.xml"))
        mine = trace(LINE.astype("f4"), start, "BW.RJOB..EHN")
        ds.add_waveforms(mine, "raw", event_id=event)
        ds.add_waveforms(trace(LINE.astype("f4"), start, "BW.RJOB..EHZ"), "raw")
    exported(path, tmp_path / f"out/{EACH}", "sac")
    (north,), (up,) = ((tmp_path / "out").glob(f"*{c}*") for c in ("EHN", "EHZ"))
    stats = obspy.read(north)[0].stats
    sac = stats.sac
    assert (sac.stla, sac.stlo, sac.stel) == pytest.approx((47.737167, 12.795714, 860))
    assert (sac.cmpaz, sac.cmpinc) == (0, 90)
    assert (sac.evla, sac.evlo) == pytest.approx((origin.latitude, origin.longitude))
    assert sac.evdp == pytest.approx(origin.depth / 1000)
    assert abs(stats.starttime - float(sac.b) + float(sac.o) - origin.time) < 1e-4
    assert 0 < sac.gcarc < 180
    assert sac.dist == pytest.approx(sac.gcarc * 111.19, rel=0.01)
    other = obspy.read(up)[0].stats.sac
    assert "evla" not in other
    assert (other.cmpaz, other.cmpinc) == (0, 0)
    exported(path, tmp_path / f"all/{EACH}", "sac", event=str(event.resource_id))
    (up,) = (tmp_path / "all").glob("*EHZ*")
    assert obspy.read(up)[0].stats.sac.evla == sac.evla


@pytest.mark.parametrize("form", ["gse2", "slist", "tspair"])
def test_other_formats_are_read_back(tmp_path: Path, form: str) -> None:
    start = UTCDateTime(2020, 2, 28, 23, 59, 50, 123_000)
    traces = [
        trace(LINE.astype("i2"), start, "BW.RJOB..EHZ"),
        trace(LINE.astype("f8"), start + 100, "BW.RJOB..EHZ"),  # whole numbers
    ]
    path = tmp_path / "{network}.{station}.{location}.{channel}"
    exported(asdf(tmp_path / "a.h5", *traces), path, form)
    read = obspy.read(tmp_path / "BW.RJOB..EHZ")
    assert read[0].stats._format == form.upper()
    assert told(read) == told(obspy.Stream(traces))


def test_an_archive_is_split_at_midnight(tmp_path: Path) -> None:
    days = np.arange(3 * 86400).astype("i4")
    whole = trace(days, START, "BW.RJOB.00.LHZ", rate=1)
    after = trace(days[:500], START + 4 * 86400, "BW.RJOB.00.LHZ", rate=1)
    path = asdf(tmp_path / "a.h5", whole, after)
    exported(path, tmp_path / "sds", layout="sds")
    made = sorted((tmp_path / "sds").rglob("BW.RJOB.00.LHZ.D.*"))
    assert [file.name[-8:] for file in made] == [
        *("2020.059", "2020.060", "2020.061", "2020.062"),
        *("2020.063", "2020.064"),
    ]
    for file in made:
        for one in obspy.read(file, headonly=True):
            assert one.stats.starttime.julday == int(file.name[-3:])
            assert one.stats.endtime.julday == int(file.name[-3:])
    found = Client(str(tmp_path / "sds")).get_waveforms(
        "BW", "RJOB", "00", "LHZ", START - 1, START + 9e5
    )
    assert told(found.merge(-1)) == told(obspy.Stream([whole, after]))
    second = tmp_path / "second.h5"
    archive = Archive.chosen(tmp_path / "sds")
    run(StageTask(second, "raw", archives=(archive,), backend="serial", io="segments"))
    with Reader(second) as reader:
        assert told(reader.stream("BW.RJOB", "raw").merge(-1)) == told(found)


def test_a_sac_file_is_of_little_endian_and_current(tmp_path: Path) -> None:
    path = asdf(tmp_path / "a.h5", trace(LINE.astype(">f4")))
    exported(path, tmp_path / f"{EACH}.sac", "sac")
    (made,) = tmp_path.glob("*.sac")
    content = made.read_bytes()
    assert len(content) == 632 + 4 * LINE.size
    assert struct.unpack_from("<i", content, 4 * 76) == (6,)  # NVHDR
    assert struct.unpack_from("<4f", content, 632) == (-17, -16, -15, -14)
