"""Every bad input has a clear outcome or a clear error; none is lost without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conftest import ROOT
from tests.corpus.table import make_items, summary, write_table
from tests.corpus.trials import Item, judge, run_corpus

if TYPE_CHECKING:
    from pathlib import Path

TABLE = ROOT / "build" / "corpus.tsv"
CLEAR = "asdf-pipeline: error: x.h5: damaged\n"


def test_every_result_is_clear(tmp_path: Path) -> None:
    items = make_items(tmp_path)
    results = run_corpus(items, tmp_path)
    TABLE.parent.mkdir(exist_ok=True)
    write_table(results, TABLE)
    print(f"{summary(results)}; the table: {TABLE.relative_to(ROOT)}")
    assert {result.item for result in results} == {item.name for item in items}
    assert [result for result in results if result.unclear] == []
    # Neither all refused nor all taken.
    assert {result.code for result in results} == {0, 1, 2}


def test_what_is_unclear_is_noticed(tmp_path: Path) -> None:
    item = Item("an item", tmp_path / "x.h5")
    words = ["process"]
    assert judge(item, words, 1, CLEAR, tmp_path) == ""
    assert "traceback" in judge(item, words, 1, f"Traceback\n{CLEAR}", tmp_path)
    assert "0 error lines" in judge(item, words, 1, "", tmp_path)
    assert "2 error lines" in judge(item, words, 2, 2 * CLEAR, tmp_path)
    assert "exit code -11" in judge(item, words, -11, CLEAR, tmp_path)
    (tmp_path / "out.h5").touch()
    assert "in spite of the error" in judge(item, words, 1, CLEAR, tmp_path)
