"""What cannot be exported is told, and what is there stays."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import obspy
import pytest
from obspy import UTCDateTime

from asdf_pipeline import ASDFDataSet
from asdf_pipeline.cli import main
from asdf_pipeline.errors import CallError, ProcessingFailedError, TagError
from tests.conftest import launcher, mpi_environment, parallel_python
from tests.export.conftest import EACH, START, asdf, exported, trace

if TYPE_CHECKING:
    from pathlib import Path

LINE = np.arange(50, dtype="i4")


def read_all(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("out", "a directory needs a layout (sds"),
        ("out/{net}.mseed", "unknown field 'net'"),
        ("out/{any}", "no template of a file's path"),
        ("out/{network}/../{station}", "no template of a file's path"),
        ("out/{network}/", "files of"),  # the last slash is none
        ("out/{network", "expected sds"),
        ("out/{network}{", "no template of a file's path"),
        ("out/.{network}", "no template of a file's path"),
    ],
)
def test_what_is_no_template(tmp_path: Path, to: str, said: str) -> None:
    path = asdf(tmp_path / "a.h5", trace(LINE), trace(LINE, seed="BW.FUR..EHZ"))
    with pytest.raises(CallError, match=re.escape(said)):
        exported(path, f"{tmp_path}/{to}")
    assert [file.name for file in tmp_path.iterdir()] == ["a.h5"]


def test_one_path_of_two_stations_or_tags(tmp_path: Path) -> None:
    path = asdf(tmp_path / "a.h5", trace(LINE), trace(LINE, seed="GR.RJOB.00.EHZ"))
    with pytest.raises(CallError, match=r"BW\.RJOB .* GR\.RJOB .*add {network} and"):
        exported(path, tmp_path / "{station}.{start}")
    asdf(path, trace(LINE + 1), tag="other")
    for template in (EACH, "{year}{jday}.{network}.{station}"):
        with pytest.raises(
            CallError, match=r"\(raw\).*\(other\)|\(other\).*\(raw\)"
        ) as e:
            exported(path, tmp_path / template)
        assert "add {tag}, or select one" in str(e.value)
    exported(path, tmp_path / "tags" / f"{{tag}}.{EACH}")
    exported(path, tmp_path / "one" / EACH, tags=("other",))
    assert len(list((tmp_path / "tags").glob("*EHZ*"))) == 3
    assert len(list((tmp_path / "one").glob("*EHZ*"))) == 1


def test_several_traces_in_one_file(tmp_path: Path) -> None:
    path = asdf(tmp_path / "a.h5", trace(LINE), trace(LINE, START + 100))
    to = tmp_path / "{network}.{station}.{location}.{channel}"
    with pytest.raises(
        ProcessingFailedError,
        match=r"both be BW\.RJOB\.00\.EHZ, and SAC holds one: add",
    ):
        exported(path, to, "sac")
    exported(path, to, "mseed")
    assert len(obspy.read(tmp_path / "BW.RJOB.00.EHZ")) == 2


@pytest.mark.parametrize(
    ("form", "one", "said"),
    [
        ("sac", trace(np.array([2**24 + 1])), "SAC has no int64"),
        ("sac", trace(np.array([0.1])), "SAC has no float64"),
        ("gse2", trace(np.array([0.5]), seed="A.B..C"), "GSE2 has no float64"),
        ("gse2", trace(LINE), "codes: BW.RJOB.00.EHZ is read back as BW.RJOB..EHZ"),
        ("gse2", trace(LINE, seed="A.B..C"), "start: 2020-02-28T23:59:50.123456000 is"),
        ("mseed", trace(np.array([2**60 + 1])), "MSEED has no int64"),
        ("mseed", trace(LINE, seed="BW.LONGNAME..EHZ"), "codes: BW.LONGNAME..EHZ is"),
        ("sac", trace(LINE, seed="BW.LONGERNAME..EHZ"), "KSTNM 'LONGERNAME' is longer"),
        (
            "sac",
            trace(np.zeros(10**5, "f4"), rate=33.333),
            "sampling rate: 33.333 Hz is",
        ),
    ],
)
def test_what_a_format_cannot_hold(
    tmp_path: Path, form: str, one: obspy.Trace, said: str
) -> None:
    path = asdf(tmp_path / "a.h5", one)
    with pytest.raises(ProcessingFailedError, match=re.escape(said)) as error:
        exported(path, tmp_path / "out" / EACH, form)
    assert one.id in str(error.value)
    assert not [name for name in read_all(tmp_path / "out") if "work" not in name]
    if "longer" not in said:
        assert "lossy" in str(error.value)
        exported(path, tmp_path / "lossy" / EACH, form, lossy=True)
        assert len(list((tmp_path / "lossy").glob("*.2020*"))) == 1


def test_exact_values_fit_whatever_their_type(tmp_path: Path) -> None:
    many = trace(np.array([2**40, 2**40 + 1]), seed="A.B..C")  # float64 has them
    asdf(tmp_path / "a.h5", many, trace(LINE.astype("i8")))
    exported(tmp_path / "a.h5", tmp_path / EACH)
    (wide,) = obspy.read(next(tmp_path.glob("A.B*")))
    (narrow,) = obspy.read(next(tmp_path.glob("BW*")))
    assert (wide.data.dtype, narrow.data.dtype) == (np.float64, np.int32)
    assert wide.data.tolist() == many.data.tolist()


def test_losses_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    odd = trace(LINE.astype("f8") / 3, START, "A.B.00.C")
    path = asdf(tmp_path / "a.h5", odd, labels=["mine"])
    exported(path, tmp_path / EACH, "gse2", lossy=True)
    told = [text for text in caplog.messages if "lost or rounded" in text]
    assert {text.split(": ")[1] for text in told} == {
        "codes",
        "start",
        "samples",
        "labels",
    }


@pytest.mark.parametrize("seed", [".RJOB..EHZ", "BW.RJOB..EHZ"])
def test_an_empty_code_makes_no_odd_path(tmp_path: Path, seed: str) -> None:
    path = asdf(tmp_path / "a.h5", trace(LINE, seed=seed))
    template = "{network}.x" if seed[0] == "." else "{location}/x"
    with pytest.raises(ProcessingFailedError, match="pad the empty code"):
        exported(path, tmp_path / "out" / template)
    padded = template.replace("}", ":_<2}")
    exported(path, tmp_path / "out" / padded)
    assert any("__" in name for name in read_all(tmp_path / "out"))


def test_what_is_there_stays(tmp_path: Path) -> None:
    path = asdf(tmp_path / "a.h5", trace(LINE), trace(LINE, seed="BW.FUR..EHZ"))
    out = tmp_path / "out"
    exported(path, out / EACH)
    (mine,) = out.glob("*FUR*")
    before = {file: file.stat().st_mtime_ns for file in out.glob("BW*")}
    report = exported(path, out / EACH)
    assert {file: file.stat().st_mtime_ns for file in out.glob("BW*")} == before
    assert [one.row["there"] for one in report.outcomes] == [1, 1]
    good = mine.read_bytes()
    mine.write_bytes(b"precious")
    with pytest.raises(ProcessingFailedError, match="is there already, with other"):
        exported(path, out / EACH)
    assert mine.read_bytes() == b"precious"
    # The work that was done is not done again.
    mine.unlink()
    assert exported(path, out / EACH).resumed == 1
    assert mine.read_bytes() == good
    mine.write_bytes(b"old")
    exported(path, out / EACH, overwrite=True)
    assert mine.read_bytes() == good


def test_a_killed_export_goes_on(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    traces = [
        trace(random.integers(-9, 9, 200_000).astype("i4"), seed=f"BW.S{k:02d}..EHZ")
        for k in range(40)
    ]
    path = asdf(tmp_path / "a.h5", *traces)
    exported(path, tmp_path / "whole" / EACH)
    out = tmp_path / "out"
    command = [sys.executable, "-P", "-m", "asdf_pipeline", "export", str(path)]
    command += ["--format=mseed", f"--to={out}/{EACH}", "--workers=2"]
    with subprocess.Popen(command, start_new_session=True) as killed:
        while not list(out.glob("BW*")):
            assert killed.poll() is None
            time.sleep(0.002)
        os.killpg(killed.pid, signal.SIGKILL)
    assert not (out / "a.export.csv").exists()
    done = read_all(out)
    subprocess.run(command, check=True)
    assert read_all(out) == read_all(tmp_path / "whole")
    assert 0 < len([name for name in done if name.startswith("BW")]) <= 40


@pytest.mark.requires("mount")
def test_a_full_disk_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(2).integers(-(10**6), 10**6, 60_000)
    path = asdf(tmp_path / "a.h5", trace(noise.astype("i4")))
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", out], check=True)
    try:
        with pytest.raises(
            ProcessingFailedError, match="No space left on device; make"
        ):
            exported(path, out / EACH, work_dir=tmp_path / "work")
        assert not list(out.iterdir())
    finally:
        subprocess.run(["umount", out], check=True)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.requires("mpi")
def test_ranks_write_the_same(tmp_path: Path) -> None:
    traces = [trace(LINE + k, seed=f"BW.S{k}..EHZ") for k in range(5)]
    path = asdf(tmp_path / "a.h5", *traces)
    exported(path, tmp_path / "one" / EACH)
    python = parallel_python()
    command = [str(launcher(python)), "-n", "2", python, "-P", "-m", "mpi4py", "-m"]
    command += ["asdf_pipeline", "export", str(path), "--format=mseed", "--backend=mpi"]
    command += [f"--to={tmp_path}/two/{EACH}"]
    subprocess.run(command, env=mpi_environment(), check=True)
    assert read_all(tmp_path / "two") == read_all(tmp_path / "one")


def test_the_command_and_the_library(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = asdf(tmp_path / "a.h5", trace(LINE), trace(LINE, seed="GR.FUR..BHZ"))
    call: list[Any] = ["export", path, "--format=mseed", "--layout=sds", "--workers=1"]
    words = [
        str(one) for one in [*call, "--to", tmp_path / "sds", "--stations", "BW.*"]
    ]
    assert main(words) == 0
    assert main([*words[:2], "--format=wav", "--to=x/{station}"]) == 2
    assert "expected mseed, sac, gse2, slist, tspair" in capsys.readouterr().err
    assert main([*words, "--table", f"{tmp_path}/sds/a.export.csv"]) == 2
    with ASDFDataSet(path, mode="r") as ds:
        table = ds.export(tmp_path / "lib", layout="sds", cpu_count=1, progress="none")
        assert list(table["station"]) == ["BW.RJOB", "GR.FUR"]
        assert table["samples"].sum() == 100
        with pytest.raises(
            TagError, match="no waveforms with tag x; tags in the file: raw"
        ):
            ds.export(tmp_path / EACH, tags=["x"])
    of_one = {name for name in read_all(tmp_path / "sds") if "RJOB" in name}
    of_all = {name for name in read_all(tmp_path / "lib") if "RJOB" in name}
    assert of_one == of_all
    assert len(of_one) == 1


def test_times_of_a_selection(tmp_path: Path) -> None:
    path = asdf(tmp_path / "a.h5", trace(LINE))
    words = [
        "export",
        str(path),
        "--format=mseed",
        f"--to={tmp_path}/{EACH}",
        "--workers=1",
    ]
    assert (
        main([*words, "--starttime", str(START + 0.5), "--endtime", str(START + 1)])
        == 0
    )
    (made,) = obspy.read(next(tmp_path.glob("BW*")))
    assert made.data.tolist() == LINE[10:21].tolist()
    assert made.stats.starttime == UTCDateTime(START + 0.5)
