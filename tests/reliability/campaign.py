"""A kill campaign: kill -9 at random times, and see that nothing is lost.

Each trial starts a run, kills a random member or the whole tree at a random time (of a
Dask cluster that serves one run after the other: a worker, the scheduler, the run's own
process, or all of these), and checks that

* no invalid file stands under the final name,
* the same command, given again, ends with the digest of an undisturbed run,
* no unit that was sealed is computed again (the calls are counted).

Each team is tried with each pattern: whole stations, windows of them, events, channels,
pairs in tiles and gathers; the functions write waveforms and auxiliary data.

Run a long one by hand::

    python -m tests.reliability.campaign --trials 1000
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import TYPE_CHECKING

import psutil

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.journal.workdir import read_journal
from asdf_pipeline.plan.outcome import Outcome
from tests.conftest import launcher, mpi_environment, parallel_python, why_not
from tests.dask_cluster import ENVIRONMENT, Cluster
from tests.reliability.command import Running

if TYPE_CHECKING:
    from collections.abc import Iterator

STATIONS = 30
PAUSE = 0.01  # seconds a station takes
FUNCTIONS = Path(__file__).parent / "functions.py"


@dataclass(frozen=True)
class Pattern:
    """What is done: a verb, its function and options, how many calls that makes."""

    name: str = ""
    verb: str = "process"
    function: str = "counted"
    options: tuple[str, ...] = ("--tag", "raw_recording=processed")
    calls: int = STATIONS


STATIONWISE = Pattern()
BY_WINDOWS = replace(
    STATIONWISE, name="windows", options=(*STATIONWISE.options, "--window", "5s")
)
PATTERNS = (
    Pattern(
        "channels",
        options=(*STATIONWISE.options, "--by", "channel"),
        calls=2 * STATIONS,
    ),
    Pattern(
        "events",
        function="counted_of_event",
        options=(*STATIONWISE.options, "--by", "event"),
        calls=2 * STATIONS,
    ),
    Pattern(
        "pairs",
        "pairs",
        "counted_pair",
        ("--tag", "raw_recording", "--tile", "4", "--limit", "12"),
        66,
    ),
    Pattern(
        "pairs by windows",
        "pairs",
        "counted_pair",
        ("--tag", "raw_recording", "--tile", "3", "--limit", "9", "--window", "5s"),
        180,
    ),
    Pattern("gathers", "gathers", "counted_gather", ("--window", "1s"), 20),
)


@dataclass(frozen=True)
class Way:
    """A way to run: its name, options, ranks, what it needs of the machine.

    Of a Dask cluster, ``cluster`` is the number of its workers.
    """

    name: str
    options: tuple[str, ...]
    ranks: int = 0
    needs: str = ""
    cluster: int = 0
    pattern: Pattern = STATIONWISE

    def of(self, pattern: Pattern) -> Way:
        """Return this way to run another pattern."""
        return replace(self, name=f"{self.name}, {pattern.name}", pattern=pattern)

    def start(self, arguments: list[str], folder: Path) -> Popen[bytes] | Running:
        """Start the command in a session of its own, so that all can be killed."""
        if not self.ranks and not self.cluster:
            return Running(*arguments, *self.options, cwd=folder)
        if self.cluster:
            words, environment = [sys.executable], ENVIRONMENT
        else:
            python = parallel_python()
            start = launcher(python)
            assert start is not None
            words = [start, "-n", str(self.ranks), python, "-m", "mpi4py"]
            environment = mpi_environment()
        words += ["-m", "asdf_pipeline", *arguments, *self.options]
        with (folder / ".log").open("ab") as log:
            return Popen(
                words,
                env=environment | {"PYTHONPATH": str(Path.cwd())},
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


WHOLE = (
    Way("serial", ("--backend", "serial")),
    Way("multiprocessing", ("--backend", "multiprocessing", "--workers", "3")),
    Way("mpi, segments", ("--backend", "mpi", "--io", "segments"), 3, "mpi"),
    Way("mpi, parallel", ("--backend", "mpi", "--io", "parallel"), 3, "parallel-hdf5"),
    Way("dask", ("--backend", "dask", "--workers", "2")),
    Way("dask, cluster", ("--backend", "dask"), cluster=2),
)
WAYS = WHOLE + tuple(way.of(BY_WINDOWS) for way in WHOLE)
MORE_WAYS = tuple(way.of(pattern) for pattern in PATTERNS for way in WHOLE)


def ways_here() -> list[Way]:
    """Return the ways that this machine offers."""
    ways = WAYS + MORE_WAYS
    return [way for way in ways if not way.needs or why_not(way.needs) is None]


class Trial:
    """One run in a directory of its own, killed once and given again."""

    def __init__(
        self, example: Path, folder: Path, way: Way, cluster: Cluster | None
    ) -> None:
        self.way = way
        self.cluster = cluster
        self.folder = folder
        self.output = folder / "out.h5"
        self.calls = folder / "calls"
        self.calls.touch()
        pattern = way.pattern
        self.arguments = [
            *(pattern.verb, str(example), str(self.output)),
            *("--function", f"{FUNCTIONS}:{pattern.function}"),
            *pattern.options,
            *("--seal-every", "0.05", "--progress", "none"),
            *("--parameters", json.dumps({"calls": str(self.calls), "s": PAUSE})),
        ]
        if cluster is not None:
            cluster.mend()
            self.arguments += ["--scheduler", str(cluster.file)]
        self.run = way.start(self.arguments, folder)

    @property
    def is_alive(self) -> bool:
        """Whether the run goes on."""
        if isinstance(self.run, Popen):
            return self.run.poll() is None
        return bool(self.run.process.is_alive())

    def wait(self) -> int:
        """Return the run's exit code."""
        ended = self.run.wait(120)
        return ended if isinstance(ended, int) else ended.code

    def kill(self, rng: random.Random) -> str:
        """Kill one process of the tree, or all; return what was killed."""
        if self.cluster is not None:
            return self._kill_of_cluster(self.cluster, rng)
        tree = [psutil.Process(self.run.pid), *_children(self.run.pid)]
        if len(tree) > 1 and rng.random() < 0.5:
            _kill(rng.choice(tree[1:]))
            return "one"
        # The group takes the launcher and its helpers along, all at once.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.run.pid, signal.SIGKILL)
        for process in tree:
            _kill(process)
        return "all"

    def _kill_of_cluster(self, cluster: Cluster, rng: random.Random) -> str:
        what = rng.choice(("worker", "worker", "scheduler", "client", "all"))
        if what == "worker":
            cluster.kill_worker(rng)
        if what in ("scheduler", "all"):
            cluster.kill_scheduler()
        if what in ("client", "all"):
            os.killpg(self.run.pid, signal.SIGKILL)
        if what == "all":
            cluster.kill_all()
        return what

    def again(self) -> int:
        """Give the same command once more; return its exit code."""
        if self.cluster is not None:
            self.cluster.mend()
        self.run = self.way.start(self.arguments, self.folder)
        return self.wait()

    def sealed(self) -> set[str]:
        """Return the calls (as they leave a line) whose work counts already."""
        directory = self.output.with_name(f"{self.output.name}.work")
        outcomes = (
            Outcome.from_json(line)
            for entry in read_journal(directory)
            for line in entry.outcomes.values()
        )
        return set(map(_call_of, outcomes))

    def counted(self) -> Counter[str]:
        """Return how often each unit was computed, of pairs once a window."""
        return Counter(self.calls.read_text(encoding="utf-8").splitlines())


def _call_of(outcome: Outcome) -> str:
    """Return the line that the call for a unit leaves."""
    if outcome.others:
        return " ".join(outcome.members)
    if outcome.window is not None and outcome.station == "*":
        return f"gather {outcome.window[0]}"
    channels = f" {outcome.channel}" if outcome.channel else ""
    event = f" {outcome.event}" if outcome.event else ""
    return f"{outcome.station} {outcome.start}{channels}{event}"


def run_trial(
    example: Path,
    way: Way,
    digest: str,
    usual: float,
    rng: random.Random,
    cluster: Cluster | None = None,
) -> str:
    """Run one trial; return what was killed.

    Raises
    ------
    AssertionError
        If anything was lost, wrong, or done again.
    """
    folder = Path(tempfile.mkdtemp(prefix="kill-"))
    trial = Trial(example, folder, way, cluster)
    try:
        _wait_for_the_moment(trial, usual, rng)
        killed = trial.kill(rng) if trial.is_alive else "nothing"
        code = trial.wait()
        _wait_until_gone(trial.run.pid)
        if trial.output.exists():
            assert file_digest(trial.output) == digest, "a wrong file was published"
        else:
            assert code != 0, "exit code 0 without an output"
            before, sealed = trial.counted(), trial.sealed()
            assert sealed <= set(before), "sealed without a call"
            code = trial.again()
            assert code == 0, f"the second run ended with {code}"
            assert file_digest(trial.output) == digest, "the digest differs"
            twice = sealed & set(trial.counted() - before)
            assert not twice, f"computed again though sealed: {sorted(twice)}"
    except BaseException:
        print(f"{way.name}: see {folder}", file=sys.stderr)
        raise
    shutil.rmtree(folder)
    return killed


def _wait_for_the_moment(trial: Trial, usual: float, rng: random.Random) -> None:
    """Wait for a random time, or for a random number of calls and a little more.

    Most of a short run is its start: times alone would seldom meet it at work.
    """
    most = trial.way.pattern.calls
    calls = rng.randint(0, most) if rng.random() < 0.75 else 2 * most
    deadline = time.monotonic() + (rng.uniform(0, usual) if calls > most else 60)
    while trial.is_alive and time.monotonic() < deadline:
        if trial.calls.read_bytes().count(b"\n") >= calls:
            break
        time.sleep(0.002)
    time.sleep(rng.uniform(0, 0.1))


def usual_run(
    example: Path, way: Way, cluster: Cluster | None = None
) -> tuple[str, float]:
    """Return the digest and the time of an undisturbed run."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        trial = Trial(example, Path(folder), way, cluster)
        assert trial.wait() == 0, f"{way.name}: an undisturbed run fails"
        return file_digest(trial.output), time.monotonic() - began


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def _wait_until_gone(group: int, seconds: float = 30) -> None:
    """Wait for the members of a dead parent: they end when their pipe does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    msg = f"processes of group {group} live on {seconds} s after the run ended"
    raise AssertionError(msg)


def campaign(
    example: Path, ways: list[Way], trials: int, seed: int
) -> Counter[tuple[str, str]]:
    """Run trials over the ways in turn; return how many of each kind held."""
    rng = random.Random(seed)
    with ExitStack() as stack:
        each = {way.cluster: way for way in ways}  # those of a size share one
        clusters = {n: stack.enter_context(cluster_of(w)) for n, w in each.items()}
        usual = {way: usual_run(example, way, clusters[way.cluster]) for way in ways}
        for pattern in {way.pattern for way in ways}:
            digests = {usual[way][0] for way in ways if way.pattern == pattern}
            assert len(digests) <= 1, f"digests differ without any kill: {digests}"
        held: Counter[tuple[str, str]] = Counter()
        for number in range(trials):
            way = ways[number % len(ways)]
            killed = run_trial(example, way, *usual[way], rng, clusters[way.cluster])
            held[way.name, killed] += 1
            if (number + 1) % 25 == 0:
                print(f"{number + 1} trials held", file=sys.stderr, flush=True)
    return held


@contextlib.contextmanager
def cluster_of(way: Way) -> Iterator[Cluster | None]:
    """Have the cluster that a way needs, if it needs one."""
    if not way.cluster:
        yield None
        return
    with (
        tempfile.TemporaryDirectory(prefix="cluster-") as folder,
        Cluster(Path(folder), way.cluster) as cluster,
    ):
        yield cluster


def main() -> None:
    """Run a campaign and print how many trials held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--way", default="", help="only ways whose name has this (a regular expression)"
    )
    args = parser.parse_args()
    from tests.reliability.data import make_example

    with tempfile.TemporaryDirectory() as folder:
        ways = [way for way in ways_here() if re.search(args.way, way.name)]
        held = campaign(
            make_example(Path(folder), STATIONS), ways, args.trials, args.seed
        )
    for (way, killed), count in sorted(held.items()):
        print(f"{way:34} killed: {killed:8} held: {count}")
    print(f"{sum(held.values())} of {args.trials} trials held")


if __name__ == "__main__":
    main()
