"""The pipeline where inputs, or results, are in a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import obspy
import pytest

from tests.pipeline.test_pipeline import FAILS_FOR_FUR
from tests.stage.bucket import (
    get,
    moto_server,
    proxy_before,
    put,
    put_tree,
    set_environment,
)
from tests.stage.conftest import DATA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.pipeline.checkout import Checkout
    from tests.stage.bucket import Proxy

pytestmark = pytest.mark.requires("s3")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Proxy, str]]:
    with moto_server(tmp_path) as port, proxy_before(port) as server:
        yield server


@pytest.fixture
def environment(server: tuple[Proxy, str]) -> dict[str, str]:
    environment: dict[str, str] = {}
    set_environment(environment, server[1])
    return environment


def archive(root: Path) -> bytes:
    """Make an NCEDC archive with a file; return other content for it."""
    trace = obspy.read(str(DATA / "io/mseed/tests/data/test.mseed"))[0]
    trace.id = "BW.RJOB..EHZ"
    place = root / "continuous_waveforms/BW/2016/2016.123/RJOB.BW.EHZ..D.2016.123"
    place.parent.mkdir(parents=True)
    trace.stats.starttime = obspy.UTCDateTime(2016, 5, 2, 12)
    trace.data = trace.data * 2
    trace.write(str(place), format="MSEED")
    other = place.read_bytes()
    trace.data = trace.data // 2
    trace.write(str(place), format="MSEED")
    return other


def test_a_changed_object_is_staged_anew(
    checkout: Checkout,
    server: tuple[Proxy, str],
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    other = archive(tmp_path / "ncedc")
    put_tree(server[1], "waves", tmp_path / "ncedc")
    put(server[1], "waves", "BW.xml", (DATA / "core/data/BW_RJOB.xml").read_bytes())
    checkout.use(
        {
            "dataset": "bavaria",
            "archive": "s3://waves",
            "layout": "ncedc",
            "network": "BW",
            "stations": "s3://waves/*.xml",
        }
    )
    run = checkout.snakemake(**environment)
    assert run.code == 0, run.text
    (row,) = checkout.rows()
    assert (row["station"], row["status"]) == ("RJOB", "ok")
    again = checkout.snakemake(**environment)
    assert "Nothing to be done" in again.text, again.text
    (key,) = {path for path in server[0].got() if "RJOB" in path}
    put(server[1], "waves", key.removeprefix("/waves/"), other)
    changed = checkout.snakemake("--dry-run", **environment)
    assert changed.rules.count("stage") == 1, changed.text
    server[0].faults["/waves"] = ["denied", "always"]
    denied = checkout.snakemake("--dry-run", **environment)
    assert denied.code == 1
    assert "config/datasets.tsv: data set 'bavaria': s3://waves" in denied.text
    assert "access denied" in denied.text


def test_results_in_a_bucket(
    checkout: Checkout, server: tuple[Proxy, str], environment: dict[str, str]
) -> None:
    """Also what was done before a run failed is used, on the same machine."""
    proxy, address = server
    put(address, "results")
    storage = [
        *("--default-storage-provider", "s3"),
        *("--default-storage-prefix", "s3://results/run1"),
        *("--storage-s3-endpoint-url", address, "--shared-fs-usage", "none"),
        "--keep-storage-local-copies",
    ]
    (row, _) = checkout.rows("config/datasets.tsv", "\t")
    checkout.use(row)
    (checkout.path / "mine.py").write_text(FAILS_FOR_FUR)
    checkout.configure(function="mine.py:process", parameters={}, max_failures=0)
    failed = checkout.snakemake(*storage, "--until", "process", **environment)
    assert failed.code == 1
    assert not [one for one in proxy.asked if "PUT" in one and "processed.h5" in one]
    checkout.configure(max_failures=1)
    run = checkout.snakemake(*storage, "--until", "process", **environment)
    assert run.code == 0, run.text
    assert run.rules.count("stage") == 0
    kept = {one.partition("?")[0] for one in proxy.asked if one[:4] == "PUT "}
    results = "PUT /results/run1/results/bavaria"
    assert {f"{results}/staged.h5", f"{results}/processed.h5"} <= kept
    log = get(address, "results", "run1/logs/process/bavaria.log").decode()
    assert "3 units, 2 of them done before" in log, log
