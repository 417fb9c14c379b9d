"""Markdown as the repository shows it, made into pages of the site.

A page that is one line, ``<!-- the page is config/README.md -->``, with or without
more below, has that file's text. Links lead from page to page; what the repository has
and the site has not (a directory, a script) keeps its text only.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "README.md": "index",
    "config/README.md": "configuration",
    "CONTRIBUTING.md": "contributing",
    "CHANGELOG.md": "changelog",
}
"""Files outside docs/ and the pages that have their text."""

_TEXT_OF = re.compile(r"<!-- the page is (\S+) -->\n")
_CODE = re.compile(r"(^```.*?^```$|``.+?``)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[([^\[\]]*)\]\(([^()\s]+)\)")
_PATH = re.compile(r"`?[\w./]+\.md`?")
_PICTURE = re.compile(
    r'(?:<a href="[^"]*">)?<picture>\s*<source media="[^"]*dark[^"]*" '
    r'srcset="(?P<dark>[^"]+)">\s*<img src="(?P<light>[^"]+)"'
    r'(?: width="(?P<width>\d+)")? '
    r'alt="(?P<alt>[^"]*)">\s*</picture>(?:</a>)?'
)


def text_of_page(page: str, text: str) -> str:
    """Return a page's Markdown as Sphinx is to read it.

    Parameters
    ----------
    page : str
        The page's path in the repository.
    text : str
        Its text there.
    """
    if (found := _TEXT_OF.match(text)) is not None:
        source = found[1]
        shown = text_of_page(source, (ROOT / source).read_text(encoding="utf-8"))
        return shown + "\n" + text[found.end() :]
    text = _PICTURE.sub(lambda picture: _images(page, picture), text)
    parts = _CODE.split(text)
    parts[::2] = [
        _LINK.sub(lambda link: _link(page, link), part) for part in parts[::2]
    ]
    return "".join(parts)


def _link(page: str, link: re.Match[str]) -> str:
    shown, target = link.groups()
    path, hash_sign, anchor = target.partition("#")
    if not path or "://" in path or path.startswith("mailto:"):
        return link[0]
    found = _in_repository(page, path)
    if found in PAGES:
        name = PAGES[found]
    elif found.startswith("docs/") and found.endswith(".md"):
        name = found.removeprefix("docs/").removesuffix(".md")
    else:
        return shown
    # In place of a path, readers of the site see the title.
    shown = "" if _PATH.fullmatch(shown) else shown
    return f"[{shown}](/{name}.md{hash_sign}{anchor})"


def _images(page: str, picture: re.Match[str]) -> str:
    width = f"{picture['width']}px" if picture["width"] else "100%"
    return "\n".join(
        f":::{{image}} /{_in_repository(page, picture[scheme]).removeprefix('docs/')}\n"
        f":alt: {picture['alt']}\n:class: only-{scheme}\n:width: {width}\n:::\n"
        for scheme in ("light", "dark")
    )


def _in_repository(page: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), path))


def _read(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = text_of_page(f"docs/{docname}.md", source[0])
    for path, name in PAGES.items():
        if name == docname:
            app.env.note_dependency(str(ROOT / path))


def setup(app: Sphinx) -> dict[str, bool]:
    """Have every page's text pass through `text_of_page`."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
