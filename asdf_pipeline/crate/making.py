"""Making a crate: a directory, or a ZIP file, that appears when it is whole."""

from __future__ import annotations

import json
import logging
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.crate.metadata import METADATA, metadata
from asdf_pipeline.crate.parts import README, RECORD, Part, Project
from asdf_pipeline.errors import CallError, InputMissingError, OutputExistsError
from asdf_pipeline.files import copy_file, write_error
from asdf_pipeline.text import plural, size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asdf_pipeline.crate.metadata import Citation

_LOGGER = logging.getLogger(__name__)
DATA = ("none", "inputs", "all")
"""Which ASDF files a crate may hold: none, those that were staged, the results too."""


def make_crate(results: Path, output: Path, citation: Citation, data: str) -> None:
    """Make a crate of what a pipeline made.

    Parameters
    ----------
    results : pathlib.Path
        The project's ``results/``.
    output : pathlib.Path
        The crate: a ZIP file if it is named ``.zip``, else a directory.
    citation : Citation
        How it is to be cited.
    data : {"none", "inputs", "all"}
        Which ASDF files are in it.

    Raises
    ------
    OutputExistsError
        If the output exists.
    InputMissingError
        If something that the pipeline makes is missing.
    WriteError
        If the crate cannot be written.
    """
    if data not in DATA:
        msg = f"data {data!r}: expected {', '.join(DATA)}"
        raise CallError(msg)
    if output.exists():
        msg = f"{output}: exists already; remove it or name another one"
        raise OutputExistsError(msg)
    project = Project.of(results)
    about = "What this is, and how to make it again"
    parts = [Part(README, about, _readme(citation, data)), *project.parts(data)]
    for part in parts:
        if isinstance(part.source, Path) and not part.source.is_file():
            msg = f"{part.source}: missing: run snakemake first"
            raise InputMissingError(msg)
    sizes = {part.name: _size(part) for part in parts}
    document = metadata(project, parts, sizes, citation)
    content = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
    parts.append(Part(METADATA, "", content))
    partial = output.with_name(f"{output.name}.part")
    _remove(partial)  # of a run that was killed
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        write = _write_zip if output.suffix == ".zip" else _write_folder
        write(partial, parts)
        partial.rename(output)
    except OSError as error:
        raise write_error(output, error) from error
    finally:
        _remove(partial)
    _LOGGER.info(
        "%s: %s, %s",
        *(output, plural(len(parts), "file"), size_text(sum(sizes.values()))),
    )
    staged = [
        dataset for dataset, known in project.digests.items() if "staged" in known
    ]
    if data == "none" and staged:
        _LOGGER.info("%s: without the staged files: others need their inputs", output)


def _readme(citation: Citation, data: str) -> bytes:
    """Return what someone reads who found the crate in an archive."""
    inputs = "" if data != "none" else " --inputs DIRECTORY_OF_THE_INPUTS"
    authors = [f"By {', '.join(citation.authors)}.", ""] if citation.authors else []
    lines = [
        *(f"# {citation.title}", "", citation.description, "", *authors),
        "Made by asdf_pipeline's Snakemake workflow. `results/stations.csv` says what",
        "became of every station, `results/DATASET/report.html` shows it, `config/`",
        f"says how it was made, `{RECORD}` with which versions. To make it again, and",
        "compare:",
        *("", f"    asdf-pipeline reproduce THIS{inputs}", ""),
        f"License: {citation.license}.",
    ]
    return "\n".join([*lines, ""]).encode()


def _size(part: Part) -> int:
    source = part.source
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write_folder(folder: Path, parts: Sequence[Part]) -> None:
    for part in parts:
        path = folder / part.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(part.source, bytes):
            path.write_bytes(part.source)
        else:
            copy_file(part.source, path)


def _write_zip(path: Path, parts: Sequence[Part]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for part in parts:
            if isinstance(part.source, bytes):
                file.writestr(part.name, part.source)
                continue
            kept = part.name.endswith(".h5")  # their samples are deflated already
            way = zipfile.ZIP_STORED if kept else zipfile.ZIP_DEFLATED
            file.write(part.source, part.name, compress_type=way)
