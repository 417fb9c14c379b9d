"""miniSEED records against the traces that ObsPy makes of them; factors of headers."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import obspy
import pytest
from obspy import UTCDateTime

from asdf_pipeline.cli import main
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import InputError
from asdf_pipeline.stage import stage
from tests.stage.conftest import DATA

START = UTCDateTime(2024, 1, 1)


def staged(folder: Path, path: Path, **options: bool) -> obspy.Stream:
    output = folder / "staged.h5"
    output.unlink(missing_ok=True)
    stage([str(path)], [], [], "raw", output, backend="serial", **options)  # type: ignore[arg-type]
    with Reader(output) as reader:
        return reader.stream(reader.stations()[0], "raw").sort(["starttime"])


def drifting(folder: Path, records: int = 86, rate: float = 0.1) -> Path:
    """Write a 0.1 Hz channel whose clock drifts by half a sample in 1000 s."""
    path = folder / "drift.mseed"
    with path.open("wb") as file:
        for number in range(records):
            data = np.arange(100 * number, 100 * (number + 1), dtype=np.int32)
            trace = obspy.Trace(data, {"sampling_rate": rate})
            trace.id = "XX.DRIFT.00.VHZ"
            trace.stats.starttime = START + number * 100 / (rate / 1.0005)
            trace.write(file, format="MSEED", reclen=512, encoding="STEIM2")
    return path


def test_a_drifting_clock_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = drifting(tmp_path)
    assert len(obspy.read(str(path))) == 1  # ObsPy joins the records
    (trace,) = staged(tmp_path, path)
    assert trace.stats.npts == 8600
    (said,) = [text for text in caplog.messages if "own times" in text]
    assert said.startswith(
        f"{path}: trace XX.DRIFT.00.VHZ: the records' own times part"
    )
    assert "by up to 42.5 s (at 2024-01-01T23:37:22.5" in said
    assert "--split-drift splits it there into" in said


def test_traces_are_split_where_the_clock_drifted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = drifting(tmp_path)
    stream = staged(tmp_path, path, split_drift=True)
    assert f"split there into {len(stream)} traces" in caplog.text
    assert len(stream) > 5
    np.testing.assert_array_equal(
        np.concatenate([trace.data for trace in stream]), np.arange(8600)
    )
    for trace in stream:  # every sample is where its record says, to half a sample
        first, last = trace.data[0], trace.data[-1] - trace.data[-1] % 100
        assert abs(trace.stats.starttime - (START + first * 10.005)) < 1e-3
        at = trace.stats.starttime + (last - first) * 10
        assert abs(at - (START + int(last) * 10.005)) <= 5.001


def test_an_even_clock_is_not_split(
    tmp_path: Path, rjob: obspy.Stream, caplog: pytest.LogCaptureFixture
) -> None:
    trace = rjob[0].copy()
    trace.stats.sampling_rate = 100 / 3
    trace.write(str(tmp_path / "a.mseed"), format="MSEED", reclen=256)
    assert len(staged(tmp_path, tmp_path / "a.mseed", split_drift=True)) == 1
    assert "own times" not in caplog.text


def test_the_command_splits(tmp_path: Path) -> None:
    output = tmp_path / "out.h5"
    words = ["stage", "--waveforms", str(drifting(tmp_path)), "--tag", "raw"]
    assert main([*words, "--split-drift", "--output", str(output)]) == 0
    with Reader(output) as reader:
        assert len(reader.headers("XX.DRIFT")) > 5


@pytest.mark.parametrize("reclen", [256, 512, 4096])
@pytest.mark.parametrize("there", [60, 200])
def test_a_file_that_ends_inside_a_record_says_what_is_missing(
    tmp_path: Path,
    rjob: obspy.Stream,
    reclen: int,
    there: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = tmp_path / "cut.mseed"
    rjob[0].write(str(path), format="MSEED", reclen=reclen)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - reclen + there])
    (trace,) = staged(tmp_path, path)
    missing = rjob[0].stats.npts - trace.stats.npts
    (said,) = [text for text in caplog.messages if "ends inside a record" in text]
    assert said.startswith(f"{path}: ends inside a record: {there} of {reclen} bytes")
    when = (trace.stats.endtime + trace.stats.delta).strftime("%Y-%m-%dT%H:%M:%S")
    assert f"missing are {missing} samples of BW.RJOB..EHZ from {when}" in said


def test_a_file_that_ends_inside_its_first_record_is_refused(
    tmp_path: Path, rjob: obspy.Stream
) -> None:
    path = tmp_path / "cut.mseed"
    rjob[0].write(str(path), format="MSEED", reclen=4096)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"inside its first record \(3000 of 4096 b"):
        staged(tmp_path, path)


@pytest.mark.parametrize("encoding", ["STEIM2", "FLOAT32", "FLOAT64", "INT32"])
def test_a_record_that_claims_more_samples_than_there_are_is_refused(
    tmp_path: Path, rjob: obspy.Stream, encoding: str
) -> None:
    trace = rjob[0].copy()
    kind = {"FLOAT32": "f4", "FLOAT64": "f8"}.get(encoding, "i4")
    trace.data = trace.data.astype(kind)
    path = tmp_path / "claims.mseed"
    trace.write(str(path), format="MSEED", reclen=512, encoding=encoding)
    content = bytearray(path.read_bytes())
    last = len(content) - 512
    (npts,) = struct.unpack(">H", content[last + 30 : last + 32])
    content[last + 30 : last + 32] = struct.pack(">H", npts + 200)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"claims\.mseed: ") as caught:
        staged(tmp_path, path)
    if encoding == "STEIM2":
        assert f"only decoded {npts} samples of {npts + 200} exp" in str(caught.value)
    else:
        assert f"its header claims {npts + 200} samples" in str(caught.value)


def test_a_header_that_claims_more_samples_than_follow_is_said(
    tmp_path: Path, rjob: obspy.Stream, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "cut.slist"
    rjob[0].write(str(path), format="SLIST")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:101]) + "\n")
    (trace,) = staged(tmp_path, path)
    there = trace.stats.npts
    assert (
        f"{path}: station BW.RJOB: its headers claim 3000 samples, {there} are there: "
        f"{3000 - there} are missing" in caplog.text
    )


KNET = DATA / "io" / "nied" / "tests" / "data" / "test.knet"
GSE2 = DATA / "io" / "gse2" / "tests" / "data" / "loc_RJOB20050831023349.z"


@pytest.mark.parametrize("path", [KNET, GSE2], ids=["KNET", "GSE2"])
def test_the_factor_of_a_header_is_said_and_applied(
    tmp_path: Path, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (known,) = obspy.read(str(path))
    assert known.stats.calib != 1
    (trace,) = staged(tmp_path, path)
    np.testing.assert_array_equal(trace.data, known.data)
    factor = f"{path}: {known.id}: the factor calib {known.stats.calib:g} of its header"
    assert f"{factor} is not kept; --apply-calib multiplies" in caplog.text
    (trace,) = staged(tmp_path, path, apply_calib=True)
    np.testing.assert_array_equal(trace.data, known.data * known.stats.calib)
    assert trace.data.dtype == np.float64
    assert f"{factor} is applied" in caplog.text


def test_the_scale_of_sac_is_no_factor(
    tmp_path: Path, rjob: obspy.Stream, caplog: pytest.LogCaptureFixture
) -> None:
    trace = rjob[0].copy()
    trace.stats.calib = 6.3e8
    trace.write(str(tmp_path / "a.sac"), format="SAC")
    (found,) = staged(tmp_path, tmp_path / "a.sac", apply_calib=True)
    np.testing.assert_array_equal(found.data, trace.data)
    assert "(SAC's SCALE) is not applied" in caplog.text
