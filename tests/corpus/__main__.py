"""Try the whole corpus and write the table of results: ``python -m tests.corpus``."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.corpus.table import make_items, summary, write_table
from tests.corpus.trials import run_corpus


def main() -> None:
    """Try all items."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path, help="where the table is written, TSV")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = run_corpus(make_items(Path(folder)), Path(folder))
    write_table(results, args.table)
    print(summary(results))


if __name__ == "__main__":
    main()
