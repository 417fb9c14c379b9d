"""Writing a set of changes into a file so that a killed process writes all or none.

Each changed page is small, but there are several, and SIGKILL may come between two
calls of write(2). So they are written by a process of their own, which has all of
them before it begins: a small one that is started with the first commit and ends with
this process. It is in a session of its own, so that neither Ctrl-C nor a kill of this
process's group reaches it.

What is left: both processes killed within the same tenth of a millisecond, as a power
cut does, or Slurm to a job that ran out of time.
"""

from __future__ import annotations

import atexit
import os
import struct
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Change = tuple[int, bytes]

_NUMBER = struct.Struct("<Q")
# Reads: length of path, path, device and number of the file, number of changes, new
# size, and of each change its offset, length and bytes. Answers with a byte when all
# are written. A message that ends too early is one of a process that was killed:
# nothing of it is written.
_WRITER = """
import os, struct, sys
def take(count):
    found = sys.stdin.buffer.read(count)
    if len(found) < count:
        os._exit(0)
    return found
def number():
    return struct.unpack("<Q", take(8))[0]
while True:
    path = take(number())
    identity = number(), number()
    count, size = number(), number()
    changes = [(number(), take(number())) for _ in range(count)]
    answer = b"+"
    try:
        file = os.open(path, os.O_RDWR)
        there = os.fstat(file)
        if (there.st_dev, there.st_ino) != identity:
            os.close(file)
            raise FileNotFoundError
        for offset, content in changes:
            while content:
                written = os.pwrite(file, content, offset)
                offset, content = offset + written, content[written:]
        os.ftruncate(file, size)
        os.close(file)
    except OSError:
        answer = b"-"
    try:
        os.write(1, answer)
    except OSError:
        os._exit(0)
"""
_lock = threading.Lock()  # data sets may be changed by several threads
_running: dict[int, subprocess.Popen[bytes]] = {}  # by the process that started it


def apply(path: Path, descriptor: int, changes: Sequence[Change], size: int) -> None:
    """Write changes into a file and set its size: all of it, or nothing.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    descriptor : int
        The same, open for writing.
    changes : sequence of (int, bytes)
        Offsets and what is to stand there.
    size : int
        Of the file then, in bytes.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    there = os.fstat(descriptor)
    message = [_NUMBER.pack(len(os.fsencode(path))), os.fsencode(path)]
    message += [_NUMBER.pack(there.st_dev), _NUMBER.pack(there.st_ino)]
    message += [_NUMBER.pack(len(changes)), _NUMBER.pack(size)]
    for offset, content in changes:
        message += [_NUMBER.pack(offset), _NUMBER.pack(len(content)), content]
    if len(changes) > 1 and _written_by_helper(b"".join(message)):
        return
    # No such process here, or it failed: what it wrote is written once more.
    for offset, content in changes:
        rest = memoryview(content)
        while rest:
            count = os.pwrite(descriptor, rest, offset)
            rest, offset = rest[count:], offset + count
    os.ftruncate(descriptor, size)


def _written_by_helper(message: bytes) -> bool:
    """Return whether the other process has written everything."""
    try:
        with _lock:
            return _ask(message)
    except OSError:
        return False


def _ask(message: bytes) -> bool:
    process = _running.get(os.getpid())
    if process is not None and process.poll() is not None:
        _end(os.getpid())
        process = None
    if process is None:
        process = _start()
    to, back = _pipes(process)
    to.write(message)
    to.flush()
    return back.read(1) == b"+"


def _start() -> subprocess.Popen[bytes]:
    """Start the other process; it costs 10 ms."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _WRITER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    _running[os.getpid()] = process
    atexit.register(_end, os.getpid())
    return process


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise BrokenPipeError
    return process.stdin, process.stdout


def _end(owner: int) -> None:
    """Let the process end; those of a parent that forked us are the parent's."""
    if owner == os.getpid() and (process := _running.pop(owner, None)) is not None:
        process.communicate()
