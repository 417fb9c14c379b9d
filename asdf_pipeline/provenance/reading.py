"""Reading a document that `document` wrote: the run that made a file."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from asdf_pipeline.provenance.document import NAMESPACES
from asdf_pipeline.provenance.ids import DOCUMENT
from asdf_pipeline.provenance.run import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROV, _SEIS, _OWN = (
    f"{{{NAMESPACES[name]}}}" for name in ("prov", "seis_prov", "asdf_pipeline")
)


def read_runs(documents: Mapping[str, bytes]) -> list[Run]:
    """Return the runs that a file's documents describe, the last one first.

    Documents of other software, and those that cannot be read, are left out.

    Parameters
    ----------
    documents : mapping of str to bytes
        By name, as `Reader.provenance` gives them.
    """
    runs = [
        run
        for name, document in documents.items()
        if name.startswith(DOCUMENT)
        and (run := _read(name.removeprefix(DOCUMENT), document)) is not None
    ]
    return sorted(runs, key=lambda run: run.ended, reverse=True)


def _read(run: str, document: bytes) -> Run | None:
    activity: dict[str, str] = {}
    used: dict[str, dict[str, str]] = {}
    software: dict[str, tuple[str, str]] = {}
    try:
        for _, element in ElementTree.iterparse(io.BytesIO(document)):
            kind = element.tag.removeprefix(_PROV)
            if f"{_PROV}id" not in element.keys():  # noqa: SIM118 - no mapping
                continue  # part of a record, or a relation
            fields = {child.tag: child.text or "" for child in element}
            type_ = fields.get(f"{_PROV}type", "")
            if type_ == "asdf_pipeline:run":
                activity = fields
            elif kind == "softwareAgent":
                name = fields.get(f"{_SEIS}software_name", "")
                version = fields.get(f"{_SEIS}software_version", "")
                software[name] = (version, fields.get(f"{_SEIS}website", ""))
            elif kind == "activity" or type_ == "seis_prov:waveform_trace":
                break  # the run comes first; units may be many
            else:
                used[fields.get(f"{_SEIS}location_type", type_)] = fields
        return _run(run, activity, used, software)
    except (ElementTree.ParseError, ValueError, KeyError):
        return None


def _run(
    run: str,
    activity: dict[str, str],
    used: dict[str, dict[str, str]],
    software: dict[str, tuple[str, str]],
) -> Run:
    own = {
        tag.removeprefix(_OWN): text
        for tag, text in activity.items()
        if tag.startswith(_OWN)
    }
    source, function = used["Filename"], used["Python function"]
    return Run(
        run,
        {
            "path": source[f"{_SEIS}location"],
            **{
                tag.removeprefix(_OWN): text
                for tag, text in source.items()
                if tag.startswith(_OWN)
            },
        },
        {
            "name": function[f"{_SEIS}location"],
            "source": function.get(f"{_OWN}source", ""),
        },
        json.loads(used["seis_prov:input_parameters"][f"{_OWN}parameters"]),
        json.loads(own.pop("tag_map")),
        software,
        activity[f"{_PROV}startTime"],
        activity[f"{_PROV}endTime"],
        own,
    )
