"""Values as a configuration, a table or the command line spells them, read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

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
        If the text is neither, or has a key twice.
    """

    def mapping(pairs: list[tuple[str, object]]) -> dict[str, object]:
        for key in {
            key for key, _ in pairs if [one for one, _ in pairs].count(key) > 1
        }:
            msg = f"{source}: the key {key!r} is there twice; leave one of them"
            raise CallError(msg)
        return dict(pairs)

    try:
        return json.loads(content, object_pairs_hook=mapping)
    except json.JSONDecodeError:
        return parse_yaml(content, source)


def parse_yaml(content: str, source: str) -> object:
    """Return the value that a text of YAML stands for; 1e-3 is a number.

    Raises
    ------
    CallError
        If it is no YAML, has a key twice, or a date that does not exist.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML with the numbers that PyYAML, which follows YAML 1.1, takes for text.

        And with each key once, as YAML wants it: PyYAML takes the last one.
        """

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            seen: list[str] = []
            for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
                if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                    line = key.start_mark.line + 1
                    msg = (
                        f"{source}: line {line}: the key {key.value!r} is there twice; "
                        "leave one of them"
                    )
                    raise CallError(msg)
                seen.append(key.value)
            return super().construct_mapping(node, deep)

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
