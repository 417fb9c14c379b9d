"""Downloads that run ahead of whoever reads the files, within bounded memory."""

from __future__ import annotations

import tempfile
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.stage.remote import RemoteFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from asdf_pipeline.stage.remote import Place

_MOST = 8
_MOST_BYTES = 64 << 20
_UNKNOWN_SIZE = 8 << 20  # what a file counts for whose size the server does not say


class Downloads:
    """Files as paths on this machine; those of servers come while others are read.

    Of one process, and one thread of it. At most `_MOST` files are on their way or
    wait to be read, and no more than `_MOST_BYTES`, unless one alone is larger.
    """

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._wanted: deque[RemoteFile] = deque()
        self._coming: dict[RemoteFile, Future[bytes]] = {}

    @classmethod
    @contextmanager
    def of(cls, places: Iterable[Place]) -> Iterator[Downloads]:
        """Yield downloads of which these are expected; closed after the block."""
        downloads = cls()
        downloads.expect(places)
        try:
            yield downloads
        finally:
            downloads.close()

    def expect(self, places: Iterable[Place]) -> None:
        """Begin to download what will be asked for next, in this order.

        What was expected before and not asked for is forgotten.
        """
        self.close()
        self._wanted.extend(one for one in places if isinstance(one, RemoteFile))
        self._begin()

    def close(self) -> None:
        """Forget what was expected."""
        self._wanted.clear()
        for future in self._coming.values():
            future.cancel()
        self._coming.clear()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    @contextmanager
    def local(self, place: Place) -> Iterator[Path]:
        """Yield a file's path on this machine, which may be gone after the block.

        Raises
        ------
        InputError
            If it does not come, or is not what was listed.
        """
        if isinstance(place, Path):
            yield place
            return
        content = self._content(place)
        with tempfile.TemporaryDirectory(prefix="asdf_pipeline.") as directory:
            path = Path(directory, place.name[-200:] or "unnamed")
            path.write_bytes(content)
            del content
            yield path

    def _content(self, place: RemoteFile) -> bytes:
        future = self._coming.get(place)
        if future is None:
            return place.read()
        try:
            return future.result()
        finally:
            del self._coming[place]
            self._begin()

    def _begin(self) -> None:
        """Have as many on their way as may be."""
        while self._wanted and len(self._coming) < _MOST:
            size = sum(map(_size, self._coming)) + _size(self._wanted[0])
            if self._coming and size > _MOST_BYTES:
                return
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_MOST)
            place = self._wanted.popleft()
            self._coming[place] = self._threads.submit(place.read)


def _size(place: RemoteFile) -> int:
    return _UNKNOWN_SIZE if place.size is None else place.size
