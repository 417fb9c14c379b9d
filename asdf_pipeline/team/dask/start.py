"""Finding a Dask cluster, or starting one: distributed is imported only then."""

from __future__ import annotations

import contextlib
import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import BackendError
from asdf_pipeline.team.resources import available_cores
from asdf_pipeline.text import one_line

if TYPE_CHECKING:
    from asdf_pipeline.team.base import TeamOptions
    from asdf_pipeline.team.dask.cluster import Dask


def form(options: TeamOptions) -> Dask:
    """Return the team of the cluster that is named, or found (see `TeamOptions`).

    Raises
    ------
    BackendError
        If Dask is not installed, or no scheduler answers.
    """
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        msg = (
            f"backend 'dask' needs the package distributed ({one_line(error)}): "
            "pip install 'asdf_pipeline[dask]'"
        )
        raise BackendError(msg) from error
    from asdf_pipeline.team.dask.cluster import Dask

    with ExitStack() as stack:
        client = connect(options.scheduler, options.workers, stack)
        return Dask(client, stack.pop_all())


def connect(scheduler: Any, workers: int, stack: ExitStack) -> Any:
    """Return a client of the cluster; what has to be closed is put on the stack."""
    import dask.config
    from distributed import Client, LocalCluster, default_client

    if scheduler is None:
        with contextlib.suppress(ValueError):  # there is none
            scheduler = default_client()
    if isinstance(scheduler, Client):
        if scheduler.asynchronous:
            msg = "the Dask client is asynchronous: give one that is not"
            raise BackendError(msg)
        return scheduler
    if scheduler is None:
        scheduler = dask.config.get("scheduler-address", None)
    if scheduler is None:
        # Each worker is a thread here, and has its units done by a process of its
        # own: a script without an `if __name__` guard can start it.
        scheduler = stack.enter_context(
            LocalCluster(
                n_workers=available_cores() if workers < 1 else workers,
                threads_per_worker=1,
                processes=False,
                memory_limit=0,  # it would pause the threads for this process's memory
                dashboard_address=":0",
            )
        )
    where: dict[str, Any] = {"address": scheduler}
    if isinstance(scheduler, str | Path):
        where = _address(str(scheduler))
    try:
        return stack.enter_context(Client(**where, set_as_default=False))
    except (OSError, ValueError) as error:
        msg = f"no Dask scheduler answers at {scheduler}: {one_line(error)}"
        raise BackendError(msg) from error


def _address(scheduler: str) -> dict[str, str]:
    """Return what tells a client where the scheduler is."""
    if "://" in scheduler or re.fullmatch(r"[^/]+:\d+", scheduler):
        return {"address": scheduler}
    if Path(scheduler).is_file():
        return {"scheduler_file": scheduler}
    msg = (
        f"scheduler {scheduler!r}: no such file; expected the file that 'dask "
        "scheduler --scheduler-file' writes, or an address such as tcp://node1:8786"
    )
    raise BackendError(msg)
