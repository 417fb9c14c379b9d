"""``ro-crate-metadata.json``: what is in a crate, in the words of RO-Crate 1.1.

By the profiles Workflow Run Crate 0.5 and Workflow RO-Crate 1.0
(https://www.researchobject.org/workflow-run-crate). Written as JSON-LD by hand: all of
it is here, and `rocrate` would bring ten packages.
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from asdf_pipeline._version import __version__
from asdf_pipeline.crate.parts import README, WORKFLOW
from asdf_pipeline.errors import CallError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asdf_pipeline.crate.parts import Part, Project

METADATA = "ro-crate-metadata.json"
_WFRUN = "https://w3id.org/ro/wfrun"
_PROFILES = {
    f"{_WFRUN}/process/0.5": ("Process Run Crate", "0.5"),
    f"{_WFRUN}/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_BIOSCHEMAS = "https://bioschemas.org/profiles"
_SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
_WEBSITE = "https://seismic-data.org"  # the format's own page, as in provenance
_OWN = f"{_WEBSITE}/#asdf_pipeline"
_TYPES = {
    ".h5": "application/x-hdf5",
    ".smk": "text/plain",
    ".jsonl": "application/jsonl",
}
_PARAMETERS = {
    "config": ("config.yaml", "Config", "input"),
    "datasets": ("the table of data sets", "DataSets", "input"),
    "staged": ("staged.h5", "Staged", "input"),
    "processed": ("processed.h5", "Processed", "output"),
    "stations": ("stations.csv", "Stations", "output"),
}
_IS = {"config.yaml": "config", "staged.h5": "staged", "processed.h5": "processed"}
_DIGESTED = ("staged", "processed")
Entity = dict[str, Any]


@dataclass(frozen=True)
class Citation:
    """How a crate is to be cited and may be used.

    Attributes
    ----------
    title, description : str
        Of the crate.
    license : str
        An SPDX id such as ``CC-BY-4.0``, or the address of a licence.
    authors : sequence of str
        ``"Name"``, or ``"Name https://orcid.org/..."``.
    """

    title: str
    description: str
    license: str
    authors: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse what RO-Crate must have and is empty."""
        for name in ("title", "description", "license"):
            if not getattr(self, name).strip():
                msg = f"a crate needs a {name}"
                raise CallError(msg)


def metadata(
    project: Project,
    parts: Sequence[Part],
    sizes: Mapping[str, int],
    citation: Citation,
) -> Entity:
    """Return the crate's metadata, as JSON has it.

    Parameters
    ----------
    project : Project
        What ran.
    parts : sequence of Part
        The crate's files.
    sizes : mapping of str to int
        Their sizes in bytes, by name.
    citation : Citation
        How the crate is to be cited.
    """
    actions = [_action(project, name, parts) for name in project.pipeline.datasets]
    authors = [_author(text) for text in citation.authors]
    license_ = _license(citation.license)
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": citation.title,
        "description": citation.description,
        "datePublished": datetime.now(UTC).date().isoformat(),
        "license": _ref(license_),
        "conformsTo": [{"@id": name} for name in _PROFILES],
        "mainEntity": {"@id": WORKFLOW},
        "mentions": [_ref(action) for action in actions],
        "hasPart": [{"@id": part.name} for part in parts],
    }
    if authors:
        named = [_ref(author) for author in authors]
        root["author"] = named if len(named) > 1 else named[0]
        for action in actions:
            action["agent"] = named[0]
    own = {
        "@id": _OWN,
        "@type": "SoftwareApplication",
        "name": "asdf_pipeline",
        "softwareVersion": __version__,
        "url": _WEBSITE,
    }
    values = [
        _digest(name, kind, text, parts)
        for name, known in project.digests.items()
        for kind, text in known.items()
    ]
    return {
        "@context": [
            "https://w3id.org/ro/crate/1.1/context",
            "https://w3id.org/ro/terms/workflow-run/context",
        ],
        "@graph": [
            _descriptor(),
            root,
            *(
                {
                    "@id": name,
                    "@type": "CreativeWork",
                    "name": title,
                    "version": version,
                }
                for name, (title, version) in _PROFILES.items()
            ),
            license_,
            *authors,
            own,
            _language(project),
            *_formal_parameters(parts),
            *(_file(part, sizes[part.name], project) for part in parts),
            *values,
            *actions,
        ],
    }


def _ref(entity: Entity) -> Entity:
    return {"@id": entity["@id"]}


def _descriptor() -> Entity:
    return {
        "@id": METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": [
            {"@id": "https://w3id.org/ro/crate/1.1"},
            {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"},
        ],
    }


def _profile(address: str) -> Entity:
    name, version = _PROFILES[address]
    return {"@id": address, "@type": "CreativeWork", "name": name, "version": version}


def _license(text: str) -> Entity:
    address = text if "://" in text else f"https://spdx.org/licenses/{text}"
    return {"@id": address, "@type": "CreativeWork", "name": text, "description": text}


def _author(text: str) -> Entity:
    name, _, address = text.strip().rpartition(" ")
    if "://" not in address:
        name, address = text.strip(), "#" + "-".join(text.split()).lower()
    return {"@id": address, "@type": "Person", "name": name}


def _language(project: Project) -> Entity:
    versions = project.record()["packages"]
    return {
        "@id": _SNAKEMAKE,
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "identifier": {"@id": "https://doi.org/10.1093/bioinformatics/bts480"},
        "url": {"@id": "https://snakemake.readthedocs.io"},
        "version": versions.get("snakemake", ""),
    }


def _formal_parameters(parts: Sequence[Part]) -> list[Entity]:
    """Return what goes into the workflow and comes out of it: files, or digests."""
    known = {_IS.get(part.name.rpartition("/")[2]) for part in parts}
    return [
        {
            "@id": f"#parameter-{key}",
            "@type": "FormalParameter",
            "additionalType": "File"
            if key not in _DIGESTED or key in known
            else "PropertyValue",
            "conformsTo": {"@id": f"{_BIOSCHEMAS}/FormalParameter/1.0-RELEASE"},
            "name": title,
            "valueRequired": key != "staged",
        }
        for key, (title, _, _) in _PARAMETERS.items()
    ]


def _file(part: Part, size: int, project: Project) -> Entity:
    """Return the entity of a file; the workflow's is its main one."""
    suffix = part.name[part.name.rfind(".") :]
    kind = _TYPES.get(suffix) or mimetypes.guess_type(part.name)[0] or "text/plain"
    entity: Entity = {
        "@id": part.name,
        "@type": "File",
        "name": part.name.rpartition("/")[2],
        "description": part.about,
        "contentSize": str(size),
        "encodingFormat": kind,
    }
    if part.name == WORKFLOW:
        return {
            **entity,
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
            "name": "asdf_pipeline: a function for every station",
            "version": __version__,
            "url": _WEBSITE,
            "conformsTo": {"@id": f"{_BIOSCHEMAS}/ComputationalWorkflow/1.0-RELEASE"},
            "license": {"@id": "https://spdx.org/licenses/BSD-3-Clause"},
            "programmingLanguage": {"@id": _SNAKEMAKE},
            "softwareRequirements": {"@id": _OWN},
            **{
                side: [
                    {"@id": f"#parameter-{key}"}
                    for key, (_, _, of) in _PARAMETERS.items()
                    if of == side
                ]
                for side in ("input", "output")
            },
        }
    if part.name == README:
        entity["about"] = {"@id": "./"}
    key = _IS.get(str(entity["name"]))
    if part.name == project.record()["table"]:
        key = "datasets"
    if entity["name"] == "stations.csv" and part.dataset:
        key = "stations"
    if key:
        entity["exampleOfWork"] = {"@id": f"#parameter-{key}"}
    return entity


def _digest(dataset: str, kind: str, text: str, parts: Sequence[Part]) -> Entity:
    """Return what says which content an ASDF file had, whether it is there or not."""
    there = any(part.name == f"results/{dataset}/{kind}.h5" for part in parts)
    example: Entity = {}
    if kind in _DIGESTED and not there:
        example = {"exampleOfWork": {"@id": f"#parameter-{kind}"}}
    return {
        "@id": f"#{dataset}-{kind}-digest",
        "@type": "PropertyValue",
        "name": f"content digest of results/{dataset}/{kind}.h5 (XXH3-128)",
        "value": text,
        **example,
    }


def _action(project: Project, dataset: str, parts: Sequence[Part]) -> Entity:
    """Return the run of the workflow that made a data set."""
    of = [part for part in parts if part.dataset in ("", dataset)]
    known = project.digests[dataset]
    digests = {kind: {"@id": f"#{dataset}-{kind}-digest"} for kind in known}
    software = [
        part for part in of if part.role == "software" and "workflow/" not in part.name
    ]
    entity: Entity = {
        "@id": f"#run-{dataset}",
        "@type": "CreateAction",
        "name": f"Data set {dataset}",
        "instrument": {"@id": WORKFLOW},
        "object": [
            *({"@id": part.name} for part in [*_with(of, "input"), *software]),
            *([digests["staged"]] if "staged" in digests else []),
        ],
        "result": [
            *({"@id": part.name} for part in _with(of, "output")),
            *(one for kind, one in digests.items() if kind != "staged"),
        ],
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }
    if dataset in project.runs:
        run = project.runs[dataset]
        entity |= {"startTime": run.started, "endTime": run.ended}
        entity["description"] = run.circumstances.get("command", "")
    return entity


def _with(parts: Sequence[Part], role: str) -> list[Part]:
    return [part for part in parts if part.role == role]
