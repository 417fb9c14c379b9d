"""The page about pairs: what it shows, and that half a million of them fit."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from asdf_pipeline.cli import main
from asdf_pipeline.container.arrays import encode_auxiliary
from asdf_pipeline.container.codec import RAW
from asdf_pipeline.container.encoded import Product
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.plan.outcome import Outcome
from asdf_pipeline.report.pair_charts import Record, round_values, section_chart
from asdf_pipeline.report.pair_page import RECORDS, ROWS, write_pair_page

if TYPE_CHECKING:
    from pathlib import Path


def pairs_of(count: int, *, failed: int = -1) -> list[Outcome]:
    """Return the outcomes of all pairs of so many stations along a line."""
    return [
        Outcome(
            f"XX.S{one:04d}",
            "noise",
            "",
            "failed" if failed in (one, other) else "ok",
            others=(f"XX.S{other:04d}",),
            latitude=40 + one / count,
            longitude=10.0,
            elevation_in_m=0.0,
            others_at=((40 + other / count, 10.0, 0.0),),
            distance_in_km=111.0 * (other - one) / count,
            azimuth=0.0,
            auxiliary=(f"CrossCorrelation/XX_S{one:04d}/XX_S{other:04d}/BHZ_BHZ",),
            row={"lag_BHZ_BHZ": float(other - one)},
            error_type="ValueError" if failed in (one, other) else "",
            error_message=f"no <b>bold</b> XX.S{failed:04d}" * (failed in (one, other)),
            seconds=0.01,
            bytes_out=100,
        )
        for one in range(count)
        for other in range(one + 1, count)
    ]


def write(folder: Path, outcomes: list[Outcome], *, arrays: bool = True) -> str:
    """Return the page of outcomes, of whose correlations some are in a file."""
    source, output = folder / "noise.h5", folder / "pairs.h5"
    if not source.exists():
        with Writer.create(source):
            pass
    with Writer.create(output) as writer:
        for one in outcomes if arrays else outcomes[:: len(outcomes) // 500]:
            data = np.zeros(201, np.float32)
            data[100 + int((one.distance_in_km or 0) / 3)] = 1
            content = (data, {"dt": 1.0, "first_lag": -100.0})
            if one.status == "ok":
                encoded = encode_auxiliary({one.auxiliary[0]: content}, RAW)
                writer.write(Product("", "", (), auxiliary=encoded))
    page = folder / "pairs.html"
    write_pair_page(source, output, outcomes, page, "alps")
    return page.read_text()


def test_what_it_shows(tmp_path: Path) -> None:
    outcomes = pairs_of(20, failed=3)
    outcomes[0] = dataclasses.replace(outcomes[0], others_at=(None,), windows=4)
    text = write(tmp_path, outcomes)
    assert "171 of 190 pairs were written; 19 failed." in text
    assert "Matrix of 20 stations: 171 of 190 pairs made, 19 failed." in text
    shown = re.search(r"Record section: (\d+) correlations of components ZZ", text)
    assert shown is not None
    assert int(shown[1]) <= RECORDS
    assert "Shown are" in text
    assert "XX.S0000 with XX.S0003" in text  # under its failure
    assert "no &lt;b&gt;bold&lt;/b&gt;" in text
    assert "<b>bold" not in text
    assert text.count("<tr><td>") == 190
    assert 'class="cell failed"' in text
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)


def test_without_an_output_and_without_places(tmp_path: Path) -> None:
    source = tmp_path / "noise.h5"
    with Writer.create(source):
        pass
    bare = [
        Outcome("XX.A", "noise", "", "failed", others=("XX.B",)),
        Outcome("XX.A", "noise", "", "empty", others=("XX.C",)),
    ]
    write_pair_page(source, None, bare, tmp_path / "pairs.html", "alps")
    text = (tmp_path / "pairs.html").read_text()
    assert "Nothing was published" in text
    assert "Record section" not in text
    assert "0 of 2 pairs were written; 1 failed" in text


def test_stations_share_cells_and_the_table_is_cut(tmp_path: Path) -> None:
    outcomes = pairs_of(250, failed=7)
    text = write(tmp_path, outcomes, arrays=False)
    assert "Each cell stands for the pairs of up to 3 stations" in text
    assert f"{ROWS} of 31\u202f125 pairs: failures first" in text
    assert text.count("<tr><td>") == ROWS
    assert len(text) < 2_000_000


def test_the_command_makes_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    outcomes = pairs_of(5)
    write(tmp_path, outcomes)
    lines = tmp_path / "outcomes.jsonl"
    lines.write_text("".join(f"{one.to_json()}\n" for one in outcomes))
    arguments = [str(tmp_path / "noise.h5"), "--outcomes", str(lines)]
    assert main(["report", *arguments, "--output", str(tmp_path / "page.html")]) == 0
    assert "10 outcomes" in capfd.readouterr().err
    assert "All 10 pairs" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("points", [2, 201, 5000])
def test_records_are_drawn_with_few_points(points: int) -> None:
    data = np.random.default_rng(1).standard_normal(points)
    chart = section_chart([Record(10.0, -1.0, 2 / (points - 1), data)], "a record")
    path: Any = re.search(r' d="M([^"]*)"', chart)
    assert len(path[1].split()) <= 1201


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 262, [0, 50, 100, 150, 200, 250]), (-1, 1, [-1, -0.5, 0, 0.5, 1])],
)
def test_round_values(low: float, high: float, expected: list[float]) -> None:
    assert round_values(low, high, 6) == expected
