"""Archives, many data sets, files that are merged, files that need not stay."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import obspy
import pytest
import yaml

from asdf_pipeline.container.reader import Reader
from tests.pipeline.checkout import Checkout

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(obspy.__file__).parent
IDENTITY = "def process(st, inv):\n    return st\n"


@pytest.fixture
def identity(checkout: Checkout) -> Checkout:
    """Return a copy whose function returns what it gets."""
    (checkout.path / "identity.py").write_text(IDENTITY)
    checkout.configure(function="identity.py:process", parameters={})
    return checkout


def make_archive(root: Path) -> None:
    """Write two days of BW.RJOB's vertical and north channel as an SDS archive."""
    for trace in obspy.read()[:2]:
        del trace.stats.response
        trace.data = trace.data.astype("float32")
        for _ in range(2):
            when, channel = trace.stats.starttime, trace.stats.channel
            place = root / f"{when.year}/BW/RJOB/{channel}.D"
            place.mkdir(parents=True, exist_ok=True)
            name = f"BW.RJOB..{channel}.D.{when.year}.{when.julday:03}"
            trace.write(str(place / name), format="MSEED")
            trace.stats.starttime += 86400


def set_key(checkout: Checkout, key: str, value: object) -> None:
    path = checkout.path / "config" / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), key: value}))


def test_archives_merging_and_staged_files_that_go(identity: Checkout) -> None:
    make_archive(identity.path / "sds")
    days = [
        {"dataset": f"day{day}", "archive": "sds", "network": "BW", "channel": "EHZ"}
        | {"starttime": f"2009-{day}", "endtime": f"2009-{day}", "merge": "rjob"}
        | {"stations": "{obspy}/core/data/BW_RJOB.xml", "events": events}
        for day, events in (
            (236, "{obspy}/core/tests/data/iris_events.xml"),
            (237, "{obspy}/core/tests/data/neries_events.xml"),
        )
    ]
    identity.use(*days)
    set_key(identity, "keep_staged", False)
    run = identity.snakemake()
    assert run.code == 0, run.text
    results = identity.path / "results"
    assert not list(results.rglob("staged.h5"))
    assert not list(results.rglob("*.work"))
    assert "results/rjob.h5: 2 files merged, " in identity.read("logs/merge/rjob.log")
    with Reader(results / "rjob.h5") as reader:
        headers = reader.headers("BW.RJOB", "processed")
        assert [header.channel for header in headers] == ["EHZ", "EHZ"]
        known = [
            len(obspy.read_events(str(DATA / "core" / "tests" / "data" / name)))
            for name in ("iris_events.xml", "neries_events.xml")
        ]
        assert len(reader.events()) == sum(known)
    assert [row["dataset"] for row in identity.rows()] == ["day236", "day237"]
    again = identity.snakemake()
    assert "Nothing to be done" in again.text


def test_paths_with_blanks_are_staged(identity: Checkout) -> None:
    make_archive(identity.path / "my archive")
    folder = identity.path / "my data"
    folder.mkdir()
    for trace in obspy.read()[2:]:
        del trace.stats.response
        trace.data = trace.data.astype("float32")
        trace.write(str(folder / "east 1.mseed"), format="MSEED")
    cells = {"waveforms": '"my data/east 1.mseed"', "archive": "'my archive'"}
    identity.use({"dataset": "bw", **cells})
    run = identity.snakemake("results/bw/staged.h5")
    assert run.code == 0, run.text
    with Reader(identity.path / "results/bw/staged.h5") as reader:
        channels = [header.channel for header in reader.headers("BW.RJOB")]
    assert sorted(channels) == ["EHE", "EHN", "EHN", "EHZ", "EHZ"]


def test_a_changed_table_of_codes_stages_anew(identity: Checkout) -> None:
    table = identity.path / "my codes.tsv"
    table.write_text("file\tstation\n*.su_first_trace\tS1\n")
    cells = {"waveforms": "{obspy}/io/segy/tests/data/1.su_first_trace"}
    cells |= {"codes": "'my codes.tsv'", "default_network": "XX"}
    identity.use({"dataset": "line", **cells, "default_channel": "GPZ"})
    for code in ("S1", "S2"):
        table.write_text(f"file\tstation\n*.su_first_trace\t{code}\n")
        run = identity.snakemake("results/line/staged.h5")
        assert run.rules == ["stage"], run.text
        with Reader(identity.path / "results/line/staged.h5") as reader:
            (header,) = reader.headers(f"XX.{code}")
        assert header.channel == "GPZ"


def test_a_new_day_in_the_archive_is_staged(identity: Checkout) -> None:
    make_archive(identity.path / "sds")
    identity.use({"dataset": "bw", "archive": "sds", "station": "RJ*"})
    assert identity.snakemake("results/bw/staged.h5").code == 0
    day = identity.path / "sds/2009/BW/RJOB/EHZ.D"
    trace = obspy.read(str(day / "BW.RJOB..EHZ.D.2009.236"))[0]
    trace.stats.starttime += 5 * 86400
    trace.write(str(day / "BW.RJOB..EHZ.D.2009.241"), format="MSEED")
    run = identity.snakemake("results/bw/staged.h5")
    assert run.rules == ["stage"], run.text
    with Reader(identity.path / "results/bw/staged.h5") as reader:
        assert len(reader.headers("BW.RJOB")) == 5


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"archive": "absent"}, "'bw': absent: no such directory with an archive"),
        ({"archive": "config"}, "'bw': config: no day of *.*.*.* from the beginning"),
        ({"archive": "config", "starttime": "May"}, "'bw': 'May': expected a day"),
        ({"archive": "config", "layout": "sdss"}, "'bw': layout 'sdss': expected sds,"),
        ({"waveforms": "x", "channel": "EHZ"}, "taken from an archive: name it"),
        ({"asdf": "x", "archive": "y"}, "give either waveforms or asdf"),
        (
            {"asdf": "x", "merge": "a/b"},
            "merge: 'a/b' cannot stand here; expected: data sets with",
        ),
    ],
)
def test_a_wrong_row_is_named(
    checkout: Checkout, complaint: Callable[[], str], row: dict[str, str], said: str
) -> None:
    checkout.use({"dataset": "bw", **row})
    assert said in complaint()


def test_an_asdf_file_is_linked_with_all_that_it_holds(identity: Checkout) -> None:
    make_archive(identity.path / "sds")
    identity.use({"dataset": "bw", "archive": "sds", "tag": "raw_recording"})
    assert identity.snakemake("results/bw/staged.h5").code == 0
    source = identity.path / "own.h5"
    (identity.path / "results/bw/staged.h5").rename(source)
    identity.use({"dataset": "own", "asdf": "own.h5"})
    set_key(identity, "keep_staged", False)
    assert identity.snakemake().code == 0
    assert source.is_file()
    assert not (identity.path / "results/own/staged.h5").is_symlink()


def test_a_thousand_data_sets_are_planned_at_once(checkout: Checkout) -> None:
    (checkout.path / "data").mkdir()
    rows = []
    for number in range(1000):
        (checkout.path / "data" / f"{number}.mseed").write_bytes(b"\0" * 512)
        rows.append({"dataset": f"d{number}", "waveforms": f"data/{number}.mseed"})
    checkout.use(*rows)
    began = time.monotonic()
    run = checkout.snakemake("--dry-run", "--quiet", "all")
    assert run.code == 0, run.text
    # 20 s on two free cores (measured, not asserted); here others run beside us.
    assert time.monotonic() - began < 240


@pytest.mark.parametrize(
    "groups",
    [
        {"stage": "first", "manifest": "last", "report": "last"},
        dict.fromkeys(("stage", "process", "manifest", "report"), "all"),
    ],
)
def test_small_jobs_share_a_submission(
    checkout: Checkout, groups: dict[str, str]
) -> None:
    sizes = [f"{group}=50" for group in set(groups.values())]
    members = [f"{rule}={group}" for rule, group in groups.items()]
    run = checkout.snakemake(
        "--dry-run", "--groups", *members, "--group-components", *sizes
    )
    assert run.code == 0, run.text
    assert run.rules.count("stage") == 2
