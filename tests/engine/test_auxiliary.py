"""Auxiliary data that a function returns: written, covered, resumed, on all teams."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pyasdf
import pytest

from asdf_pipeline import ASDFDataSet, Result
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.verify import verify
from asdf_pipeline.engine import ProcessTask, run
from asdf_pipeline.errors import AuxiliaryError
from asdf_pipeline.journal.path_owners import PathOwners
from asdf_pipeline.plan.outcome import read_outcomes
from asdf_pipeline.plan.selection import Windows
from asdf_pipeline.times import SECOND
from tests.engine import functions
from tests.engine.conftest import FUNCTIONS, PROCESSES, SERIAL, Way
from tests.team.conftest import STATIONS

if TYPE_CHECKING:
    from pathlib import Path

TAGS = ("--tag", "raw_recording=processed")
PATHS = sorted(
    path
    for station in STATIONS
    for code in [station.replace(".", "_")]
    for path in (f"Peaks/{code}", f"Spectra/{code}/first")
)


def our_command(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "asdf_pipeline", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def manifest(example: Path, folder: Path) -> Path:
    """Write the manifest of ``out.h5`` from ``outcomes.jsonl``; return its path."""
    table = folder / "stations.csv"
    done = our_command(
        *("manifest", example, folder / "out.h5"),
        *("--outcomes", folder / "outcomes.jsonl", "--output", table),
    )
    assert done.returncode == 0, done.stderr
    return table


@pytest.fixture(scope="module")
def serial(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the outputs of each function by the serial team, by name."""
    folder = tmp_path_factory.mktemp("serial")
    for name in ("both", "only_arrays"):
        task = ProcessTask(
            example,
            folder / f"{name}.h5",
            getattr(functions, name),
            {"raw_recording": "processed"},
            backend="serial",
            progress="none",
        )
        run(task)
    return folder


def flip(path: Path, name: str) -> None:
    """Change one byte of an array, wherever it is stored."""
    with h5py.File(path, "r") as file:
        dataset = file["AuxiliaryData"][name]
        if dataset.chunks:
            place = dataset.id.get_chunk_info(0).byte_offset + 3
        else:
            place = dataset.id.get_offset() + 3
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 0x10]))


@pytest.mark.parametrize("function", ["both", "only_arrays"])
def test_every_team_writes_the_same_and_verify_finds_a_flipped_byte(
    way: Way, function: str, example: Path, tmp_path: Path, serial: Path
) -> None:
    out, outcomes = tmp_path / "out.h5", tmp_path / "outcomes.jsonl"
    done = way.start("process", function, example, out, *TAGS, "--outcomes", outcomes)
    assert done.returncode == 0, done.stderr
    assert file_digest(out) == file_digest(serial / f"{function}.h5")
    found = {outcome.station: outcome for outcome in read_outcomes(outcomes)}
    assert sorted(path for o in found.values() for path in o.auxiliary) == PATHS
    assert {o.status for o in found.values()} == {"ok"}
    with Reader(out) as reader:
        assert reader.auxiliary_paths() == PATHS
        assert reader.stations() == (list(STATIONS) if function == "both" else [])
    table = manifest(example, tmp_path)
    done = our_command("verify", out, "--manifest", table)
    assert done.returncode == 0, done.stderr
    flip(out, "Peaks/XX_S03")
    done = our_command("verify", out, "--manifest", table)
    assert done.returncode == 1
    assert "XX.S03" in done.stderr or "Peaks/XX_S03" in done.stderr
    assert "auxiliary data" in done.stderr


def test_pyasdf_reads_what_was_written(serial: Path, example: Path) -> None:
    with (
        pyasdf.ASDFDataSet(str(serial / "both.h5"), mode="r") as theirs,
        Reader(example) as source,
    ):
        st = source.stream("XX.S05", "raw_recording")
        assert len(theirs.waveforms["XX.S05"].processed) == len(st)
        assert theirs.auxiliary_data.list() == ["Peaks", "Spectra"]
        peaks = theirs.auxiliary_data.Peaks.XX_S05
        wanted, parameters = functions._arrays(st)["Peaks/XX_S05"]
        assert (peaks.data[:] == wanted).all()
        assert peaks.parameters["unit"] == "counts"
        assert list(peaks.parameters["channels"]) == parameters["channels"]
        assert peaks.parameters["n"] == 3
        assert peaks.provenance_id.startswith("{http://seisprov.org/")
        spectrum = theirs.auxiliary_data.Spectra.XX_S05.first
        assert (spectrum.data[:] == np.fft.rfft(st[0].data)).all()


def test_its_record_of_provenance_is_in_the_file(serial: Path) -> None:
    with ASDFDataSet(serial / "only_arrays.h5", mode="r") as data_set:
        (item,) = data_set.auxiliary_data.Spectra.XX_S05
        (name,) = data_set.provenance.list()
        document = data_set.open_file.reader.provenance()[name].decode()
        local = item.provenance_id.rpartition("}")[2]
    assert f'prov:id="seis_prov:{local}"' in document
    assert "auxiliary data Peaks/XX_S05 Spectra/XX_S05/first" in document


def test_two_stations_that_write_one_path_are_both_named(
    way: Way, example: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.h5"
    done = way.start("process", "same_path", example, out, *TAGS)
    assert done.returncode == 1
    (line,) = [one for one in done.stderr.splitlines() if "error:" in one]
    for word in ("'Peaks/shared'", "XX.S02/raw_recording", "XX.S09/raw_recording"):
        assert word in line
    assert not out.exists()


def test_a_wrong_path_fails_its_station(example: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    report = run(
        ProcessTask(
            example, out, functions.bad_path, {"raw_recording": "p"}, progress="none"
        )
    )
    (failure,) = report.failures
    assert failure.station == "XX.S03"
    assert failure.error_type == "AuxiliaryError"
    assert "'Peaks/XX_S03' is an array, not a group" in failure.error_message
    with Reader(out) as reader:
        assert len(reader.auxiliary_paths()) == 2 * (len(STATIONS) - 1)


def test_texts_that_utf8_has_no_form_for_fail_their_stations(
    example: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.h5"
    tags = {"raw_recording": "p"}
    report = run(ProcessTask(example, out, functions.no_text, tags, progress="none"))
    assert [(one.station, one.error_type) for one in report.failures] == [
        ("XX.S03", "AuxiliaryError"),
        ("XX.S04", "TraceError"),
        ("XX.S05", "TraceError"),
    ]
    assert verify(out) == []
    with Reader(out) as reader:
        assert len(reader.stations()) == len(STATIONS) - 3


@pytest.mark.parametrize("way", [SERIAL, PROCESSES], ids=lambda way: way.name)
def test_a_killed_run_resumes(
    way: Way, example: Path, tmp_path: Path, serial: Path
) -> None:
    out, calls = tmp_path / "out.h5", tmp_path / "calls"
    parameters = json.dumps({"calls": str(calls), "times": 8})
    words = (
        *(example, out, *TAGS, "--seal-every", "0"),
        *("--parameters", parameters),
    )
    assert way.start("process", "killed_once", *words).returncode != 0
    assert not out.exists()
    done = way.start("process", "killed_once", *words)
    assert done.returncode == 0, done.stderr
    assert file_digest(out) == file_digest(serial / "both.h5")
    assert len(calls.read_text().split()) < 2 * len(STATIONS)


def test_windows_have_paths_of_their_own(example: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "out.h5", tmp_path / "outcomes.jsonl"
    task = ProcessTask(
        example,
        out,
        functions.by_window,
        {"raw_recording": "processed"},
        windows=Windows(2 * SECOND),
        outcomes=table,
        progress="none",
    )
    report = run(task)
    assert report.counts == {"ok": len(STATIONS)}
    assert all(len(outcome.auxiliary) > 1 for outcome in report.outcomes)
    assert len({path for o in report.outcomes for path in o.auxiliary}) == len(
        [path for o in report.outcomes for path in o.auxiliary]
    )
    rows = manifest(example, tmp_path)
    assert our_command("verify", out, "--manifest", rows).returncode == 0
    flip(out, report.outcomes[4].auxiliary[0])
    assert our_command("verify", out, "--manifest", rows).returncode == 1


def test_windows_that_share_a_path_are_refused(example: Path, tmp_path: Path) -> None:
    windows = Windows(2 * SECOND)
    task = ProcessTask(
        example,
        tmp_path / "out.h5",
        functions.both,
        {"raw_recording": "p"},
        windows=windows,
        progress="none",
    )
    with pytest.raises(AuxiliaryError, match=r"each station, tag and window a path"):
        run(task)


@pytest.fixture
def with_arrays(example: Path, tmp_path: Path) -> Path:
    """Return an input that has auxiliary data itself, written by pyasdf."""
    path = shutil.copy2(example, tmp_path / "in.h5")
    with pyasdf.ASDFDataSet(str(path)) as data_set:
        data_set.add_auxiliary_data(np.arange(5), "Old", "a/b", parameters={"x": 1})
        data_set.add_auxiliary_data(np.ones(3), "Peaks", "mine", parameters={})
    return path


@pytest.mark.parametrize("way", [SERIAL, PROCESSES], ids=lambda way: way.name)
def test_the_inputs_is_copied_on_request(
    way: Way, with_arrays: Path, tmp_path: Path
) -> None:
    out, outcomes = tmp_path / "out.h5", tmp_path / "outcomes.jsonl"
    words = (with_arrays, out, *TAGS, "--outcomes", outcomes)
    done = way.start("process", "both", *words)
    assert "its auxiliary data (2) is not copied to the output" in done.stderr
    with Reader(out) as reader:
        assert reader.auxiliary_paths() == PATHS
    out.unlink()
    done = way.start("process", "both", *words, "--copy-auxiliary")
    assert done.returncode == 0, done.stderr
    assert "is not copied" not in done.stderr
    with Reader(out) as reader:
        assert reader.auxiliary_paths() == sorted([*PATHS, "Old/a/b", "Peaks/mine"])
        array, parameters = reader.auxiliary("Old/a/b")
        assert array.tolist() == [0, 1, 2, 3, 4]
        assert parameters == {"x": 1}
    table = manifest(with_arrays, tmp_path)
    assert our_command("verify", out, "--manifest", table).returncode == 0


def test_a_path_of_the_inputs_is_taken(with_arrays: Path, tmp_path: Path) -> None:
    def takes_it(st: Any, inv: Any) -> Result:
        return (
            Result(st, {f"Peaks/{st[0].stats.station}": st[0].data})
            if (st[0].stats.station != "S04")
            else Result(st, {"Peaks/mine": st[0].data})
        )

    task = ProcessTask(
        with_arrays,
        tmp_path / "out.h5",
        takes_it,
        {"raw_recording": "p"},
        copy_auxiliary=True,
        progress="none",
    )
    with pytest.raises(AuxiliaryError, match=r"XX\.S04/raw_recording and the input"):
        run(task)


def test_what_failed_is_tried_again(example: Path, tmp_path: Path) -> None:
    """Auxiliary data of several runs in one output is told apart."""
    out, outcomes = tmp_path / "out.h5", tmp_path / "outcomes.jsonl"
    words = (example, out, *TAGS, "--outcomes", outcomes, "--max-failures", 1)
    assert SERIAL.start("process", "bad_path", *words).returncode == 0
    done = SERIAL.start("process", "both", *words, "--only-failed")
    assert done.returncode == 0, done.stderr
    with Reader(out) as reader:
        assert reader.auxiliary_paths() == PATHS
    table = manifest(example, tmp_path)
    done = our_command("verify", out, "--manifest", table)
    assert done.returncode == 0, done.stderr
    assert verify(out) == []


def test_try_tells_of_arrays(example: Path) -> None:
    done = our_command(
        *("try", example, "--function", f"{FUNCTIONS}:both", "--station", "XX.S01"),
        *("--tag", "raw_recording"),
    )
    assert done.returncode == 0, done.stderr
    assert "auxiliary data Peaks/XX_S01: 3 x 2, float64" in done.stdout


@pytest.mark.parametrize(
    ("first", "second"), [("A/b", "A/b"), ("A/b", "A/b/c"), ("A/b/c", "A/b")]
)
def test_claims(first: str, second: str) -> None:
    path_owners = PathOwners()
    path_owners.take(first, "one")
    path_owners.take(first, "one")  # computed again: its own
    with pytest.raises(AuxiliaryError, match="'" + second + "' .* one and two"):
        path_owners.take(second, "two")
    path_owners.take("A/other", "two")
    path_owners.give_back("A/other")
    path_owners.take("A/other", "three")
