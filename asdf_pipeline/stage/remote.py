"""Files in object stores and on web servers: found, told apart, read."""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

import xxhash

from asdf_pipeline.errors import InputError
from asdf_pipeline.files import identity
from asdf_pipeline.stage.stores import (
    SIDE_BY_SIDE,
    asked,
    lists_by_prefix,
    may_pass,
    path_of,
    scheme_of,
    system_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_Answer = TypeVar("_Answer")

# What stores call the thing that changes with an object's content; the first counts.
_VERSIONS = ("ETag", "etag", "generation", "md5Hash", "Content-MD5")
_TIMES = ("LastModified", "last_modified", "updated", "Last-Modified", "mtime")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that is not on this machine, as it was when it was listed.

    Attributes
    ----------
    url : str
        Its address.
    size : int or None
        Bytes; None where the server does not say.
    version : str
        What changes with its content: its ETag, or its time where there is none;
        empty where the server says neither.
    """

    url: str
    size: int | None = None
    version: str = ""

    def __str__(self) -> str:
        """Return the address."""
        return self.url

    @property
    def name(self) -> str:
        """The last part of the address."""
        return PurePosixPath(self.url).name

    @property
    def identity(self) -> str:
        """What tells the file from any other, and from itself once it is changed."""
        return f"{self.url} {self.size} {self.version}"

    def read(self) -> bytes:
        """Return its content.

        Raises
        ------
        InputError
            If it does not come, or is not what was listed.
        """
        return asked(self.url, self._read_once)

    def _read_once(self) -> bytes:
        system = system_of(self.url)
        try:
            content: bytes = system.cat_file(path_of(system, self.url))
        except FileNotFoundError as error:
            if may_pass(error):
                raise
            msg = f"{self.url}: is gone since it was listed: stage it anew"
            raise InputError(msg) from error
        whole = self.size in (None, len(content))
        if whole and self._is_md5_of(content):
            return content
        now = _described(system, path_of(system, self.url))
        if (now.size, now.version) != (self.size, self.version):
            msg = (
                f"{self.url}: changed between listing and reading: stage it anew once "
                "nobody writes it"
            )
            raise InputError(msg)
        if not whole:
            msg = f"{len(content)} of {self.size} bytes came"
            raise ConnectionError(msg)
        return content

    def _is_md5_of(self, content: bytes) -> bool:
        """Return whether the version proves the content, as S3's ETag mostly does.

        It is the MD5 of what was not uploaded in parts, nor encrypted with a key of
        one's own (docs.aws.amazon.com, API_Object); elsewhere it is asked for again.
        """
        version = self.version.strip('"')
        if len(version) != 32:
            return False
        return hashlib.md5(content, usedforsecurity=False).hexdigest() == version


Place = Path | RemoteFile
"""Where a file is: on this machine, or not."""


def state_of(places: Iterable[Place]) -> str:
    """Return a digest of where files are and what tells each from itself once changed.

    Raises
    ------
    OSError
        If there is no such file on this machine.
    """
    feed = xxhash.xxh3_128()
    for place in places:
        state = place.identity if isinstance(place, RemoteFile) else identity(place)
        feed.update(f"{state}\n".encode())
    return str(feed.hexdigest())


def same_place(place: Place) -> Place:
    """Return what is equal for one file, however its path was written."""
    return place.resolve() if isinstance(place, Path) else place


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder holds.

    Attributes
    ----------
    name : str
        Its name in the folder.
    path : str
        Its address.
    file : RemoteFile or None
        None for a folder.
    """

    name: str
    path: str
    file: RemoteFile | None = None

    def is_dir(self) -> bool:
        """Return whether it is a folder, as `os.DirEntry` does."""
        return self.file is None

    def is_file(self) -> bool:
        """Return whether it is a file, as `os.DirEntry` does."""
        return self.file is not None


def entries(folders: Sequence[tuple[str, str]]) -> list[list[Entry]]:
    """Return what folders hold; nothing where there is no such folder.

    Parameters
    ----------
    folders : sequence of (str, str)
        Address of each, and how names begin that are wanted: S3 and GCS list no
        others, elsewhere more may be returned.

    Raises
    ------
    CallError
        If an address cannot be, or a package is missing for it.
    InputError
        If a server does not answer, or denies access.
    """
    return _side_by_side(lambda one: asked(one[0], lambda: _list(*one)), folders)


def find_remote(pattern: str) -> list[RemoteFile]:
    """Return the files that a pattern of addresses names, sorted; perhaps none.

    Parameters
    ----------
    pattern : str
        ``s3://bucket/2024/*.mseed``; ``**`` is any depth. A name that is there is
        taken as it is.

    Raises
    ------
    CallError, InputError
        See `entries`.
    """
    return described(asked(pattern, lambda: _match(pattern)))


def described(files: Sequence[RemoteFile]) -> list[RemoteFile]:
    """Return files with size and version, where a listing did not say them."""
    bare = [file for file in files if not file.version]
    known = _side_by_side(
        lambda file: asked(file.url, lambda: _describe(file.url)), bare
    )
    return sorted(
        [*(file for file in files if file.version), *known], key=lambda file: file.url
    )


def _list(folder: str, begin: str) -> list[Entry]:
    system = system_of(folder)
    path = path_of(system, folder)
    system.invalidate_cache()
    try:
        if begin and lists_by_prefix(folder):
            # Everything below, which for the last folders of a layout is its files.
            found = list(system.find(path, prefix=begin, detail=True).values())
        else:
            found = system.ls(path, detail=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        if may_pass(error):
            raise
        return []
    listed = []
    for info in found:
        name = PurePosixPath(str(info["name"])).name
        url = f"{folder.rstrip('/')}/{name}"
        is_folder = info.get("type") == "directory"
        file = None if is_folder else _as_listed(url, info)
        listed.append(Entry(name, url, file))
    return listed


def _match(pattern: str) -> list[RemoteFile]:
    system = system_of(pattern)
    path = path_of(system, pattern)
    system.invalidate_cache()
    web = scheme_of(pattern) in ("http", "https")  # where ? begins a query
    found: Mapping[str, Any] = {}
    if re.search(r"[*[]" if web else r"[*?[]", path):
        found = system.glob(path, detail=True)
    if not found:
        try:
            found = {path: system.info(path)}
        except FileNotFoundError as error:
            if may_pass(error):
                raise
    return [
        _as_listed(str(system.unstrip_protocol(name)), info)
        for name, info in found.items()
        if info.get("type") != "directory"
    ]


def _describe(url: str) -> RemoteFile:
    system = system_of(url)
    return _described(system, path_of(system, url))


def _described(system: Any, path: str) -> RemoteFile:
    """Return what a server says of a file now."""
    system.invalidate_cache()
    return _as_listed(str(system.unstrip_protocol(path)), system.info(path))


def _as_listed(url: str, info: Mapping[str, Any]) -> RemoteFile:
    said = (info.get(name) for name in (*_VERSIONS, *_TIMES))
    version = next((str(one) for one in said if one not in (None, "")), "")
    size = info.get("size")
    return RemoteFile(url, None if size is None else int(size), version)


def _side_by_side(
    ask: Callable[[Any], _Answer], questions: Iterable[Any]
) -> list[_Answer]:
    """Return the answer to each question, several of them asked at a time."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        return list(threads.map(ask, questions))
