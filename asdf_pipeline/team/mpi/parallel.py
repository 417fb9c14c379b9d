"""Ranks that write one segment together by parallel HDF5, in rounds.

Each rank holds its products until rank 0 orders a round. Then each declares what it
has, rank 0 creates all of it, and each writes its own samples, independently of the
others; opening and closing the file is collective.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asdf_pipeline.container.parallel import declare, fill, lay_out
from asdf_pipeline.errors import ASDFPipelineError, StopUnitError, WriteError
from asdf_pipeline.journal.ledger import NoUnit
from asdf_pipeline.journal.segments import seal
from asdf_pipeline.team.mpi.guard import complete
from asdf_pipeline.team.mpi.mailbox import gather_all
from asdf_pipeline.team.stop import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mpi4py import MPI

    from asdf_pipeline.container.encoded import Product
    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.team.mpi.dispatcher import Dispatcher
    from asdf_pipeline.team.mpi.ledger_proxy import LedgerProxy
    from asdf_pipeline.team.stop import Stop
    from asdf_pipeline.work.base import Worker


@dataclass(frozen=True, slots=True)
class _Contribution:
    """What a rank declares in a round; the samples themselves stay with it.

    Attributes
    ----------
    products : list of (str, Product)
        Unit ids and their products, without the samples.
    outcomes : list of Outcome
        What rank 0 may not have got yet; it must know of a unit before its segment is
        sealed.
    leaves : bool
        The rank takes part in no further round, so that no rank does.
    plan : (bool, pathlib.Path) or None
        From rank 0: whether to seal, and the name of a new segment.
    """

    products: list[tuple[str, Product]]
    outcomes: list[Outcome]
    leaves: bool
    plan: tuple[bool, Path] | None


class SharedSegments:
    """One rank's part in the segments that all ranks write together.

    Parameters
    ----------
    comm : mpi4py.MPI.Intracomm
        Used by nobody else.
    quakeml : bytes or None
        The events, with which every segment is born.
    dispatcher : Dispatcher or None
        Only on rank 0.
    """

    def __init__(
        self, comm: MPI.Intracomm, quakeml: bytes | None, dispatcher: Dispatcher | None
    ) -> None:
        self._comm = comm
        self._quakeml = quakeml
        self._dispatcher = dispatcher
        self._products: list[tuple[str, Product]] = []
        self._outcomes: list[Outcome] = []
        self._segment: Path | None = None  # not yet sealed
        self._unit_ids: list[str] = []  # in it

    def hold(self, outcome: Outcome, product: Product | None) -> None:
        """Hold what a unit made until the next round."""
        self._outcomes.append(outcome)
        if product is not None:
            self._products.append((outcome.unit_id, product))

    def write_round(self, *, leaves: bool) -> bool:
        """Write together with all other ranks; return whether it was the last time.

        Raises
        ------
        WriteError
            The same one on all ranks, if one of them could not write.
        """
        complete(self._comm.Ibarrier())
        own = [product for _, product in self._products]
        declared: list[_Contribution] = gather_all(
            self._comm,
            _Contribution(
                [(unit_id, declare(product)) for unit_id, product in self._products],
                self._outcomes,
                leaves,
                self._dispatcher.round_plan() if self._dispatcher else None,
            ),
        )
        self._products, self._outcomes = [], []
        if self._dispatcher is not None:
            self._dispatcher.begin_round(
                [(rank, o) for rank, one in enumerate(declared) for o in one.outcomes]
            )
        assert declared[0].plan is not None
        seals, path = declared[0].plan
        last = any(one.leaves for one in declared)
        if any(one.products for one in declared):
            self._write(path, declared, own)
        if seals or last:
            self._seal()
        return last

    def _write(
        self, path: Path, declared: list[_Contribution], own: list[Product]
    ) -> None:
        from mpi4py import MPI

        self._segment = self._segment or path
        with self._agreed():
            if self._comm.Get_rank() == 0:
                made = (product for one in declared for _, product in one.products)
                lay_out(self._segment, made, self._quakeml)
        with self._agreed():
            fill(self._segment, self._comm, MPI.INFO_NULL, own)
        self._unit_ids += [unit_id for one in declared for unit_id, _ in one.products]

    def _seal(self) -> None:
        path, self._segment = self._segment, None
        if path is not None and self._dispatcher is not None:
            try:
                self._dispatcher.seal(seal(path), self._unit_ids)
            except WriteError as error:
                self._dispatcher.fail(error)
        self._unit_ids = []

    @contextmanager
    def _agreed(self) -> Iterator[None]:
        """Raise on all ranks the error of one of them."""
        own = None
        try:
            yield
        except ASDFPipelineError as error:
            own = error
        # The others may wait within HDF5 for what failed here.
        end = None if own is None else (PATIENCE, str(own))
        for one in gather_all(self._comm, own, end):
            if one is not None:
                raise one


def work_together(
    worker: Worker, ledger: LedgerProxy, segments: SharedSegments, stop: Stop
) -> None:
    """Do units until all are sealed, or a stop; write them together with all ranks."""
    while not stop:
        unit = ledger.take(worker.name)
        if unit is NoUnit.END:
            break
        if unit is NoUnit.WRITE and segments.write_round(leaves=False):
            return
        if isinstance(unit, NoUnit):
            continue
        try:
            with stop.interruptible():
                outcome, product = worker.attempt(unit)
        except StopUnitError:
            break
        ledger.came_back(worker.name, outcome)
        segments.hold(outcome, product)
    if stop:
        ledger.report_stop()
    segments.write_round(leaves=True)
