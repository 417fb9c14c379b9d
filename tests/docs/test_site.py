"""The documentation site is made without a warning, and has everything public."""

from __future__ import annotations

import doctest
import importlib
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
import yaml

import asdf_pipeline
from docs.site.pages import text_of_page
from tests.docs.blocks import ROOT

if TYPE_CHECKING:
    from pathlib import Path

MODULES = ("asdf_pipeline", "asdf_pipeline.steps", "asdf_pipeline.exceptions")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of the site, made as `make docs` makes it."""
    target = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning"),
            *("--keep-going", "--builder", "html", ROOT / "docs", target),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def names(site: Path) -> dict[str, set[str]]:
    """Return the names that the site's inventory has, by the kind of object."""
    *header, packed = (site / "objects.inv").read_bytes().split(b"\n", 4)
    assert header[0] == b"# Sphinx inventory version 2"
    found: dict[str, set[str]] = {}
    for line in zlib.decompress(packed).decode().splitlines():
        name, kind = re.fullmatch(r"(.+?) (\S+:\S+) -?\d+ \S+ .+", line).groups()
        found.setdefault(kind, set()).add(name)
    return found


@pytest.mark.requires("sphinx")
@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_in_the_reference(
    module: str, names: dict[str, set[str]]
) -> None:
    documented = set().union(
        *(found for kind, found in names.items() if kind.startswith("py:"))
    )
    public = {f"{module}.{name}" for name in importlib.import_module(module).__all__}
    assert public - documented == set()


@pytest.mark.requires("sphinx")
@pytest.mark.parametrize("name", ["ASDFDataSet", "RunReport"])
def test_every_public_method_is_in_the_reference(
    name: str, names: dict[str, set[str]]
) -> None:
    documented = names["py:method"] | names["py:property"]
    public = {
        f"asdf_pipeline.{name}.{method}"
        for method, value in vars(getattr(asdf_pipeline, name)).items()
        if not method.startswith("_")
        and (callable(value) or isinstance(value, property))
    }
    assert public
    assert public - documented == set()


def _entries(properties: dict[str, dict[str, object]], prefix: str = "") -> set[str]:
    found = set()
    for name, entry in properties.items():
        found |= {f"{prefix}{name}"}
        found |= _entries(entry.get("properties", {}), f"{prefix}{name}: ")
    return found


@pytest.mark.requires("sphinx")
@pytest.mark.parametrize("schema", ["config", "datasets"])
def test_every_key_and_column_is_in_the_reference(
    schema: str, names: dict[str, set[str]]
) -> None:
    path = ROOT / "workflow" / "schemas" / f"{schema}.schema.yaml"
    wanted = _entries(yaml.safe_load(path.read_text(encoding="utf-8"))["properties"])
    assert wanted
    assert wanted - names["std:confval"] == set()


class _Requests(HTMLParser):
    """What a page has a browser ask for by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note sources, and the targets of ``<link>``; ``<a>`` asks for nothing."""
        for name, value in attrs:
            if name in ("src", "srcset") or (tag == "link" and name == "href"):
                self.found.append(value or "")


@pytest.mark.requires("sphinx")
def test_no_page_asks_another_host_for_anything(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        requests = _Requests()
        requests.feed(page.read_text(encoding="utf-8"))
        assert requests.found
        outside = [url for url in requests.found if re.match(r"([a-z]+:)?//", url)]
        assert outside == [], page.name
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"(@import|url\()\s*[\"']?([a-z]+:)?//", text), style.name


@pytest.mark.requires("sphinx")
def test_pictures_are_of_both_colour_schemes(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    assert "report-light.png" in text
    assert "report-dark.png" in text


@pytest.mark.parametrize(
    ("page", "shown", "read"),
    [
        (
            "docs/hpc.md",
            "[how](../config/README.md#keys)",
            "[how](/configuration.md#keys)",
        ),
        ("config/README.md", "[`docs/hpc.md`](../docs/hpc.md)", "[](/hpc.md)"),
        ("config/README.md", "[`profiles/`](../profiles)", "`profiles/`"),
        ("README.md", "[x](https://a.b/c.md) [y](#z)", "[x](https://a.b/c.md) [y](#z)"),
        ("README.md", "```\n[a](docs/hpc.md)\n```", "```\n[a](docs/hpc.md)\n```"),
    ],
)
def test_links_of_the_repository_lead_to_pages(
    page: str, shown: str, read: str
) -> None:
    assert text_of_page(page, shown) == read


def _homes(module: str) -> set[str]:
    """Return the modules that have a module's public names."""
    public = importlib.import_module(module)
    values = [getattr(public, name) for name in public.__all__]
    return {module, *(value.__module__ for value in values if callable(value))}


def test_examples_of_the_reference_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    modules = set().union(*map(_homes, MODULES))
    results = [doctest.testmod(importlib.import_module(name)) for name in modules]
    assert sum(result.failed for result in results) == 0
    assert sum(result.attempted for result in results) >= 15
