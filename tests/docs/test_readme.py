"""README's commands can be called, and what it links to is there."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest
import yaml

from asdf_pipeline.cli import build_parser
from tests.docs.blocks import ROOT, blocks, commands

PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "config/README.md"]
)
CALLS = [(page, call) for page in PAGES for call in commands(page, "asdf-pipeline")]


@pytest.mark.parametrize(("page", "call"), CALLS)
def test_every_command_shown_is_one(page: str, call: str) -> None:
    words = shlex.split(call, comments=True)[1:]
    end = next((k for k, word in enumerate(words) if word in {"|", "&", ">"}), None)
    complaint = io.StringIO()
    code: object = 0
    with contextlib.redirect_stderr(complaint), contextlib.redirect_stdout(None):
        try:
            build_parser().parse_args(words[:end])
        except SystemExit as leave:  # a wrong call, or one for help
            code = leave.code
    assert not code, f"{page}: {call}\n{complaint.getvalue()}"


def test_readme_shows_the_main_verbs() -> None:
    shown = {shlex.split(call)[1] for page, call in CALLS if page == "README.md"}
    assert {"stage", "try", "process", "manifest", "verify", "report"} <= shown


def test_every_make_target_shown_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    calls = commands("README.md", "make")
    assert calls
    for call in calls:
        assert re.search(rf"^{call.split()[1]}:", makefile, re.MULTILINE), call


def test_every_profile_shown_is_there() -> None:
    shown = re.findall(
        r"--profile (\S+)", "".join(block.text for block in blocks("README.md"))
    )
    assert shown
    for profile in shown:
        assert list((ROOT / profile).glob("config*.yaml")), profile


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text)
    for link in (first or second for first, second in links):
        if not link.startswith(("http://", "https://", "#", "mailto:")):
            target = (ROOT / page).parent / link.partition("#")[0]
            assert target.exists(), f"{page}: {link}"


def test_catalog_says_how_the_workflow_is_run() -> None:
    text = Path(ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8")
    usage = yaml.safe_load(text)["usage"]
    assert usage["mandatory-flags"]["desc"]
    assert set(usage["software-stack-deployment"]) == {"conda", "apptainer"}
    rules = (ROOT / "workflow").glob("rules/*.smk")
    collected = any("report(" in rule.read_text(encoding="utf-8") for rule in rules)
    assert usage["report"] is collected
