"""Selections that are none."""

from __future__ import annotations

from typing import Any

import pytest
from obspy import UTCDateTime

from asdf_pipeline.errors import CallError
from asdf_pipeline.plan.selection import Selection


@pytest.mark.parametrize("name", ["stations", "exclude", "channels"])
def test_a_text_is_not_several_patterns(name: str) -> None:
    wrong: dict[str, Any] = {name: "BW.*"}
    with pytest.raises(CallError, match=rf"{name}='BW\.\*': expected a tuple"):
        Selection(**wrong)


@pytest.mark.parametrize("name", ["starttime", "endtime"])
def test_times_are_ns(name: str) -> None:
    wrong: dict[str, Any] = {name: UTCDateTime(0)}
    with pytest.raises(CallError, match=rf"{name}=.*expected ns since 1970"):
        Selection(**wrong)
