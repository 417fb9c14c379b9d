"""Archives and files in a bucket: found, pruned, read, and what goes wrong there."""

from __future__ import annotations

import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import obspy
import pytest

from asdf_pipeline.cli import main
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.plan.outcome import read_outcomes
from asdf_pipeline.stage import stores
from tests.stage.bucket import (
    Proxy,
    delete,
    moto_server,
    proxy_before,
    put,
    put_tree,
    set_environment,
)
from tests.stage.conftest import DATA
from tests.stage.test_archive import arranged

pytestmark = pytest.mark.requires("s3")

STATIONS = DATA / "core" / "data" / "BW_RJOB.xml"
EVENTS = DATA / "core" / "tests" / "data" / "iris_events.xml"


@pytest.fixture(scope="session")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with moto_server(tmp_path_factory.mktemp("moto")) as port:
        yield port


class Bucket:
    """One test's bucket, which the environment leads to."""

    def __init__(self, proxy: Proxy, address: str, name: str) -> None:
        self.proxy, self.address, self.name = proxy, address, name
        self.url = f"s3://{name}"

    def put(self, key: str, content: bytes) -> None:
        put(self.address, self.name, key, content)

    def delete(self, key: str) -> None:
        delete(self.address, self.name, key)

    def prefixes(self) -> set[str]:
        """Return the prefixes that were listed."""
        queries = [parse_qs(urlsplit(one).query) for one in self.proxy.listed()]
        return {"".join(query.get("prefix", [])) for query in queries}

    def put_tree(self, root: Path) -> None:
        put_tree(self.address, self.name, root)
        self.proxy.asked.clear()


@pytest.fixture
def bucket(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bucket]:
    from fsspec.config import conf

    monkeypatch.setattr("asdf_pipeline.stage.persist.PAUSE", 0.01)
    stores.options_of.cache_clear()
    with proxy_before(port) as (proxy, address):
        environment: dict[str, str] = {}
        set_environment(environment, address)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        # fsspec reads the environment when it is imported.
        monkeypatch.setitem(conf, "s3", {"endpoint_url": address})
        name = f"b{abs(hash(tmp_path))}"
        put(address, name)
        yield Bucket(proxy, address, name)


@pytest.fixture
def sds(tmp_path: Path) -> Path:
    """Return an SDS archive: BW.RJOB and GR.FUR, two channels, three days."""
    root = tmp_path / "sds"
    for number, code in enumerate(("BW.RJOB..EHZ", "BW.RJOB..EHN", "GR.FUR.00.BHZ")):
        trace = obspy.Trace(np.arange(86400, dtype=np.int32) + number)
        trace.id = code
        for day in range(3):
            one = trace.copy()
            one.stats.starttime = obspy.UTCDateTime(2016, 5, 2 + day)
            place = root / path_of(one)
            place.parent.mkdir(parents=True, exist_ok=True)
            one.write(str(place), format="MSEED")
    return root


def path_of(trace: obspy.Trace) -> str:
    stats = trace.stats
    day = f"{stats.starttime.year}.{stats.starttime.julday:03}"
    return (
        f"{stats.starttime.year}/{stats.network}/{stats.station}/{stats.channel}.D/"
        f"{trace.id}.D.{day}"
    )


def stage(source: list[str], output: Path, *more: str) -> int:
    end = ["--tag", "raw", "--progress", "none", "--output", str(output)]
    backend = () if "--workers" in more else ("--backend", "serial")
    return main(["stage", *source, *end, *backend, *more])


@pytest.mark.parametrize("layout", ["sds", "bud", "scedc", "ncedc", "earthscope"])
def test_each_layout_in_a_bucket_is_the_same_file(
    bucket: Bucket, sds: Path, tmp_path: Path, layout: str
) -> None:
    chosen = ["--network", "BW", "--starttime", "2016-124", "--endtime", "2016-124"]
    arranged(sds, tmp_path / "other", layout)
    bucket.put_tree(tmp_path / "other")
    here, there = tmp_path / "here.h5", tmp_path / "there.h5"
    assert stage(["--archive", str(sds), *chosen], here) == 0
    source = ["--archive", bucket.url, "--layout", layout, *chosen]
    assert stage(source, there, "--workers", "2") == 0
    assert file_digest(there) == file_digest(here)
    # Neither another network's, nor anything twice.
    got = bucket.proxy.got()
    assert len(got) == len(set(got)) > 0
    assert not [path for path in got if "GR" in path]


@pytest.mark.parametrize(
    ("layout", "chosen", "listed"),
    [
        ("scedc", [], {"", "2016/", "2016/2016_123/BW"}),
        ("scedc", ["--station", "RJOB"], {"", "2016/", "2016/2016_123/BWRJOB_"}),
        ("ncedc", [], {"BW/", "BW/2016/", "BW/2016/2016.123/"}),
        (
            "ncedc",
            ["--station", "RJOB"],
            {"BW/", "BW/2016/", "BW/2016/2016.123/RJOB.BW."},
        ),
    ],
)
def test_the_selection_prunes_what_is_listed(
    bucket: Bucket,
    sds: Path,
    tmp_path: Path,
    layout: str,
    chosen: list[str],
    listed: set[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    arranged(sds, tmp_path / "other", layout)
    bucket.put_tree(tmp_path / "other")
    for name in ("2014/2014_001/BWRJOB_EHZ___2014001.ms", "GR/2014/2014.001/x"):
        bucket.put(f"continuous_waveforms/{name}", b"x")
    bucket.proxy.asked.clear()
    chosen = [*chosen, "--network", "BW"]
    chosen += ["--starttime", "2016-122", "--endtime", "2016-122"]
    source = ["--archive", bucket.url, "--layout", layout, *chosen]
    assert stage(source, tmp_path / "staged.h5") == 1
    # The day after may hold the end of it; it does not.
    assert "holds no waveforms in the wanted times" in capsys.readouterr().err
    assert bucket.prefixes() == {f"continuous_waveforms/{one}" for one in listed}


@pytest.mark.parametrize("fault", ["503", "500", "reset", "cut", "short"])
def test_what_passes_is_asked_for_again(
    bucket: Bucket,
    sds: Path,
    tmp_path: Path,
    fault: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bucket.put_tree(sds)
    bucket.proxy.faults["EHZ.D.2016.124"] = [fault, fault]
    if fault in ("503", "500"):
        bucket.proxy.faults[f"/{bucket.name}"] = [fault]  # the first listing
    here, there = tmp_path / "here.h5", tmp_path / "there.h5"
    assert stage(["--archive", str(sds)], here) == 0
    assert stage(["--archive", bucket.url], there) == 0
    assert file_digest(there) == file_digest(here)
    said = [line for line in capsys.readouterr().err.splitlines() if "again in" in line]
    assert len([line for line in said if "EHZ.D.2016.124: " in line]) == 2
    assert len(said) == (3 if fault in ("503", "500") else 2)


def test_what_does_not_come_fails_its_station(
    bucket: Bucket, sds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.put_tree(sds)
    bucket.proxy.faults["EHZ.D.2016.124"] = ["503", "always"]
    output, table = tmp_path / "staged.h5", tmp_path / "outcomes.jsonl"
    source = ["--archive", bucket.url]
    assert stage(source, output) == 1
    said = capsys.readouterr().err
    assert f"{bucket.url}/2016/BW/RJOB/EHZ.D/BW.RJOB..EHZ.D.2016.124: " in said
    assert "(asked 5 times); with --max-failures 1 the others are staged" in said
    assert not output.exists()
    # What came is kept: it is not asked for again.
    bucket.proxy.asked.clear()
    assert stage(source, output, "--max-failures", "1", "--outcomes", str(table)) == 0
    assert not [path for path in bucket.proxy.got() if "GR.FUR" in path]
    with Reader(output) as reader:
        assert reader.stations() == ["GR.FUR"]
    (failed,) = [one for one in read_outcomes(table) if one.status == "failed"]
    assert failed.station == "BW.RJOB"
    assert "1 failed: BW.RJOB" in capsys.readouterr().err


def test_an_object_replaced_after_it_was_listed_is_named(
    bucket: Bucket, sds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.put_tree(sds)
    key = "2016/BW/RJOB/EHZ.D/BW.RJOB..EHZ.D.2016.124"
    other = (sds / key.replace("EHZ", "EHN")).read_bytes()
    assert len(other) == (sds / key).stat().st_size  # only its content tells

    def replace() -> None:
        bucket.put(key, other)

    bucket.proxy.faults[key] = [replace]
    assert stage(["--archive", bucket.url], tmp_path / "staged.h5") == 1
    said = capsys.readouterr().err
    assert f"{bucket.url}/{key}: changed between listing and reading" in said
    assert "again in" not in said


def test_an_object_that_is_gone_is_named(
    bucket: Bucket, sds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.put_tree(sds)
    key = "2016/BW/RJOB/EHZ.D/BW.RJOB..EHZ.D.2016.124"
    bucket.proxy.faults[key] = [lambda: bucket.delete(key)]
    assert stage(["--archive", bucket.url], tmp_path / "staged.h5") == 1
    assert f"{bucket.url}/{key}: is gone since" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["object", "bucket"])
def test_access_denied_is_one_line(
    bucket: Bucket,
    sds: Path,
    tmp_path: Path,
    what: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bucket.put_tree(sds)
    end = "EHZ.D.2016.124" if what == "object" else f"/{bucket.name}"
    bucket.proxy.faults[end] = ["denied", "always"]
    assert stage(["--archive", bucket.url], tmp_path / "staged.h5") == 1
    *_, said = capsys.readouterr().err.splitlines()
    assert said.startswith(f"asdf-pipeline: error: {bucket.url}")
    assert "access denied" in said
    assert "FSSPEC_S3_ANON" in said
    assert "again in" not in said


def test_a_changed_object_is_other_work(
    bucket: Bucket, sds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.put_tree(sds)
    bucket.proxy.faults["BHZ.D.2016.123"] = ["503", "always"]
    output = tmp_path / "staged.h5"
    assert stage(["--archive", bucket.url], output) == 1
    key = "2016/BW/RJOB/EHZ.D/BW.RJOB..EHZ.D.2016.124"
    trace = obspy.read(str(sds / key))[0]
    trace.data = trace.data + 1
    trace.write(str(sds / key), format="MSEED")
    bucket.put(key, (sds / key).read_bytes())
    bucket.proxy.faults.clear()
    capsys.readouterr()
    assert stage(["--archive", bucket.url], output) == 0
    assert "the files" in capsys.readouterr().err  # the work of others is discarded
    assert stage(["--archive", str(sds)], tmp_path / "here.h5") == 0
    assert file_digest(output) == file_digest(tmp_path / "here.h5")


def test_patterns_of_addresses(bucket: Bucket, sds: Path, tmp_path: Path) -> None:
    root = tmp_path / "mixed"
    root.mkdir()
    for path in sorted(sds.rglob("BW.*.2016.*")):
        (root / f"{path.name}.mseed").write_bytes(path.read_bytes())
    with zipfile.ZipFile(root / "packed.zip", "w") as packed:
        for path in sorted(sds.rglob("GR.*.2016.*")):
            packed.write(path, path.name)
    (root / "BW_RJOB.xml").write_bytes(STATIONS.read_bytes())
    (root / "events.xml").write_bytes(EVENTS.read_bytes())
    bucket.put_tree(root)

    def source(root: str) -> list[str]:
        return [
            *("--waveforms", f"{root}/*.mseed", f"{root}/packed.zip"),
            *("--stations", f"{root}/BW_*.xml", "--events", f"{root}/events.xml"),
        ]

    here, there = tmp_path / "here.h5", tmp_path / "there.h5"
    assert stage(source(str(root)), here) == 0
    assert stage(source(bucket.url), there, "--workers", "2") == 0
    assert file_digest(there) == file_digest(here)
    with Reader(there) as reader:
        assert reader.stations() == ["BW.RJOB", "GR.FUR"]


def test_credentials_are_nowhere(
    bucket: Bucket, sds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.put_tree(sds)
    bucket.proxy.faults["EHZ.D.2016.124"] = ["503", "always"]
    output = tmp_path / "staged.h5"
    work = tmp_path / "work"
    assert stage(["--archive", bucket.url], output, "--work-dir", str(work)) == 1
    more = ("--work-dir", str(work), "--max-failures", "1")
    found = b"".join(path.read_bytes() for path in work.rglob("*") if path.is_file())
    assert stage(["--archive", bucket.url], output, *more) == 0
    found += output.read_bytes() + capsys.readouterr().err.encode()
    assert b"the-secret" not in found
    assert b"somebody" not in found


def test_without_credentials_one_is_anonymous(
    bucket: Bucket, sds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put_tree(sds)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    stores.options_of.cache_clear()
    assert not bucket.proxy.signed
    stage(["--archive", bucket.url, "--network", "BW"], tmp_path / "staged.h5")
    assert bucket.proxy.asked
    assert not bucket.proxy.signed


def test_addresses_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "staged.h5"
    assert stage(["--archive", "s4://bucket"], output) == 2
    assert "s4://bucket: " in capsys.readouterr().err
    assert stage(["--waveforms", "https://me:secret@host/x.mseed"], output) == 2
    said = capsys.readouterr().err
    assert "client_kwargs" in said
    assert "secret" not in said
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    assert stage(["--archive", "gs://bucket"], output) == 2
    assert "pip install gcsfs" in capsys.readouterr().err


def test_a_web_servers_folders_are_an_archive(
    sds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = partial(_Quiet, directory=str(tmp_path))
    chosen = ["--network", "BW", "--stations"]
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        (tmp_path / "BW_RJOB.xml").write_bytes(STATIONS.read_bytes())
        source = ["--archive", f"{url}/sds", *chosen, f"{url}/BW_RJOB.xml"]
        assert stage(source, tmp_path / "there.h5", "--workers", "2") == 0
        server.shutdown()
    source = ["--archive", str(sds), *chosen, str(STATIONS)]
    assert stage(source, tmp_path / "here.h5") == 0
    assert file_digest(tmp_path / "there.h5") == file_digest(tmp_path / "here.h5")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ({"station": "ALTM"}, "holds BW.ALTM..EHZ, where its place in the archive"),
        ({"channel": "EHX"}, ""),
    ],
)
def test_what_is_misplaced_in_a_bucket(
    bucket: Bucket,
    sds: Path,
    tmp_path: Path,
    codes: dict[str, str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = sds / "2016/BW/RJOB/EHZ.D/BW.RJOB..EHZ.D.2016.124"
    trace = obspy.read(str(path))[0]
    trace.stats.update(codes)
    trace.write(str(path), format="MSEED")
    bucket.put_tree(sds)
    assert stage(["--archive", bucket.url], tmp_path / "staged.h5") == bool(said)
    assert f"{path.name}: {said or 'holds BW.RJOB..EHX, where its place'}" in (
        capsys.readouterr().err
    )
