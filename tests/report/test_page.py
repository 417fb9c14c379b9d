"""The page: what it shows, how large it is, and that nothing hostile gets out."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from asdf_pipeline.cli import main
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.engine.report import Outcomes
from asdf_pipeline.plan.outcome import Outcome
from asdf_pipeline.report.page import embedded, write_page
from tests.report.synthetic import make, station_xml

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = (
    "</script><script>document.title='hostile'</script><img src=x onerror=alert(1)>"
)


class Page(HTMLParser):
    """Tags, attributes and visible text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        (self.scripts if self._in_script else self.text).append(data)


@pytest.fixture(scope="module")
def data_set(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Path, list[Outcome]]:
    return make(tmp_path_factory.mktemp("synthetic"), 60)


def page_of(
    data_set: tuple[Path, Path, list[Outcome]], folder: Path, more: list[Outcome]
) -> Page:
    source, output, outcomes = data_set
    target = folder / "report.html"
    write_page(source, output, [*outcomes, *more], target, f"Alps {HOSTILE}")
    return Page(target.read_text(encoding="utf-8"))


def test_shows_every_part(
    data_set: tuple[Path, Path, list[Outcome]], tmp_path: Path
) -> None:
    page = page_of(data_set, tmp_path, [])
    sections = [attrs.get("id") for tag, attrs in page.tags if tag == "section"]
    assert sections == [
        "summary",
        "map",
        "availability",
        "waveforms",
        "distributions",
        "failures",
        "stations",
        "made",
    ]
    text = " ".join(" ".join(page.text).split())
    assert "57 of 60 stations were written; 2 failed" in text
    assert "ValueError no response for" in text
    assert "raise" in text or "line 12, in process" in text
    charts = [attrs for _, attrs in page.tags if attrs.get("role") == "img"]
    assert len(charts) > 20
    assert all(attrs["aria-label"] for attrs in charts)


def test_the_table_holds_every_station(
    data_set: tuple[Path, Path, list[Outcome]], tmp_path: Path
) -> None:
    page = page_of(data_set, tmp_path, [])
    table = json.loads(next(s for s in page.scripts if s.startswith("{")))["table"]
    assert table["station"] == sorted(o.station for o in data_set[2])
    assert all(
        len(column["index"] if isinstance(column, dict) else column) == 60
        for column in table.values()
    )


def test_asks_no_host_for_anything(
    data_set: tuple[Path, Path, list[Outcome]], tmp_path: Path
) -> None:
    page = page_of(data_set, tmp_path, [])
    loading = {"src", "srcset", "action", "data", "poster", "background"}
    assert not [attrs for _, attrs in page.tags if loading & attrs.keys()]
    links = [attrs["href"] or "" for _, attrs in page.tags if "href" in attrs]
    assert all(link.startswith("#") for link in links)
    assert not any(
        re.search(r"url\(|@import|fetch\(|http", s) for s in page.scripts[:1]
    )
    policy = next(a for _, a in page.tags if "http-equiv" in a)["content"] or ""
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_hostile_names_and_messages_are_text(
    data_set: tuple[Path, Path, list[Outcome]], tmp_path: Path
) -> None:
    hostile = Outcome(
        f"XX.{HOSTILE}",
        f"raw{HOSTILE}",
        f"done{HOSTILE}",
        "failed",
        latitude=1.0,
        longitude=2.0,
        channels=(HOSTILE,),
        error_type=f"Error{HOSTILE}",
        error_message=f"{HOSTILE}\u2028 \ud800 \x00",
        traceback=HOSTILE,
        worker=HOSTILE,
    )
    page = page_of(data_set, tmp_path, [hostile])
    names = [tag for tag, _ in page.tags]
    assert names.count("script") == 2
    assert "img" not in names
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on")]
    assert f"XX.{HOSTILE}" in "".join(page.text)
    table = json.loads(next(s for s in page.scripts if s.startswith("{")))["table"]
    assert f"XX.{HOSTILE}" in table["station"]


def test_embedded_data_cannot_end_its_element() -> None:
    value = ["</script>", "<!--", "]]>", "&", "\u2028"]
    text = embedded(value)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value


def test_report_of_a_run_that_published_nothing(
    data_set: tuple[Path, Path, list[Outcome]], tmp_path: Path
) -> None:
    source, _, outcomes = data_set
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    Outcomes.of(failed).save(tmp_path / "outcomes.jsonl")
    target = tmp_path / "report.html"
    arguments = ["report", str(source), "--outcomes", str(tmp_path / "outcomes.jsonl")]
    assert main([*arguments, "--output", str(target), "--dataset", "Alps"]) == 0
    text = target.read_text(encoding="utf-8")
    assert "Nothing was published" in text
    assert "0 of 2 stations were written; 2 failed" in text


def test_outcomes_of_another_run_make_no_page(
    data_set: tuple[Path, Path, list[Outcome]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, output, outcomes = data_set
    target = tmp_path / "report.html"
    arguments = ["--output", str(target), "--outcomes", str(tmp_path / "o.jsonl")]
    Outcomes.of(outcomes[1:]).save(tmp_path / "o.jsonl")
    assert main(["report", str(source), str(output), *arguments]) == 1
    assert f"no outcome for station {outcomes[0].station}" in capsys.readouterr().err
    Outcomes.of(outcomes).save(tmp_path / "o.jsonl")
    assert main(["report", str(output), str(source), *arguments]) == 1
    assert "is not in" in capsys.readouterr().err
    assert not target.exists()


def test_a_missing_folder_is_a_wrong_call(
    data_set: tuple[Path, Path, list[Outcome]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, output, outcomes = data_set
    Outcomes.of(outcomes).save(tmp_path / "outcomes.jsonl")
    target = tmp_path / "nowhere" / "report.html"
    arguments = ["report", str(source), str(output), "--output", str(target)]
    assert main([*arguments, "--outcomes", str(tmp_path / "outcomes.jsonl")]) == 2
    assert "no such directory" in capsys.readouterr().err


def test_an_input_without_digest_and_a_place_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asdf_pipeline.provenance.run.LARGEST", 0)  # for a digest
    source, output, (outcome,) = make(tmp_path, 1)
    output.unlink()
    with Writer.reopen(source) as writer:
        document = station_xml(outcome.station, float("nan"), 11.0)
        writer.write_stationxml(outcome.station, document)
    outcomes = ("--outcomes", str(tmp_path / "outcomes.jsonl"))
    files = (str(source), str(output), *outcomes)
    made = ("--function", "asdf_pipeline.steps:identity", "--tag", "raw_recording=p")
    how = ("--backend", "serial", "--progress", "none")
    assert main(["process", *files, *made, *how]) == 0
    target = tmp_path / "report.html"
    assert main(["report", *files, "--output", str(target)]) == 0
    text = target.read_text(encoding="utf-8")
    assert "<dt>Size</dt>" in text
    assert "<dt>Digest</dt>" not in text


def test_a_file_without_anything_to_draw(tmp_path: Path) -> None:
    source, output, _ = make(tmp_path, 1)
    lost = Outcome("XX.LOST", "other", "processed", "failed", error_message="gone")
    target = tmp_path / "report.html"
    write_page(source, output, [lost], target, "lost")
    page = Page(target.read_text(encoding="utf-8"))
    sections = [attrs.get("id") for tag, attrs in page.tags if tag == "section"]
    assert sections == ["summary", "waveforms", "failures", "stations", "made"]
