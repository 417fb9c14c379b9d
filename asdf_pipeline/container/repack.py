"""Writing a file anew, without the room that deleting left in it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.edit import Editor
from asdf_pipeline.container.merge import merge
from asdf_pipeline.errors import VerificationError
from asdf_pipeline.files import require_space, sync, sync_directory


def repack(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Write an ASDF file anew in its place; nothing is decoded.

    Parameters
    ----------
    path : path-like
        The file; of a link, what it leads to. It is replaced once the new one is
        complete and has the same content.

    Returns
    -------
    (int, int)
        Sizes before and after, in bytes.

    Raises
    ------
    InputMissingError, NotASDFError
        If it is no ASDF file.
    InputError
        If it cannot be read.
    WriteError
        If it is open elsewhere, or there is no room for the new one beside it.
    VerificationError
        If the new one has another content; the old one stays.
    """
    path = Path(path).resolve()
    # Open while the copy is made, so that nobody else can change it.
    editor = Editor.open(path)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)  # of a process that was killed
    before = path.stat()
    try:
        require_space(path.parent, before.st_size)
        merge([path], part, format_version=editor.writer.format_version)
        if file_digest(part) != file_digest(path):
            msg = f"{path}: written anew it has another content; it stays as it is"
            raise VerificationError(msg)
        shutil.copymode(path, part)
        sync(part)
        after = part.stat().st_size
        part.replace(path)
        sync_directory(path.parent)
    finally:
        editor.discard()
        part.unlink(missing_ok=True)
    return before.st_size, after
