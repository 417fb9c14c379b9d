"""The note of a work directory that its output is published, made just before it is.

From the output's final name to the work directory's removal takes a while where
segments are large. Whoever is killed between the two is done, and the same command
only has to see that: the file under the final name is the one of the note.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from asdf_pipeline.files import atomic_write, identity, sync_directory, write_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PUBLISHED = "published.jsonl"


def note(
    directory: Path,
    file: Path,
    key: Mapping[str, str | None],
    outcomes: Iterable[bytes],
) -> None:
    """Note durably that a file is about to get the final name.

    Parameters
    ----------
    directory : pathlib.Path
        The work directory.
    file : pathlib.Path
        The file, which is renamed next, so that inode, size and time stay.
    key : mapping of str to (str or None)
        What the work depends on.
    outcomes : iterable of bytes
        One line of JSON each.

    Raises
    ------
    WriteError
        If the note cannot be written.
    """
    path = directory / PUBLISHED
    head = json.dumps(
        {"file": identity(file, by_inode=True), "key": dict(key)}
    ).encode()
    try:
        with atomic_write(path, durable=True) as target:
            target.writelines(line + b"\n" for line in (head, *outcomes))
        sync_directory(directory)
    except OSError as error:
        raise write_error(path, error) from error


def recall(
    directory: Path, output: Path, key: Mapping[str, str | None] | None = None
) -> list[bytes] | None:
    """Return the outcomes of a published output; None if it is not of this work.

    Parameters
    ----------
    key : mapping of str to (str or None), optional
        What the work depends on; work of another key is not meant, nor any where
        that cannot be known.
    """
    try:
        head, *lines = (directory / PUBLISHED).read_bytes().splitlines()
        noted = json.loads(head)
        ours = noted["file"] == identity(output, by_inode=True)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if key is not None and (None in key.values() or noted["key"] != dict(key)):
        return None
    return lines if ours else None
