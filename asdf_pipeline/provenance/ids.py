"""Names of records: the same for the same work."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asdf_pipeline.container.encoded import EncodedTrace

NAMESPACE = "http://seisprov.org/seis_prov/0.1/#"
DOCUMENT = "asdf_pipeline_"
"""What the name of each document of this package begins with, before the run's id."""

_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def run_id(key: Mapping[str, str | None]) -> str:
    """Return the id of a run, from what its work depends on (see `plan.key.run_key`).

    How samples are stored does not enter: backends differ in it.
    """
    return _hash(
        *(f"{name}={key[name]}" for name in sorted(key) if name != "the encoding")
    )


def trace_id(run: str, unit_id: str) -> str:
    """Return the qualified name ``{namespace}id`` of what a unit wrote."""
    return f"{{{NAMESPACE}}}{local_id('wf', run, unit_id)}"


def document_name(run: str) -> str:
    """Return the name of a run's document in the file."""
    return f"{DOCUMENT}{run}"


def local_id(letters: str, *parts: str, number: int = 1) -> str:
    """Return an id as SEIS-PROV prescribes: ``sp001_wf_``, then 7 to 12 characters.

    Parameters
    ----------
    letters : str
        SEIS-PROV's two letters for the type of the record.
    parts : str
        What the id follows from.
    number : int
        Place in a chain of records.
    """
    return f"sp{number:03d}_{letters}_{_hash(letters, *parts)}"


def link(
    traces: Iterable[EncodedTrace], record: str, former: Iterable[str]
) -> tuple[EncodedTrace, ...]:
    """Return traces that refer to a record.

    Parameters
    ----------
    traces : iterable of EncodedTrace
        What a unit wrote.
    record : str
        Qualified name of the record.
    former : iterable of str
        What the traces read referred to. An id that is none of these was set by the
        function, and stays.
    """
    replaced = {"", *former}
    return tuple(
        replace(trace, header=replace(trace.header, provenance_id=record))
        if trace.header.provenance_id in replaced
        else trace
        for trace in traces
    )


def _hash(*parts: str) -> str:
    feed = hashlib.blake2b(digest_size=8)
    for part in parts:
        data = part.encode("utf-8", "surrogateescape")
        feed.update(b"%d:" % len(data) + data)
    value = int.from_bytes(feed.digest(), "big")
    digits = []
    for _ in range(12):
        value, digit = divmod(value, 36)
        digits.append(_LETTERS[digit])
    return "".join(digits)
