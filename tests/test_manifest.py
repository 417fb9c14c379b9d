"""The station manifest: one row a station and tag, content only, exact to the bit."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from asdf_pipeline.errors import InputError, InputMissingError
from asdf_pipeline.manifest import (
    STATION_COLUMNS,
    TIMING_COLUMNS,
    format_time,
    join_manifests,
    read_manifest,
    station_rows,
    station_table,
    timings_rows,
    write_table,
)
from asdf_pipeline.plan.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

START = 1_251_073_203_123_456_789


def outcome(station: str = "BW.RJOB", status: str = "ok", **fields: object) -> Outcome:
    known: dict[str, object] = {"input_tag": "raw", "output_tag": "done"}
    return Outcome(station=station, status=status, **(known | fields))  # type: ignore[arg-type]


OK = outcome(
    latitude=47.737167,
    longitude=12.795714,
    elevation_in_m=860.0,
    traces_in=3,
    traces_out=2,
    samples_in=9000,
    samples_out=6000,
    start=START,
    end=START + 29_990_000_000,
    sampling_rates=(0.1 + 0.2, 100.0),
    channels=(".EHN", ".EHZ"),
    digest="ab" * 16,
    seconds=0.25,
    worker="worker 1",
    bytes_out=12345,
)


def save(outcomes: Sequence[Outcome], dataset: str, path: Path) -> None:
    """Write the manifest of outcomes."""
    write_table(station_rows(outcomes, dataset), STATION_COLUMNS, path)


def test_the_columns_are_those_of_the_design() -> None:
    table = station_table([OK], "alps")
    assert " ".join(table.columns) == (
        "dataset network station latitude longitude elevation_in_m input_tag "
        "output_tag status traces_in traces_out samples_in samples_out start end "
        "sampling_rates channels error_type error_message digest"
    )
    assert " ".join(timings_rows([OK], "alps")[0]) == (
        "dataset network station input_tag seconds attempts worker bytes_out"
    )


def test_the_file_says_exactly_this(tmp_path: Path) -> None:
    path = tmp_path / "stations.csv"
    save([OK], "alps", path)
    assert path.read_text().splitlines()[1] == (
        "alps,BW,RJOB,47.737167,12.795714,860.0,raw,done,ok,3,2,9000,6000,"
        "2009-08-24T00:20:03.123456789Z,2009-08-24T00:20:33.113456789Z,"
        f"0.30000000000000004 100.0,.EHN .EHZ,,,{'ab' * 16}"
    )


def test_any_order_of_outcomes_gives_the_same_bytes(tmp_path: Path) -> None:
    outcomes = [outcome(f"BW.S{number:03d}") for number in range(50)]
    outcomes += [outcome("BW.S007", input_tag="another", output_tag="b"), OK]
    written = []
    for seed in range(3):
        random.Random(seed).shuffle(outcomes)
        write_table(
            station_rows(outcomes, "alps"), STATION_COLUMNS, tmp_path / "stations.csv"
        )
        written.append((tmp_path / "stations.csv").read_bytes())
    assert written[0] == written[1] == written[2]
    assert written[0].count(b"\n") == 53


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    outcomes = [
        OK,
        outcome("NA.1E5", "empty"),  # neither a missing value nor a number
        outcome("00.007", "failed", error_type="ValueError", error_message='a, "b"'),
        outcome("XX.NaN", "skipped", latitude=1e-7, longitude=-0.1),
    ]
    table = station_table(outcomes, "nan")
    write_table(table.to_dict("records"), STATION_COLUMNS, tmp_path / "stations.csv")
    read = read_manifest(tmp_path / "stations.csv")
    assert read.equals(table.astype(read.dtypes))
    assert sorted(read["network"] + "." + read["station"]) == sorted(
        one.station for one in outcomes
    )


def test_an_empty_table_still_has_its_columns(tmp_path: Path) -> None:
    save([], "alps", tmp_path / "stations.csv")
    read = read_manifest(tmp_path / "stations.csv")
    assert len(read) == 0
    assert list(read.columns) == list(STATION_COLUMNS)


def test_an_error_message_stays_in_its_cell(tmp_path: Path) -> None:
    message = 'line one\nline "two",\r\n\tand\x00 three'
    failed = outcome(status="failed", error_type="OSError", error_message=message)
    write_table(
        station_rows([failed], "alps"), STATION_COLUMNS, tmp_path / "stations.csv"
    )
    assert len((tmp_path / "stations.csv").read_bytes().splitlines()) == 2
    read = read_manifest(tmp_path / "stations.csv")
    assert read["error_message"][0] == 'line one line "two", and three'


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (("ok", "failed", "empty"), "failed"),
        (("empty", "ok", "skipped"), "ok"),
        (("skipped", "empty"), "empty"),
        (("skipped", "skipped"), "skipped"),
    ],
)
def test_windows_of_a_station_are_one_row(
    statuses: tuple[str, ...], expected: str
) -> None:
    windows = [
        outcome(
            status=status,
            window=(number * 10, number * 10 + 9),
            traces_in=1,
            samples_in=10,
            traces_out=int(status == "ok"),
            samples_out=10 * int(status == "ok"),
            start=number * 10,
            end=number * 10 + 9,
            channels=(f".HH{'ZNE'[number]}",),
            error_message=f"window {number}" if status == "failed" else "",
            seconds=0.5,
            worker=f"worker {number}",
        )
        for number, status in enumerate(statuses)
    ]
    (row,) = station_table(windows, "alps").to_dict("records")
    assert row["status"] == expected
    assert row["samples_in"] == 10 * len(statuses)
    assert row["samples_out"] == 10 * statuses.count("ok")
    if "ok" in statuses:
        number = statuses.index("ok")
        assert row["start"] == format_time(number * 10)
        assert row["channels"] == f".HH{'ZNE'[number]}"
    (timing,) = timings_rows(windows, "alps")
    assert timing["seconds"] == 0.5 * len(statuses)
    assert timing["worker"] == ", ".join(f"worker {n}" for n in range(len(statuses)))


def test_the_digest_of_windows_does_not_depend_on_their_order() -> None:
    windows = [outcome(window=(n, n + 1), digest=f"{n:032x}") for n in range(3)]
    one = station_table(windows, "alps")["digest"][0]
    other = station_table(windows[::-1], "alps")["digest"][0]
    assert one == other
    assert len(one) == 32
    assert one != station_table(windows[:2], "alps")["digest"][0]


def test_times_are_exact_far_from_now() -> None:
    assert format_time(-1) == "1969-12-31T23:59:59.999999999Z"
    assert format_time(-(2**63)) == "1677-09-21T00:12:43.145224192Z"
    assert format_time(2**63 - 1) == "2262-04-11T23:47:16.854775807Z"
    assert format_time(None) == ""


def test_manifests_are_joined_and_sorted(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_table(
            station_rows([OK, outcome("NA.X")], name), STATION_COLUMNS, tmp_path / name
        )
    join_manifests([tmp_path / "b", tmp_path / "a"], tmp_path / "all")
    lines = (tmp_path / "all").read_text().splitlines()
    assert lines == [
        *(tmp_path / "a").read_text().splitlines(),
        *(tmp_path / "b").read_text().splitlines()[1:],
    ]


def test_joining_a_data_set_twice_names_both_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save([OK], "alps", tmp_path / name)
    with pytest.raises(InputError, match=r"one and .*two: both have data set alps"):
        join_manifests([tmp_path / "one", tmp_path / "two"], tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_what_is_no_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputMissingError, match=r"absent\.csv: no such manifest"):
        read_manifest(tmp_path / "absent.csv")
    write_table(timings_rows([OK], "alps"), TIMING_COLUMNS, tmp_path / "timings.csv")
    assert len(TIMING_COLUMNS) == 8
    for content in (b"", b"\xff\xfe\x00", b"a,b\n1,2\n"):
        (tmp_path / "odd.csv").write_bytes(content)
        with pytest.raises(InputError, match=r"odd\.csv: not a station manifest"):
            read_manifest(tmp_path / "odd.csv")
    with pytest.raises(InputError, match=r"timings\.csv: not a station manifest"):
        read_manifest(tmp_path / "timings.csv")


def test_an_error_message_that_utf8_has_no_form_for(tmp_path: Path) -> None:
    failed = outcome(status="failed", error_message="no file \udcff.dat")
    write_table(
        station_rows([failed], "alps"), STATION_COLUMNS, tmp_path / "stations.csv"
    )
    read = read_manifest(tmp_path / "stations.csv")
    assert read["error_message"][0] == r"no file \udcff.dat"


def test_nothing_is_left_of_a_table_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "stations.csv").mkdir()
    with pytest.raises(OSError, match=r"directory|Directory"):
        write_table(
            station_rows([OK], "alps"), STATION_COLUMNS, tmp_path / "stations.csv"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["stations.csv"]
