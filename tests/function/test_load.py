"""What a function is filled in with, by the names in its signature."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from asdf_pipeline.function.load import COMPARISON, load_function


def asking(
    st: Any, inv: Any, event: Any = None, events: Any = (), tag: str = ""
) -> Any:
    """Ask for some, with defaults."""
    return st


def comparing(a: Any, b: Any, parameters: Any = None) -> Any:
    """Ask for what a comparison may."""
    return 0


@pytest.mark.parametrize(
    ("function", "asks"),
    [
        (asking, ("event", "events", "tag")),
        (partial(asking, event="mine"), ("events", "tag")),
        (partial(partial(asking, event="mine"), tag=None), ("events",)),
    ],
)
def test_what_a_partial_binds_is_kept(function: Any, asks: tuple[str, ...]) -> None:
    assert load_function(function).asks == asks


def test_what_a_partial_of_a_comparison_binds_is_kept() -> None:
    assert load_function(comparing, call=COMPARISON).asks == ("parameters",)
    bound = partial(comparing, parameters={})
    assert load_function(bound, call=COMPARISON).asks == ()
