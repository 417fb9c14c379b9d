"""Docstrings as this package writes them, made into what Sphinx resolves."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

NOT_MADE_BY_CALLERS = frozenset(
    (
        *("Stations", "Station", "AuxiliaryData", "AuxiliaryItem", "Provenance"),
        *("StationData", "Pair", "Gather", "Outcome", "UserFunction"),
        *("Condition", "Query"),
    )
)
"""Classes that a caller gets and never makes: shown without what they are made of."""

_NAME = re.compile(r"(?<![`:\w])`(\w+)`(?!`)")


def _docstring(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Make names of parameters literals: single backticks are references else."""
    if what == "class" and name.rpartition(".")[2] in NOT_MADE_BY_CALLERS:
        _drop_parameters(lines)
    names = _parameters(obj)
    lines[:] = [
        _NAME.sub(lambda one: f"``{one[1]}``" if one[1] in names else one[0], line)
        for line in lines
    ]


def _parameters(obj: Any) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(obj).parameters)
    except (TypeError, ValueError):  # no callable, or one written in C
        return frozenset()


def _drop_parameters(lines: list[str]) -> None:
    """Remove the section Parameters, up to the next section."""
    ruled = [k for k, line in enumerate(lines[1:]) if re.fullmatch("-{3,}", line)]
    for number, start in enumerate(ruled):
        if lines[start] == "Parameters":
            end = ruled[number + 1] if number + 1 < len(ruled) else len(lines)
            del lines[start:end]
            return


def _signature(
    app: Sphinx,
    what: str,
    name: str,
    obj: Any,
    options: Any,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None]:
    if what == "class" and name.rpartition(".")[2] in NOT_MADE_BY_CALLERS:
        return "", None
    # A dataclass's default that is made anew each time: no Python, and not parsed.
    return signature and signature.replace("<factory>", "..."), returns


def _in_package(
    app: Sphinx, env: BuildEnvironment, node: Any, child: Any
) -> Any | None:
    """Look a name up as one of the package's: ``ASDFDataSet.ifilter`` from anywhere."""
    if node.get("refdomain") != "py" or node["reftarget"].startswith("asdf_pipeline."):
        return None
    return env.domains.python_domain.resolve_xref(
        env,
        node["refdoc"],
        app.builder,
        node["reftype"],
        f"asdf_pipeline.{node['reftarget']}",
        node,
        child,
    )


def _dashes(app: Sphinx, doctree: nodes.document) -> None:
    """Write a dash after names and types, where Sphinx and napoleon write two hyphens.

    Not everywhere, as its smart quotes do: two hyphens may be an option's.
    """
    for field in doctree.findall(nodes.field_body):
        for text in list(field.findall(nodes.Text)):
            if " -- " in text and not isinstance(text.parent, nodes.literal):
                text.parent.replace(text, nodes.Text(text.replace(" -- ", " – ")))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register what autodoc is to do, before napoleon sees the docstrings."""
    app.connect("autodoc-process-docstring", _docstring, priority=400)
    app.connect("autodoc-process-signature", _signature)
    app.connect("doctree-read", _dashes)
    app.connect("missing-reference", _in_package)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
