"""The pipeline, its stations done by the workers of a Dask cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.dask_cluster import Cluster

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pipeline.checkout import Checkout


def test_a_scheduler_in_the_config_changes_no_digest(
    done: Checkout, tmp_path: Path
) -> None:
    before = {row["station"]: row["digest"] for row in done.rows()}
    place = tmp_path / "cluster"
    place.mkdir()
    with Cluster(place, 1) as cluster:
        done.configure(scheduler=str(cluster.file))
        run = done.snakemake("--forcerun", "process")
    assert run.code == 0, run.text
    assert {row["station"]: row["digest"] for row in done.rows()} == before
    assert "dask with" in done.read("logs/process/global.log")
