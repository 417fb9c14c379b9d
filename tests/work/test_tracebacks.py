"""Tracebacks: the user's own lines are shown always, and outcomes keep all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import h5py
import obspy
import pytest

from asdf_pipeline import ASDFDataSet, RunReport
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import StationXMLError, TraceError
from asdf_pipeline.work.tracebacks import shortened, whole_traceback
from tests.container.made import trace, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from obspy import Inventory, Stream

    from asdf_pipeline.plan.outcome import Outcome


def deep(st: Stream, inv: Inventory | None) -> Stream:
    """Fail far down in libraries."""
    json.loads("[1, 2, {", parse_float=float, cls=None, strict=lower(st))
    return st


def lower(st: Stream) -> bool:
    """Fail in ObsPy, many levels down."""
    st.filter("nonsense", freq=1.0)  # the user's own line
    return True


def chained(st: Stream, inv: Inventory | None) -> Stream:
    """Fail with a cause."""
    try:
        return deep(st, inv)
    except Exception as error:
        msg = "of the user's"
        raise RuntimeError(msg) from error


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., RunReport]:
    """Return a function that processes ObsPy's example."""

    def process(
        function: Callable[..., object], limit: int, backend: str = "serial"
    ) -> RunReport:
        with ASDFDataSet(tmp_path / "in.h5", mode="w") as ds:
            ds.add_waveforms(obspy.read(), tag="raw")
        with ASDFDataSet(tmp_path / "in.h5", mode="r") as ds:
            return ds.process(
                function,
                tmp_path / "out.h5",
                {"raw": "done"},
                traceback_limit=limit,
                backend=backend,
                progress="none",
            )

    return process


def failed(report: RunReport) -> Outcome:
    (outcome,) = report.failures
    return outcome


@pytest.mark.parametrize("backend", ["serial", "multiprocessing"])
@pytest.mark.parametrize("limit", [0, 1, 3])
def test_the_users_own_lines_are_shown_whatever_the_limit(
    run: Callable[..., RunReport],
    capfd: pytest.CaptureFixture[str],
    limit: int,
    backend: str,
) -> None:
    outcome = failed(run(deep, limit, backend))
    shown = capfd.readouterr().err
    assert 'json.loads("[1, 2, {"' in shown
    assert 'st.filter("nonsense", freq=1.0)' in shown
    assert outcome.error_type in shown
    assert "left out]" in shown
    levels = [line for line in shown.splitlines() if line.startswith("  File ")]
    kept = [
        line for line in outcome.traceback.splitlines() if line.startswith("  File")
    ]
    assert len(levels) == 2 + limit
    assert len(kept) > len(levels)
    assert levels == [
        line
        for number, line in enumerate(kept)
        if __file__ in line or number >= len(kept) - limit
    ]


def test_the_cause_is_shown_with_its_own_lines(
    run: Callable[..., RunReport], capfd: pytest.CaptureFixture[str]
) -> None:
    outcome = failed(run(chained, 1))
    shown = capfd.readouterr().err
    for text in (shown, outcome.traceback):
        assert "direct cause" in text
        assert 'st.filter("nonsense", freq=1.0)' in text
        assert text.rstrip().endswith("RuntimeError: of the user's")


def test_a_recursion_is_one_level_with_its_count() -> None:
    def fall(depth: int) -> None:
        fall(depth + 1)

    with pytest.raises(RecursionError) as caught:
        fall(0)
    text = whole_traceback(caught.value)
    assert "[Previous line repeated" in shortened(text, 1)


def test_an_installed_function_is_shown_by_its_packages_lines() -> None:
    text = """Traceback (most recent call last):
  File "/opt/lib/python3.12/site-packages/mine/steps.py", line 3, in process
    return clean(st)
  File "/opt/lib/python3.12/site-packages/obspy/core/stream.py", line 9, in method
    return func(*args)
  File "/opt/lib/python3.12/site-packages/mine/deep.py", line 4, in callback
    return st[7]
  File "/opt/lib/python3.12/site-packages/obspy/core/stream.py", line 1, in __getitem__
    return self.traces[index]
  File "/opt/lib/python3.12/site-packages/numpy/core.py", line 1, in index
    raise IndexError
IndexError: list index out of range"""
    assert (
        shortened(text, 1)
        == """Traceback (most recent call last):
  File "/opt/lib/python3.12/site-packages/mine/steps.py", line 3, in process
    return clean(st)
  [1 level of libraries left out]
  File "/opt/lib/python3.12/site-packages/mine/deep.py", line 4, in callback
    return st[7]
  [1 level of libraries left out]
  File "/opt/lib/python3.12/site-packages/numpy/core.py", line 1, in index
    raise IndexError
IndexError: list index out of range"""
    )
    assert shortened(text, 9) == text


def test_an_error_that_says_all_is_one_line() -> None:
    assert shortened("TraceError: XX.S01: all is said", 3).count("\n") == 0
    assert shortened("", 3) == ""


def test_an_error_of_the_packages_own_is_one_line(tmp_path: Path) -> None:
    """Also one that passes through a context manager, and so through contextlib."""
    path = write(tmp_path / "file.h5", trace())
    with h5py.File(path, "r+") as file:
        group = file["Waveforms/XX.ABC"]
        (name,) = group
        group[f"XX.ABC.BHZ{name[name.index('__') :]}"] = group[name]
        del group[name]
    with Reader(path) as reader, pytest.raises(TraceError) as caught:
        reader.stream("XX.ABC", "raw_recording")
    trace_of_package = caught.value.__traceback__
    assert trace_of_package is not None
    error = caught.value.with_traceback(trace_of_package.tb_next)
    assert whole_traceback(error) == f"TraceError: {error}"


def test_an_error_by_way_of_a_cached_property_is_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "file.h5", trace(), stationxml=b"no XML")
    with Reader(path) as reader, pytest.raises(StationXMLError) as caught:
        reader.coordinates("XX.ABC")
    trace_of_package = caught.value.__traceback__
    assert trace_of_package is not None
    error = caught.value.with_traceback(trace_of_package.tb_next)
    assert whole_traceback(error) == f"StationXMLError: {error}"
