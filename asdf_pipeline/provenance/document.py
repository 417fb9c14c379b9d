"""Writing a run's document: PROV-XML, line by line, for 100,000 stations too."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from asdf_pipeline.provenance.ids import NAMESPACE, local_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from asdf_pipeline.plan.outcome import Outcome
    from asdf_pipeline.provenance.run import Run
    from asdf_pipeline.provenance.steps import Step

OWN_NAMESPACE = "urn:asdf_pipeline:provenance:1#"
NAMESPACES = {
    "prov": "http://www.w3.org/ns/prov#",
    "seis_prov": NAMESPACE,
    "asdf_pipeline": OWN_NAMESPACE,
    "xsd": "http://www.w3.org/2001/XMLSchema",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
OWN_STEPS = 10_000
"""Units up to which each has activities of its own; more of them share one chain."""

Field = tuple[str, str] | tuple[str, str, str]

# What XML 1.0 cannot hold in any form.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LOCAL = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)


def document(run: Run, outcomes: Collection[Outcome]) -> bytes:
    """Return the document of a run.

    The run's own records come first: `read_runs` reads no further.

    Parameters
    ----------
    run : Run
        The run.
    outcomes : collection of Outcome
        Its units; those that wrote something get a record.
    """
    # Not as a list of lines: 100,000 stations make 50 MB of them.
    with io.BytesIO() as text:
        for line in _lines(run, outcomes):
            text.write(line.encode())
            text.write(b"\n")
        return text.getvalue()


def _lines(run: Run, outcomes: Collection[Outcome]) -> Iterator[str]:
    spaces = " ".join(f'xmlns:{name}="{url}"' for name, url in NAMESPACES.items())
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f"<prov:document {spaces}>"
    yield from _run_records(run)
    shared = len(outcomes) > OWN_STEPS
    if shared:
        yield from _step_records(run, "")
    pairs: Counter[str] = Counter()
    for outcome in outcomes:
        if not outcome.traces_out and not outcome.auxiliary:
            continue
        if outcome.others:  # one record for all pairs of a first station
            pairs[outcome.record] += 1
            if pairs[outcome.record] > 1:
                continue
        owner = "" if shared else outcome.record
        if not shared:
            yield from _step_records(run, owner)
        yield from _unit_records(run, outcome, owner)
    yield "</prov:document>"


def _run_records(run: Run) -> Iterator[str]:
    function = _name("fi", run.id, "function")
    yield _record(
        "activity",
        _activity(run),
        ("prov:startTime", run.started),
        ("prov:endTime", run.ended),
        ("prov:label", "Run of asdf_pipeline"),
        ("prov:type", "asdf_pipeline:run", "string"),
        ("asdf_pipeline:tag_map", json.dumps(run.tag_map)),
        *((f"asdf_pipeline:{name}", text) for name, text in run.circumstances.items()),
    )
    for name, (version, website) in run.software.items():
        yield _record(
            "softwareAgent",
            _agent(run, name),
            ("prov:label", name),
            ("seis_prov:software_name", name),
            ("seis_prov:software_version", version),
            ("seis_prov:website", website, "anyURI"),
        )
    for name, fields in _used_entities(run).items():
        yield _record("entity", name, *fields)
        yield _relation("used", activity=_activity(run), entity=name)
    for name in run.software:
        plan = {"plan": function} if name == "asdf_pipeline" else {}
        ends = {"activity": _activity(run), "agent": _agent(run, name), **plan}
        yield _relation("wasAssociatedWith", **ends)


def _used_entities(run: Run) -> dict[str, list[Field]]:
    """Return the fields of what the run used: input, function, parameters."""
    path, function = run.input["path"], run.function["name"]
    details = [(name, text) for name, text in run.input.items() if name != "path"]
    parameters = json.dumps(run.parameters, sort_keys=True, default=repr)
    return {
        _name("fi", run.id, "input"): [
            *_file(path.rpartition("/")[2], path, "Filename"),
            *((f"asdf_pipeline:{name}", text) for name, text in details),
        ],
        _name("fi", run.id, "function"): [
            *_file(function.rpartition(":")[2], function, "Python function"),
            ("asdf_pipeline:source", run.function["source"]),
        ],
        _name("in", run.id): [
            ("prov:label", "Input Parameters"),
            ("prov:type", "seis_prov:input_parameters", "string"),
            ("asdf_pipeline:parameters", parameters),
        ],
    }


def _file(name: str, location: str, kind: str) -> list[Field]:
    return [
        ("prov:label", "File"),
        ("prov:type", "seis_prov:file", "string"),
        ("seis_prov:filename", name),
        ("seis_prov:location", location),
        ("seis_prov:location_type", kind),
    ]


def _unit_records(run: Run, outcome: Outcome, owner: str) -> Iterator[str]:
    """Yield what a unit wrote, what made it, and what it derives from."""
    entity = _name("wf", run.id, outcome.record)
    traces = "trace" if outcome.traces_out == 1 else "traces"
    description = (
        f"{outcome.station}, tag {outcome.output_tag}: {outcome.traces_out} {traces} "
        f"({' '.join(outcome.channels)})"
    )
    label, type_ = "Waveform Trace", "seis_prov:waveform_trace"
    if not outcome.traces_out:
        description = f"{outcome.station}"
        label, type_ = "Auxiliary Data", "asdf_pipeline:auxiliary_data"
    if outcome.others:
        description += ": its pairs with stations that come after it"
    elif outcome.auxiliary:
        description += f"; auxiliary data {' '.join(outcome.auxiliary)}"
    yield _record(
        "entity",
        entity,
        ("prov:label", label),
        ("prov:type", type_, "string"),
        ("seis_prov:description", description),
    )
    last = len(run.steps) - 1
    made_by = _step_name(run, owner, last) if run.steps else _activity(run)
    yield _relation("wasGeneratedBy", entity=entity, activity=made_by)
    for former in outcome.provenance_ids:
        if reference := _reference(former):
            ends = {"generatedEntity": entity, "usedEntity": reference}
            yield _relation("wasDerivedFrom", **ends)


def _step_records(run: Run, owner: str) -> Iterator[str]:
    """Yield the activities of one unit (of all: ""), each informed by the last."""
    agent = _agent(run, "ObsPy" if "ObsPy" in run.software else "asdf_pipeline")
    before = _activity(run)
    for index, step in enumerate(run.steps):
        name = _step_name(run, owner, index)
        yield _record("activity", name, *_step_fields(step))
        yield _relation("wasInformedBy", informed=name, informant=before)
        yield _relation("wasAssociatedWith", activity=name, agent=agent)
        before = name


def _step_fields(step: Step) -> Iterator[Field]:
    space = "seis_prov" if step.letters else "asdf_pipeline"
    yield ("prov:label", step.label)
    yield ("prov:type", f"{space}:{step.type or 'step'}", "string")
    for name, value in step.attributes.items():
        if isinstance(value, float):
            yield (f"{space}:{name}", repr(value), "double")
        elif isinstance(value, int):
            yield (f"{space}:{name}", str(value), "positiveInteger")
        else:
            yield (f"{space}:{name}", value)


def _step_name(run: Run, owner: str, index: int) -> str:
    letters = run.steps[index].letters
    name = _name(letters or "step", run.id, owner, str(index), number=index + 1)
    return name if letters else name.replace("seis_prov:", "asdf_pipeline:")


def _activity(run: Run) -> str:
    return f"asdf_pipeline:run_{run.id}"


def _agent(run: Run, name: str) -> str:
    return _name("sa", name, run.software[name][0])


def _name(letters: str, *parts: str, number: int = 1) -> str:
    return f"seis_prov:{local_id(letters, *parts, number=number)}"


def _reference(name: str) -> str | None:
    """Return how to refer to ``{namespace}local``; None for what is no such name."""
    space, brace, local = name.removeprefix("{").partition("}")
    if not (name.startswith("{") and brace and _LOCAL.fullmatch(local)):
        return None
    if space == NAMESPACE:
        return f"seis_prov:{local}"
    return f"former:{local}\0{space}"


def _record(kind: str, name: str, *fields: Field) -> str:
    inside = []
    for tag, text, *types in fields:
        typed = f' xsi:type="xsd:{types[0]}"' if types else ""
        inside.append(
            f"    <{tag}{typed}>{escape(_NO_XML.sub('?', text), quote=False)}</{tag}>"
        )
    body = "\n".join(inside)
    return f'  <prov:{kind} prov:id="{name}">\n{body}\n  </prov:{kind}>'


def _relation(kind: str, **ends: str) -> str:
    """Return a relation; an end may bring its namespace, after a zero byte."""
    inside = []
    for role, end in ends.items():
        name, _, space = end.partition("\0")
        spaces = f' xmlns:former="{escape(space)}"' if space else ""
        inside.append(f'<prov:{role}{spaces} prov:ref="{name}"/>')
    return f"  <prov:{kind}>{''.join(inside)}</prov:{kind}>"
