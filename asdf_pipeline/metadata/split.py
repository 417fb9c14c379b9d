"""A StationXML document of any number of stations to one for each of them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asdf_pipeline.metadata.elements import (
    channel_key,
    channel_words,
    children,
    local_name,
    place_of,
    root_of,
    same_channel,
    set_count,
    stations,
    time_of,
    to_document,
    without_content,
)
from asdf_pipeline.metadata.stationxml import trimmed

if TYPE_CHECKING:
    from collections.abc import Collection

    from asdf_pipeline.metadata.elements import Element


@dataclass(frozen=True)
class StationDocument:
    """One station's StationXML, and what its reader should know of how it was made.

    Attributes
    ----------
    document : bytes
        The StationXML.
    warnings : tuple of str
        Contradictions, and which side is kept: lines to be shown.
    remarks : tuple of str
        What else was left out or rewritten: lines to be logged.
    """

    document: bytes
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def split(document: bytes, source_name: str) -> dict[str, StationDocument]:
    """Return a document of its own for each station of a StationXML document.

    A station's document holds all that is said of the document and of its networks
    as a whole, too; comments go with the element that they precede. Only
    ``SelectedNumberStations`` is corrected. Of a channel whose epoch is there twice
    the first counts. A document of one station comes back byte for byte.

    Parameters
    ----------
    document : bytes
        StationXML.
    source_name : str
        Where it is from, for warnings and remarks.

    Returns
    -------
    dict of str to StationDocument
        By station (``"NET.STA"``), sorted.

    Raises
    ------
    StationXMLError
        If it is not well-formed, or declares entities.
    """
    root = root_of(document)
    found: dict[str, list[Element]] = {}
    for network, station in stations(root):
        name = f"{network.get('code', '')}.{station.get('code', '')}"
        found.setdefault(name, []).append(station)
    documents = {}
    for name in sorted(found):
        own = root if len(found) == 1 else _cut(root, found[name])
        said, remarks = drop_repeated(own, f"{source_name}: station {name}")
        changed = own is not root or said or remarks
        content = to_document(own) if changed else trimmed(document)
        documents[name] = StationDocument(content, tuple(said), tuple(remarks))
    return documents


def _cut(root: Element, kept: Collection[Element]) -> Element:
    """Return a new document with these stations alone."""
    own = set(kept)
    new = without_content(root)
    networks = {station.getparent() for station in own}
    for child in _without(root, "Network", networks):
        if child not in networks:
            new.append(copy.deepcopy(child))
            continue
        network = without_content(child)
        network.extend(copy.deepcopy(one) for one in _without(child, "Station", own))
        set_count(network, "SelectedNumberStations", len(children(network, "Station")))
        new.append(network)
    for sibling in reversed(list(root.itersiblings(preceding=True))):
        new.addprevious(copy.deepcopy(sibling))
    for sibling in reversed(list(root.itersiblings())):
        new.addnext(copy.deepcopy(sibling))
    return new


def _without(parent: Element, name: str, kept: Collection[Element]) -> list[Element]:
    """Return an element's children but those of a name that are not kept.

    Comments right before an element belong to it; those at the end to the parent.
    """
    chosen: list[Element] = []
    pending: list[Element] = []
    unwanted = set(children(parent, name)) - set(kept)
    for child in parent:
        pending.append(child)
        if local_name(child):
            if child not in unwanted:
                chosen += pending
            pending = []
    return chosen + pending


def drop_repeated(root: Element, where: str) -> tuple[list[str], list[str]]:
    """Leave out channels whose epoch is there already; return warnings and remarks."""
    said: list[str] = []
    remarks: list[str] = []
    seen: dict[tuple[Any, ...], Element] = {}
    epochs: dict[tuple[str, ...], Element] = {}
    for network, station in list(stations(root)):
        outer = [str(time_of(one, "startDate")) for one in (network, station)]
        epochs.setdefault((*outer,), station)
        before = children(station, "Channel")
        for channel in before:
            first = seen.setdefault((*outer, *channel_key(channel)), channel)
            if first is channel:
                continue
            words = f"{where}: {channel_words(channel)} is described twice"
            if same_channel(first, channel):
                remarks.append(f"{words} with the same content: kept once")
            else:
                said.append(f"{words}, each time otherwise: the first is kept")
            station.remove(channel)
        left = len(children(station, "Channel"))
        if left < len(before):
            set_count(station, "SelectedNumberChannels", left)
            if not left:  # the station's epoch itself was there twice
                first = epochs[*outer]
                if first is not station and place_of(first) != place_of(station):
                    said.append(
                        f"{where}: is at {place_of(first)} and at {place_of(station)} "
                        f"from {outer[1]}: the first is kept"
                    )
                network.remove(station)
                count = len(children(network, "Station"))
                set_count(network, "SelectedNumberStations", count)
                if not count:
                    root.remove(network)
    return said, remarks
