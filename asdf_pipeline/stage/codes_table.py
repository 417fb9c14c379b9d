"""Reading a table of codes: text with tabs, a line for each file, trace or channel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.errors import CallError, InputMissingError
from asdf_pipeline.stage.layouts import CODES
from asdf_pipeline.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = ("file", "trace_number", "channel_number", *CODES)
"""The columns of a table of codes; all but ``file`` may be missing."""
EMPTY = "--"
"""How a table spells the empty location: an empty cell leaves the file's."""
_KNOWN = ", ".join(COLUMNS)
_CODE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class CodesLine:
    """One line of a table of codes.

    Attributes
    ----------
    parts : tuple of str
        Patterns of the last parts of the file's path.
    trace_number : int or None
        The trace's number in the file, from 1; None for any.
    channel_number : str
        The format's own channel number, see `plain_number`; empty for any.
    codes : tuple of (str or None)
        Network, station, location and channel; None for what is left as it is.
    number : int
        The line's number in the table, from 1.
    """

    parts: tuple[str, ...]
    trace_number: int | None
    channel_number: str
    codes: tuple[str | None, ...]
    number: int


def plain_number(text: str) -> str:
    """Return a channel number without zeros in front, in lower case: ``a1`` for 00A1.

    Empty text stays empty.
    """
    return text.strip().lower().lstrip("0") or ("0" if text.strip() else "")


def read_codes_table(path: str | Path) -> tuple[CodesLine, ...]:
    """Return the lines of a table of codes.

    Parameters
    ----------
    path : path-like
        Text in UTF-8; tabs separate columns, which the first line names (`COLUMNS`).
        Lines that are empty or begin with ``#`` are left out.

    Raises
    ------
    InputMissingError
        If there is no such file.
    CallError
        If a line cannot be; file, line and remedy are named.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        msg = f"{path}: no such table of codes"
        raise InputMissingError(msg)
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(_rows(text))
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or one_line(error)}"
        raise CallError(msg) from None
    except UnicodeDecodeError as error:
        msg = f"{path}: no text in UTF-8: {error}"
        raise CallError(msg) from None
    if not rows:
        msg = f"{path}: holds no line: the first one names the columns: {_KNOWN}"
        raise CallError(msg)
    (number, columns), *body = rows
    known: dict[object, int] = {}
    lines = []
    try:
        _check_columns(columns)
        for number, cells in body:  # noqa: B007 - the error's too
            lines.append(_line(columns, cells, number, known))
    except CallError as error:
        msg = f"{path}, line {number}: {error}"
        raise CallError(msg) from None
    if not lines:
        msg = f"{path}: holds no line below its columns: write one for each file"
        raise CallError(msg)
    return tuple(lines)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of each line that is neither empty nor a comment."""
    for number, line in enumerate(text.splitlines(), 1):
        cells = [_unquoted(cell.strip()) for cell in line.split("\t")]
        if any(cells) and not cells[0].startswith("#"):
            yield number, cells


def _unquoted(cell: str) -> str:
    """Return a cell without the quotes in which spreadsheets and R put it."""
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if quoted else cell


def _check_columns(columns: list[str]) -> None:
    if len(columns) == 1 and columns[0] != "file":
        msg = (
            f"expected the names of columns, separated by tabs, not {columns[0]!r}; "
            f"known: {_KNOWN}"
        )
        raise CallError(msg)
    for column in columns:
        if column and column not in COLUMNS:
            msg = f"unknown column {column!r}; known: {_KNOWN}"
            raise CallError(msg)
        if column and columns.count(column) > 1:
            msg = f"the column {column!r} is there twice: take one of them out"
            raise CallError(msg)
    if "file" not in columns:
        msg = f"there is no column file: add it, with patterns of files ({_KNOWN})"
        raise CallError(msg)


def _line(
    columns: list[str], cells: list[str], number: int, known: dict[object, int]
) -> CodesLine:
    """Return a line, checked, and keep its number in those of the lines known."""
    if extra := [cell for cell in cells[len(columns) :] if cell]:
        msg = (
            f"{len(cells)} cells, more than the {len(columns)} columns: {extra[0]!r} "
            "has no column: take out a tab too many"
        )
        raise CallError(msg)
    row = dict(zip(columns, cells, strict=False))
    if stray := row.pop("", ""):
        msg = f"{stray!r} is in a column without a name: name the column, or empty it"
        raise CallError(msg)
    parts = Path(row.get("file", "")).expanduser().parts
    if not parts:
        msg = "the cell file is empty: write a pattern of files, '*' for all"
        raise CallError(msg)
    trace = row.get("trace_number", "")
    if trace and not (trace.isascii() and trace.isdigit() and int(trace)):
        msg = f"trace_number {trace!r}: write the trace's number in its file, from 1"
        raise CallError(msg)
    codes = tuple(_code(name, row.get(name, "")) for name in CODES)
    if codes == (None,) * 4:
        msg = "has no codes: fill network, station, location or channel"
        raise CallError(msg)
    trace_number = int(trace) if trace else None
    channel_number = plain_number(row.get("channel_number", ""))
    before = known.setdefault((parts, trace_number, channel_number), number)
    if before != number:
        msg = (
            f"names the same file, trace and channel as line {before}: take one of "
            "them out"
        )
        raise CallError(msg)
    return CodesLine(parts, trace_number, channel_number, codes, number)


def _code(name: str, cell: str) -> str | None:
    """Return a cell's code; None where it is empty."""
    if not cell:
        return None
    if name == "location" and cell == EMPTY:
        return ""
    check_code(name, cell)
    return cell


def check_code(name: str, code: str) -> None:
    """Refuse what is no code, and no empty text.

    Raises
    ------
    CallError
        Naming code and remedy.
    """
    if code and (not _CODE.fullmatch(code) or code == EMPTY):
        msg = (
            f"{name} {code!r}: a code has letters, digits, '-' and '_' alone: write "
            "one code, not a pattern"
        )
        raise CallError(msg)
