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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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
        if not self._errors:
            return
        if len(self._errors) == 1:
            raise self._errors[0]
        said = [str(error) for error in self._errors[:_MOST_NAMED]]
        if len(self._errors) > _MOST_NAMED:
            said.append(f"and {len(self._errors) - _MOST_NAMED} more like these")
        raise InputError("; ".join(said))


def find_files(patterns: Iterable[str], what: str) -> list[Path]:
    """Return the files that the patterns name, sorted, each once.

    Parameters
    ----------
    patterns : iterable of str
        As in the shell; ``**`` is any depth, ``~`` the home directory. A name that
        exists is taken as it is, whatever characters it holds.
    what : str
        What the files are, for the error: ``"waveforms"``.

    Raises
    ------
    InputMissingError
        If a pattern matches no file.
    """
    found: dict[Path, Path] = {}
    for pattern in patterns:
        files = _matches(pattern)
        if not files:
            msg = f"{what}: {pattern!r} matches no file"
            raise InputMissingError(msg)
        for path in files:
            found.setdefault(path.resolve(), path)
    return sorted(found.values())


def _matches(pattern: str) -> list[Path]:
    path = Path(pattern).expanduser()
    if path.is_file():
        return [path]
    names = glob.glob(str(path), recursive=True)  # noqa: PTH207 - takes any path
    return [path for name in names if (path := Path(name)).is_file()]


def name_of(path: Path, member: Path) -> str:
    """Return how log lines and errors name a member of what `unpacked` yields."""
    return str(path) if member == path else f"{path}, {member.name}"


@contextmanager
def unpacked(path: Path) -> Iterator[list[Path]]:
    """Yield the file itself, or what a packed file or archive holds.

    What was unpacked is gone after the block.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    name = path.name.lower()
    archive = name.endswith(_ARCHIVES)
    if not (archive or name.endswith((".zip", *_PACKED))):
        yield [path]
        return
    with tempfile.TemporaryDirectory(prefix="asdf_pipeline.") as directory:
        try:
            if archive:
                files = _unpack_tar(path, Path(directory))
            elif name.endswith(".zip"):
                files = _unpack_zip(path, Path(directory))
            else:
                files = [Path(directory, path.stem or "unpacked")]
                with (
                    _PACKED[path.suffix.lower()](path) as packed,
                    files[0].open("wb") as file,
                ):
                    shutil.copyfileobj(packed, file)
        except _UNPACKING_ERRORS as error:
            msg = f"{path}: cannot be unpacked: {error}"
            raise InputError(msg) from error
        yield files


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
