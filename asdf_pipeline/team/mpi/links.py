"""The ways between a rank's worker and the dispatcher, and the threads on them."""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from typing import TYPE_CHECKING

from asdf_pipeline.team.mpi.dispatcher import Dispatcher, Reply, Report
from asdf_pipeline.team.mpi.guard import abort, look_for_leavers, naps
from asdf_pipeline.team.stop import PATIENCE
from asdf_pipeline.text import named_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from asdf_pipeline.team.mpi.mailbox import Mailbox
    from asdf_pipeline.team.stop import Stop

LISTENING_NAP = 0.1
"""Seconds between two looks of a rank at work, which only looks for a stop."""
SHORTEST_NAP = 1e-3
"""Seconds between two looks of rank 0 at what has come, while something comes."""
TICK = 0.25
"""Seconds between two looks at whether progress is to be shown."""


class RemoteLink:
    """The way to rank 0 from another rank; a thread looks for a stop meanwhile.

    Parameters
    ----------
    threads : bool
        Whether MPI may be called by several threads.
    """

    def __init__(self, mailbox: Mailbox, stop: Stop, *, threads: bool) -> None:
        self._mailbox = mailbox
        self._stop = stop
        self._lock = threading.Lock()
        self._replies: deque[Reply] = deque()
        self._left = False  # what is sent after that, the next run would get
        self._stops = False  # rank 0 said so
        self._answered_stop = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        if threads:
            self._thread.start()

    def send(self, report: Report) -> None:
        """Send a report to rank 0."""
        with self._lock:
            if self._left:
                return
            self._left = report.left
            self._mailbox.send(0, report)

    def poll(self) -> Reply | None:
        """Return the next reply that has come."""
        self._receive()
        return self._replies.popleft() if self._replies else None

    def _receive(self) -> None:
        with self._lock:  # to the end: two threads come here
            for _, reply in self._mailbox.receive():
                if reply.order == "stop":
                    self._stops = True
                    self._stop.ask()
                else:
                    self._replies.append(reply)
            stops = self._stops or bool(self._stop)
            if stops and not (self._answered_stop or self._left):
                # The worker may be long in coming to say so itself.
                self._answered_stop = True
                self._mailbox.send(0, Report(signum=self._stop.signum, stops=True))

    def _listen(self) -> None:
        while not self._ended.wait(LISTENING_NAP):
            self._receive()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()


class RootLink:
    """Rank 0's end of all links, and its own link; a thread serves the others.

    Parameters
    ----------
    threads : bool
        Whether MPI may be called by several threads; if not, rank 0 serves whenever
        its own worker uses the ledger.
    """

    def __init__(
        self, dispatcher: Dispatcher, mailbox: Mailbox, stop: Stop, *, threads: bool
    ) -> None:
        self._dispatcher = dispatcher
        self._mailbox = mailbox
        self._stop = stop
        self._size = mailbox.comm.Get_size()
        self._lock = threading.RLock()
        self._replies: deque[Reply] = deque()
        self._stop_passed_on = 0.0
        self._ticked = time.monotonic()
        self._thread = threading.Thread(target=self._serve_all, daemon=True)
        self._ended = threading.Event()
        if threads and self._size > 1:
            self._thread.start()

    def send(self, report: Report) -> None:
        """Hand in a report of rank 0's own worker."""
        self._dispatcher.handle(0, report)

    def poll(self) -> Reply | None:
        """Serve all ranks; return the next reply to rank 0's own worker."""
        self.serve()
        return self._replies.popleft() if self._replies else None

    def serve(self) -> bool:
        """Handle the reports that have come, send the replies that there are.

        Returns
        -------
        bool
            Whether there were any.
        """
        with self._lock:
            reports = list(self._mailbox.receive())
            if reports:
                with self._dispatcher.at_once():
                    for rank, report in reports:
                        self._dispatcher.handle(rank, report)
            if self._stop:
                self._pass_stop_on()
            replies = self._dispatcher.drain()
            for rank, reply in replies:
                if rank == 0:
                    self._replies.append(reply)
                else:
                    self._mailbox.send(rank, reply)
            if time.monotonic() - self._ticked > TICK:
                self._ticked = time.monotonic()
                self._dispatcher.tick()
        return bool(reports or replies)

    def _pass_stop_on(self) -> None:
        if not self._stop_passed_on:
            self._stop_passed_on = time.monotonic()
            self._dispatcher.pass_stop_on()
        elif time.monotonic() - self._stop_passed_on > 2 * PATIENCE:
            late = set(range(self._size)) - self._dispatcher.ended
            names = ", ".join(self._dispatcher.names[rank] for rank in sorted(late))
            abort(
                f"{names} did not stop within {2 * PATIENCE:.0f} s; "
                "what was sealed is kept",
                128 + self._stop.signum,
            )

    def _serve_all(self) -> None:
        try:
            while not self._ended.is_set():
                for _ in naps(SHORTEST_NAP):
                    if self.serve() or self._ended.is_set():
                        break
        except BaseException as error:  # `sys.excepthook` gets no thread's
            fail(error)

    def close(self) -> None:
        """Serve until all ranks have left, and end the thread."""
        self._wait(lambda: len(self._dispatcher.left) == self._size)
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._wait(lambda: self._mailbox.is_empty)

    def _wait(self, until: Callable[[], bool]) -> None:
        for _ in naps():
            self.serve()
            if until():
                return
            look_for_leavers()


def fail(error: BaseException) -> None:
    """End the whole job by an error that nobody foresaw."""
    traceback.print_exception(error)
    abort(named_line(error))
