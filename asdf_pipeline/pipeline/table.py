"""The table of data sets: text with tabs to checked rows of cells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.errors import CallError, InputMissingError
from asdf_pipeline.pipeline.problems import Problems, prefixed
from asdf_pipeline.pipeline.schema import find_problems, schema, validator

if TYPE_CHECKING:
    from collections.abc import Iterator

# Columns that choose days of an archive.
SELECTION = (
    *("layout", "network", "station", "location", "channel"),
    *("starttime", "endtime"),
)
# Columns whose cells hold paths or patterns, separated by blanks.
PATHS = ("waveforms", "archive", "fdsn", "codes", "stations", "events", "asdf")
# Columns of codes for traces whose file has none, where the table of codes says none.
DEFAULTS = (
    *("default_network", "default_station"),
    *("default_location", "default_channel"),
)
# Columns that describe something else than the input.
_NO_INPUT = ("dataset", "merge", "function", "steps", "tag_map", "parameters", "by")

# A cell in the quotes of CSV, as spreadsheets write one that holds a quote or a line
# end; or text up to the next tab. Then what ends the cell.
_CELL = re.compile(r'("(?:[^"]|"")*"(?=[\t\n]|\Z)|[^\t\n]*)(\t|\n|\Z)')


def read_table(path: str) -> dict[str, dict[str, str]]:
    """Return the rows of the table of data sets, checked, by the data set's name.

    Parameters
    ----------
    path : str
        The file, which every error names.

    Returns
    -------
    dict of dict
        Each row's cells by column; every column of the schema is there, ``""`` where
        the cell is empty or the table lacks the column.

    Raises
    ------
    InputMissingError
        If there is no such file.
    CallError
        If it is no such table; names the data set, the column and the remedy.
    """
    if not Path(path).is_file():
        msg = f"{path}: no such table of data sets (config: datasets)"
        raise InputMissingError(msg)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path}: no text in UTF-8: {error}"
        raise CallError(msg) from None
    return prefixed(path, lambda: _check_rows(list(_split_rows(text))))


def _split_rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each line that is neither empty nor a comment."""
    position = 0
    quoted = False  # whether all cells are, as R writes them: the header's are then
    header = True
    while position < len(text):
        end = text.find("\n", position) + 1 or len(text)
        line = text[position:end].strip()
        if not line or line.startswith("#"):
            position = end
            continue
        raw: list[str] = []
        separator = "\t"
        while separator == "\t":
            match = _CELL.match(text, position)
            assert match is not None  # the pattern matches the empty text too
            raw.append(match[1].strip())
            separator, position = match[2], match.end()
        if header:
            quoted = all(_is_quoted(cell) for cell in raw)
            header = False
        if len(raw) == 1 and re.search(r"\S[ ,;]+\S", line):
            msg = f"columns are separated by tabs, and there is none in {line!r}"
            raise CallError(msg)
        yield [_unquote(cell, quoted) for cell in raw]


def _is_quoted(cell: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == '"'


def _unquote(cell: str, quoted: bool) -> str:
    """Return a cell without the quotes of CSV.

    ``"my data/*.mseed"`` keeps its quotes, which are the shell's; that CSV's are meant
    is certain where quotes inside are doubled.
    """
    if not _is_quoted(cell):
        return cell
    inner = cell[1:-1]
    if quoted or ('""' in inner and not inner.replace('""', "").count('"')):
        return inner.replace('""', '"').strip()
    return cell


def _check_rows(lines: list[list[str]]) -> dict[str, dict[str, str]]:
    """Return the rows by name; refuse what cannot be."""
    if not lines:
        msg = "no table with tabs as separators: it has no line"
        raise CallError(msg)
    header, *body = lines
    header = [cell.strip('"') for cell in header]
    if "dataset" not in header:
        msg = "the table has no column dataset"
        raise CallError(msg)
    if twice := {column for column in header if column and header.count(column) > 1}:
        msg = f"the column {min(twice)!r} is there twice"
        raise CallError(msg)
    rows: dict[str, dict[str, str]] = {}
    problems = Problems()
    for number, line in enumerate(body, start=1):
        cells = problems.of(_cells, header, line, number) or {}
        if not any(cells.values()):  # tabs only, as spreadsheets leave them
            continue
        problems.of(_check_row, cells, number)
        name = cells.get("dataset", "")
        if name and name in rows:
            problems.add(CallError(f"the data set {name!r} is there twice"))
        rows[name] = {column: cells.get(column, "") for column in _columns()}
    problems.raise_all()
    if not rows:
        msg = "no data set in the table"
        raise CallError(msg)
    return rows


def _columns() -> list[str]:
    return list(schema("datasets")["properties"])


def _cells(header: list[str], line: list[str], number: int) -> dict[str, str]:
    """Return a row's cells by column; those that hold no paths lose their quotes."""
    extra = [cell for cell in line[len(header) :] if cell]
    if extra:
        msg = (
            f"row {number}: {len(line)} cells, more than the {len(header)} of the "
            f"header: {extra[0]!r} has no column"
        )
        raise CallError(msg)
    cells = dict(zip(header, line, strict=False))
    return {
        column: cell if column in PATHS or not _is_quoted(cell) else cell[1:-1]
        for column, cell in cells.items()
        if column or cell  # a tab too many at the end of every line
    }


def _check_row(cells: dict[str, str], number: int) -> None:
    """Refuse a row that the schema does, or that names no input or two."""
    filled = {column: cell for column, cell in cells.items() if cell}
    # An unknown column is refused also where this row has nothing in it.
    unknown = dict.fromkeys(cells.keys() - set(_columns()), "")
    name = filled.get("dataset")
    if name is None:
        msg = f"row {number}: a data set without a name, column dataset"
        raise CallError(msg)
    problems = Problems()
    found = find_problems(validator("datasets"), {**unknown, **filled}, "column")
    for path, message in found:
        # A column that there is not is wrong in every row: it is said once.
        named = [f"data set {name!r}"] if path else []
        problems.add(CallError(": ".join([*named, *path, message])))
    problems.raise_all()
    given = filled.keys() - set(_NO_INPUT)
    if bool(given & {"waveforms", "archive", "fdsn"}) == ("asdf" in given):
        msg = (
            f"data set {name!r}: give either waveforms or asdf "
            "(or archive or fdsn for waveforms)"
        )
        raise CallError(msg)
    if given.intersection(SELECTION) and "archive" not in given:
        msg = (
            f"data set {name!r}: {', '.join(SELECTION)} say what is taken from an "
            "archive: name it in the column archive"
        )
        raise CallError(msg)
    naming = given.intersection(("codes", *DEFAULTS))
    if naming and not given & {"waveforms", "archive"}:
        msg = (
            f"data set {name!r}: {', '.join(sorted(naming))}: for files without codes, "
            "in the column waveforms or archive: leave these cells empty"
        )
        raise CallError(msg)
    if "asdf" in given and len(given) > 1:
        msg = (
            f"data set {name!r}: an ASDF file has its own stations, events and tags: "
            "leave these cells empty"
        )
        raise CallError(msg)
