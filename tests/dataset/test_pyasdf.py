"""The table of what pyasdf offers: complete, true, and the same in the docs."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pyasdf
import pyasdf.utils
import pytest

import asdf_pipeline
from asdf_pipeline import ASDFDataSet
from asdf_pipeline.dataset import pyasdf as interface

if TYPE_CHECKING:
    from pathlib import Path


def public(thing: Any) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


@pytest.fixture
def both(example: Path) -> Any:
    """Return the objects of each table, pyasdf's and ours, on one file."""
    array = np.arange(5)
    with pyasdf.ASDFDataSet(str(example)) as ds:
        ds.add_auxiliary_data(array, "Noise", "a/b", parameters={"depth": 3})
    with (
        pyasdf.ASDFDataSet(str(example), mode="r") as theirs,
        ASDFDataSet(example, mode="r") as ours,
    ):
        yield {
            id(table): pair
            for table, pair in (
                (interface.DATA_SET, (theirs, ours)),
                (interface.WAVEFORMS, (theirs.waveforms, ours.waveforms)),
                (interface.STATION, (theirs.waveforms.BW_RJOB, ours.waveforms.BW_RJOB)),
                (interface.PROVENANCE, (theirs.provenance, ours.provenance)),
                (interface.PACKAGE, (pyasdf, asdf_pipeline)),
            )
        }


TABLES = {
    "data set": interface.DATA_SET,
    "waveforms": interface.WAVEFORMS,
    "station": interface.STATION,
    "provenance": interface.PROVENANCE,
    "package": interface.PACKAGE,
}
CONTENT = {"BW_RJOB", "BW_BGLD", "IU_ULN", "raw_recording", "other"}


@pytest.mark.parametrize("name", TABLES)
def test_table_has_all_of_pyasdf(both: Any, name: str) -> None:
    table = TABLES[name]
    theirs, _ = both[id(table)]
    offered = set(theirs.__all__) if theirs is pyasdf else public(theirs)
    assert offered - CONTENT - {"__version__"} <= set(table)


def test_table_of_auxiliary_data_is_complete() -> None:
    theirs = {
        name
        for kind in (
            pyasdf.utils.AuxiliaryDataContainer,
            pyasdf.utils.AuxiliaryDataAccessor,
            pyasdf.utils.AuxiliaryDataGroupAccessor,
        )
        for name in public(kind)
    }
    given = set(inspect.signature(pyasdf.utils.AuxiliaryDataContainer).parameters) - {
        "tag"
    }
    assert theirs | given <= set(interface.AUXILIARY)


@pytest.mark.parametrize("name", TABLES)
def test_what_is_offered_is_there(both: Any, name: str) -> None:
    table = TABLES[name]
    _, ours = both[id(table)]
    for attribute in table:
        if not attribute.isidentifier():
            continue
        getattr(ours, attribute)  # raises where it is not there


def test_docs_have_the_table(root: Path) -> None:
    text = (root / "docs/pyasdf.md").read_text(encoding="utf-8")
    assert text.endswith(interface.rows() + "\n"), (
        "docs/pyasdf.md: replace its tables by `python -m asdf_pipeline.dataset.pyasdf`"
    )


def test_arguments_in_the_order_of_pyasdf() -> None:
    for name in (
        "__init__",
        "add_waveforms",
        "append_waveforms",
        "add_stationxml",
        "add_quakeml",
        "add_auxiliary_data",
        "add_auxiliary_data_file",
        "add_provenance_document",
        "get_waveforms",
        "get_data_for_tag",
    ):
        theirs = inspect.signature(getattr(pyasdf.ASDFDataSet, name)).parameters
        ours = inspect.signature(getattr(ASDFDataSet, name)).parameters
        assert list(ours)[: len(theirs)] == list(theirs)
        for parameter in [*ours.values()][len(theirs) :]:
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert [ours[name].default for name in theirs] == [
            one.default for one in theirs.values()
        ]
    ours = inspect.signature(ASDFDataSet.process).parameters
    theirs = inspect.signature(pyasdf.ASDFDataSet.process).parameters
    assert list(ours)[: len(theirs)] == [*list(theirs)[:-1], "cpu_count"]


def test_import_is_light() -> None:
    code = (
        "import sys, asdf_pipeline; "
        "print({'obspy', 'h5py', 'numpy', 'pandas', 'mpi4py'} & set(sys.modules)); "
        "print('ASDFDataSet' in dir(asdf_pipeline))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == ["set()", "True"]
