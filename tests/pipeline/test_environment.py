"""One set of versions: pyproject.toml, environment.yml, the pinned ones."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib import metadata
from importlib.metadata import packages_distributions
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import asdf_pipeline
from tests.pipeline.checkout import ROOT

# conda's names of what PyPI calls otherwise
CONDA_NAMES = {
    "dask-core": "dask",
    "matplotlib-base": "matplotlib",
    "python-deflate": "deflate",
    "python-isal": "isal",
    "python-xxhash": "xxhash",
    "snakemake-minimal": "snakemake",
}
# what PyPI's wheels bring along or cannot bring
CONDA_ONLY = {"openmpi", "pip", "python"}


def project() -> dict[str, object]:
    """Return the project table of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text()
    table: dict[str, object] = tomllib.loads(text)["project"]
    return table


def requirements(*extras: str) -> dict[str, str]:
    """Return the version bounds of the dependencies and of some extras."""
    table = project()
    lines = list(table["dependencies"])  # type: ignore[call-overload]
    for extra in extras:
        lines += table["optional-dependencies"][extra]  # type: ignore[index]
    parsed = map(Requirement, lines)
    return {canonicalize_name(item.name): str(item.specifier) for item in parsed}


def conda() -> dict[str, list[str]]:
    """Return the bounds that environment.yml gives for each package."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    found: dict[str, list[str]] = {}
    lines = environment["dependencies"]
    (by_pip,) = (line["pip"] for line in lines if isinstance(line, dict))
    for line in [*(line for line in lines if isinstance(line, str)), *by_pip]:
        match = re.fullmatch(r"([a-z0-9-]+)(.*)", line)
        assert match is not None, line
        name = CONDA_NAMES.get(match[1], match[1])
        found.setdefault(name, []).append(match[2])
    return found


def test_conda_gives_the_same_bounds() -> None:
    wanted = requirements("cluster", "mpi")
    there = conda()
    assert set(there) - CONDA_ONLY == set(wanted)
    for name, bounds in wanted.items():
        given = [sorted(each.split(",")) for each in there[name]]
        assert sorted(bounds.split(",")) in given, name
    assert there["python"] == [project()["requires-python"]]


def recipe(name: str = ".") -> dict[str, Any]:
    """Return a recipe for conda-forge."""
    text = (ROOT / "recipe" / name / "recipe.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def bounds_of(lines: list[str]) -> dict[str, list[str]]:
    """Return the bounds of a recipe's requirements, under PyPI's names."""
    pairs = [(line.split()[0], line.split()[1:]) for line in lines]
    return {
        CONDA_NAMES.get(name, name): sorted(",".join(bounds).split(","))
        for name, bounds in pairs
        if name not in ("python", "__unix")
    }


def test_the_recipe_gives_the_same_bounds() -> None:
    made = recipe()
    needed = made["requirements"]
    there = bounds_of(needed["run"])
    # Snakemake is on bioconda: a package of conda-forge cannot depend on it.
    optional = bounds_of(needed["run_constraints"])
    wanted = {name: sorted(b.split(",")) for name, b in requirements().items()}
    more = requirements("cluster", "dask", "mpi")
    assert {**there, "snakemake": optional["snakemake"]} == wanted
    assert there.keys().isdisjoint(optional)
    assert there | optional == {n: sorted(b.split(",")) for n, b in more.items()}
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "setuptools >=77" in needed["host"]
    assert table["build-system"]["requires"] == ["setuptools>=77"]


def test_the_recipe_is_of_this_version() -> None:
    made, table = recipe(), project()
    assert made["context"]["version"] == asdf_pipeline.__version__
    assert f">={made['context']['python_min']}" == table["requires-python"]
    (script,) = made["build"]["python"]["entry_points"]
    name, _, function = script.partition(" = ")
    assert table["scripts"] == {name: function}
    assert made["about"]["summary"] == table["description"]
    assert made["about"]["license"] == table["license"]
    beside = recipe("deflate")
    version = Requirement(f"deflate{requirements()['deflate']}").specifier
    assert version.contains(beside["context"]["version"])
    assert f"{beside['package']['name']} >=" in " ".join(made["requirements"]["run"])


def imported(folder: str) -> dict[str, str]:
    """Return the packages that a folder's modules import, and one module of each."""
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                found[name.partition(".")[0]] = str(path.relative_to(ROOT))
    ours = {"asdf_pipeline", "bench", "docs", "tests"}
    ours.add("noisepy")  # of the interpreter that bench/noisepy_script.py runs in
    return {
        name: where
        for name, where in found.items()
        if name not in sys.stdlib_module_names | ours
    }


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("asdf_pipeline", ("cloud", "dask", "mpi")),
        ("tests", ("cloud", "dask", "mpi", "test")),
        ("bench", ("cloud", "mpi", "bench")),
        ("docs", ("dev", "docs")),
    ],
)
def test_what_is_imported_is_declared(folder: str, extras: tuple[str, ...]) -> None:
    declared = requirements(*extras)
    names = packages_distributions()
    missing = {
        name: where
        for name, where in imported(folder).items()
        if not any(
            canonicalize_name(one) in declared for one in names.get(name, [name])
        )
    }
    assert missing == {}


def test_conda_asks_for_parallel_hdf5_and_pip_lays_nothing_over_it() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert "h5py=*=mpi_openmpi*" in environment["dependencies"]
    for line in environment["dependencies"][-1]["pip"]:
        needed = map(Requirement, metadata.requires(Requirement(line).name) or ())
        for one in needed:
            assert one.marker is not None, (line, one)
            assert not one.marker.evaluate({"extra": ""}), (line, one)
    assert environment["channels"][-1] == "nodefaults"


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("lock.txt", ("mpi", "openmpi", "cluster", "test", "bench", "dev", "docs")),
        ("parallel.txt", ("mpi", "cluster", "test")),
    ],
)
def test_pinned_versions_are_within_the_bounds(
    lock: str, extras: tuple[str, ...]
) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    pins: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==([^ \\;]+)", text, re.MULTILINE):
        pins.setdefault(name, []).append(version)
    for name, bounds in requirements(*extras).items():
        if name == "asdf-pipeline":
            continue
        specifier = Requirement(f"{name}{bounds}").specifier
        assert pins.get(name), name
        assert all(specifier.contains(version) for version in pins[name]), name


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")))
def test_pins_hold_names_versions_and_hashes_only(path: object) -> None:
    lines = (ROOT / "requirements" / str(path)).read_text().splitlines()
    pin = re.compile(r"[a-z0-9-]+==[A-Za-z0-9.+]+( ; [^\\]+)? \\")
    digest = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    odd = [
        line
        for line in lines
        if not (line.startswith("#") or pin.fullmatch(line) or digest.fullmatch(line))
    ]
    assert odd == []


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == asdf_pipeline.__version__
    assert citation["license"] == project()["license"]
