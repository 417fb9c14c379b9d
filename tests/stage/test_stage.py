"""Files of many formats become one ASDF file; contradictions are named."""

from __future__ import annotations

import gzip
import io
import logging
import pickle
import shutil
import tarfile
import zipfile
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pytest
from obspy import UTCDateTime

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import (
    CallError,
    InputError,
    InputMissingError,
    OutputExistsError,
    TagError,
)
from asdf_pipeline.plan.outcome import read_outcomes
from asdf_pipeline.stage import formats, stage, stage_asdf
from tests.stage.conftest import DATA

STAGE = "asdf_pipeline.stage"
MSEED = DATA / "io" / "mseed" / "tests" / "data"
CORE = DATA / "core" / "tests" / "data"


def staged(folder: Path, *waveforms: str, **others: Any) -> Path:
    output = folder / "staged.h5"
    stage(
        [str(folder / pattern) for pattern in waveforms],
        others.pop("stations", []),
        others.pop("events", []),
        "raw",
        output,
        backend="serial",
        **others,
    )
    return output


def test_miniseed_stationxml_and_quakeml(folder: Path, rjob: obspy.Stream) -> None:
    events = CORE / "iris_events.xml"
    output = staged(
        folder,
        "*.mseed",
        stations=[str(folder / "*.xml")],
        events=[str(events)],
    )
    with Reader(output) as reader:
        assert reader.stations() == ["BW.RJOB"]
        stream = reader.stream("BW.RJOB", "raw")
        for trace, original in zip(stream.sort(), rjob.copy().sort(), strict=True):
            assert trace.id == original.id
            assert trace.stats.starttime.ns == original.stats.starttime.ns
            np.testing.assert_array_equal(trace.data, original.data)
        inventory = reader.inventory("BW.RJOB")
        known = obspy.read_inventory(str(folder / "BW_RJOB.xml"))
        assert inventory is not None
        assert (
            inventory.select(channel="EHZ")[0][0][0].response
            == known.select(channel="EHZ")[0][0][0].response
        )
        assert reader.quakeml() == events.read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == [
        "BW_RJOB.xml",
        "EHE.mseed",
        "EHN.mseed",
        "EHZ.mseed",
        "staged.h5",
    ]


@pytest.mark.parametrize(
    ("pattern", "stations"),
    [
        ("io/sac/tests/data/LMOW.BHE.SAC", [".LMOW"]),
        ("io/gse2/tests/data/loc_RJOB20050831023349.z", [".RJOB"]),
        ("io/ascii/tests/data/slist.ascii", ["XX.TEST"]),
        ("io/mseed/tests/data/gaps.mseed", ["BW.BGLD"]),
        ("core/tests/data/test.tgz", ["XX.TEST"]),
        ("core/tests/data/test.zip", ["XX.TEST"]),
        ("core/tests/data/tarfile_impostor.mseed", ["10.864"]),
    ],
)
def test_whatever_obspy_reads(
    pattern: str, stations: list[str], tmp_path: Path
) -> None:
    stage([str(DATA / pattern)], [], [], "raw", tmp_path / "staged.h5")
    with Reader(tmp_path / "staged.h5") as reader:
        assert reader.stations() == stations
        known = obspy.read(str(DATA / pattern))
        stream = reader.stream(stations[0], "raw")
        assert sorted((t.id, t.stats.npts) for t in stream) == sorted(
            (t.id, t.stats.npts) for t in known
        )


def test_gaps_stay_gaps_and_overlaps_stay_apart(
    folder: Path, rjob: obspy.Stream
) -> None:
    start = rjob[0].stats.starttime
    first = rjob[0].slice(start, start + 10)
    second = rjob[0].slice(start + 5, start + 20)
    second.write(str(folder / "b.sac"), format="SAC")
    first.write(str(folder / "a.sac"), format="SAC")
    rjob[0].slice(start + 25).write(str(folder / "c.sac"), format="SAC")
    with Reader(staged(folder, "?.sac")) as reader:
        headers = reader.headers("BW.RJOB")
    assert [header.npts for header in headers] == [1001, 1501, 500]


def test_the_order_of_patterns_does_not_matter(folder: Path) -> None:
    one = staged(folder, "EHZ.mseed", "EHN.mseed")
    digest = file_digest(one)
    one.unlink()
    other = staged(folder, "EHN.mseed", "E*Z.mseed", "EHZ.mseed")
    assert file_digest(other) == digest


def test_a_file_matched_twice_counts_once(folder: Path) -> None:
    (folder / "link.mseed").symlink_to(folder / "EHZ.mseed")
    with Reader(staged(folder, "EHZ.*", "*Z.mseed", "link.mseed")) as reader:
        assert len(reader.headers("BW.RJOB")) == 1


def test_the_same_trace_in_two_files_counts_once_and_says_so(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    shutil.copy(folder / "EHZ.mseed", folder / "again.mseed")
    with Reader(staged(folder, "EHZ.mseed", "again.mseed")) as reader:
        assert len(reader.headers("BW.RJOB")) == 1
    assert "again.mseed: BW.RJOB..EHZ__" in caplog.text
    assert "EHZ.mseed too: counted once" in caplog.text


def test_two_files_with_different_samples_for_a_trace_are_named(
    folder: Path, rjob: obspy.Stream
) -> None:
    trace = rjob[0].copy()
    trace.data[17] += 1
    trace.write(str(folder / "edited.mseed"), format="MSEED")
    with pytest.raises(
        InputError, match=r"EHZ\.mseed and .*edited\.mseed: both hold the trace BW\.RJ"
    ) as caught:
        staged(folder, "EHZ.mseed", "edited.mseed")
    assert "\n" not in str(caught.value)
    assert not list(folder.glob("*staged*"))
    assert not list(folder.glob(".*"))


def test_traces_of_the_same_seconds_are_both_kept(
    folder: Path, rjob: obspy.Stream
) -> None:
    expected = set()
    for number in range(3):  # the clash shows after the first is written
        trace = rjob[0].copy()
        trace.stats.starttime = UTCDateTime(2020, 1, 1) + number / 1000
        trace.data = trace.data + number
        trace.write(str(folder / f"{number}.mseed"), format="MSEED")
        expected.add(trace.stats.starttime.ns)
    with Reader(staged(folder, "?.mseed")) as reader:
        names = reader.names("BW.RJOB")
        stream = reader.stream("BW.RJOB", "raw")
    assert {trace.stats.starttime.ns for trace in stream} == expected
    assert names[1].startswith("BW.RJOB..EHZ__2020-01-01T00:00:00.001000000__")
    for trace in stream:
        shift = trace.stats.starttime - UTCDateTime(2020, 1, 1)
        np.testing.assert_array_equal(trace.data, rjob[0].data + round(shift * 1000))


def test_types_that_asdf_lacks_are_widened(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "bytes.ascii").write_text(
        "TIMESERIES BW_RJOB__EHZ_D, 4 samples, 1 sps, "
        "2008-01-15T00:00:00.000000, SLIST, INT8, Counts\n1 -2 3 127\n"
    )
    with Reader(staged(folder, "bytes.ascii")) as reader:
        (trace,) = reader.stream("BW.RJOB", "raw")
    assert trace.data.dtype == np.dtype("int16")
    assert trace.data.tolist() == [1, -2, 3, 127]


def test_text_records_are_left_out_and_named(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    log = MSEED / "encoding" / "fullASCII_bigEndian.mseed"
    shutil.copy(log, folder / "log.mseed")
    with Reader(staged(folder, "EHZ.mseed", "log.mseed")) as reader:
        assert reader.stations() == ["BW.RJOB"]
    assert "log.mseed: XX.TEST..BHE is text (a log channel)" in caplog.text


def test_many_log_records_make_one_line(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    log = (MSEED / "encoding" / "fullASCII_bigEndian.mseed").read_bytes()
    data = (folder / "EHZ.mseed").read_bytes()
    (folder / "a.mseed").write_bytes(b"".join([log] * 200 + [data]))
    (folder / "b.mseed").write_bytes(log * 100)
    with Reader(staged(folder, "?.mseed")) as reader:
        assert len(reader.headers("BW.RJOB")) == 1
    (line,) = [one.getMessage() for one in caplog.records if "is text" in one.message]
    assert line.startswith(f"{folder / 'a.mseed'}: XX.TEST..BHE is text (a log channel")
    assert line.endswith(": left out (300 times, here first)")


def test_a_broken_plugin_is_passed_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Another package's, which ObsPy 1.5 finds by its entry points."""
    package = folder / "broken-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\n")
    (package / "entry_points.txt").write_text(
        "[obspy.plugin.waveform]\nBROKEN = broken.core\n"
        "[obspy.plugin.waveform.BROKEN]\n"
        "isFormat = broken.core:is_broken\nreadFormat = broken.core:read_broken\n"
    )
    monkeypatch.syspath_prepend(folder)
    (point,) = entry_points(group="obspy.plugin.waveform", name="BROKEN")
    known = {"BROKEN": point, **formats.ENTRY_POINTS["waveform"]}
    monkeypatch.setitem(formats.ENTRY_POINTS, "waveform", known)
    with Reader(staged(folder, "EH?.mseed")) as reader:
        assert len(reader.headers("BW.RJOB")) == 3
    lines = [one.getMessage() for one in caplog.records if "BROKEN" in one.message]
    assert len(lines) == 1
    assert "format BROKEN of the package broken is passed over" in lines[0]


def test_networks_that_differ_are_named(
    folder: Path, rjob: obspy.Stream, caplog: pytest.LogCaptureFixture
) -> None:
    trace = rjob[0].copy()
    trace.stats.network = ""
    trace.write(str(folder / "codeless.mseed"), format="MSEED")
    staged(folder, "codeless.mseed", stations=[str(folder / "*.xml")])
    assert (
        "StationXML without waveforms: BW.RJOB; waveforms without StationXML: .RJOB: "
        "one of them has another network code" in caplog.text
    )


def test_nothing_but_text_is_an_error(folder: Path) -> None:
    shutil.copy(MSEED / "encoding" / "fullASCII_bigEndian.mseed", folder / "log.mseed")
    with pytest.raises(InputError, match=r"log\.mseed: holds no waveforms"):
        staged(folder, "log.mseed")
    assert not (folder / "staged.h5").exists()


def test_damage_that_obspy_skips_is_said(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(MSEED / "brokenlastrecord.mseed", folder)
    staged(folder, "brokenlastrecord.mseed")
    assert "brokenlastrecord.mseed: readMSEEDBuffer(): Not a SEED record" in caplog.text
    said = [one for one in caplog.records if one.name.startswith(STAGE)]
    assert len(said) <= 6


def test_a_trace_without_codes_is_named(folder: Path) -> None:
    shutil.copy(MSEED / "encoding" / "int32_INT32_littleEndian.mseed", folder)
    name = DATA / "io" / "segy" / "tests" / "data" / "planes.segy_first_trace"
    shutil.copy(name, folder / "codeless.segy")
    with pytest.raises(InputError, match=r"codeless\.segy: .*neither network"):
        staged(folder, "codeless.segy")


def test_pickles_are_never_loaded(folder: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (folder / "exploded",))  # type: ignore[return-value]

    (folder / "stream.pickle").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match=r"stream\.pickle: in no waveform format"):
        staged(folder, "stream.pickle")
    assert not (folder / "exploded").exists()


def test_brackets_and_spaces_in_names(folder: Path) -> None:
    odd = folder / "a [1] 'q' *.mseed"
    shutil.copy(folder / "EHZ.mseed", odd)
    with Reader(staged(folder, "a [1] 'q' *.mseed")) as reader:
        assert len(reader.headers("BW.RJOB")) == 1


def test_packed_files(folder: Path) -> None:
    content = (folder / "EHZ.mseed").read_bytes()
    (folder / "packed.gz").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(folder / "packed.zip", "w") as archive:
        archive.writestr("../../escape.mseed", (folder / "EHN.mseed").read_bytes())
        archive.writestr("empty.mseed", b"")
    with Reader(staged(folder, "packed.*")) as reader:
        channels = {header.channel for header in reader.headers("BW.RJOB")}
    assert channels == {"EHZ", "EHN"}
    assert not list(folder.parent.rglob("escape.mseed"))


def test_a_truncated_archive_is_an_error_not_a_part(folder: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for channel in ("EHZ", "EHN", "EHE"):
            archive.add(folder / f"{channel}.mseed", f"{channel}.mseed")
    content = buffer.getvalue()
    (folder / "cut.tar").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"cut\.tar: cannot be unpacked"):
        staged(folder, "cut.tar")


@pytest.mark.parametrize("what", ["waveforms", "stations", "events"])
def test_a_pattern_that_matches_nothing_is_named(folder: Path, what: str) -> None:
    patterns = {"waveforms": [str(folder / "*.mseed")], "stations": [], "events": []}
    patterns[what].append("absent/*.x")
    with pytest.raises(
        InputMissingError, match=rf"{what}: 'absent/\*\.x' matches no file"
    ):
        stage(**patterns, tag="raw", output=folder / "staged.h5")


@pytest.mark.parametrize("what", ["waveforms", "stations", "events"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"nothing that anybody reads\n" * 40, "in no .* format that ObsPy reads"),
    ],
    ids=["empty", "text"],
)
def test_a_file_that_cannot_be_read_is_named(
    folder: Path, what: str, content: bytes, said: str
) -> None:
    (folder / "odd.dat").write_bytes(content)
    patterns = {"waveforms": [str(folder / "*.mseed")], "stations": [], "events": []}
    patterns[what].append(str(folder / "odd.dat"))
    with pytest.raises(InputError, match=rf"odd\.dat: {said}"):
        stage(**patterns, tag="raw", output=folder / "staged.h5")
    assert not list(folder.glob("*staged*"))


def test_a_file_that_is_gone_is_not_of_an_unknown_format(folder: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.mseed: cannot be read: No such file"):
        formats.read_file("waveform", folder / "gone.mseed", "gone.mseed")


def test_all_files_that_cannot_be_read_are_named(folder: Path) -> None:
    for number in range(7):
        (folder / f"odd{number}.mseed").write_text("no recording")
    (folder / "odd.xml").write_text("no metadata")
    with pytest.raises(InputError) as caught:
        staged(folder, "*.mseed", stations=[str(folder / "*.xml")])
    said = str(caught.value)
    assert said.count(".mseed: in no waveform format") == 5
    assert "; and 2 more like these; " in said
    assert "odd.xml: in no inventory format" in said


def test_all_traces_that_cannot_be_kept_are_named(folder: Path) -> None:
    for name in ("one.sac", "two.sac"):
        trace = obspy.Trace(np.arange(10, dtype="f4"), {"station": "A/B"})
        trace.write(str(folder / name), format="SAC")
    with pytest.raises(InputError, match=r"one\.sac: .*; .*two\.sac: .* cannot stand"):
        staged(folder, "*.sac", "*.mseed")


@pytest.mark.parametrize("tag", ["", "Raw", "a__b", "stationxml", "a b", "ä", "../x"])
def test_a_tag_that_cannot_be_written(folder: Path, tag: str) -> None:
    with pytest.raises(TagError, match="is not valid"):
        stage([str(folder / "*.mseed")], [], [], tag, folder / "staged.h5")


def test_an_output_that_exists_is_left_alone(folder: Path) -> None:
    output = folder / "staged.h5"
    output.write_bytes(b"precious")
    with pytest.raises(OutputExistsError, match=r"staged\.h5: .*exists already"):
        staged(folder, "*.mseed")
    with pytest.raises(OutputExistsError, match=r"staged\.h5: .*exists already"):
        stage_asdf(folder / "other.h5", output)
    assert output.read_bytes() == b"precious"


def test_a_missing_directory_is_named(folder: Path) -> None:
    with pytest.raises(CallError, match="there is no directory .*absent"):
        stage([str(folder / "*.mseed")], [], [], "raw", folder / "absent" / "s.h5")


def test_an_asdf_file_is_checked_and_linked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = staged(folder, "*.mseed")
    before = (source.stat().st_mtime_ns, source.read_bytes())
    (folder / "results").mkdir()
    monkeypatch.chdir(folder)
    stage_asdf("staged.h5", "results/linked.h5")
    linked = folder / "results" / "linked.h5"
    assert linked.samefile(source)
    assert linked.readlink().is_absolute()
    assert before == (source.stat().st_mtime_ns, source.read_bytes())


def test_what_is_no_asdf_file_is_not_linked(folder: Path) -> None:
    with pytest.raises(InputMissingError, match=r"absent\.h5"):
        stage_asdf(folder / "absent.h5", folder / "linked.h5")
    with pytest.raises(InputError, match=r"EHZ\.mseed: not an HDF5 file"):
        stage_asdf(folder / "EHZ.mseed", folder / "linked.h5")
    assert not (folder / "linked.h5").is_symlink()


def test_unreadable_files_may_be_left_out(folder: Path) -> None:
    """The stations that they hold with them; else each by its own name."""
    other = obspy.read(str(folder / "EHZ.mseed"))
    other[0].stats.station = "FUR"
    other.write(str(folder / "FUR.mseed"), format="MSEED")
    other[0].data = other[0].data[:200]
    other.write(str(folder / "BAD.mseed"), format="MSEED")
    content = bytearray((folder / "BAD.mseed").read_bytes())
    content[30:32] = (9999).to_bytes(2, "big")  # more samples than there is room for
    (folder / "BAD.mseed").write_bytes(content)
    (folder / "odd.mseed").write_text("no recording")
    table = folder / "outcomes.jsonl"
    with pytest.raises(InputError, match=r"odd\.mseed: in no waveform format"):
        staged(folder, "*.mseed")
    with pytest.raises(InputError, match="with --max-failures 2 the others are staged"):
        staged(folder, "*.mseed", max_failures=1)
    path = staged(folder, "*.mseed", max_failures=2, outcomes=table)
    with Reader(path) as reader:
        assert reader.stations() == ["BW.RJOB"]
    failed = {
        one.station: one.error_message
        for one in read_outcomes(table)
        if one.status == "failed"
    }
    assert failed.keys() == {"BW.FUR", str(folder / "odd.mseed")}
    assert "its header claims 9999 samples" in failed["BW.FUR"]
