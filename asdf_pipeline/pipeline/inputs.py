"""A data set's input: the files that its row names, and the options of ``stage``."""

from __future__ import annotations

import glob
import shlex
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.errors import ASDFPipelineError, CallError, InputMissingError
from asdf_pipeline.pipeline.problems import Problems
from asdf_pipeline.pipeline.table import DEFAULTS, PATHS, SELECTION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asdf_pipeline.stage.remote import RemoteFile

    Place = str | RemoteFile  # a path, or what a server has

# Keys of the config's ``stage``: the value for which the command has an option, and it.
_OPTIONS = {
    "sac_headers": (False, "--no-sac-headers"),
    "split_drift": (True, "--split-drift"),
    "apply_calib": (True, "--apply-calib"),
}


@dataclass(frozen=True)
class DataSet:
    """One row of the table of data sets.

    Attributes
    ----------
    name : str
        The data set's name; its results are in ``results/NAME/``.
    cells : mapping of str to str
        The row, as of `read_table`.
    table : str
        The table's path, which errors name.
    """

    name: str
    cells: Mapping[str, str]
    table: str
    _found: dict[str, Sequence[Place]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def where(self) -> str:
        """How an error about this row begins."""
        return f"{self.table}: data set {self.name!r}"

    @property
    def tag(self) -> str:
        """The tag that staging gives to the waveforms."""
        return self.cells["tag"] or "raw_recording"

    @property
    def selection(self) -> dict[str, str]:
        """The cells that choose days of an archive, by column."""
        return {name: self.cells[name] for name in SELECTION if self.cells[name]}

    def patterns(self, column: str) -> list[str]:
        """Return a cell's paths or patterns, ``{obspy}`` replaced.

        Quotes hold blanks together as they do in the shell.

        Raises
        ------
        CallError
            If a quote is not closed.
        """
        cell = self.cells[column]
        try:
            found = shlex.split(cell)
        except ValueError as error:
            msg = (
                f"{self.where}: {column} {cell!r}: {str(error).lower()}; write a path "
                "that has a blank or a quote in quotes, as in the shell"
            )
            raise CallError(msg) from None
        home = _obspy_home()
        # An archive, a request and a table of codes are named, not matched.
        home = home if column in ("archive", "fdsn", "codes") else glob.escape(home)
        return [pattern.replace("{obspy}", home) for pattern in found]

    def files(self, column: str) -> list[str]:
        """Return the files that a column's patterns match, sorted.

        Those on servers are no inputs of a rule: see `remote_state`.

        Raises
        ------
        InputMissingError
            If a pattern matches no file.
        """
        return [place for place in self._places(column) if isinstance(place, str)]

    def archive_files(self) -> list[str]:
        """Return the files of the archives' days that the row chooses.

        Raises
        ------
        ASDFPipelineError
            If there is no such archive, no such day in it, or a day is none.
        """
        return self.files("archive")

    def remote_state(self) -> str:
        """Return what tells the files on servers from others, and once they changed.

        Returns
        -------
        str
            A digest of their addresses, sizes and versions; empty where all files are
            on this machine.

        Raises
        ------
        ASDFPipelineError
            As of `files`.
        """
        remote = self._remote()
        if not remote:
            return ""
        from asdf_pipeline.stage.remote import state_of

        return state_of(remote)

    def remote_size_mb(self) -> float:
        """Return how large the files on servers are, as far as these say it."""
        return sum(file.size or 0 for file in self._remote()) / 1e6

    def _remote(self) -> list[RemoteFile]:
        columns = ("waveforms", "archive", "stations", "events")
        return [
            place
            for column in columns
            if "://" in self.cells[column]
            for place in self._places(column)
            if not isinstance(place, str)
        ]

    def _places(self, column: str) -> Sequence[Place]:
        """Return what was found before: several input functions ask for one cell."""
        if column not in self._found:
            find = self._choose if column == "archive" else self._match
            self._found[column] = find(column)
        return self._found[column]

    def _match(self, column: str) -> list[Place]:
        found: set[str] = set()
        remote: list[Place] = []
        problems = Problems()
        for pattern in self.patterns(column):
            if "://" in pattern and column in ("waveforms", "stations", "events"):
                remote += self._find_remote(column, pattern)
                continue
            # glob.glob, not Path.glob: a pattern may be absolute.
            matches = glob.glob(pattern, recursive=True)  # noqa: PTH207
            files = [path for path in matches if not Path(path).is_dir()]
            if not files:
                msg = f"{self.where}: {column} {pattern!r} matches no file"
                if " " in pattern:
                    msg += " (in quotes it is one pattern with a blank in it)"
                problems.add(InputMissingError(msg))
            found.update(files)
        problems.raise_all()
        return [*sorted(found), *remote]

    def _find_remote(self, column: str, pattern: str) -> list[RemoteFile]:
        from asdf_pipeline.stage.remote import find_remote

        try:
            found = find_remote(pattern)
        except ASDFPipelineError as error:
            msg = f"{self.where}: {column}: {error}"
            raise type(error)(msg) from None
        if not found:
            msg = f"{self.where}: {column} {pattern!r} matches no file"
            raise InputMissingError(msg)
        return found

    def _choose(self, column: str) -> list[Place]:
        archives = self.patterns(column)
        if not archives:
            return []
        # Where there is an archive only: a thousand rows without must not wait for it.
        from asdf_pipeline.stage.archive import Archive

        found: list[Place] = []
        for archive in archives:
            try:
                files = Archive.chosen(archive, **self.selection).files()
            except ASDFPipelineError as error:
                msg = f"{self.where}: {error}"
                raise type(error)(msg) from None
            places = (file.path for file in files)
            found += [str(one) if isinstance(one, Path) else one for one in places]
        return found

    def all_files(self) -> list[str]:
        """Return the files of all columns.

        Raises
        ------
        ASDFPipelineError
            As of `files` and `archive_files`.
        """
        problems = Problems()
        named = [problems.of(self.files, name) for name in PATHS]
        problems.raise_all()
        return [file for files in named for file in files or ()]

    def stage_options(self, how: Mapping[str, bool]) -> list[str]:
        """Return the options of ``stage``: an ASDF file, or patterns and their tag.

        Parameters
        ----------
        how : mapping of str to bool
            The config's ``stage``.
        """
        if asdf := self.files("asdf"):
            return ["--asdf", *asdf]
        options = [f"--tag={self.tag}"]
        for column in ("waveforms", "archive", "fdsn", "codes", "stations", "events"):
            if patterns := self.patterns(column):
                options += [f"--{column}", *patterns]
        options += [f"--{code}={cell}" for code, cell in self.selection.items()]
        options += [
            f"--{column.replace('_', '-')}={self.cells[column]}"
            for column in DEFAULTS
            if self.cells[column]
        ]
        chosen = ((how[key] == value, name) for key, (value, name) in _OPTIONS.items())
        return options + [name for is_chosen, name in chosen if is_chosen]


@cache
def _obspy_home() -> str:
    """Return the directory that ObsPy is installed in, without importing it."""
    found = find_spec("obspy")
    origin = found.origin if found else None
    return str(Path(origin).parent) if origin else "{obspy}"
