"""How data sets show themselves, and what stands beside the waveforms."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import obspy
import prov.model
import pyasdf
import pytest

from asdf_pipeline import ASDFDataSet, StationMissingError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def rich(example: Path) -> Path:
    """Return a file with auxiliary data and provenance, by pyasdf."""
    document = prov.model.ProvDocument()
    document.add_namespace("a", "http://a.org/")
    document.entity("a:b")
    with pyasdf.ASDFDataSet(str(example)) as ds:
        ds.add_auxiliary_data(
            np.arange(12.0).reshape(3, 4),
            "Noise",
            "deep/er/array",
            parameters={"depth": 3, "unit": "km"},
            provenance_id="{http://a.org/}b",
        )
        ds.add_auxiliary_data(np.arange(3), "Noise", "flat", parameters={})
        ds.add_auxiliary_data_file(__file__, "source")
        ds.add_provenance_document(document, name="how")
    return example


def test_auxiliary_data_as_in_pyasdf(rich: Path) -> None:
    seen = []
    for library in (pyasdf.ASDFDataSet, ASDFDataSet):
        with library(str(rich), mode="r") as ds:
            noise = ds.auxiliary_data.Noise
            deep = noise.deep.er.array
            flat = ds.auxiliary_data["Noise"]["flat"]
            source = ds.auxiliary_data.Files.source
            seen.append(
                [
                    ds.auxiliary_data.list(),
                    len(ds.auxiliary_data),
                    "Noise" in ds.auxiliary_data,
                    "Nothing" in ds.auxiliary_data,
                    noise.list(),
                    noise.auxiliary_data_type,
                    noise["deep"].list(),
                    deep.data[:].tolist(),
                    deep.data[1, 2:].tolist(),
                    (deep.data.shape, deep.data.dtype),
                    deep.path,
                    deep.data_type,
                    deep.parameters,
                    deep.provenance_id,
                    flat.parameters,
                    flat.provenance_id,
                    noise.deep.er["array"] == deep,
                    flat == deep,
                    source.file.read()[:20],
                ]
            )
    assert seen[0] == seen[1]


def test_auxiliary_data_that_is_not_there(rich: Path) -> None:
    with ASDFDataSet(rich, mode="r") as ds:
        with pytest.raises(KeyError, match="there are: Files, Noise"):
            _ = ds.auxiliary_data["Nothing"]
        assert not hasattr(ds.auxiliary_data.Noise, "nothing")
        with pytest.raises(StationMissingError, match="is no file"):
            _ = ds.auxiliary_data.Noise.flat.file
        assert ds.auxiliary_data["Noise/deep/er/array"].path == "array"
        assert str(ds.auxiliary_data.Noise).splitlines()[1::2] == ["\tdeep", "\tflat"]
        assert "Data shape: '(3, 4)', dtype: 'float64'" in str(
            ds.auxiliary_data.Noise.deep.er.array
        )


def test_provenance_as_in_pyasdf(rich: Path) -> None:
    seen = []
    for library in (pyasdf.ASDFDataSet, ASDFDataSet):
        with library(str(rich), mode="r") as ds:
            document = ds.provenance.how
            assert ds.get_provenance_document("how") == ds.provenance["how"] == document
            seen.append(
                [
                    ds.provenance.list(),
                    list(ds.provenance),
                    list(ds.provenance.keys()),
                    len(ds.provenance),
                    document.get_provn(),
                    [name for name, _ in ds.provenance.items()],
                    [one == document for one in ds.provenance.values()],
                    hasattr(ds.provenance, "nothing"),
                ]
            )
    assert seen[0] == seen[1]
    with ASDFDataSet(rich, mode="r") as ds:
        assert ElementTree.fromstring(ds.provenance.raw("how")).tag.endswith("document")
        with pytest.raises(StationMissingError, match="there are: how"):
            ds.provenance.raw("nothing")


def test_text_is_in_the_words_of_pyasdf(rich: Path) -> None:
    """But for the size, and a line about provenance that pyasdf has not."""
    seen = []
    for library in (pyasdf.ASDFDataSet, ASDFDataSet):
        with library(str(rich), mode="r") as ds:
            (one,) = ds.ifilter(ds.q.tag == "other")
            head, *rest = str(ds).splitlines()
            seen.append(
                [
                    head.partition(" (")[0],
                    [line for line in rest if "provenance" not in line],
                    *map(str, (one, ds.waveforms.BW_BGLD, ds.auxiliary_data)),
                    *map(str, (ds.auxiliary_data.Noise, ds.provenance)),
                    str(ds.auxiliary_data.Noise.deep.er.array),
                ]
            )
    assert seen[0] == seen[1]
    with ASDFDataSet(rich, mode="r") as ds:
        assert repr(ds) == str(ds)
        assert "1 provenance document(s): how" in str(ds)


def test_html_is_well_formed(rich: Path) -> None:
    with ASDFDataSet(rich, mode="r") as ds:
        text = ds._repr_html_()
        tree = ElementTree.fromstring(f"<div>{text}</div>")
        cells = [cell.text for cell in tree.iter("td")]
        assert cells[-3:] == ["IU.ULN", "raw_recording", "yes"]
        assert "no" in cells
        tree = ElementTree.fromstring(
            f"<div>{ds.waveforms.BW_RJOB._repr_html_()}</div>"
        )
        assert [cell.text for cell in tree.iter("td")] == [
            "other",
            "3",
            "raw_recording",
            "3",
        ]


def test_validate_as_in_pyasdf(rich: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = []
    with ASDFDataSet(rich) as ds:
        ds.add_stationxml(obspy.read_inventory())
    for library in (pyasdf.ASDFDataSet, ASDFDataSet):
        with library(str(rich), mode="r") as ds:
            ds.validate()
        seen.append(capsys.readouterr().out)
    assert seen[0] == seen[1]
