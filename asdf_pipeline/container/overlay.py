"""A file whose changes appear all at once: what HDF5 writes waits for `commit`.

HDF5 has no journal: it writes a file's metadata piece by piece whenever its cache is
full or the file is flushed, and a process that is killed in between leaves a file that
does not open. So HDF5 is given an object of ours in place of the file (its driver
"fileobj"). Bytes behind the end of what was committed go to the disk at once, where
nothing leads to them yet. Bytes that would change what was committed stay in memory,
in pages, until `commit` writes all of them.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from asdf_pipeline.container.commit import apply

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 4096


class Overlay:
    """The bytes of an open file, with those that are not committed yet.

    It is what h5py's driver "fileobj" wants: `seek`, `tell`, `readinto`, `write`,
    `flush`, `truncate`.

    Parameters
    ----------
    descriptor : int
        The file, open for reading and writing; closed by `close`, and unlocked.
    """

    def __init__(self, descriptor: int) -> None:
        self._owner = os.getpid()
        self._descriptor = descriptor
        self._committed = self._size = os.fstat(descriptor).st_size
        # The smallest size since the last commit: what was committed behind it is cut
        # off, and reads as zeros where the file grows again.
        self._kept = self._committed
        self._pages: dict[int, bytearray] = {}
        self._position = 0
        self._discarding = False

    @property
    def held(self) -> int:
        """Number of bytes that wait in memory."""
        return len(self._pages) * PAGE

    @property
    def changed(self) -> bool:
        """Whether anything was written since the last commit."""
        return bool(self._pages) or self._size != self._committed

    # As HDF5 sees it.

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position and return it."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}
        self._position = start[whence] + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer; return how many bytes there were."""
        target = memoryview(buffer).cast("B")
        begin = self._position
        length = max(0, min(len(target), self._size - begin))
        done = 0
        while done < length:
            count = os.preadv(self._descriptor, [target[done:length]], begin + done)
            if count == 0:  # behind what was ever written
                target[done:length] = bytes(length - done)
                break
            done += count
        cut = min(begin + length, self._committed) - max(begin, self._kept)
        if cut > 0:
            low = max(begin, self._kept) - begin
            target[low : low + cut] = bytes(cut)
        for number, low, high in self._parts(begin, begin + length):
            page = self._pages.get(number)
            if page is not None:
                target[low - begin : high - begin] = page[low % PAGE :][: high - low]
        self._position += length
        return length

    def write(self, buffer: memoryview) -> int:
        """Write bytes: into memory where they change what was committed."""
        source = memoryview(buffer).cast("B")
        begin, end = self._position, self._position + len(source)
        self._position = end
        self._size = max(self._size, end)
        if self._discarding:
            return len(source)
        inner = max(0, min(end, self._committed) - begin)
        for number, low, high in self._parts(begin, end):
            page = self._page(number)
            page[low % PAGE : low % PAGE + high - low] = source[
                low - begin : high - begin
            ]
        _write_all(self._descriptor, source[inner:], begin + inner)
        return len(source)

    def _parts(self, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield what lies within what was committed: page by page, from and to."""
        end = min(end, self._committed)
        while begin < end:
            number = begin // PAGE
            high = min(end, (number + 1) * PAGE)
            yield number, begin, high
            begin = high

    def _page(self, number: int) -> bytearray:
        """Return a page of what was committed, to be changed."""
        if number not in self._pages:
            begin = number * PAGE
            length = max(0, min(PAGE, self._kept - begin))
            stored = os.pread(self._descriptor, length, begin)
            self._pages[number] = bytearray(stored.ljust(PAGE, b"\0"))
        return self._pages[number]

    def truncate(self, size: int | None = None) -> int:
        """Set the size; below what was committed it is a change like others."""
        self._size = self._position if size is None else size
        self._kept = min(self._kept, self._size)
        for number in [n for n in self._pages if (n + 1) * PAGE > self._size]:
            length = self._size - number * PAGE
            if length <= 0:
                del self._pages[number]
            else:
                self._pages[number][length:] = bytes(PAGE - length)
        if not self._discarding:
            os.ftruncate(self._descriptor, max(self._size, self._committed))
        return self._size

    def flush(self) -> None:
        """Do nothing: `commit` does it."""

    # As its owner sees it.

    def commit(self) -> None:
        """Make all that was written since the last time part of the file.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        if not self.changed:
            return
        apply(self._descriptor, [*self._changes()], self._size)
        self._pages.clear()
        self._committed = self._kept = self._size

    def _changes(self) -> Iterator[tuple[int, bytes]]:
        """Yield what differs from the file, a stretch a page.

        HDF5 writes whole blocks of metadata of which a few bytes are new.
        """
        limit = min(self._size, self._committed)
        for number, _, _ in self._parts(self._kept, limit):
            self._page(number)
        for number, page in sorted(self._pages.items()):
            begin = number * PAGE
            stored = os.pread(self._descriptor, max(0, min(PAGE, limit - begin)), begin)
            new = np.frombuffer(page, np.uint8)[: len(stored)]
            differ = np.flatnonzero(new != np.frombuffer(stored, np.uint8))
            if differ.size:
                first, last = int(differ[0]), int(differ[-1])
                yield begin + first, bytes(page[first : last + 1])

    def discard(self) -> None:
        """Forget what was written since the last commit, and what is still to come."""
        self._discarding = True
        self._pages.clear()
        self._kept = self._committed
        os.ftruncate(self._descriptor, self._committed)

    def close(self) -> None:
        """Close the file, without a commit; may be called again."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            if os.getpid() == self._owner:
                # Closing does not, where a forked child has the file open, too.
                with suppress(OSError):  # there are no locks here
                    fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def _write_all(descriptor: int, source: memoryview, offset: int) -> None:
    """Write bytes at a place in a file."""
    while source:
        count = os.pwrite(descriptor, source, offset)
        source, offset = source[count:], offset + count
