"""Writing a set of changes into a file so that a killed process writes all or none.

Each changed page is small, but there are several, and SIGKILL may come between two
calls of write(2). So they are written by a process of their own, which has all of
them before it begins: a small one that is started with the first commit and ends with
this process. It is in a session of its own, so that neither Ctrl-C nor a kill of this
process's group reaches it.

With the changes it is sent the open file itself, and with that the file's lock
(flock(2), which belongs to the open file and not to a process). So the file of a
process that was killed stays locked until its last commit is written, and whoever asks
for the lock, as HDF5 does, never sees half of one.

What is left: both processes killed within the same tenth of a millisecond, as a power
cut does, or Slurm to a job that ran out of time.
"""

from __future__ import annotations

import atexit
import os
import socket
import struct
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

Change = tuple[int, bytes]

_HEAD = struct.Struct("<QQ")
# Reads: number of changes and new size, and with them the open file; of each change its
# offset, length and bytes. Answers with a byte when all are written and the file is let
# go of. A message that ends too early is one of a process that was killed: nothing of
# it is written.
_WRITER = """
import os, socket, struct
def take(count):
    found = stream.read(count)
    if len(found) < count:
        os._exit(0)
    return found
def pair(head=b""):
    return struct.unpack("<QQ", head + take(16 - len(head)))
link = socket.socket(fileno=0)
stream = link.makefile("rb")
while True:
    head, files, _, _ = socket.recv_fds(link, 16, 1)
    if not files:
        os._exit(0)
    count, size = pair(head)
    changes = []
    for _ in range(count):
        offset, length = pair()
        changes.append((offset, take(length)))
    file = files[0]
    answer = b"+"
    try:
        # Room first: a file that is too short for what it says of itself does not open.
        os.ftruncate(file, max(size, os.fstat(file).st_size))
        for offset, content in changes:
            while content:
                written = os.pwrite(file, content, offset)
                offset, content = offset + written, content[written:]
        os.ftruncate(file, size)
    except OSError:
        answer = b"-"
    os.close(file)
    try:
        link.sendall(answer)
    except OSError:
        os._exit(0)
"""


class _Helper(NamedTuple):
    """The other process, and the connection to it."""

    process: subprocess.Popen[bytes]
    link: socket.socket


_lock = threading.Lock()  # data sets may be changed by several threads
_running: dict[int, _Helper] = {}  # by the process that started it


def apply(descriptor: int, changes: Sequence[Change], size: int) -> None:
    """Write changes into a file and set its size: all of it, or nothing.

    Parameters
    ----------
    descriptor : int
        The file, open for writing.
    changes : sequence of (int, bytes)
        Offsets and what is to stand there.
    size : int
        Of the file then, in bytes.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    if len(changes) > 1 and _written_by_helper(descriptor, changes, size):
        return
    # No such process here, or it failed: what it wrote is written once more. In the
    # same order.
    os.ftruncate(descriptor, max(size, os.fstat(descriptor).st_size))
    for offset, content in changes:
        rest = memoryview(content)
        while rest:
            count = os.pwrite(descriptor, rest, offset)
            rest, offset = rest[count:], offset + count
    os.ftruncate(descriptor, size)


def _written_by_helper(descriptor: int, changes: Sequence[Change], size: int) -> bool:
    """Return whether the other process has written everything."""
    message = [part for at, new in changes for part in (_HEAD.pack(at, len(new)), new)]
    try:
        with _lock:
            link = _connection()
            socket.send_fds(link, [_HEAD.pack(len(changes), size)], [descriptor])
            link.sendall(b"".join(message))
            return link.recv(1) == b"+"
    except OSError:
        return False


def _connection() -> socket.socket:
    """Return the connection to the other process, started if there is none."""
    helper = _running.get(os.getpid())
    if helper is not None and helper.process.poll() is not None:
        _end(os.getpid())
        helper = None
    return (helper or _start()).link


def _start() -> _Helper:
    """Start the other process; it costs 20 ms."""
    here, there = socket.socketpair()
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WRITER],
            stdin=there.fileno(),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        here.close()
        raise
    finally:
        there.close()
    _running[os.getpid()] = _Helper(process, here)
    atexit.register(_end, os.getpid())
    return _running[os.getpid()]


def _end(owner: int) -> None:
    """Let the process end; those of a parent that forked us are the parent's."""
    if owner == os.getpid() and (helper := _running.pop(owner, None)) is not None:
        helper.link.close()
        helper.process.wait()


def _forked() -> None:
    """Let go of the parent's: it must end with the parent, whatever its children do."""
    global _lock
    _lock = threading.Lock()  # a thread of the parent's may have held it
    for helper in _running.values():
        helper.link.close()


os.register_at_fork(after_in_child=_forked)
