"""The public names: each is there, and each is documented."""

from __future__ import annotations

import inspect
from pathlib import Path

import asdf_pipeline
from asdf_pipeline import errors

MANUAL = Path(__file__).parent.parent / "docs" / "functions.md"


def test_every_public_name_can_be_imported() -> None:
    for name in asdf_pipeline.__all__:
        assert getattr(asdf_pipeline, name) is not None
        assert name in dir(asdf_pipeline)


def test_what_users_import_stands_in_the_manual() -> None:
    text = MANUAL.read_text(encoding="utf-8")
    for name in [
        "ASDFDataSet",
        "Result",
        "StationData",
        "Selection",
        "Windows",
        "RunReport",
    ]:
        assert name in asdf_pipeline.__all__
        assert f"`{name}`" in text


def test_every_error_that_a_caller_may_catch_is_public() -> None:
    internal = {"StopUnitError", "WorkerDiedError"}
    for name, value in inspect.getmembers(errors, inspect.isclass):
        if issubclass(value, BaseException) and value.__module__ == errors.__name__:
            assert name in asdf_pipeline.__all__ or name in internal, name
