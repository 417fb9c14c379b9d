"""What `verify` finds: flipped bytes, and whatever else is not as the manifest says."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.reliability import flips
from tests.reliability.command import Running, command

if TYPE_CHECKING:
    from collections.abc import Callable

FLIPS = 200
LIMIT = 5  # stations
STEPS = Path(__file__).with_name("steps.py")
WAYS = [
    "compressed",
    "not compressed",
    pytest.param("mpio", marks=pytest.mark.requires("parallel-hdf5")),
]


def process_without_compression(words: list[str]) -> int:
    """Process as a script does that wants no compression; keep the outcomes."""
    from asdf_pipeline import ASDFDataSet
    from asdf_pipeline.engine.report import Outcomes
    from asdf_pipeline.plan.selection import Selection
    from tests.reliability.steps import identity

    with ASDFDataSet(words[0], mode="r", compression=None) as data_set:
        tags = {"raw_recording": "processed"}
        few = Selection(limit=LIMIT)
        report = data_set.process(
            identity, "out.h5", tags, progress="none", selection=few
        )
    Outcomes.of(report.outcomes).save(Path("outcomes.jsonl"))
    return 0


@pytest.fixture(scope="module")
def processed(
    data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return a function that makes a processed file with its manifest, each once."""
    made: dict[str, Path] = {}

    def make(way: str) -> Path:
        if way in made:
            return made[way]
        folder = made[way] = tmp_path_factory.mktemp("processed")
        words = [
            *("process", str(data), "out.h5", "--outcomes", "outcomes.jsonl"),
            *("--function", f"{STEPS}:identity", "--tag", "raw_recording=processed"),
            *("--limit", str(LIMIT)),
        ]
        if way == "mpio":
            from tests.conftest import launcher, mpi_environment, parallel_python

            python = parallel_python()
            start = launcher(python)
            assert start is not None
            subprocess.run(
                [
                    *(start, "-n", "2", python, "-m", "mpi4py", "-m", "asdf_pipeline"),
                    *(*words, "--backend", "mpi", "--io", "parallel"),
                ],
                cwd=folder,
                env=mpi_environment() | {"PYTHONPATH": str(ROOT)},
                check=True,
                timeout=120,
            )
        elif way == "not compressed":
            done = Running(data, cwd=folder, main=process_without_compression).wait()
            assert done.code == 0, done.err
        else:
            done = command(*words, cwd=folder)
            assert done.code == 0, done.err
        made_table = command(
            *("manifest", data, "out.h5", "--outcomes", "outcomes.jsonl"),
            *("--output", "stations.csv"),
            cwd=folder,
        )
        assert made_table.code == 0, made_table.err
        return folder

    return make


def run_flips(folder: Path, *options: object) -> list[flips.Flip]:
    """Flip bytes in a process of its own, which a crash would end."""
    before = (folder / "out.h5").read_bytes()
    words = ("out.h5", "stations.csv", "--flips", FLIPS, *options)
    done = Running(*words, cwd=folder, main=flips.main).wait(300)
    assert done.code == 0, done.err
    assert (folder / "out.h5").read_bytes() == before
    *lines, _ = done.out.splitlines()
    return [flips.Flip(**json.loads(line)) for line in lines]


@pytest.mark.parametrize("way", WAYS)
def test_every_flip_in_the_data_is_found(
    processed: Callable[[str], Path], way: str
) -> None:
    tried = run_flips(processed(way), "--seed", 1)
    assert sum(flip.in_data for flip in tried) == FLIPS
    assert [flip for flip in tried if not flip.found] == []
    named = [flip for flip in tried if "XX.S0" in flip.found]
    assert len(named) > FLIPS / 2  # else it was in the events or the provenance


@pytest.mark.parametrize("way", WAYS)
def test_a_flip_anywhere_is_found_or_changes_nothing(
    processed: Callable[[str], Path], way: str
) -> None:
    tried = run_flips(processed(way), "--seed", 2, "--anywhere")
    assert [flip for flip in tried if not flip.found and not flip.harmless] == []


def edit(path: Path, how: str) -> None:
    """Spoil a processed file with h5py, as a user's slip would."""
    with h5py.File(path, "r+") as file:
        station = file["Waveforms/XX.S003"]
        first, second = (name for name in station if name != "StationXML")
        if how == "a sample":
            samples = station[first][:]
            del_and_write(station, first, samples, 5)
        elif how == "a start time":
            station[first].attrs.modify(
                "starttime", station[first].attrs["starttime"] + 1
            )
        elif how == "a sampling rate":
            station[first].attrs.modify("sampling_rate", np.float64(100.00001))
        elif how == "an added label":
            station[first].attrs["labels"] = "edited"
        elif how == "a missing trace":
            del station[second]
        elif how == "an extra trace":
            extra = second.replace(".EHZ__", ".EHE__")
            file.copy(station[second], station, extra)
        elif how == "another tag":
            station.move(first, first.replace("processed", "copied"))
        elif how == "a missing station":
            del file["Waveforms/XX.S003"]
        elif how == "an extra station":
            file.copy(station, file["Waveforms"], "XX.S999")
        elif how == "missing StationXML":
            del station["StationXML"]
        elif how == "edited StationXML":
            data = station["StationXML"][:]
            place = bytes(data.view(np.uint8)).index(b"<Latitude")
            data[place + 30] ^= 1
            station["StationXML"][...] = data
        elif how == "exchanged stations":
            file.move("Waveforms/XX.S003", "Waveforms/XX.other")
            file.move("Waveforms/XX.S004", "Waveforms/XX.S003")
            file.move("Waveforms/XX.other", "Waveforms/XX.S004")


def del_and_write(station: h5py.Group, name: str, samples: np.ndarray, at: int) -> None:
    attributes = dict(station[name].attrs)
    del station[name]
    samples[at] += 1
    station.create_dataset(name, data=samples)
    for key, value in attributes.items():
        station[name].attrs[key] = value


@pytest.mark.parametrize("way", ["compressed", "not compressed"])
@pytest.mark.parametrize(
    ("how", "named"),
    [
        ("a sample", "XX.S003"),
        ("a start time", "XX.S003"),
        ("a sampling rate", "XX.S003"),
        ("an added label", "XX.S003"),
        ("a missing trace", "XX.S003"),
        ("an extra trace", "XX.S003"),
        ("another tag", "XX.S003"),
        ("a missing station", "XX.S003"),
        ("an extra station", "XX.S999"),
        ("missing StationXML", "XX.S003"),
        ("edited StationXML", "XX.S003"),
        ("exchanged stations", "XX.S003"),
    ],
)
def test_an_edit_is_found_and_named(
    processed: Callable[[str], Path], tmp_path: Path, way: str, how: str, named: str
) -> None:
    folder = processed(way)
    for name in ("out.h5", "stations.csv"):
        shutil.copy(folder / name, tmp_path)
    edit(tmp_path / "out.h5", how)
    done = command("verify", "out.h5", "--manifest", "stations.csv", cwd=tmp_path)
    assert done.code == 1
    assert done.out == ""
    assert named in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.9999])
def test_a_truncated_file_is_named(
    processed: Callable[[str], Path], tmp_path: Path, share: float
) -> None:
    whole = (processed("compressed") / "out.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: int(share * len(whole))])
    done = command("verify", "cut.h5", cwd=tmp_path)
    assert done.code == 1
    assert done.err.startswith("cut.h5: ")
    assert "truncated" in done.err or "not an HDF5 file" in done.err


def test_what_is_as_it_should_be_is_ok(
    processed: Callable[[str], Path], tmp_path: Path
) -> None:
    for way in ("compressed", "not compressed"):
        folder = processed(way)
        done = command("verify", "out.h5", "--manifest", "stations.csv", cwd=folder)
        assert (done.code, done.out, done.err) == (0, "out.h5: ok\n", "")
