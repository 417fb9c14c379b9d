"""How arguments of the command are read: tag pairs, parameters, failure limits."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import CallError, InputMissingError, TagError
from asdf_pipeline.pipeline.values import parse_text, read_max_failures
from asdf_pipeline.text import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable


def add_verb(
    subparsers: argparse._SubParsersAction[Any],
    name: str,
    summary: str,
    description: str,
    examples: str,
) -> argparse.ArgumentParser:
    """Return the parser of a new verb, its help laid out as the others'.

    Parameters
    ----------
    subparsers : argparse action
        Where the verb is added.
    name : str
        The verb.
    summary : str
        One line for the list of verbs.
    description, examples : str
        Printed as they are above and below the arguments.
    """
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def refuse_replacing(output: Path | None, inputs: Iterable[Path | None]) -> None:
    """Refuse to write a file in place of one that is read.

    Raises
    ------
    CallError
        If both are the same file.
    """
    if output is None or not output.exists():
        return
    for path in inputs:
        if path is not None and path.exists() and path.samefile(output):
            msg = f"{output}: would replace {path}, which is read"
            raise CallError(msg)


def read_tag_map(pairs: Iterable[str]) -> dict[str, str]:
    """Return the tag map that ``A=B`` pairs spell.

    Raises
    ------
    TagError
        If a pair is malformed or an input tag comes twice.
    """
    tag_map: dict[str, str] = {}
    for pair in pairs:
        source, sign, target = (part.strip() for part in pair.rpartition("="))
        if not (source and sign and target):
            msg = (
                f"--tag {pair!r}: expected INPUT_TAG=OUTPUT_TAG, "
                "such as raw_recording=processed"
            )
            raise TagError(msg)
        if source in tag_map:
            msg = f"--tag {pair!r}: the input tag {source!r} is given twice"
            raise TagError(msg)
        tag_map[source] = target
    return tag_map


def read_parameters(text: str | None) -> dict[str, Any] | None:
    """Return the function's keyword arguments.

    Parameters
    ----------
    text : str or None
        The path of a YAML or JSON file, or the mapping itself as YAML or JSON.

    Raises
    ------
    CallError
        If it is neither, or not a mapping with names as keys.
    """
    if text is None:
        return None
    path = Path(text)
    inline = text.lstrip().startswith("{") or re.search(r":(\s|$)", text) is not None
    if inline and not _is_file(path):
        source, content = "--parameters", text
    elif _is_file(path):
        source, content = f"--parameters {path}", _read_text(path)
    else:
        msg = (
            f"--parameters {text!r}: no such file, and no mapping such as "
            "'{\"water_level\": 60}' either"
        )
        raise InputMissingError(msg)
    parameters = parse_text(content, source)
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        msg = (
            f"{source}: expected a mapping of names to values, "
            f"not {kind_of(parameters)}"
        )
        raise CallError(msg)
    for name in parameters:
        if not isinstance(name, str) or not name.isidentifier():
            msg = f"{source}: {name!r} cannot be the name of a keyword argument"
            raise CallError(msg)
    return parameters


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        msg = f"--parameters {path}: no text in UTF-8: {error}"
        raise CallError(msg) from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # inline text can be too long for a file name
        return False


def max_failures_argument(text: str) -> int | str:
    """Return the limit of `read_max_failures`.

    Raises
    ------
    argparse.ArgumentTypeError
        With its message: of a ValueError, argparse shows none.
    """
    try:
        return read_max_failures(text)
    except CallError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def read_levels(text: str) -> int:
    """Return a number of traceback levels, at least 1.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none.
    """
    if re.fullmatch(r"0*[1-9][0-9]*", text):
        return int(text)
    msg = f"{text!r}: expected 1 or more"
    raise argparse.ArgumentTypeError(msg)


def read_workers(text: str) -> int:
    """Return a number of workers: at least 1, or -1 for all cores.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is neither.
    """
    if re.fullmatch(r"-1|0*[1-9][0-9]*", text):
        return int(text)
    msg = f"{text!r}: expected 1 or more, or -1 for all cores of this process"
    raise argparse.ArgumentTypeError(msg)
