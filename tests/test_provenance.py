"""Provenance: documents that pyasdf reads, ids that follow from the work alone."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import obspy
import prov
import pyasdf
import pytest
from pyasdf.utils import get_all_ids_for_prov_document

from asdf_pipeline import steps
from asdf_pipeline.container.codec import COMPRESSED
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.product import make_product
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.engine import ProcessTask, run
from asdf_pipeline.function.load import load_function
from asdf_pipeline.plan.outcome import Outcome
from asdf_pipeline.provenance import document as documents
from asdf_pipeline.provenance.document import document
from asdf_pipeline.provenance.ids import NAMESPACE, document_name, run_id, trace_id
from asdf_pipeline.provenance.reading import read_runs
from asdf_pipeline.provenance.run import Run
from asdf_pipeline.provenance.steps import Step, steps_of

if TYPE_CHECKING:
    from pathlib import Path

FORMER = f"{{{NAMESPACE}}}sp001_wf_abcdefg"
FORMER_DOCUMENT = b"""<?xml version="1.0"?>
<prov:document xmlns:prov="http://www.w3.org/ns/prov#"
 xmlns:seis_prov="http://seisprov.org/seis_prov/0.1/#"
 xmlns:xsd="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<prov:entity prov:id="seis_prov:sp001_wf_abcdefg">
<prov:label>Waveform Trace</prov:label>
<prov:type xsi:type="xsd:string">seis_prov:waveform_trace</prov:type></prov:entity>
</prov:document>"""
UNKNOWN_TO_SEIS_PROV = {"detrend": {"type": "spline", "order": 3, "dspline": 9}}
OWN = "{http://example.org/notes#}my_record"


def make_input(path: Path) -> Path:
    """Write three stations; one has a record of provenance already."""
    with Writer.create(path) as writer:
        for station in ("AAA", "BBB", "CCC"):
            stream = obspy.read()
            for trace in stream:
                trace.stats.station = station
                if station == "BBB":
                    trace.stats.asdf = {"provenance_id": FORMER}
            name = f"BW.{station}"
            writer.write(make_product(stream, name, "raw_recording", COMPRESSED))
        writer.write_provenance("former", FORMER_DOCUMENT)
    return path


def process(st: obspy.Stream, inv: object, corner: float = 1.0) -> obspy.Stream | None:
    if st[0].stats.station == "CCC":
        return None
    return st.filter("highpass", freq=corner)


def label(st: obspy.Stream, inv: object) -> obspy.Stream:
    for trace in st:
        trace.stats.asdf["provenance_id"] = OWN
    return st


def go(source: Path, output: Path, function: Any = process, **options: Any) -> Path:
    parameters = (
        {"corner": 2.0} if function is process else options.pop("parameters", {})
    )
    tag_map = {"raw_recording": "processed"}
    options = {"backend": "serial", "progress": "none", **options}
    run(
        ProcessTask(source, output, function, tag_map, parameters=parameters, **options)
    )
    return output


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("provenance")
    source = make_input(folder / "in.h5")
    return source, go(source, folder / "out.h5")


def provenance_ids(path: Path) -> dict[str, set[str]]:
    with Reader(path) as reader:
        return {
            station: {header.provenance_id for header in reader.headers(station)}
            for station in reader.stations()
        }


def relations(text: bytes, kind: str) -> list[tuple[str, ...]]:
    """Return the ends of all relations of a kind."""
    root = ElementTree.fromstring(text)
    space = "{http://www.w3.org/ns/prov#}"
    return [
        tuple(end.attrib[f"{space}ref"] for end in relation)
        for relation in root.findall(f"{space}{kind}")
    ]


def own_document(path: Path) -> bytes:
    with Reader(path) as reader:
        (name,) = (n for n in reader.provenance() if n.startswith("asdf_pipeline_"))
        return reader.provenance()[name]


def test_pyasdf_finds_the_record_of_every_trace(made: tuple[Path, Path]) -> None:
    found = set()
    with pyasdf.ASDFDataSet(str(made[1]), mode="r") as data_set:
        assert "former" in data_set.provenance.list()
        for station in data_set.waveforms:
            for trace in station.processed:
                reference = trace.stats.asdf.provenance_id
                record = data_set.provenance.get_provenance_document_for_id(reference)
                assert record["name"].startswith("asdf_pipeline_")
                found.add(reference)
    assert len(found) == 2


def test_what_the_document_says(made: tuple[Path, Path]) -> None:
    (told,) = read_runs({document_name("x"): own_document(made[1])})
    assert told.input["path"] == str(made[0].resolve())
    assert told.input["size_in_bytes"] == str(made[0].stat().st_size)
    assert re.fullmatch("xxh3_128:[0-9a-f]{32}", told.input["digest"])
    assert told.parameters == {"corner": 2.0}
    assert told.tag_map == {"raw_recording": "processed"}
    assert 'st.filter("highpass", freq=corner)' in told.function["source"]
    assert told.software["ObsPy"][0] == obspy.__version__
    assert told.circumstances["backend"] == "serial"
    assert told.started < told.ended


def test_former_records_are_kept_and_derived_from(made: tuple[Path, Path]) -> None:
    with Reader(made[1]) as reader:
        assert reader.provenance()["former"] == FORMER_DOCUMENT
    own = own_document(made[1])
    ids = provenance_ids(made[1])
    (derived,) = relations(own, "wasDerivedFrom")
    (reference,) = ids["BW.BBB"]
    assert derived == (
        reference.replace(f"{{{NAMESPACE}}}", "seis_prov:"),
        "seis_prov:sp001_wf_abcdefg",
    )


def test_an_id_that_the_function_sets_stays(
    made: tuple[Path, Path], tmp_path: Path
) -> None:
    output = go(made[0], tmp_path / "out.h5", label)
    assert set.union(*provenance_ids(output).values()) == {OWN}


def test_only_what_was_written_has_a_record(made: tuple[Path, Path]) -> None:
    described = re.findall(
        rb"BW\.(\w+), tag processed: 3 traces", own_document(made[1])
    )
    assert sorted(described) == [b"AAA", b"BBB"]


def test_ids_and_content_are_those_of_any_other_run(
    made: tuple[Path, Path], tmp_path: Path
) -> None:
    other = go(made[0], tmp_path / "out.h5", backend="multiprocessing", workers=2)
    assert provenance_ids(other) == provenance_ids(made[1])
    assert file_digest(other) == file_digest(made[1])
    assert own_document(other) != own_document(made[1])  # the hour, the backend


def test_ids_differ_with_the_work(made: tuple[Path, Path], tmp_path: Path) -> None:
    other = go(made[0], tmp_path / "out.h5", "asdf_pipeline.steps:identity")
    ours, theirs = provenance_ids(made[1]), provenance_ids(other)
    assert not set.union(*ours.values()) & set.union(*theirs.values())


def test_ids_are_as_seis_prov_prescribes() -> None:
    key = {"the input": "a", "the function": None, "the encoding": "b"}
    name = trace_id(run_id(key), "XX.Ä'<>/raw")
    pattern = rf"\{{{re.escape(NAMESPACE)}\}}sp\d{{3,5}}_wf_[a-z0-9]{{7,12}}"
    assert re.fullmatch(pattern, name)
    assert run_id(key) == run_id({**key, "the encoding": "c"})
    assert run_id(key) != run_id({**key, "the input": "c"})


def a_run(**changes: Any) -> Run:
    told = Run(
        "abc",
        {"path": "/data/in.h5", "size_in_bytes": "3", "modified": "2020-01-01"},
        {"name": "my.py:f", "source": "def f(st, inv): return st"},
        {},
        {"raw": "done"},
        {"asdf_pipeline": ("1", "https://seismic-data.org")},
        "2020-01-01T00:00:00.000+00:00",
        "2020-01-01T00:00:01.000+00:00",
    )
    return replace(told, **changes)


def test_hostile_text_makes_a_readable_document() -> None:
    text = "</prov:label>&<![CDATA[ \x00\x1b\ufffe \"'"
    told = a_run(
        input={"path": text},
        function={"name": text, "source": text},
        parameters={text: text},
        circumstances={"command": text},
    )
    outcome = Outcome(text, text, text, "ok", traces_out=1, channels=(text,))
    odd = replace(outcome, provenance_ids=(text, "{x", "{http://a.b/?c=1&d}e", "{u}1"))
    made = document(told, [odd])
    ids = get_all_ids_for_prov_document(prov.read(io.BytesIO(made), format="xml"))
    assert trace_id("abc", outcome.unit_id) in ids
    (derived,) = relations(made, "wasDerivedFrom")
    assert derived[1] == "former:e"
    (back,) = read_runs({document_name("abc"): made})
    assert back.parameters == told.parameters
    assert "\x00" not in back.function["source"]


def test_other_documents_are_left_out() -> None:
    whole = document(a_run(), [])
    assert len(read_runs({"other": whole, document_name("x"): whole})) == 1
    assert read_runs({"other": whole, document_name("x"): whole[:300]}) == []
    assert read_runs({document_name("x"): FORMER_DOCUMENT}) == []


@pytest.mark.parametrize(
    ("name", "parameters", "types"),
    [
        ("identity", {}, []),
        ("detrend", {"type": "demean"}, ["detrend"]),
        ("taper", {}, ["taper"]),
        ("filter", {"type": "lowpass", "freq": 2}, ["lowpass_filter"]),
        ("resample", {"sampling_rate": 2}, ["resample"]),
        ("rotate", {"method": "NE->RT"}, ["rotate"]),
        ("cut", {"before": 1, "after": 2}, [""]),
        ("merge", {"max_gap": 1}, [""]),
        ("reject", {"min_length": 1}, [""]),
        (
            "remove_response",
            {"pre_filt": [1, 2, 3, 4]},
            ["detrend", "taper", "bandpass_filter", "remove_response"],
        ),
        (
            "chain",
            {"steps": ["detrend", "identity", UNKNOWN_TO_SEIS_PROV]},
            ["detrend", ""],
        ),
    ],
)
def test_steps_are_said_in_seis_provs_words(
    name: str, parameters: dict[str, Any], types: list[str]
) -> None:
    found = steps_of(load_function(f"asdf_pipeline.steps:{name}", parameters))
    assert [step.type for step in found] == types


def test_every_step_has_its_words() -> None:
    from asdf_pipeline.provenance.steps import _STEPS

    assert _STEPS.keys() == steps.STEPS.keys()


def test_each_station_has_its_own_activities(tmp_path: Path) -> None:
    source = make_input(tmp_path / "in.h5")
    function = "asdf_pipeline.steps:filter"
    parameters = {"type": "bandpass", "freqmin": 1, "freqmax": 3.0}
    own = own_document(go(source, tmp_path / "out.h5", function, parameters=parameters))
    made_by = dict(relations(own, "wasGeneratedBy"))
    assert len(made_by) == len(set(made_by.values())) == 3
    assert all("_bp_" in activity for activity in made_by.values())
    informed = dict(relations(own, "wasInformedBy"))
    assert informed.keys() == set(made_by.values())
    assert len(set(informed.values())) == 1  # the run


def test_very_many_stations_share_the_activities(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = a_run(steps=[Step("detrend", "dt", "Detrend", {})])
    outcomes = [Outcome(f"XX.{k}", "raw", "done", "ok", traces_out=3) for k in range(8)]
    assert (
        len(set(dict(relations(document(told, outcomes), "wasGeneratedBy")).values()))
        == 8
    )
    monkeypatch.setattr(documents, "OWN_STEPS", 5)
    made_by = dict(relations(document(told, outcomes), "wasGeneratedBy"))
    assert len(made_by) == 8
    assert len(set(made_by.values())) == 1
