"""Values as a configuration, a table or the command line spells them, read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from asdf_pipeline.errors import CallError
from asdf_pipeline.plan.selection import Windows
from asdf_pipeline.text import one_line
from asdf_pipeline.times import duration_ns, utc_ns

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPONENTIAL = r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+"
"""A number such as 1e-3, which YAML 1.1 takes for text, as it has no point."""


def parse_text(content: str, source: str) -> object:
    """Return the value that a text of JSON or YAML stands for.

    Parameters
    ----------
    content : str
        The text.
    source : str
        The text's origin, which an error names.

    Raises
    ------
    CallError
        If the text is neither.
    """
    try:
        return json.loads(content)
    except json.JSONDecodeError:
        return parse_yaml(content, source)


def parse_yaml(content: str, source: str) -> object:
    """Return the value that a text of YAML stands for; 1e-3 is a number.

    Raises
    ------
    CallError
        If it is no YAML, or has a date that does not exist.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML with the numbers that PyYAML, which follows YAML 1.1, takes for text."""

    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(f"^{EXPONENTIAL}$"), list("-+0123456789")
    )
    try:
        return yaml.load(content, Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError) as error:  # ValueError: 2024-13-45
        msg = f"{source}: neither JSON nor YAML: {one_line(error)}"
        raise CallError(msg) from None


def read_max_failures(text: str) -> int | str:
    """Return a limit of failures: a number, or a percentage such as ``"10%"``.

    Raises
    ------
    CallError
        If the text is neither.
    """
    if re.fullmatch(r"[0-9]+", text):
        return int(text)
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?%", text) and float(text[:-1]) <= 100:
        return text
    msg = f"{text!r}: expected a number of stations, or a percentage such as 10%"
    raise CallError(msg)


def make_windows(
    lengths: Mapping[str, str | float | None], align: str, join: bool
) -> Windows | None:
    """Return the windows that lengths stand for, None for whole traces.

    Parameters
    ----------
    lengths : mapping
        Two entries, length and overlap of the windows; an error names them by
        their keys, such as ``--window``.
    align : {"round", "trace"}
        Whether windows start at round times or at the station's first sample.
    join : bool
        Whether pieces that touch become one trace.

    Raises
    ------
    CallError
        If a text is no length, or there is an overlap of no windows.
    """
    (window, length), (overlap, around) = lengths.items()
    beside = _read_length(overlap, around or 0)
    if length is not None:
        return Windows(_read_length(window, length), beside, align, join)
    if beside:
        msg = f"{overlap} {around}: goes with {window}, which is not given"
        raise CallError(msg)
    return None


def _read_length(name: str, text: str | float) -> int:
    """Return a duration in ns; an error begins with its name."""
    try:
        return duration_ns(text)
    except CallError as error:
        msg = f"{name}: {error}"
        raise CallError(msg) from None


def read_time(name: str, text: str | None) -> int | None:
    """Return a time in ns since 1970; an error begins with its name."""
    if text is None:
        return None
    try:
        return utc_ns(text)
    except (TypeError, ValueError):
        msg = f"{name} {text!r}: expected a time such as 2024-01-31T12:00:00"
        raise CallError(msg) from None
