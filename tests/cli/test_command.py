"""The command as users run it: what it prints, its exit codes, what it leaves."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

import asdf_pipeline
from asdf_pipeline.container.digest import file_digest
from tests.cli.conftest import PACKAGE_COMMAND, Run

Command = Callable[..., Run]
VERBS = (
    *("init", "config", "stage", "try", "process", "compare", "merge", "manifest"),
    *("report", "info", "digest", "verify", "repair", "status"),
)


def process(command: Command, *arguments: object) -> Run:
    return command(
        *("process", "staged.h5", "processed.h5", "--tag", "raw=done"),
        *("--backend", "serial", *arguments),
    )


def test_help_names_every_verb(command: Command) -> None:
    run = command("--help")
    assert run.code == 0
    for verb in VERBS:
        assert f"\n  {verb} " in run.out or f"\n    {verb} " in run.out
        assert "examples:\n  asdf-pipeline " in command(verb, "--help").out


def test_help_loads_nothing_heavy() -> None:
    heavy = "obspy h5py numpy pandas snakemake mpi4py yaml tqdm"
    code = (
        "import sys, asdf_pipeline.cli\n"
        "asdf_pipeline.cli.build_parser().format_help()\n"
        f"print(sorted(set('{heavy}'.split()) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_version(command: Command) -> None:
    run = command("--version")
    assert (run.code, run.out.split()[0]) == (0, "asdf-pipeline")


def test_the_installed_script_is_the_same_command() -> None:
    script = Path(sys.executable).with_name("asdf-pipeline")
    done = subprocess.run(
        [script, "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("asdf-pipeline ")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("dance",),
        ("process",),
        ("process", "a.h5", "b.h5", "--function", "f.py:f", "--tag"),
        ("process", "a", "b", "--function", "f:f", "--tag", "a=b", "--workers", "0"),
        ("process", "a", "b", "--function", "f:f", "--tag", "a=b")
        + ("--traceback-limit", "-1"),
        ("digest",),
    ],
)
def test_wrong_arguments(command: Command, arguments: tuple[str, ...]) -> None:
    run = command(*arguments)
    assert run.code == 2
    assert run.err.splitlines() == [run.complaint]
    assert " --help')" in run.complaint


def test_from_recordings_to_manifest(
    command: Command, staged: Path, tmp_path: Path
) -> None:
    before = (staged.stat().st_mtime_ns, staged.read_bytes())
    run = process(
        command, "--function", "functions.py:needs_metadata", "--outcomes", "outcomes"
    )
    assert run.code == 0, run.err
    assert "2 ok, 1 empty" in run.err
    run = command(
        *("manifest", "staged.h5", "processed.h5", "--outcomes", "outcomes"),
        *("--output", "stations.csv", "--timings", "timings.csv"),
    )
    assert run.code == 0, run.err
    with (tmp_path / "stations.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [
        (row["dataset"], row["network"], row["station"], row["status"]) for row in rows
    ] == [
        ("staged", "BW", "BGLD", "empty"),
        ("staged", "BW", "RJOB", "ok"),
        ("staged", "IU", "ULN", "ok"),
    ]
    assert rows[1]["start"] == "2009-08-24T00:20:03.000000000Z"
    assert rows[1]["channels"] == ".EHE .EHN .EHZ"
    assert (tmp_path / "timings.csv").read_text().count("\n") == 4
    assert before == (staged.stat().st_mtime_ns, staged.read_bytes())
    assert not (tmp_path / "processed.h5.work").exists()


def test_digests_are_those_of_any_backend(
    command: Command, staged: Path, tmp_path: Path
) -> None:
    function = ("--function", "functions.py:identity")
    assert process(command, *function).code == 0
    (tmp_path / "processed.h5").rename(tmp_path / "serial.h5")
    parallel = ("--backend", "multiprocessing", "--workers", "2")
    assert process(command, *function, *parallel).code == 0
    run = command("digest", "serial.h5", "processed.h5")
    (one, first), (other, second) = (line.split("  ") for line in run.out.splitlines())
    assert (one, len(one)) == (other, 32)
    assert (first, second) == ("serial.h5", "processed.h5")


def test_a_failed_station(command: Command, staged: Path, tmp_path: Path) -> None:
    arguments = (
        *("--function", "functions.py:fails", "--outcomes", "outcomes"),
        *("--parameters", '{"station": "ULN", "message": "two\\nlines, \\"quoted\\""}'),
    )
    run = process(command, *arguments)
    assert run.code == 1
    assert "Station IU.ULN, tag raw" in run.err
    line = next(line for line in run.err.splitlines() if line.startswith("asdf-pipe"))
    assert 'IU.ULN (raw): ValueError: two lines, "quoted"' in line
    assert "--max-failures 1 (max_failures)" in line
    assert not (tmp_path / "processed.h5").exists()
    table = Path(line.split("Outcomes: ")[1].split(". The")[0])
    statuses = [json.loads(row)["status"] for row in table.read_text().splitlines()]
    assert statuses == ["ok", "ok", "failed"]

    run = command("status", "processed.h5.work")
    assert run.code == 0
    assert "2 of 3 done" in run.out.splitlines()

    run = process(command, *arguments, "--max-failures", "1")
    assert run.code == 0
    assert "3 outcomes (2 ok, 1 failed)" in run.err
    command(
        *("manifest", "staged.h5", "processed.h5", "--outcomes", "outcomes"),
        *("--output", "stations.csv"),
    )
    with (tmp_path / "stations.csv").open(newline="") as file:
        row = list(csv.DictReader(file))[2]
    assert row["status"] == "failed"
    assert row["error_type"] == "ValueError"
    assert row["error_message"] == 'two lines, "quoted"'


def test_an_output_that_exists(command: Command, staged: Path, tmp_path: Path) -> None:
    (tmp_path / "processed.h5").write_bytes(b"precious")
    run = process(command, "--function", "functions.py:identity")
    assert run.code == 2
    assert "processed.h5" in run.complaint
    assert "exists" in run.complaint
    assert (tmp_path / "processed.h5").read_bytes() == b"precious"
    assert not (tmp_path / "processed.h5.work").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--tag", "raw"), "'raw': expected INPUT_TAG=OUTPUT_TAG"),
        (("--tag", "other=done"), "all map to the output tag 'done'"),
        (("--tag", "raw=Done"), "the input tag 'raw' is given twice"),
        (("--parameters", "[1"), "'[1': no such file, and no mapping"),
        (("--parameters", "{a: [}"), "--parameters: neither JSON nor YAML"),
        (("--function", "functions.py:absent"), "absent"),
        (("--function", "absent.py:f"), "absent.py"),
        (
            ("--function", "asdf_pipeline.steps:no"),
            "functions: chain, correlate, cut, detrend",
        ),
        (("--window", "a day"), "--window: 'a day' is no duration"),
        (("--max-failures", "5", "--work-dir", "functions.py"), "functions.py"),
        (("--work-dir", "."), "processed.h5: lies in the work directory"),
        (
            ("--outcomes", "processed.h5.work/outcomes.jsonl"),
            "outcomes.jsonl: lies in the work directory",
        ),
    ],
)
def test_a_wrong_call_leaves_nothing(
    command: Command,
    staged: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    run = process(command, "--function", "functions.py:identity", *arguments)
    assert run.code in (1, 2)
    assert message in run.complaint
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] != "_") == [
        "functions.py",
        "staged.h5",
    ]


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (None, 2, "input.h5"),
        (b"not HDF5", 1, "input.h5: not an HDF5 file"),
        (b"\x89HDF\r\n\x1a\n cut off", 1, "input.h5"),
    ],
)
@pytest.mark.parametrize("verb", ["info", "digest", "verify", "stage", "process"])
def test_an_input_that_is_none(
    command: Command,
    tmp_path: Path,
    verb: str,
    content: bytes | None,
    code: int,
    message: str,
) -> None:
    if content is not None:
        (tmp_path / "input.h5").write_bytes(content)
    arguments: tuple[str, ...] = ("input.h5",)
    if verb == "stage":
        arguments = ("--asdf", "input.h5", "--output", "out.h5")
    elif verb == "process":
        arguments += ("out.h5", "--function", "functions.py:identity", "--tag", "a=b")
    run = command(verb, *arguments)
    assert run.code == code
    assert message in (run.complaint if verb != "verify" else run.err)
    assert not list(tmp_path.glob("out.h5*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--waveforms", "absent/*"), "give --tag: under which tag"),
        (("--waveforms", "absent/*", "--tag", "raw"), "'absent/*' matches no file"),
        (("--waveforms", "functions.py", "--tag", "r"), "functions.py: in no waveform"),
        (("--asdf", "a.h5", "--tag", "raw"), "--asdf goes without"),
        (("--asdf", "absent.h5"), "absent.h5"),
    ],
)
def test_staging_that_cannot_be(
    command: Command, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    run = command("stage", *arguments, "--output", "out.h5")
    assert run.code in (1, 2)
    assert message in run.complaint
    assert [path.name for path in tmp_path.iterdir()] == ["functions.py"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("raise SystemExit('enough')", "SystemExit: enough"),
        ("st[0].stats.station = 'OTHER'; return st", "TraceError: "),
    ],
)
def test_a_trial_refuses_what_a_run_would(
    command: Command, staged: Path, tmp_path: Path, body: str, error: str
) -> None:
    (tmp_path / "wrong.py").write_text(f"def process(st, inv):\n    {body}\n")
    run = command("try", "staged.h5", "--function", "wrong.py:process")
    assert run.code == 1
    assert error in run.err
    assert "out:" not in run.out


def test_info(command: Command, staged: Path) -> None:
    facts = json.loads(command("info", "--json", "staged.h5").out)
    assert facts["stations"] == 3
    assert facts["with_stationxml"] == 2
    assert facts["traces_by_tag"] == {"raw": 8}
    assert facts["events"] == 2
    assert facts["start"] == "2007-12-31T23:59:59.915000000Z"
    lines = command("info", "staged.h5").out.splitlines()
    assert ["stations", "3"] in [line.split() for line in lines]
    assert ["tags", "raw"] in [line.split() for line in lines]


def test_info_of_the_system(command: Command) -> None:
    lines = command("info", "--system").out.splitlines()
    assert f"asdf_pipeline_version: {asdf_pipeline.__version__}" in lines
    assert f"obspy: {version('obspy')}" in lines
    facts = json.loads(command("info", "--system", "--json").out)
    assert facts["module_versions"]["h5py"] == version("h5py")
    for wrong in ((), ("--system", "staged.h5")):
        done = command("info", *wrong)
        assert done.code == 2
        assert "give either a file or --system" in done.err


def test_outcomes_of_another_run_are_found_out(
    command: Command, staged: Path, tmp_path: Path
) -> None:
    function = ("--function", "functions.py:identity")
    assert process(command, *function, "--outcomes", "outcomes").code == 0

    def manifest(outcomes: str, output: str = "processed.h5") -> str:
        run = command(
            *("manifest", "staged.h5", output, "--outcomes", outcomes),
            *("--output", "stations.csv"),
        )
        assert run.code in (1, 2)
        assert not (tmp_path / "stations.csv").exists()
        return run.complaint

    lines = (tmp_path / "outcomes").read_text().splitlines(keepends=True)
    (tmp_path / "fewer").write_text("".join(lines[1:]))
    assert "fewer: no outcome for station BW.BGLD, tag raw" in manifest("fewer")
    (tmp_path / "other").write_text("".join(lines).replace("BW.RJOB", "BW.ROTZ"))
    assert "other: no outcome for station BW.RJOB" in manifest("other")
    (tmp_path / "short").write_text("".join(lines)[:-30])
    assert "short: holds no outcomes, or is cut off" in manifest("short")
    (tmp_path / "none").write_text("")
    assert "none: holds no outcomes" in manifest("none")
    assert "absent: no such file" in manifest("absent")
    assert "there are 4 with" in manifest("outcomes", "staged.h5")


@pytest.mark.parametrize(
    ("options", "statuses"),
    [
        (("--window", "10s", "--overlap", "2s"), ["ok", "ok", "ok"]),
        (("--channels", "EHZ"), ["skipped", "ok", "skipped"]),
        (("--limit", "1"), ["ok", "skipped", "skipped"]),
    ],
)
def test_windows_and_selections_are_accounted_for(
    command: Command,
    staged: Path,
    tmp_path: Path,
    options: tuple[str, ...],
    statuses: list[str],
) -> None:
    outcomes = ("--outcomes", "outcomes")
    run = process(command, "--function", "functions.py:identity", *outcomes, *options)
    assert run.code == 0, run.err
    run = command(
        *("manifest", "staged.h5", "processed.h5", *outcomes),
        *("--output", "stations.csv"),
    )
    assert run.code == 0, run.err
    with (tmp_path / "stations.csv").open(newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == statuses
    run = command("verify", "processed.h5", "--manifest", "stations.csv")
    assert (run.code, run.err) == (0, "")


def test_a_changed_sample_is_found_out(
    command: Command, staged: Path, tmp_path: Path
) -> None:
    outcomes = ("--outcomes", "outcomes")
    assert process(command, "--function", "functions.py:identity", *outcomes).code == 0
    command(
        *("manifest", "staged.h5", "processed.h5", *outcomes),
        *("--output", "stations.csv"),
    )
    verify = ("verify", "processed.h5", "--manifest", "stations.csv")
    assert command(*verify).out == "processed.h5: ok\n"
    (tmp_path / "processed.h5").unlink()
    process(command, "--function", "functions.py:louder")
    run = command(*verify)
    assert run.code == 1
    lines = run.err.splitlines()
    assert len(lines) == 3
    for line, station in zip(lines, ("BW.BGLD", "BW.RJOB", "IU.ULN"), strict=True):
        assert line.startswith("processed.h5: ")
        assert station in line


def test_manifests_of_two_data_sets_are_joined(
    command: Command, staged: Path, tmp_path: Path
) -> None:
    process(command, "--function", "functions.py:identity", "--outcomes", "outcomes")
    for name in ("b", "a"):
        run = command(
            *("manifest", "staged.h5", "processed.h5", "--outcomes", "outcomes"),
            *("--dataset", name, "--output", f"{name}.csv"),
        )
        assert run.code == 0, run.err
    assert (
        command("manifest", "--join", "b.csv", "a.csv", "--output", "all.csv").code == 0
    )
    lines = (tmp_path / "all.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["dataset", *"aaabbb"]
    run = command("manifest", "--join", "a.csv", "a.csv", "--output", "twice.csv")
    assert run.code == 1
    assert "give each data set a name of its own" in run.complaint


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        (("manifest", "--output", "outcomes"), "outcomes"),
        (
            ("manifest", "--output", "m.csv", "--timings", "processed.h5"),
            "processed.h5",
        ),
        (("report", "--output", "staged.h5"), "staged.h5"),
    ],
)
def test_what_is_read_is_not_replaced(
    command: Command,
    staged: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    read: str,
) -> None:
    process(command, "--function", "functions.py:identity", "--outcomes", "outcomes")
    before = (tmp_path / read).read_bytes()
    run = command(*arguments, "staged.h5", "processed.h5", "--outcomes", "outcomes")
    assert run.code == 2
    assert f"{read}: would replace {read}, which is read" in run.complaint
    assert (tmp_path / read).read_bytes() == before


def test_a_joined_manifest_replaces_no_part(
    command: Command, staged: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("dataset\n")
    run = command("manifest", "--join", "a.csv", "--output", "a.csv")
    assert run.code == 2
    assert "a.csv: would replace a.csv, which is read" in run.complaint


def test_the_status_of_nothing(command: Command) -> None:
    run = command("status", "absent.work")
    assert run.code == 2
    assert "absent.work: no work directory" in run.complaint


def test_the_status_of_a_run_that_goes_on(
    command: Command, staged: Path, tmp_path: Path
) -> None:
    running = subprocess.Popen(
        [
            *(*PACKAGE_COMMAND, "process", "staged.h5", "processed.h5"),
            *("--tag", "raw=done", "--function", "functions.py:waits"),
            *("--parameters", '{"station": "RJOB"}', "--backend", "serial"),
            *("--seal-every", "0", "--progress", "none"),
        ],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    lines = [""]
    while lines[0] not in ("1 of 3 done", "2 of 3 done"):  # sealed before it waits
        assert running.poll() is None
        assert time.monotonic() < deadline
        lines = command("status", "processed.h5.work").out.splitlines() or [""]
    (tmp_path / "go").touch()
    assert running.wait(timeout=60) == 0
    done = int(lines[0][0])
    assert lines[1].split() == ["ok", str(done)]
    assert lines[5].split() == ["left", str(3 - done)]
    assert re.match(rf"running since 20.*: host .*, process {running.pid}", lines[6])
    assert re.match(r"[0-9.]+ a minute; expected end 20..-..-..T..:..Z", lines[7])


def test_a_reader_that_leaves_is_no_error(staged: Path, tmp_path: Path) -> None:
    writing = subprocess.Popen(
        [*PACKAGE_COMMAND, "info", "staged.h5"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert writing.stdout is not None
    writing.stdout.close()
    assert writing.stderr is not None
    with writing.stderr as said:
        assert said.read() == ""
    assert writing.wait(timeout=60) == 141


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_staging_that_is_stopped_goes_on_where_it_was(
    recordings: Path, staged_once: Path, tmp_path: Path, signum: int, code: int
) -> None:
    words = [
        *(*PACKAGE_COMMAND, "stage", "--tag", "raw", "--output", "out.h5"),
        *("--waveforms", recordings / "*.mseed"),
        *("--stations", recordings / "ULN.xml", recordings / "RJOB.xml"),
        *("--events", recordings / "events.xml"),
    ]
    running = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    flight = tmp_path / "out.h5.work" / "flight"
    while not flight.exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    running.send_signal(signum)
    _, said = running.communicate(timeout=60)
    if running.returncode:  # else it was done before it heard of it
        assert running.returncode == code
        assert said.splitlines()[-1].startswith("asdf-pipeline: error: ")
        assert [path.name for path in tmp_path.iterdir()] == ["out.h5.work"]
        subprocess.run(words, cwd=tmp_path, check=True, timeout=120)
    assert [path.name for path in tmp_path.iterdir()] == ["out.h5"]
    assert file_digest(tmp_path / "out.h5") == file_digest(staged_once)
