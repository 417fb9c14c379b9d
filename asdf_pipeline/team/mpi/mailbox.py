"""Python objects between ranks: sent, received and gathered without spinning."""

from __future__ import annotations

import pickle
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
from mpi4py import MPI

from asdf_pipeline.errors import ASDFPipelineError
from asdf_pipeline.team.mpi.guard import complete
from asdf_pipeline.text import named_line

if TYPE_CHECKING:
    from collections.abc import Iterator


class Mailbox:
    """Objects sent one by one; nothing here waits.

    Blocking calls would: a long message moves only while both its ends are within
    MPI, and a rank at work on a unit is not. `mpi4py.util.pkl5` sends its header and
    each buffer as messages of their own: a report of one outcome took 3 times as long
    there and back (mpi4py 4.1, Open MPI 4.1), one of a hundred as long as here.

    Parameters
    ----------
    comm : mpi4py.MPI.Intracomm
        Used by nobody else.
    """

    def __init__(self, comm: MPI.Intracomm) -> None:
        self.comm = comm
        self._going: list[tuple[MPI.Request, bytes]] = []
        self._coming: deque[tuple[int, MPI.Request, bytearray]] = deque()

    def send(self, rank: int, what: object) -> None:
        """Begin to send an object to a rank."""
        data = pickle.dumps(what, pickle.HIGHEST_PROTOCOL)
        self._going.append((self.comm.Isend([data, MPI.BYTE], rank), data))

    def receive(self) -> Iterator[tuple[int, Any]]:
        """Yield (rank, object) for what has come, in the order each rank sent it."""
        self._going = [going for going in self._going if not going[0].Test()]
        status = MPI.Status()
        while (message := self.comm.Improbe(status=status)) is not None:
            data = bytearray(status.Get_count(MPI.BYTE))
            request = message.Irecv([data, MPI.BYTE])
            self._coming.append((status.Get_source(), request, data))
        waiting: set[int] = set()
        for _ in range(len(self._coming)):
            rank, request, data = self._coming.popleft()
            if rank in waiting or not request.Test():
                waiting.add(rank)  # what it sent later comes later
                self._coming.append((rank, request, data))
            else:
                yield rank, pickle.loads(data)

    @property
    def is_empty(self) -> bool:
        """Whether all that was sent has left."""
        self._going = [going for going in self._going if not going[0].Test()]
        return not self._going


def broadcast(comm: MPI.Intracomm, what: object = None) -> Any:
    """Return rank 0's object on all ranks; rank 0 does not wait for the others."""
    leads = comm.Get_rank() == 0
    data = pickle.dumps(what, pickle.HIGHEST_PROTOCOL) if leads else b""
    size = np.array([len(data)], np.int64)
    complete(comm.Ibcast(size, 0))
    buffer = bytearray(data or int(size[0]))
    complete(comm.Ibcast([buffer, MPI.BYTE], 0))
    return what if leads else pickle.loads(buffer)


def gather_all(
    comm: MPI.Intracomm, what: object, end: tuple[float, str] | None = None
) -> list[Any]:
    """Return the object of every rank, by rank, on all ranks.

    Parameters
    ----------
    comm : mpi4py.MPI.Intracomm
        Of all ranks.
    what : object
        This rank's object.
    end : (float, str), optional
        After so many seconds of waiting, end the job for this reason.
    """
    data = pickle.dumps(what, pickle.HIGHEST_PROTOCOL)
    sizes = np.empty(comm.Get_size(), np.int64)
    complete(comm.Iallgather(np.array([len(data)], np.int64), sizes), end)
    begins = np.concatenate(([0], np.cumsum(sizes)))
    buffer = bytearray(int(begins[-1]))
    counts = (sizes.tolist(), begins[:-1].tolist())
    complete(comm.Iallgatherv([data, MPI.BYTE], [buffer, *counts, MPI.BYTE]))
    return [
        pickle.loads(buffer[begin:end])
        for begin, end in zip(begins[:-1], begins[1:], strict=True)
    ]


def portable(error: Exception | None) -> Exception | None:
    """Return an error that can be sent to another rank."""
    if error is None:
        return None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception as reason:  # whatever a class does when it is rebuilt
        lesser = ASDFPipelineError(named_line(error))
        lesser.__cause__ = reason
        return lesser
    return error
