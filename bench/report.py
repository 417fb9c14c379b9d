"""The results: as a Markdown table, as JSON, and as a plot."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from bench.rows import Row

PACKAGES = ("asdf_pipeline", "pyasdf", "obspy", "h5py", "numpy", "isal", "deflate")


@dataclass
class Results:
    """All that was measured, by case.

    Attributes
    ----------
    command : str
        What gives it.
    rows : dict of str to list of Row
        The rows of each case, by its title.
    missing : dict of str to str
        Why a case, or a part of one, was not measured.
    """

    command: str
    rows: dict[str, list[Row]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def machine(self) -> str:
        """Return a line about where it was measured."""
        versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
        cores = len(os.sched_getaffinity(0))
        return f"{cores} cores, Python {platform.python_version()}, {versions}"

    def markdown(self) -> str:
        """Return the table."""
        lines = [
            "| | pyasdf, or what is named | asdf_pipeline | ratio | goal | CPU |",
            "|---|---:|---:|---|---|---|",
        ]
        for title, rows in self.rows.items():
            lines.append(f"| **{title}** | | | | | |")
            lines += [_line(row) for row in rows]
        lines += ["", f"`{self.command}`: {self.machine()}."]
        lines += [f"Not measured: {what}: {why}." for what, why in self.missing.items()]
        return "\n".join(lines)

    def save(self, folder: Path) -> None:
        """Write ``results.json``, ``table.md`` and ``ratios.png``."""
        folder.mkdir(parents=True, exist_ok=True)
        content: dict[str, Any] = {
            "command": self.command,
            "machine": self.machine(),
            "rows": {
                title: [
                    {**dataclasses.asdict(row), "goal": str(row.goal), "met": row.met}
                    for row in rows
                ]
                for title, rows in self.rows.items()
            },
            "missing": self.missing,
        }
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (folder / "results.json").write_text(text + "\n")
        (folder / "table.md").write_text(self.markdown() + "\n")
        self._plot(folder / "ratios.png")

    def _plot(self, path: Path) -> None:
        """Bars of how many times faster (or less) than pyasdf."""
        import matplotlib as mpl

        mpl.use("Agg")
        import matplotlib.pyplot as plt

        bars = [
            (f"{title}\n{row.what}", row)
            for title, rows in self.rows.items()
            for row in rows
            if row.meaning.startswith("times")
        ]
        if not bars:
            return
        figure, axes = plt.subplots(figsize=(9, 0.6 * len(bars) + 1.2))
        for place, (_, row) in enumerate(reversed(bars)):
            low, high = row.spread
            axes.barh(place, row.figure, color="tab:blue", height=0.6)
            axes.plot([low, high], [place, place], color="black", linewidth=1.5)
            if row.goal is not None:
                ends = [place - 0.35, place + 0.35]
                axes.plot([row.goal.value] * 2, ends, color="tab:red", linewidth=2)
        axes.set_yticks(range(len(bars)), [name for name, _ in reversed(bars)])
        axes.tick_params(axis="y", labelsize=7)
        axes.set_xscale("log")
        axes.axvline(1, color="grey", linewidth=1)
        axes.set_xlabel(
            "times faster than the peer (red: goal, black: all repetitions)"
        )
        figure.tight_layout()
        figure.savefig(path, dpi=150)
        plt.close(figure)


def _line(row: Row) -> str:
    low, high = row.spread
    spread = f" ({low:.2f} to {high:.2f})" if low != high else ""
    own_unit = row.meaning == row.unit
    figure = "" if own_unit else f"**{row.figure:.2f}** {row.meaning}{spread}"
    met = {None: "", True: " ✓", False: " missed"}[row.met]
    goal = f"{row.goal}{met}" if row.goal else ""
    return (
        f"| {row.what} | {_number(row.peer, row.unit)} | "
        f"{_number(row.ours, row.unit)} | {figure} | {goal} | {_cpu(row)} |"
    )


def _cpu(row: Row) -> str:
    if row.cpu is None:
        return ""
    peer, ours, ratio = row.cpu
    return f"{_number(peer, 's')}, {_number(ours, 's')}: {ratio:.2f} times less"


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    text = f"{value:.3g}" if value < 100 else f"{value:.0f}"
    return f"{text} {unit}" if len(unit) <= 3 else text
