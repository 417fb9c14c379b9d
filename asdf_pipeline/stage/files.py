"""Which files the patterns name, and what is inside the packed ones."""

from __future__ import annotations

import bz2
import glob
import gzip
import lzma
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import InputError, InputMissingError
from asdf_pipeline.stage.ahead import Downloads
from asdf_pipeline.stage.remote import find_remote, same_place
from asdf_pipeline.stage.stores import is_remote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from asdf_pipeline.stage.remote import Place

_PACKED: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.GzipFile,
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_UNPACKING_ERRORS = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    NotImplementedError,  # a way of packing that zipfile does not know
    RuntimeError,  # an encrypted zip file
)

_MOST_NAMED = 5


class InputErrors:
    """Errors of files that cannot be staged, collected to be raised as one."""

    def __init__(self) -> None:
        self._errors: list[InputError] = []

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Keep the error that the block raises for `raise_collected`."""
        try:
            yield
        except InputError as error:
            self._errors.append(error)

    def raise_collected(self) -> None:
        """Raise what was collected, the first few in words, as one error.

        Raises
        ------
        InputError
            If there was any.
        """
        raise_all(self._errors)


def raise_all(errors: Iterable[InputError]) -> None:
    """Raise errors, the first few in words, as one.

    Raises
    ------
    InputError
        If there is any.
    """
    errors = list(errors)
    if not errors:
        return
    if len(errors) == 1:
        raise errors[0]
    said = [str(error) for error in errors[:_MOST_NAMED]]
    if len(errors) > _MOST_NAMED:
        said.append(f"and {len(errors) - _MOST_NAMED} more like these")
    raise InputError("; ".join(said))


def find_files(patterns: Iterable[str], what: str) -> list[Place]:
    """Return the files that the patterns name, sorted, each once.

    Parameters
    ----------
    patterns : iterable of str
        As in the shell; ``**`` is any depth, ``~`` the home directory. A name that
        exists is taken as it is, whatever characters it holds. Or addresses,
        ``s3://bucket/*.mseed``, see `remote.find_remote`.
    what : str
        What the files are, for the error: ``"waveforms"``.

    Raises
    ------
    InputMissingError
        If a pattern matches no file.
    """
    found: dict[Place, Place] = {}
    for pattern in patterns:
        files = _matches(pattern)
        if not files:
            msg = f"{what}: {pattern!r} matches no file"
            raise InputMissingError(msg)
        for path in files:
            found.setdefault(same_place(path), path)
    return sorted(found.values(), key=str)


def _matches(pattern: str) -> Sequence[Place]:
    if is_remote(pattern):
        return find_remote(pattern)
    path = Path(pattern).expanduser()
    if path.is_file():
        return [path]
    names = glob.glob(str(path), recursive=True)  # noqa: PTH207 - takes any path
    return [path for name in names if (path := Path(name)).is_file()]


def name_of(place: Place, member: Path) -> str:
    """Return how log lines and errors name a member of what `unpacked` yields."""
    return f"{place}, {member.name}" if is_packed(place) else str(place)


def is_packed(place: Place) -> bool:
    """Return whether a file is packed, or an archive of several, by its name."""
    return place.name.lower().endswith((*_ARCHIVES, ".zip", *_PACKED))


@contextmanager
def unpacked(place: Place, downloads: Downloads | None = None) -> Iterator[list[Path]]:
    """Yield the file itself, or what a packed file or archive holds.

    What was downloaded or unpacked is gone after the block.

    Parameters
    ----------
    place : pathlib.Path or RemoteFile
        The file.
    downloads : Downloads or None
        What may have begun to download it.

    Raises
    ------
    InputError
        If the file is damaged, or does not come.
    """
    with (downloads or Downloads()).local(place) as path:
        if not is_packed(place):
            yield [path]
            return
        with tempfile.TemporaryDirectory(prefix="asdf_pipeline.") as directory:
            try:
                files = _unpack(path, Path(directory))
            except _UNPACKING_ERRORS as error:
                msg = f"{place}: cannot be unpacked: {error}"
                raise InputError(msg) from error
            yield files


def _unpack(path: Path, directory: Path) -> list[Path]:
    name = path.name.lower()
    if name.endswith(_ARCHIVES):
        return _unpack_tar(path, directory)
    if name.endswith(".zip"):
        return _unpack_zip(path, directory)
    member = directory / (path.stem or "unpacked")
    with _PACKED[path.suffix.lower()](path) as packed, member.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return [member]


def _unpack_tar(path: Path, directory: Path) -> list[Path]:
    files = []
    with tarfile.open(path, "r|*") as archive:
        for number, member in enumerate(archive):
            content = archive.extractfile(member)
            if content is not None and member.size:
                files.append(_member_path(directory, number, member.name))
                with files[-1].open("wb") as file:
                    shutil.copyfileobj(content, file)
    return files


def _unpack_zip(path: Path, directory: Path) -> list[Path]:
    files = []
    with zipfile.ZipFile(path) as archive:
        for number, member in enumerate(archive.infolist()):
            if member.file_size:
                files.append(_member_path(directory, number, member.filename))
                with archive.open(member) as content, files[-1].open("wb") as file:
                    shutil.copyfileobj(content, file)
    return files


def _member_path(directory: Path, number: int, name: str) -> Path:
    """Return where a member goes: its own directory, whatever path it claims."""
    where = directory / str(number)
    where.mkdir()
    return where / (Path(name).name[-200:] or "unnamed")
