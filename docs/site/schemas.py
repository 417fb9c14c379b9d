"""The directive ``{schema}``: a JSON schema of the workflow, entry by entry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docutils.nodes import Node
    from sphinx.application import Sphinx

SCHEMAS = Path(__file__).resolve().parents[2] / "workflow" / "schemas"
TYPES = {
    "array": "list",
    "boolean": "true or false",
    "integer": "whole number",
    "null": "nothing",
    "number": "number",
    "object": "mapping",
    "string": "text",
}


class Entries(SphinxDirective):
    """All entries of ``workflow/schemas/NAME.schema.yaml``, each a ``confval``."""

    required_arguments = 1

    def run(self) -> list[Node]:
        """Return the schema's description and its entries."""
        path = SCHEMAS / f"{self.arguments[0]}.schema.yaml"
        self.env.note_dependency(str(path))
        schema = yaml.safe_load(path.read_text(encoding="utf-8"))
        parts = [_escaped(schema["description"]), *entries(schema, schema)]
        return self.parse_text_to_nodes("\n\n".join(parts))


def entries(
    schema: dict[str, Any], part: dict[str, Any], prefix: str = ""
) -> Iterator[str]:
    """Yield Markdown for each entry of a part of a schema, and for those in it."""
    for name, entry in part["properties"].items():
        full = f"{prefix}{name}"
        required = name in part.get("required", ())
        yield _entry(full, _resolved(schema, entry), required=required)
        if "properties" in entry:
            yield from entries(schema, entry, f"{full}: ")


def _resolved(schema: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry with what it refers to; both may describe it."""
    if "$ref" not in entry:
        return entry
    other = schema["$defs"][entry["$ref"].rpartition("/")[2]]
    words = [part["description"] for part in (entry, other) if "description" in part]
    return {**other, **entry, "description": " ".join(words)}


def _entry(name: str, entry: dict[str, Any], *, required: bool) -> str:
    lines = [f":::{{confval}} {name}", f":type: {_type(entry)}"]
    if "default" in entry:
        lines.append(f":default: ``{_yaml(entry['default'])}``")
    lines += ["", _escaped(entry["description"])]
    lines += ["", "Required."] if required else []
    if "minimum" in entry:
        lines += ["", f"At least {entry['minimum']}."]
    if "pattern" in entry:
        lines += ["", f"As a regular expression: `{entry['pattern']}`."]
    keys = entry.get("propertyNames", {})
    values = entry.get("additionalProperties")
    for word, part in (("Key", keys), ("Value", values)):
        if isinstance(part, dict) and "description" in part:
            lines += ["", f"{word}: {_escaped(part['description'])}"]
            lines += [f"`{part['pattern']}`"] if "pattern" in part else []
    return "\n".join([*lines, ":::"])


def _type(entry: dict[str, Any]) -> str:
    if "enum" in entry:
        return " or ".join(f"``{value}``" for value in entry["enum"])
    kinds = entry["type"]
    return " or ".join(
        TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)
    )


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True).splitlines()[0]


def _escaped(text: str) -> str:
    """Return text of a schema, in which Markdown's signs mean themselves."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$])", r"\\\1", text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("schema", Entries)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
