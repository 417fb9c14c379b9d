"""Names, ids and kinds of a data set's arguments: checked before any work."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from asdf_pipeline.dataset.query import resource_id
from asdf_pipeline.errors import AuxiliaryError, CallError

# A qualified name as lxml writes it, the namespace a URL.
_QUALIFIED = re.compile(r"\{[A-Za-z][A-Za-z0-9+.-]*://[^{}/\s][^{}\s]*\}[^{}\s]+")
# Names within an ASDF file, by its version: pyasdf's expressions, for its messages.
_OLD_PART = r"^[a-zA-Z0-9][a-zA-Z0-9_]*[a-zA-Z0-9]$"
_AUXILIARY_PART = {"1.0.3": r"^[a-zA-Z0-9-_\.!#$%&*+,:;<=>\?@\^~]+$"}
_OLD_DOCUMENT = r"^[0-9a-z][0-9a-z_]*[0-9a-z]$"
_DOCUMENT = {"1.0.3": r"^[ -~]+$"}
_KINDS = {
    "event_id": "Event",
    "origin_id": "Origin",
    "magnitude_id": "Magnitude",
    "focal_mechanism_id": "FocalMechanism",
}


def resource_ids(value: Any, argument: str) -> tuple[str, ...] | None:
    """Return the ids in an argument such as ``event_id``.

    Parameters
    ----------
    value : object, ResourceIdentifier, str, several of them, or None
        None: the trace's own ids stay.
    argument : {"event_id", "origin_id", "magnitude_id", "focal_mechanism_id"}
        Which: an object must be of that kind.

    Raises
    ------
    CallError
        If it is something else, or an id holds a comma, which separates ids.
    """
    if value is None:
        return None
    several = (
        [*value]
        if isinstance(value, Iterable)
        and not hasattr(value, "resource_id")
        and not isinstance(value, str)
        else [value]
    )
    ids = []
    for one in several:
        if not one and isinstance(one, str):
            continue
        kinds = (_KINDS[argument], "ResourceIdentifier")
        wrong = hasattr(one, "resource_id") and type(one).__name__ not in kinds
        try:
            text = resource_id(one)
        except TypeError:
            wrong = True
        if wrong:
            msg = (
                f"{argument}={one!r}: expected an ObsPy {_KINDS[argument]}, a "
                "ResourceIdentifier or a string"
            )
            raise CallError(msg)
        if "," in text:
            msg = f"{argument}={text!r}: an id in an ASDF file cannot hold a comma"
            raise CallError(msg)
        ids.append(text)
    return tuple(ids)


def check_kinds(**arguments: tuple[object, type]) -> None:
    """Check that arguments are of the kinds that they are to be, or None.

    Parameters
    ----------
    **arguments : (object, type)
        The value and the kind, by the argument's name.

    Raises
    ------
    CallError
        If one is of another kind.
    """
    for name, (value, kind) in arguments.items():
        if value is not None and not isinstance(value, kind):
            msg = f"{name}: expected {kind.__name__}, not {value!r}"
            raise CallError(msg)


def checked_labels(labels: Iterable[str] | str | None) -> tuple[str, ...]:
    """Return labels as a tuple, empty where there are none.

    Raises
    ------
    CallError
        If one holds a comma, which separates labels.
    """
    if not labels:
        return ()
    several = (labels,) if isinstance(labels, str) else tuple(labels)
    for label in several:
        if "," in label:
            msg = f"label {label!r}: a label in an ASDF file cannot hold a comma"
            raise CallError(msg)
    return tuple(label.strip() for label in several)


def checked_provenance_id(provenance_id: str | None) -> str | None:
    """Return a provenance id.

    Raises
    ------
    CallError
        If it is no qualified name, ``"{namespace_uri}id"``.
    """
    if provenance_id and _QUALIFIED.fullmatch(provenance_id) is None:
        msg = (
            f"provenance_id={provenance_id!r} is no qualified name: expected "
            "'{namespace_uri}id'"
        )
        raise CallError(msg)
    return provenance_id


def checked_document_name(name: str, version: str) -> str:
    """Return the name of a provenance document.

    Raises
    ------
    CallError
        If this version of the format does not allow it.
    """
    pattern = _DOCUMENT.get(version, _OLD_DOCUMENT)
    if re.fullmatch(pattern, name) is None or "/" in name or name.strip(".") == "":
        msg = (
            f"Name '{name}' is invalid. It must validate against the regular "
            f"expression '{pattern}' in ASDF version '{version}'."
        )
        raise CallError(msg)
    return name


def checked_auxiliary_path(data_type: str, path: str, version: str) -> str:
    """Return the path of auxiliary data below ``/AuxiliaryData``.

    Raises
    ------
    AuxiliaryError
        If this version of the format does not allow one of its parts.
    """
    pattern = _AUXILIARY_PART.get(version, _OLD_PART)
    parts = path.strip("/").split("/")
    for what, name in (
        ("Data type name", data_type),
        *(("Path part name", part) for part in parts),
    ):
        if re.fullmatch(pattern, name) is None:
            msg = (
                f"{what} '{name}' is invalid. It must validate against the regular "
                f"expression '{pattern}' in ASDF version '{version}'."
            )
            raise AuxiliaryError(msg)
    return "/".join((data_type, *parts))
