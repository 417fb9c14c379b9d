"""Several ASDF files to one: stations, tags and events of all, nothing decoded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.container.merge import merge
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.engine.publish import publish, refuse_existing
from asdf_pipeline.errors import CallError
from asdf_pipeline.files import require_space, sync
from asdf_pipeline.metadata.events import parse_events
from asdf_pipeline.stage.events import join

if TYPE_CHECKING:
    from collections.abc import Iterable


def combine(files: Iterable[Path], output: Path) -> None:
    """Put all that several ASDF files hold into one new file.

    Parameters
    ----------
    files : iterable of pathlib.Path
        They are neither changed nor moved. A station may be in several, with the same
        StationXML; an event too, with the same content.
    output : pathlib.Path
        The new file; it appears when it is complete.

    Raises
    ------
    OutputExistsError
        If there is such a file.
    CallError
        If no file is named, one is named twice, or there is no directory for the
        output.
    InputError
        If a file cannot be read, or two hold different events under one resource id.
    VerificationError
        If a trace is in two files, or StationXML differs between them.
    WriteError
        If there is no room, or the output cannot be written.
    """
    files = list(files)
    output = output.absolute()
    refuse_existing(output)
    if not output.parent.is_dir():
        msg = f"{output}: there is no directory {output.parent}"
        raise CallError(msg)
    if not files:
        msg = "no files are named to be merged"
        raise CallError(msg)
    seen: dict[Path, Path] = {}
    for path in files:
        if path.resolve() in seen:
            msg = f"{path}: named twice (also as {seen[path.resolve()]})"
            raise CallError(msg)
        seen[path.resolve()] = path
    quakeml = _events(files)
    part = output.with_name(f".{output.name}.part")
    part.unlink(missing_ok=True)  # of a run that was killed
    require_space(output.parent, sum(path.stat().st_size for path in files))
    try:
        merge(files, part, quakeml=quakeml)
        sync(part)
        publish(part, output)
    finally:
        part.unlink(missing_ok=True)


def _events(files: Iterable[Path]) -> bytes | None:
    """Return the files' events as one document, None if they have the same or none."""
    documents: dict[bytes, Path] = {}
    for path in files:
        with Reader(path) as reader:
            document = reader.quakeml()
        if document is not None:
            documents.setdefault(document, path)
    if len(documents) < 2:
        return None
    quakeml, _ = join(
        [
            (str(path), parse_events(document, str(path)), document)
            for document, path in documents.items()
        ]
    )
    return quakeml
