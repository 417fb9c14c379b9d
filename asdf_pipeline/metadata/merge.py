"""What several StationXML documents say about a station, in one."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import StationXMLError
from asdf_pipeline.metadata.elements import (
    channel_key,
    channel_words,
    children,
    insert_last,
    local_name,
    place_of,
    root_of,
    same,
    same_channel,
    set_count,
    time_of,
    to_document,
)
from asdf_pipeline.metadata.split import StationDocument, drop_repeated, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asdf_pipeline.metadata.elements import Element


def merge(documents: Sequence[tuple[str, bytes]], station: str) -> StationDocument:
    """Return one StationXML document that holds what several say about a station.

    The first document is kept as it is; channels, epochs and foreign elements that
    it lacks are put into it. Epochs of the station with the same start and place
    become one, which lasts as long as any of them; of a channel that several have
    (location, code, start and end), the first counts.

    Parameters
    ----------
    documents : sequence of (str, bytes)
        Each document after the name of its source, for warnings and remarks.
    station : str
        ``"NET.STA"``.

    Raises
    ------
    StationXMLError
        If one is not well-formed, or one does not hold the station.
    """
    parts = []
    for source_name, document in documents:
        part = split(document, source_name).get(station)
        if part is None:
            msg = f"{source_name}: does not hold station {station}"
            raise StationXMLError(msg)
        parts.append((source_name, part))
    (first_name, first), *others = parts
    if not others:
        return first
    merging = _Merging(first_name, station, root_of(first.document))
    for source_name, part in others:
        merging.add(source_name, root_of(part.document))
    # Where the files disagree about the place, an epoch is there twice even now.
    names = ", ".join(source_name for source_name, _ in parts)
    twice, once = drop_repeated(merging.root, f"{names}: station {station}")
    warnings = [line for _, part in parts for line in part.warnings]
    return StationDocument(
        to_document(merging.root),
        (*warnings, *merging.warnings, *twice),
        (*merging.remarks, *once),
    )


class _Merging:
    """One station's document, growing."""

    def __init__(self, source_name: str, station: str, root: Element) -> None:
        self.root = root
        self._station = station
        self.warnings: list[str] = []
        self.remarks: list[str] = []
        self._first = source_name
        # Elements without a name here are the first document's.
        self._sources: dict[Element, str] = {}

    def add(self, source_name: str, root: Element) -> None:
        """Add another document of the same station."""
        left_out: list[str] = []
        self._add_others(self.root, root, left_out)
        for network in children(root, "Network"):
            mine = self._find_or_insert(self.root, network, source_name)
            if mine is None:
                continue
            self._last_as_long(mine, network, source_name)
            self._add_others(mine, network, left_out)
            for station in children(network, "Station"):
                epoch = self._find_or_insert(mine, station, source_name)
                if epoch is None:
                    continue
                self._last_as_long(epoch, station, source_name)
                self._add_others(epoch, station, left_out)
                for channel in children(station, "Channel"):
                    self._add_channel(epoch, channel, source_name)
                count = len(children(epoch, "Channel"))
                set_count(epoch, "SelectedNumberChannels", count)
            count = len(children(mine, "Station"))
            set_count(mine, "SelectedNumberStations", count)
        if left_out:
            names = ", ".join(dict.fromkeys(left_out))
            self.remarks.append(
                f"{source_name}: station {self._station}: left out, as "
                f"{self._first} says otherwise: {names}"
            )

    def _find_or_insert(
        self, parent: Element, element: Element, source_name: str
    ) -> Element | None:
        """Return the epoch that is this one; None, and this one added, if none is."""
        wanted = _identity(element)
        for one in children(parent, local_name(element)):
            if _identity(one) == wanted:
                return one
        insert_last(parent, element)
        self._note_source(children(parent, local_name(element))[-1], source_name)
        return None

    def _note_source(self, added: Element, source_name: str) -> None:
        """Note where an added element, and all in it, is from."""
        self._sources |= dict.fromkeys(added.iter(), source_name)

    def _last_as_long(self, kept: Element, other: Element, source_name: str) -> None:
        """Move the end of an epoch to that of another of the same start, if later."""
        end, later = time_of(kept, "endDate"), time_of(other, "endDate")
        if end is None or (later is not None and later <= end):
            return
        if later is None:
            del kept.attrib["endDate"]
        else:
            kept.set("endDate", other.get("endDate"))
        self.remarks.append(
            f"{source_name}: {local_name(kept)} {kept.get('code')} from "
            f"{time_of(kept, 'startDate')} ends at {later}, not at {end}"
        )

    def _add_others(self, mine: Element, other: Element, left_out: list[str]) -> None:
        """Add foreign elements that are not there, and note which others differ."""
        own = other.nsmap.get(other.prefix)
        for child in other:
            name = local_name(child)
            if name in ("", "Network", "Station", "Channel") or _counts(name):
                continue
            if any(same(child, one) for one in mine if one.tag == child.tag):
                continue
            if child.nsmap.get(child.prefix) == own:
                left_out.append(f"{local_name(mine)}/{name}")
            else:
                mine.append(copy.deepcopy(child))

    def _add_channel(self, epoch: Element, channel: Element, source_name: str) -> None:
        key = channel_key(channel)
        for one in children(epoch, "Channel"):
            if channel_key(one) == key:
                if not same_channel(one, channel):
                    kept = self._sources.get(one, self._first)
                    self.warnings.append(
                        f"{source_name}: station {self._station}, "
                        f"{channel_words(channel)}: is described otherwise in {kept}, "
                        "which is kept: leave one of them out"
                    )
                return
        insert_last(epoch, channel)
        self._note_source(children(epoch, "Channel")[-1], source_name)


def _counts(name: str) -> bool:
    """Return whether an element counts others, and is corrected, not compared."""
    return name.startswith(("SelectedNumber", "TotalNumber"))


def _identity(element: Element) -> tuple[Any, ...]:
    """Return what makes an epoch of a network or station: start and place."""
    return (str(time_of(element, "startDate")), *place_of(element))
