"""The note of a work directory that its output is published, made just before it is.

From the output's final name to the work directory's removal takes a while where
segments are large. A run that is killed between the two is done, and the same command
only has to see that: the file under the final name is the one of the note.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asdf_pipeline.files import atomic_write, identity, sync_directory, write_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PUBLISHED = "published.jsonl"


@dataclass(frozen=True)
class Published:
    """An output that has its final name, while its work directory is still there.

    Attributes
    ----------
    key : mapping of str to (str or None)
        What the work that made it depended on.
    outcomes : list of bytes
        One line of JSON each.
    """

    key: Mapping[str, str | None]
    outcomes: list[bytes]

    def is_work_of(self, key: Mapping[str, str | None]) -> bool:
        """Tell whether work of this key made it; no, where that cannot be known."""
        return None not in key.values() and self.key == dict(key)


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
    key, outcomes
        See `Published`.

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


def recall(directory: Path, output: Path) -> Published | None:
    """Return what the note of a work directory says of an output; None if nothing."""
    try:
        head, *lines = (directory / PUBLISHED).read_bytes().splitlines()
        noted = json.loads(head)
        if noted["file"] == identity(output, by_inode=True):
            return Published(noted["key"], lines)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no note, or one that a killed run left unfinished
    return None
