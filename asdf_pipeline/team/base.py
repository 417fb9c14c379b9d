"""What a team is: who does the work, and whose turn it is to write."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from asdf_pipeline.container.writer import Writer
from asdf_pipeline.files import start_writeback
from asdf_pipeline.journal.segments import Sealed, SealSchedule, seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from asdf_pipeline.container.encoded import Product
    from asdf_pipeline.journal.ledger import Ledger, NoUnit
    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.team.stop import Stop
    from asdf_pipeline.work.base import Work

T = TypeVar("T")

SYNC_EVERY = 4 << 20
"""Bytes after which the disk is told to begin writing: sealing waits for the rest."""


@dataclass(frozen=True, kw_only=True)
class TeamOptions:
    """By whom a run is done.

    Attributes
    ----------
    backend : {"auto", "serial", "multiprocessing", "mpi", "dask"}
        ``auto`` is Dask where a scheduler is named, MPI where a launcher started more
        than one rank, or `io` is ``parallel``, else multiprocessing.
    workers : int
        Members of the multiprocessing team, or of a Dask cluster that is started for
        the run, -1 for one a core.
    io : {"auto", "parallel", "segments"}
        How MPI ranks write.
    scheduler : str, path-like, distributed.Client or cluster, optional
        Which Dask cluster does the work: its scheduler's address or file, a client or
        the cluster itself. None: that of the client that the process has, that of
        Dask's own configuration (``DASK_SCHEDULER_ADDRESS``), else one of this
        machine, for this run.
    """

    backend: str = "auto"
    workers: int = -1
    io: str = "auto"
    scheduler: Any = None


@dataclass
class Job:
    """What the engine gives to a team: the ledger, and when to stop or seal.

    Attributes
    ----------
    ledger : Ledger
        Who has which unit, and what became of it.
    stop : Stop
        Whether a signal asked the run to stop.
    schedule : SealSchedule
        When a segment is due to be sealed.
    tick : callable
        To be called now and then, so that progress is shown.
    """

    ledger: Ledger
    stop: Stop
    schedule: SealSchedule
    tick: Callable[[], None]


class WorkerLedger(Protocol):
    """What a worker needs of the ledger, which may be in another process."""

    def take(self, worker: str) -> Unit | NoUnit:
        """Return a unit, or what is to be done as there is none."""

    def came_back(self, worker: str, outcome: Outcome) -> None:
        """Note what became of a unit."""

    def seal(self, sealed: Sealed, unit_ids: Iterable[str]) -> None:
        """Journal a sealed segment and its units."""

    def journal_dataless(self) -> None:
        """Journal the units that need no segment."""

    def new_segment(self) -> Path:
        """Return the path of a segment that does not exist yet."""


class Team(ABC):
    """Does all units of a ledger; whatever it wrote is in sealed segments then.

    Attributes
    ----------
    name : str
        Its name as a backend, for the log and provenance: nothing depends on it.
    size : int
        How many workers there are.
    leads : bool
        Whether this process keeps the ledger, logs and publishes. Where it does
        not, the team has processes that run the same program (MPI ranks), and they
        call `follow` for each `lead` of the leading one.
    has_peers : bool
        Whether there are such processes.
    can_write_together : bool
        Whether workers may write one segment together (``io="parallel"``).
    io : str
        How the output is written, for the log.
    """

    name: ClassVar[str]
    size: int
    leads: bool = True
    has_peers: ClassVar[bool] = False
    can_write_together: ClassVar[bool] = False
    io: str = "segments"

    def lead(self, do: Callable[[], T], tell: Callable[[T], object]) -> T:
        """Do something that only the leading process does; return its result.

        Its peers' `follow` returns `tell` of the result, or raises the same error.
        """
        return do()

    def follow(self) -> Any:
        """Return what the leading process tells of its `lead`, or raise its error."""
        raise NotImplementedError

    def together(self, do: Callable[[], T]) -> T:
        """Let every process do something; if it fails on one, all raise its error."""
        return do()

    def close(self) -> None:  # noqa: B027
        """Let go of what the team holds: the run is over."""

    @abstractmethod
    def run(self, work: Work, job: Job | None) -> None:
        """Do all units. The job is None on processes that do not lead.

        Returns when every unit is sealed and journaled, or when the job's stop asks
        for it, what could be sealed in a few seconds being sealed.

        Raises
        ------
        WriteError
            If a segment cannot be written.
        WorkerDiedError
            If workers cannot be kept alive at all.
        """


class Segment:
    """The unsealed segment of one worker that nobody shares.

    Parameters
    ----------
    path : pathlib.Path
        Its name while unsealed, ending in ``.part``.
    quakeml : bytes or None
        The events, with which every segment is born.
    born : float
        When the work on what it holds began, `time.monotonic` seconds.
    """

    def __init__(self, path: Path, quakeml: bytes | None, born: float) -> None:
        self.path = path
        self.born = born
        self.size = 0
        self._synced = 0
        self.unit_ids: list[str] = []
        self._writer = Writer.create(path, quakeml=quakeml)

    def write(self, unit_id: str, product: Product) -> None:
        """Write what one unit produced."""
        self._writer.write(product)
        self.unit_ids.append(unit_id)
        self.size += product.nbytes
        if self.size - self._synced >= SYNC_EVERY:
            start_writeback(self.path)
            self._synced = self.size

    def seal(self) -> tuple[Sealed, list[str]]:
        """Close it for good; return what the journal is to know of it."""
        self._writer.close()
        return seal(self.path), self.unit_ids
