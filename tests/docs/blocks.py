"""The fenced blocks of a Markdown page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NAME = re.compile(r"# ([\w./-]+\.\w+)\n")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes
    ----------
    language : str
        What follows the opening fence.
    text : str
        The lines between the fences.
    """

    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that the block is to be saved as: its first line says so."""
        name = _NAME.match(self.text)
        return name[1] if name else None


def blocks(page: str, section: str | None = None) -> list[Block]:
    """Return the blocks of a page, by its path in the checkout, or of a section."""
    text = (ROOT / page).read_text(encoding="utf-8")
    if section is not None:
        text = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
        assert text, f"{page} has no section {section!r}"
    return [Block(language, body) for language, body in _BLOCK.findall(text)]


def commands(page: str, program: str) -> list[str]:
    """Return the calls of a program in a page's shell blocks, a line each."""
    return [
        line
        for block in blocks(page)
        if block.language == "bash"
        for line in block.text.replace("\\\n", " ").splitlines()
        if line.startswith(f"{program} ")
    ]


def missing_line(expected: str, printed: str) -> str | None:
    """Return the first line that was not printed, None where all were, in order.

    Parameters
    ----------
    expected : str
        Lines, in which ``...`` stands for anything.
    printed : str
        What was printed; it may hold more lines than those.
    """
    lines = iter(printed.splitlines())
    for line in filter(str.strip, expected.splitlines()):
        pattern = re.compile(".*".join(map(re.escape, line.strip().split("..."))))
        if not any(pattern.fullmatch(found.strip()) for found in lines):
            return line
    return None
