"""The ways between a rank's accounts and rank 0's side, and the threads on them."""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from typing import TYPE_CHECKING

from asdf_pipeline.team.mpi.dispatcher import Answer, Dispatcher, News
from asdf_pipeline.team.mpi.guard import abort, look_for_leavers, naps
from asdf_pipeline.team.mpi.ledger_proxy import NAP
from asdf_pipeline.team.stop import PATIENCE
from asdf_pipeline.text import named_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from asdf_pipeline.team.mpi.mailbox import Mailbox
    from asdf_pipeline.team.stop import Stop

LISTENING_NAP = 0.02
"""The same of a rank at work, which only listens for a stop."""
TICK = 0.25
"""Seconds between two looks at whether progress is to be shown."""


class RemoteLink:
    """The way to rank 0 from another rank; a thread listens for a stop meanwhile.

    Parameters
    ----------
    threads : bool
        Whether MPI may be called by several threads.
    """

    def __init__(self, mailbox: Mailbox, stop: Stop, *, threads: bool) -> None:
        self._post = mailbox
        self._stop = stop
        self._lock = threading.Lock()
        self._answers: deque[Answer] = deque()
        self._left = False  # what came after that, the next run would get
        self._stops = False  # rank 0 said so
        self._answered_stop = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        if threads:
            self._thread.start()

    def send(self, news: News) -> None:
        """Send news to rank 0."""
        with self._lock:
            if self._left:
                return
            self._left = news.left
            self._post.send(0, news)

    def poll(self) -> Answer | None:
        """Return the next answer that has come."""
        self._receive()
        return self._answers.popleft() if self._answers else None

    def _receive(self) -> None:
        with self._lock:  # to the end: two threads come here
            for _, answer in self._post.receive():
                if answer.word == "stop":
                    self._stops = True
                    self._stop.ask()
                else:
                    self._answers.append(answer)
            stops = self._stops or bool(self._stop)
            if stops and not (self._answered_stop or self._left):
                # The worker may be long in coming to say so itself.
                self._answered_stop = True
                self._post.send(0, News(signum=self._stop.signum, stops=True))

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
        its own accounts are used.
    """

    def __init__(
        self, dispatcher: Dispatcher, mailbox: Mailbox, stop: Stop, *, threads: bool
    ) -> None:
        self._sharing = dispatcher
        self._post = mailbox
        self._stop = stop
        self._size = mailbox.comm.Get_size()
        self._lock = threading.RLock()
        self._answers: deque[Answer] = deque()
        self._told_stop = 0.0
        self._ticked = time.monotonic()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ended = threading.Event()
        if threads and self._size > 1:
            self._thread.start()

    def send(self, news: News) -> None:
        """Take rank 0's own news in."""
        self._sharing.hear(0, news)

    def poll(self) -> Answer | None:
        """Serve everyone; return rank 0's own next answer."""
        self.step()
        return self._answers.popleft() if self._answers else None

    def step(self) -> bool:
        """Hear and answer what there is; return whether there was anything."""
        with self._lock:
            heard = 0
            for rank, news in self._post.receive():
                self._sharing.hear(rank, news)
                heard += 1
            if self._stop:
                self._pass_stop_on()
            told = self._sharing.told()
            for rank, answer in told:
                if rank == 0:
                    self._answers.append(answer)
                else:
                    self._post.send(rank, answer)
            if time.monotonic() - self._ticked > TICK:
                self._ticked = time.monotonic()
                self._sharing.tick()
        return bool(heard or told)

    def _pass_stop_on(self) -> None:
        if not self._told_stop:
            self._told_stop = time.monotonic()
            self._sharing.pass_stop_on()
        elif time.monotonic() - self._told_stop > 2 * PATIENCE:
            late = set(range(self._size)) - self._sharing.ended
            names = ", ".join(self._sharing.names[rank] for rank in sorted(late))
            abort(
                f"{names} did not stop within {2 * PATIENCE:.0f} s; "
                "what was sealed is kept",
                128 + self._stop.signum,
            )

    def _serve(self) -> None:
        try:
            while not self._ended.is_set():
                if not self.step():
                    time.sleep(NAP)
        except BaseException as error:  # no excepthook sees a thread's
            fail(error)

    def close(self) -> None:
        """Serve until all ranks have left, and end the thread."""
        self._wait(lambda: len(self._sharing.left) == self._size)
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._wait(lambda: self._post.all_gone)

    def _wait(self, until: Callable[[], bool]) -> None:
        for _ in naps(NAP):
            self.step()
            if until():
                return
            look_for_leavers()


def fail(error: BaseException) -> None:
    """End the whole job by an error that nobody foresaw."""
    traceback.print_exception(error)
    abort(named_line(error))
