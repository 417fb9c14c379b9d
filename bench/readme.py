"""Put what was measured into README: ``python -m bench.readme``.

Its two tables stand between the marks; the figures are those of
``bench/results/results.json``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results" / "results.json"
MARKS = "<!-- bench -->", "<!-- /bench -->"
# Title of a case, part of a row's name, and what README calls it.
SHOWN = (
    ("Response removal, 2", "168,000 samples$", "remove the response of {}"),
    ("Response removal, 2", "168,000 samples, by", "the same, {}"),
    ("Response removal, 2", "168,001 samples$", "the same, {}"),
    ("Response removal, 2", "168,001 samples, by", "the same, {}"),
    ("Response removal from", "step, beside a", "from miniSEED files, {}"),
    ("Response removal from", "unchanged, beside a", "{}"),
    ("Response removal from", "step, beside p", "from miniSEED files, {}"),
    ("Staging", "^[0-9]* files", "stage day files, {}"),
    ("Identity", "^whole run", "change nothing, {}"),
    ("Identity", "one station more", "each station more"),
    ("Identity", "size", "size of that file"),
    ("A function that burns", "CPU", "CPU, of what the function itself takes"),
    ("A function that burns", "wall", "time, of the ideal on 2 cores"),
    ("MPI, 3 ranks, identity", "io=parallel", "MPI, 3 ranks, {}"),
    ("MPI, 3 ranks, identity", "io=segments", "the same, {}"),
)


def main() -> None:
    """Write the tables into README."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    inside = "\n".join([MARKS[0], tables(results), MARKS[1]])
    readme.write_text(f"{before}{inside}{after}", encoding="utf-8")


def tables(results: dict[str, Any]) -> str:
    """Return both tables and where they come from."""
    lines = [
        "| | pyasdf, or what is named | asdf_pipeline | | CPU |",
        "|---|---:|---:|---|---|",
    ]
    for title, part, name in SHOWN:
        row = _find(results, title, part)
        said = name.format(row["what"].removeprefix("whole run, "))
        cells = said, _value(row, "peer"), _value(row, "ours"), _ratio(row), _cpu(row)
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "How the output is written, and what that costs (change nothing, 2 workers or "
        "ranks):",
        "",
        "| | time | size | compressed, checksums |",
        "|---|---:|---:|---|",
    ]
    ways: dict[str, list[str]] = {}
    for row in results["rows"]["Ways to write, identity, 2 workers or ranks"]:
        way, _, kind = row["what"].rpartition(": ")
        ways.setdefault(way, []).append(f"{row['ours']:.3g} {row['unit']}")
    for way, figures in ways.items():
        name, _, kept = way.partition(" (")
        both = "no" if kept.startswith("neither") else "yes"
        lines.append(f"| {name} | {' | '.join(figures)} | {both} |")
    lines += ["", f"`{results['command']}` on {results['machine']}."]
    return "\n".join(lines)


def _find(results: dict[str, Any], title: str, part: str) -> dict[str, Any]:
    """Return the one row of a case whose name has a part."""
    (row,) = (
        row
        for case, rows in results["rows"].items()
        if case.startswith(title)
        for row in rows
        if re.search(part, row["what"])
    )
    return dict(row)


def _value(row: dict[str, Any], whose: str) -> str:
    unit = row["unit"] if row["unit"] in ("s", "ms", "MB") else ""
    return f"{row[whose]:.3g} {unit}".rstrip()


def _ratio(row: dict[str, Any]) -> str:
    if row["meaning"].startswith("times") or "pyasdf" in row["meaning"]:
        return f"**{row['figure']:.3g}** {row['meaning']}"
    return ""


def _cpu(row: dict[str, Any]) -> str:
    if not row["cpu"]:
        return ""
    peer, ours, ratio = row["cpu"]
    return f"{peer:.3g} s, {ours:.3g} s: {ratio:.3g} times less"


if __name__ == "__main__":
    main()
