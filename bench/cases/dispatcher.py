"""What the rank that hands units out does for each of them: how many ranks it serves.

The ranks are simulated, in one process, without MPI: each request is a message that is
unpickled, and each reply is pickled, as between ranks. What is timed is the leader's
part alone. With it goes a limit: units of so many seconds keep so many ranks busy.
"""

from __future__ import annotations

import pickle
import resource
import shutil
import time
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from bench.inputs import SCRATCH
from bench.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from asdf_pipeline.journal.segments import Sealed
    from asdf_pipeline.team.mpi.dispatcher import Dispatcher, Report
    from bench.cases import Effort

TITLE = "The leader alone, with simulated ranks"
UNIT_SECONDS = (1, 10, 100)
UNITS_A_SEAL = 20
"""Of each rank: what it does in about 30 s, where units take one or two."""
MERGED = (16, 250)
"""Segments that are merged, and the stations of each."""


def measure(effort: Effort) -> Iterator[Row]:
    """Yield rows for each number of ranks, and for merging."""
    sizes = [(64, 20_000), (4096, 100_000)]
    if not effort.quick:
        sizes = [(64, 100_000), (512, 100_000), (4096, 1_000_000)]
    for ranks, units in sizes:
        yield from _lead(ranks, units)
    yield from _merge()


def _lead(ranks: int, units: int) -> Iterator[Row]:
    """Have simulated ranks do all units; yield what the leader took."""
    from asdf_pipeline.journal.ledger import Ledger
    from asdf_pipeline.journal.segments import SealSchedule
    from asdf_pipeline.journal.workdir import WorkDirectory
    from asdf_pipeline.plan.units import Plan, Unit
    from asdf_pipeline.team.base import Job
    from asdf_pipeline.team.mpi.dispatcher import Dispatcher
    from asdf_pipeline.team.stop import Stop

    folder = SCRATCH / "leader"
    shutil.rmtree(folder, ignore_errors=True)
    what = f"{ranks:,} ranks, {units:,} units"
    before, began = _memory(), time.process_time()
    plan = Plan(tuple(Unit(f"XB.{n:07d}", "raw", "made") for n in range(units)))
    directory = WorkDirectory(folder, {"bench": what})
    ledger = Ledger(plan, directory, lambda _: None)
    planned = time.process_time() - began
    yield Row.value(f"{what}: planned", "units/s", [units / planned])
    schedule = SealSchedule(time.monotonic())
    names = [f"rank {rank} on node{rank // 64:03d}" for rank in range(ranks)]
    job = Job(ledger, Stop(), schedule, lambda: None)
    leader = _Leader(Dispatcher(job, names, together=False), ranks)
    leader.run()
    assert ledger.finished
    yield Row.value(f"{what}: answered, journaled", "units/s", [units / leader.wall])
    yield Row.value(f"{what}: CPU a unit", "ms", [leader.cpu / units * 1e3])
    yield Row.value(
        f"{what}: memory a unit", "kB", [(_memory() - before) / units / 1e3]
    )
    for seconds in UNIT_SECONDS:
        limit = units / leader.wall * seconds
        yield Row.value(f"{what}: limit, units of {seconds} s", "ranks", [limit])
    directory.close()
    shutil.rmtree(folder)


class _Leader:
    """The dispatcher, and ranks that answer at once; its own time is taken."""

    def __init__(self, dispatcher: Dispatcher, ranks: int) -> None:
        self.cpu = self.wall = 0.0
        self._dispatcher = dispatcher
        self._done: list[list[str]] = [[] for _ in range(ranks)]
        self._messages: deque[tuple[int, bytes]] = deque()
        self._segments = 0

    def run(self) -> None:
        from asdf_pipeline.team.mpi.dispatcher import Report, Request

        for rank in range(len(self._done)):
            self._send(rank, Report(request=Request(2, "idle")))
        while self._messages:
            messages, self._messages = self._messages, deque()
            for rank, reply in self._serve(messages):
                self._work(rank, reply)

    def _serve(self, messages: Iterable[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Do the leader's part with all that has come; return the replies as sent."""
        cpu, wall = time.process_time(), time.perf_counter()
        with self._dispatcher.at_once():
            for rank, message in messages:
                self._dispatcher.handle(rank, pickle.loads(message))
        replies = [
            (to, pickle.dumps(reply, pickle.HIGHEST_PROTOCOL))
            for to, reply in self._dispatcher.drain()
        ]
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall
        return replies

    def _work(self, rank: int, reply: bytes) -> None:
        """Do a rank's part: its units, their seal, the next request."""
        from asdf_pipeline.team.mpi.dispatcher import Report, Request

        answer = pickle.loads(reply)
        done = self._done[rank]
        outcomes = [
            unit.outcome(
                "ok", worker=f"rank {rank}", digest=f"{n:032x}", bytes_out=500_000
            )
            for n, unit in enumerate(answer.units)
        ]
        done += [unit.id for unit in answer.units]
        if answer.units:
            self._send(rank, Report(outcomes, request=Request(2, "at work")))
            if len(done) >= UNITS_A_SEAL:
                self._seal(rank)
            # The request above waits where units run short: the rank is idle then.
            self._send(rank, Report(request=Request(2, "idle")))
        elif answer.order == "seal":
            self._seal(rank)
            self._send(rank, Report(request=Request(2, "sealed")))

    def _seal(self, rank: int) -> None:
        from asdf_pipeline.team.mpi.dispatcher import Report

        ids, self._done[rank] = self._done[rank], []
        if ids:
            self._segments += 1
            self._send(rank, Report(seals=[(_sealed(self._segments), ids)]))

    def _send(self, rank: int, report: Report) -> None:
        message = pickle.dumps(report, pickle.HIGHEST_PROTOCOL)
        self._messages.append((rank, message))


def _sealed(number: int) -> Sealed:
    from asdf_pipeline.journal.segments import Sealed

    return Sealed(f"segment-{number:06d}.h5", 10_000_000, f"{number:032x}")


def _merge() -> Iterator[Row]:
    """Yield how fast segments of small stations are merged."""
    from asdf_pipeline.container.merge import merge

    count, stations = MERGED
    folder = SCRATCH / "merged"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    segments = [_segment(folder, n, stations) for n in range(count)]
    began = time.perf_counter()
    merge(segments, folder / "merged.h5")
    seconds = time.perf_counter() - began
    what = f"{count} segments of {stations} stations of 500 samples"
    yield Row.value(f"{what}: merged", "stations/s", [count * stations / seconds])
    shutil.rmtree(folder)


def _segment(folder: Path, number: int, stations: int) -> Path:
    import obspy

    from asdf_pipeline.container.codec import COMPRESSED
    from asdf_pipeline.container.product import make_product
    from asdf_pipeline.container.writer import Writer

    path = folder / f"segment-{number:06d}.h5"
    data = np.arange(500, dtype=np.int32)
    with Writer.create(path) as writer:
        for index in range(stations):
            code = f"{number * stations + index:05d}"
            header = {"network": "XB", "station": code, "channel": "BHZ"}
            stream = obspy.Stream([obspy.Trace(data, header)])
            writer.write(make_product(stream, f"XB.{code}", "made", COMPRESSED))
    return path


def _memory() -> float:
    """Return this process's largest memory so far in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
