"""Making what a crate tells of again, and holding the result against it."""

from __future__ import annotations

import csv
import json
import logging
import platform
import shlex
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.crate.metadata import METADATA
from asdf_pipeline.crate.parts import README, RECORD
from asdf_pipeline.errors import InputError, InputMissingError, OutputExistsError
from asdf_pipeline.manifest import read_manifest
from asdf_pipeline.pipeline.inputs import DataSet
from asdf_pipeline.pipeline.paths import SHIPPED
from asdf_pipeline.pipeline.table import PATHS, read_table
from asdf_pipeline.plan.key import LIBRARIES
from asdf_pipeline.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_LOGGER = logging.getLogger(__name__)
_OURS = "asdf_pipeline"
_KEPT = {"dataset", "merge", "function", "steps", "tag_map", "parameters"}
"""Columns that say something else than what the input is."""
_NOT_COPIED = {"results", "workflow", README, RECORD, METADATA}
_NOT_LINKED = {"config", "results", "workflow", "logs", "benchmarks", "Snakefile"}


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What became of a data set.

    Attributes
    ----------
    dataset : str
        Its name.
    is_same : bool
        Whether the content digest is that of the crate.
    says : str
        One line.
    """

    dataset: str
    is_same: bool
    says: str


def reproduce(
    crate: Path, folder: Path, inputs: Path, cores: int = 1
) -> list[Reproduction]:
    """Run a crate's workflow again, and compare the digests of what it makes.

    Parameters
    ----------
    crate : pathlib.Path
        A directory or a ZIP file that `making.make_crate` made.
    folder : pathlib.Path
        Where it runs: a new directory; its results stay there.
    inputs : pathlib.Path
        The directory to which paths in the table of data sets are relative, for data
        sets whose staged file is not in the crate.
    cores : int
        For Snakemake.

    Returns
    -------
    list of Reproduction
        One a data set, in the table's order.

    Raises
    ------
    OutputExistsError
        If the directory exists and is not empty.
    InputError
        If that is no such crate, or the workflow fails; its log says why.
    """
    if folder.exists() and any(folder.iterdir()):
        msg = f"{folder}: is there already, and not empty: name a new directory"
        raise OutputExistsError(msg)
    source = _unpacked(crate, folder)
    record = _read_record(source, crate)
    for line in _other_versions(record):
        _LOGGER.warning("%s: %s", crate, line)
    rows = read_table(str(source / record["table"]))
    _lay_out(source, folder, record, rows, inputs.resolve())
    _run(folder, record["datasets"], cores)
    return [_compared(source, folder, name, record["datasets"][name]) for name in rows]


def _unpacked(crate: Path, folder: Path) -> Path:
    """Return a directory with the crate's files."""
    if crate.is_dir():
        return crate.resolve()
    if not crate.is_file():
        msg = f"{crate}: no such crate"
        raise InputMissingError(msg)
    target = folder / "crate"
    try:
        with zipfile.ZipFile(crate) as file:
            file.extractall(target)  # which keeps names within the directory
    except zipfile.BadZipFile as error:
        msg = f"{crate}: neither a directory nor a ZIP file: {error}"
        raise InputError(msg) from error
    return target.resolve()


def _read_record(source: Path, crate: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((source / RECORD).read_text("utf-8"))
        _ = record["datasets"], record["table"], record["packages"]
    except (OSError, ValueError, KeyError) as error:
        msg = f"{crate}: no crate of asdf_pipeline's: {RECORD}: {error}"
        raise InputError(msg) from error
    return record


def _other_versions(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines about software on which results depend and that is another here."""
    then = {"Python": record.get("python", "")} | {
        name: record["packages"].get(name, "") for name in (_OURS, *LIBRARIES)
    }
    for name, before in then.items():
        try:
            now = platform.python_version() if name == "Python" else version(name)
        except PackageNotFoundError:
            now = "none"
        if before != now:
            yield f"was made with {name} {before or 'none'}, here is {now}"


def _lay_out(
    source: Path,
    folder: Path,
    record: Mapping[str, Any],
    rows: Mapping[str, Mapping[str, str]],
    inputs: Path,
) -> None:
    """Write a project: the crate's configuration and functions, and the inputs."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(SHIPPED / "project" / "Snakefile", folder)
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and name.parts[0] not in _NOT_COPIED:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    table = []
    for dataset, cells in rows.items():
        staged = source / "results" / dataset / "staged.h5"
        if staged.is_file():
            left = {key: "" for key in cells if key not in _KEPT}
            table.append({**cells, **left, "asdf": shlex.quote(str(staged))})
            continue
        _link(DataSet(dataset, dict(cells), record["table"]), folder, inputs)
        table.append(dict(cells))
    with (folder / record["table"]).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(
            file, list(table[0]), delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None
        )
        writer.writeheader()
        writer.writerows(table)


def _link(dataset: DataSet, folder: Path, inputs: Path) -> None:
    """Link what a row's relative paths begin with.

    Raises
    ------
    InputMissingError
        If there is nothing of that name.
    """
    for column in PATHS:
        for pattern in dataset.patterns(column):
            path = Path(pattern)
            if path.is_absolute():
                continue
            found = sorted(inputs.glob(path.parts[0]))
            if not found:
                msg = (
                    f"{dataset.where}: {column} {pattern!r}: not below {inputs}: name "
                    "the directory of the inputs by --inputs (inputs)"
                )
                raise InputMissingError(msg)
            for one in found:
                link = folder / one.name
                if one.name not in _NOT_LINKED and not link.exists():
                    link.symlink_to(one)


def _run(folder: Path, digests: Mapping[str, Iterable[str]], cores: int) -> None:
    """Run the workflow for what has a digest; its output goes to a log."""
    targets = [f"results/{name}/stations.csv" for name in digests]
    targets += [
        f"results/{name}/{kind}.h5"
        for name, kinds in digests.items()
        for kind in kinds
        if kind != "staged"
    ]
    log = folder / "reproduce.log"
    command = [sys.executable, "-P", "-m", "snakemake", "--cores", str(cores), *targets]
    with log.open("wb") as file:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        msg = f"{folder}: snakemake failed (exit code {done.returncode}): see {log}"
        raise InputError(msg)


def _compared(
    source: Path, folder: Path, dataset: str, known: Mapping[str, str]
) -> Reproduction:
    """Return whether a data set is what the crate says."""
    made = folder / "results" / dataset
    results = [kind for kind in known if kind != "staged"]
    digests = {kind: file_digest(made / f"{kind}.h5") for kind in results}
    others = [kind for kind in results if digests[kind] != known[kind]]
    if not others:
        named = ", ".join(f"{kind} {digests[kind]}" for kind in results)
        return Reproduction(dataset, True, f"{dataset}: the same: {named}")
    named = ", ".join(
        f"{kind} was {known[kind]}, is {digests[kind]}" for kind in others
    )
    says = f"{dataset}: differs: {named}"
    staged = made / "staged.h5"
    if (
        "staged" in known
        and staged.is_file()
        and file_digest(staged) != known["staged"]
    ):
        says += "; its input differs too"
    manifests = [
        read_manifest(path / "stations.csv")
        for path in (source / "results" / dataset, made)
    ]
    rows = list(_other_rows(*manifests))
    if rows:
        named = ", ".join(rows[:5]) + (", ..." if len(rows) > 5 else "")
        says += f"; {plural(len(rows), 'row')} of stations.csv: {named}"
    return Reproduction(dataset, False, says)


def _other_rows(before: Any, after: Any) -> Iterator[str]:
    """Yield the stations whose digest or status is another."""
    rows = [
        {
            f"{row['network']}.{row['station']} ({row['input_tag']})": (
                row["status"],
                row["digest"],
            )
            for row in table.to_dict("records")
        }
        for table in (before, after)
    ]
    for name in sorted(rows[0].keys() | rows[1].keys()):
        if rows[0].get(name) != rows[1].get(name):
            yield name
