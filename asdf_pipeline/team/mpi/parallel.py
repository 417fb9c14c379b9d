"""Ranks that write one segment together by parallel HDF5: they meet now and then.

Creating groups and data sets is collective: everyone does it, in one order. So what
ranks made is held by them until they meet; there, each declares what it has, all
create all of it, and each writes its own samples, on its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asdf_pipeline.container.parallel import ParallelWriter, declare
from asdf_pipeline.errors import StopUnitError, WriteError
from asdf_pipeline.journal.segments import seal
from asdf_pipeline.team.mpi.guard import complete
from asdf_pipeline.team.mpi.mailbox import gather_all
from asdf_pipeline.team.stop import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from mpi4py import MPI

    from asdf_pipeline.container.encoded import Product
    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.team.mpi.dispatcher import Dispatcher
    from asdf_pipeline.team.mpi.ledger_proxy import LedgerProxy
    from asdf_pipeline.team.stop import Stop
    from asdf_pipeline.work.base import Worker


@dataclass(frozen=True, slots=True)
class _Brought:
    """What a rank brings to a meeting; the bytes themselves it keeps.

    Attributes
    ----------
    products : list of (str, Product)
        Unit ids and what they made, without the bytes.
    outcomes : list of Outcome
        What rank 0 may not have been told yet; it must hear of a unit before its
        segment is sealed.
    leaves : bool
        It does not come again, so nobody does.
    agenda : (bool, pathlib.Path) or None
        From rank 0: whether to seal, and the name of a new segment.
    """

    products: list[tuple[str, Product]]
    outcomes: list[Outcome]
    leaves: bool
    agenda: tuple[bool, Path] | None


class Meetings:
    """One rank's part in what all write together.

    Parameters
    ----------
    comm : mpi4py.MPI.Intracomm
        Used by nobody else.
    quakeml : bytes or None
        The events, with which every segment is born.
    dispatcher : Dispatcher or None
        The accounts; only on rank 0.
    """

    def __init__(
        self, comm: MPI.Intracomm, quakeml: bytes | None, dispatcher: Dispatcher | None
    ) -> None:
        self._comm = comm
        self._quakeml = quakeml
        self._sharing = dispatcher
        self._products: list[tuple[str, Product]] = []
        self._outcomes: list[Outcome] = []
        self._writer: ParallelWriter | None = None
        self._unit_ids: list[str] = []  # in the open segment

    def bring(self, outcome: Outcome, product: Product | None) -> None:
        """Hold what a unit made until the ranks meet."""
        self._outcomes.append(outcome)
        if product is not None:
            self._products.append((outcome.unit_id, product))

    def meet(self, *, leaves: bool) -> bool:
        """Meet the other ranks and write; return whether it was the last time.

        Raises
        ------
        WriteError
            The same one on all ranks, if one of them could not write.
        """
        complete(self._comm.Ibarrier())
        mine = self._products
        brought: list[_Brought] = gather_all(
            self._comm,
            _Brought(
                [(unit_id, declare(product)) for unit_id, product in mine],
                self._outcomes,
                leaves,
                self._sharing.agenda() if self._sharing else None,
            ),
        )
        self._products, self._outcomes = [], []
        if self._sharing is not None:
            self._sharing.met(
                [(rank, o) for rank, one in enumerate(brought) for o in one.outcomes]
            )
        agenda = brought[0].agenda
        assert agenda is not None
        last = any(one.leaves for one in brought)
        if any(one.products for one in brought):
            self._write(agenda[1], brought, [product for _, product in mine])
        if agenda[0] or last:
            self._seal()
        return last

    def _write(self, path: Path, brought: list[_Brought], mine: list[Product]) -> None:
        from mpi4py import MPI

        error = None
        try:
            if self._writer is None:
                self._writer = ParallelWriter.create(
                    path, self._comm, MPI.INFO_NULL, self._quakeml
                )
            self._writer.write(
                [[product for _, product in one.products] for one in brought], mine
            )
        except WriteError as mine_error:
            error = mine_error
        self._agree_on(error)
        self._unit_ids += [unit_id for one in brought for unit_id, _ in one.products]

    def _seal(self) -> None:
        writer = self._writer
        if writer is None:
            return
        error = None
        try:
            writer.close()
        except WriteError as mine_error:
            error = mine_error
        self._agree_on(error)
        self._writer = None
        if self._sharing is not None:
            try:
                sealed = seal(writer.path)
            except WriteError as seal_error:
                self._sharing.fail(seal_error)
            else:
                self._sharing.sealed(sealed, self._unit_ids)
        self._unit_ids = []

    def _agree_on(self, error: WriteError | None) -> None:
        """Raise on all ranks what one of them met."""
        # The others may wait within HDF5 for what failed here.
        end = None if error is None else (PATIENCE, str(error))
        errors = gather_all(self._comm, error, end)
        first = next((one for one in errors if one is not None), None)
        if first is not None:
            raise first


def work_and_meet(
    worker: Worker, accounts: LedgerProxy, meetings: Meetings, stop: Stop
) -> None:
    """Take units until all are sealed; write them together with the other ranks."""
    while not stop and not accounts.finished:
        unit = accounts.take(worker.name)
        if accounts.called:
            accounts.called = False
            if meetings.meet(leaves=False):
                return
        elif unit is not None:
            try:
                with stop.interruptible():
                    outcome, product = worker.attempt(unit)
            except StopUnitError:
                break
            accounts.came_back(worker.name, outcome)
            meetings.bring(outcome, product)
    if stop:
        accounts.report_stop()
    meetings.meet(leaves=True)
