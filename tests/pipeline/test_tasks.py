"""What is applied to which data set: steps, and the table's cells in place of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import pytest
import yaml

from asdf_pipeline.container.reader import Reader
from asdf_pipeline.provenance.reading import read_runs
from tests.container.made import trace
from tests.container.made import write as made

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pipeline.checkout import Checkout

ULN = {
    "waveforms": "{obspy}/core/tests/data/IU_ULN_*.mseed "
    "{obspy}/signal/tests/data/IUANMO.seed",
    "stations": "{obspy}/core/tests/data/IU_ULN_*.xml",
}
"""Two stations, of which one has no StationXML."""
# The function of the script that this project started from, tests/dataset.
SEED = """\
def process(st, inv):
    if inv is None:
        return
    st.attach_response(inv)
    st.remove_response(output="VEL")
    return st
"""
MINE = """\
def scale(st, inv, factor=2.0):
    for trace in st:
        trace.data = trace.data * factor
    return st
"""


def write(checkout: Checkout, process: dict[str, Any], **top: Any) -> None:
    """Write a configuration anew."""
    process = {"tag_map": {"raw_recording": "processed"}, **process}
    path = checkout.path / "config" / "config.yaml"
    path.write_text(yaml.safe_dump({"process": process, **top}))


def test_the_seed_as_steps_and_a_row_of_its_own(checkout: Checkout) -> None:
    """The seed's function and the same as steps differ in their transforms' length."""
    (checkout.path / "seed.py").write_text(SEED)
    write(checkout, {"steps": [{"remove_response": {"output": "VEL"}}]})
    checkout.use(
        {"dataset": "steps", **ULN},
        {"dataset": "function", "function": "seed.py:process", **ULN},
    )
    run = checkout.snakemake()
    assert run.code == 0, run.text
    results = checkout.path / "results"
    steps, function = (results / f"{n}/processed.h5" for n in ("steps", "function"))
    with Reader(steps) as one, Reader(function) as other:
        (step,), (own,) = (
            reader.stream("IU.ULN", "processed") for reader in (one, other)
        )
    assert step.id == own.id
    assert step.stats.starttime == own.stats.starttime
    assert len(step) == len(own)
    length = len(step)
    inside = slice(length // 20, -length // 20)
    difference = abs(step.data - own.data)[inside].max()
    assert difference < 1e-3 * abs(own.data).max(), difference / abs(own.data).max()
    rows = {(row["dataset"], row["station"]): row["status"] for row in checkout.rows()}
    assert rows == {
        (dataset, station): status
        for dataset in ("steps", "function")
        for station, status in (("ULN", "ok"), ("ANMO", "empty"))
    }
    with Reader(steps) as reader:
        (trace,) = reader.stream("IU.ULN", "processed")
        assert 0 < abs(trace.data).max() < 1e-3  # m/s


def test_each_step_is_in_the_provenance(checkout: Checkout) -> None:
    (checkout.path / "mine.py").write_text(MINE)
    steps = [
        "detrend",
        {"filter": {"type": "lowpass", "freq": 1e-1}},
        {"mine.py:scale": {"factor": 3.0}},
    ]
    write(checkout, {"steps": steps})
    config = checkout.path / "config" / "config.yaml"
    # YAML 1.1 takes this for text.
    config.write_text(config.read_text().replace("freq: 0.1", "freq: 1e-1"))
    assert "freq: 1e-1" in config.read_text()
    checkout.use({"dataset": "a", **ULN})
    run = checkout.snakemake("results/a/processed.h5")
    assert run.code == 0, run.text
    with Reader(checkout.path / "results/a/processed.h5") as reader:
        documents = reader.provenance()
    (told,) = read_runs(documents)
    assert told.parameters == {"steps": steps}
    (document,) = (text.decode() for text in documents.values())
    for said in ("seis_prov:detrend", "seis_prov:lowpass_filter", "mine.py:scale"):
        assert said in document, said


def test_an_edited_step_runs_process_of_those_that_have_it(checkout: Checkout) -> None:
    (checkout.path / "mine.py").write_text(MINE)
    write(
        checkout,
        {"steps": ["identity"]},
        step_lists={"scaled": ["mine.py:scale"]},
    )
    checkout.use(
        {"dataset": "plain", **ULN}, {"dataset": "mine", "steps": "scaled", **ULN}
    )
    outputs = [f"results/{dataset}/processed.h5" for dataset in ("plain", "mine")]
    assert checkout.snakemake(*outputs).code == 0
    peaks = [peak(checkout, output) for output in outputs]
    assert peaks[1] == 2 * peaks[0] > 0
    (checkout.path / "mine.py").write_text(MINE.replace("2.0", "5.0"))
    run = checkout.snakemake(*outputs)
    assert run.rules == ["process"], run.text
    assert "wildcards: dataset=mine" in run.text
    assert peak(checkout, outputs[1]) == 5 * peaks[0]


@pytest.mark.parametrize("function", ["top:scale", "top.py:scale", "kit.steps:scale"])
def test_an_edited_module_of_a_function_runs_process(
    checkout: Checkout, function: str
) -> None:
    """One that the function imports, whichever way the function is named."""
    (checkout.path / "kit").mkdir()
    (checkout.path / "top.py").write_text("from mine import scale\n")
    (checkout.path / "kit" / "steps.py").write_text("from mine import scale\n")
    (checkout.path / "mine.py").write_text(MINE)
    write(checkout, {"function": function})
    checkout.use({"dataset": "a", **ULN})
    output = "results/a/processed.h5"
    run = checkout.snakemake(output)
    assert run.code == 0, run.text
    before = peak(checkout, output)
    (checkout.path / "mine.py").write_text(MINE.replace("2.0", "5.0"))
    run = checkout.snakemake(output)
    assert run.rules == ["process"], run.text
    assert peak(checkout, output) == before * 2.5
    assert "Nothing to be done" in checkout.snakemake(output).text


def peak(checkout: Checkout, name: str) -> float:
    """Return the largest sample of IU.ULN."""
    with Reader(checkout.path / name) as reader:
        (trace,) = reader.stream("IU.ULN", reader.tags("IU.ULN")[0])
        return float(abs(trace.data).max())


def test_cells_stand_in_place_of_keys(checkout: Checkout) -> None:
    (checkout.path / "mine.py").write_text(MINE)
    write(checkout, {"function": "mine.py:scale", "parameters": {"factor": 3}})
    checkout.use(
        {"dataset": "keys", **ULN},
        {"dataset": "none", "parameters": "{}", **ULN},
        {"dataset": "seven", "parameters": '{"factor": 7e0}', **ULN},
        {"dataset": "steps", "steps": "[identity, {'mine.py:scale': {factor: 5}}]"}
        | {"tag": "synthetic", "tag_map": "{synthetic: done}", **ULN},
    )
    files = {
        name: f"results/{name}/processed.h5"
        for name in ("keys", "none", "seven", "steps")
    }
    run = checkout.snakemake(*files.values())
    assert run.code == 0, run.text
    found = {name: peak(checkout, path) for name, path in files.items()}
    one = found["none"] / 2
    assert found == {"keys": 3 * one, "none": 2 * one, "seven": 7 * one} | {
        "steps": 5 * one
    }
    with Reader(checkout.path / files["steps"]) as reader:
        assert reader.tags("IU.ULN") == ["done"]

    # A cell changed: its data set alone is processed anew.
    table = checkout.path / "config" / "datasets.tsv"
    table.write_text(table.read_text().replace("7e0", "8e0"))
    run = checkout.snakemake(*files.values())
    assert run.rules == ["process"], run.text
    assert peak(checkout, files["seven"]) == 8 * one


def test_windows_and_selection(checkout: Checkout) -> None:
    choice = {"stations": ["IU.*"], "exclude": ["*.ANMO"], "channels": ["LH?"]}
    times = "starttime: 2015-07-18 02:30:00, endtime: 2015-07-18T02:49:59"
    write(checkout, {"steps": ["detrend"], "window": "10min", "join": False})
    config = checkout.path / "config" / "config.yaml"
    text = yaml.safe_dump(choice, default_flow_style=True).strip().strip("{}")
    # Times that YAML takes for such, and not for text.
    config.write_text(f"{config.read_text()}  selection: {{{text}, {times}}}\n")
    checkout.use({"dataset": "a", **ULN})
    run = checkout.snakemake("results/a/stations.csv")
    assert run.code == 0, run.text
    rows = {row["station"]: row for row in checkout.rows("results/a/stations.csv")}
    assert rows["ANMO"]["status"] == "skipped"
    assert rows["ULN"]["status"] == "ok"
    with Reader(checkout.path / "results/a/processed.h5") as reader:
        st = reader.stream("IU.ULN", "processed")
    starts = [str(trace.stats.starttime)[11:16] for trace in st]
    assert starts == ["02:30", "02:40"]
    assert all(abs(trace.data.mean()) < 1e-6 for trace in st)


FUNCTION = {"function": "asdf_pipeline.steps:chain"}
STEPS = {"steps": ["detrend"]}


@pytest.mark.parametrize(
    ("process", "said"),
    [
        ({}, "config.yaml: process: give one of function and steps"),
        ({**FUNCTION, **STEPS}, "config.yaml: process: give one of function and steps"),
        ({**STEPS, "parameters": {"a": 1}}, "parameters: they go with a function;"),
        ({"steps": []}, "config.yaml: process: steps: expected something, got no"),
        (
            {"steps": ["tapper"]},
            "process: steps: step 1: there is no step 'tapper'; the",
        ),
        ({"steps": ["no.py:f"]}, "config.yaml: process: steps: no.py: no such file ("),
        (
            {"steps": ["detrend", {"taper": None, "max_percentage": 0.05}]},
            "process: steps: 2: expected a step's name, or one name and its parameters",
        ),
        (
            {"steps": [{"filter": {"frequency": 1}}]},
            "step 1: filter has no parameter 'frequency'; it has type, freq, freqmin",
        ),
        ({"steps": ["filter"]}, "step 1: asdf_pipeline.steps:filter(st: 'Stream', inv"),
        ({**STEPS, "overlap": "5s"}, "process: overlap 5s: goes with window, which is"),
        ({**STEPS, "window": "0s"}, "process: a window must be longer than 0 s"),
        ({**STEPS, "max_failures": "200%"}, "process: max_failures: '200%': expected"),
        (
            {**STEPS, "selection": {"starttime": "2024-13-45"}},
            "process: selection: starttime '2024-13-45': expected a time",
        ),
        (
            {
                **STEPS,
                "selection": {"starttime": "2024-02-01", "endtime": "2024-01-01"},
            },
            "process: selection: the end time of the selection is before its start",
        ),
        (
            {"function": "asdf_pipeline.steps.shaping:taper", "parameters": {"p": 1}},
            "function: asdf_pipeline.steps.shaping:taper: has no parameter 'p'; it has",
        ),
        ({**STEPS, "window": "a day"}, "process: window: 'a day' cannot stand here"),
        (
            {**STEPS, "selection": {"station": ["A.B"]}},
            "process: selection: there is no key 'station'; is it meant",
        ),
    ],
)
def test_a_wrong_key_is_named(
    checkout: Checkout,
    complaint: Callable[[], str],
    process: dict[str, Any],
    said: str,
) -> None:
    write(checkout, process)
    assert said in complaint()


def test_a_date_that_is_none_is_named(checkout: Checkout) -> None:
    write(checkout, {**STEPS, "selection": {}})
    config = checkout.path / "config" / "config.yaml"
    text = config.read_text().replace("{}", "{starttime: 2024-13-45}")
    config.write_text(text)
    run = checkout.snakemake("--dry-run")
    assert run.code == 1
    assert "config/config.yaml: a date or time that is none (starttime" in run.text
    assert "Traceback" not in run.text


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"function": "b"}, "function: 'b' cannot stand here"),
        ({"function": "b"}, "; expected steps.py:process"),
        ({"function": "no.py:f"}, "function: no.py: no such file (looked"),
        ({"function": "a:b", "steps": "mine"}, "function, steps: leave one of the two"),
        (
            {"steps": "other"},
            "steps: no list 'other': the config's step_lists are mine",
        ),
        ({"steps": "[tapper]"}, "steps: step 1: there is no step 'tapper'; the steps"),
        ({"steps": "[taper"}, "steps: neither JSON nor YAML: "),
        (
            {"steps": "[taper"},
            "; expected a name of step_lists, or [detrend, {taper: {",
        ),
        ({"steps": "mine", "parameters": "{a: 1}"}, "parameters: they go with a func"),
        (
            {"parameters": "5"},
            "parameters: expected keys and values, got 5; expected {water_l",
        ),
        ({"parameters": "{1: 2}"}, "parameters: expected a text, got 1; expected {"),
        ({"tag": "other"}, "tag: the waveforms are staged as other, but the tag_map"),
        (
            {"tag_map": "~"},
            "tag_map: expected keys and values, got None; expected {raw",
        ),
        (
            {"tag_map": "raw=done"},
            "tag_map: expected keys and values, got 'raw=done'; exp",
        ),
        (
            {"tag_map": "{raw: Ok}"},
            "tag_map: raw: 'Ok' cannot stand here; expected: the tag",
        ),
        (
            {"tag_map": "{}"},
            "tag_map: expected something, got nothing (",
        ),
    ],
)
def test_a_wrong_cell_is_named(
    checkout: Checkout,
    complaint: Callable[[], str],
    cells: dict[str, str],
    said: str,
) -> None:
    write(checkout, FUNCTION, step_lists={"mine": ["detrend"]})
    checkout.use({"dataset": "good", **ULN}, {"dataset": "bad", **ULN, **cells})
    line = complaint()
    assert line.startswith("config/datasets.tsv: data set 'bad': ")
    assert said in line


def test_a_tag_of_another_program_is_read(checkout: Checkout) -> None:
    source = checkout.path / "other.h5"
    made(source, trace(), tag="raw")
    with h5py.File(source, "r+") as file:
        group = file["Waveforms/XX.ABC"]
        (name,) = group
        group.move(name, name.replace("__raw", "__My tag's"))
    write(checkout, {"steps": ["detrend"], "tag_map": {"My tag's": "done"}})
    checkout.use({"dataset": "other", "asdf": "other.h5"})
    run = checkout.snakemake()
    assert run.code == 0, run.text
    (row,) = checkout.rows()
    assert (row["input_tag"], row["status"]) == ("My tag's", "ok")
