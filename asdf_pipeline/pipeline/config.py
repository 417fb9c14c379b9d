"""The configuration: a mapping as YAML has it, checked, defaults filled in."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

from asdf_pipeline.errors import CallError, InputMissingError
from asdf_pipeline.pipeline.schema import check
from asdf_pipeline.pipeline.values import EXPONENTIAL, parse_yaml


def load_config(path: Path) -> dict[str, Any]:
    """Return what a file of YAML says, not yet checked.

    Raises
    ------
    InputMissingError
        If there is no such file.
    CallError
        If it is no YAML, or holds no keys.
    """
    if not path.is_file():
        msg = f"{path}: no such configuration"
        raise InputMissingError(msg)
    try:
        loaded = parse_yaml(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        msg = f"{path}: no text in UTF-8: {error}"
        raise CallError(msg) from None
    if not isinstance(loaded, dict):
        msg = (
            f"{path}: expected keys and values, such as 'datasets: config/datasets.tsv'"
        )
        raise CallError(msg)
    return loaded


def check_config(loaded: dict[str, Any], where: str = "config") -> dict[str, Any]:
    """Return a configuration in JSON's terms, checked, defaults filled in.

    Raises
    ------
    CallError
        If keys are unknown, are missing, or have values that they cannot have: a line
        for each, which begins with `where`.
    """
    config: dict[str, Any] = to_json(loaded)
    check("config", config, where)
    return config


def to_json(value: Any) -> Any:
    """Return a value of YAML in JSON's terms: times are texts, 1e-3 is a number."""
    if isinstance(value, dict):
        return {key: to_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [to_json(inner) for inner in value]
    if isinstance(value, date):  # a datetime too
        return value.isoformat()
    if isinstance(value, str) and re.fullmatch(EXPONENTIAL, value):
        return float(value)
    return value
