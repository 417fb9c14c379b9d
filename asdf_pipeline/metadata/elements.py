"""StationXML as elements (lxml): networks, stations, channels, and whether two agree.

ObsPy writes a document anew from what it understood of it, and loses the rest (seen
with 1.5.1: XML comments; the gain of a polynomial stage, which schema 1.0 allows; the
place of foreign elements inside ``<Sensor>``). What is cut out of a document by its
elements, or put into another, stays what its author wrote.
"""

from __future__ import annotations

import copy
import io
import warnings
from typing import TYPE_CHECKING, Any

import obspy
from lxml import etree
from obspy import UTCDateTime

from asdf_pipeline.errors import StationXMLError
from asdf_pipeline.metadata.stationxml import check_wellformed, trimmed

if TYPE_CHECKING:
    from collections.abc import Iterator

    Element = Any  # lxml's classes have no types


def root_of(document: bytes) -> Element:
    """Return the root element of a document.

    Raises
    ------
    StationXMLError
        If it is not well-formed, or declares entities.
    """
    check_wellformed(document)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        return etree.fromstring(trimmed(document), parser)
    except etree.XMLSyntaxError as error:  # libxml2 refuses more than expat: bad URIs
        msg = f"not well-formed XML ({error})"
        raise StationXMLError(msg) from error


def to_document(root: Element) -> bytes:
    """Return the document of a root element, with what stands around the root."""
    document: bytes = etree.tostring(
        root.getroottree(), xml_declaration=True, encoding="UTF-8"
    )
    return document


def children(element: Element, name: str) -> list[Element]:
    """Return the direct children of a name in the namespace of the document's root."""
    namespace = etree.QName(element).namespace
    found: list[Element] = element.findall(f"{{{namespace}}}{name}")
    return found if namespace else element.findall(name)


def local_name(element: Element) -> str:
    """Return an element's name without its namespace; empty for a comment."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def stations(root: Element) -> Iterator[tuple[Element, Element]]:
    """Yield each station element after its network's."""
    for network in children(root, "Network"):
        for station in children(network, "Station"):
            yield network, station


def without_content(element: Element) -> Element:
    """Return a new element with the same attributes and namespaces, without content."""
    new = etree.Element(element.tag, element.attrib, nsmap=element.nsmap)
    new.text, new.tail = element.text, element.tail
    return new


def insert_last(parent: Element, element: Element) -> None:
    """Insert a copy of an element behind the last one of its name."""
    same = children(parent, local_name(element))
    place = parent.index(same[-1]) + 1 if same else len(parent)
    parent.insert(place, copy.deepcopy(element))


def set_count(parent: Element, counter: str, count: int) -> None:
    """Correct ``SelectedNumber...``, where it is there, to what is there now."""
    for element in children(parent, counter):
        element.text = str(count)


def time_of(element: Element, attribute: str) -> UTCDateTime | None:
    """Return a time in an attribute; None where there is none or it is no time."""
    try:
        return UTCDateTime(element.attrib[attribute])
    except Exception:  # noqa: BLE001 - KeyError, or whatever UTCDateTime raises
        return None


def epoch_key(element: Element) -> tuple[str, str]:
    """Return start and end of an epoch, the same however they are written."""
    return str(time_of(element, "startDate")), str(time_of(element, "endDate"))


def channel_key(channel: Element) -> tuple[str, ...]:
    """Return what names a channel's epoch: location, code, start, end."""
    codes = (channel.get("locationCode", "").strip(), channel.get("code", "").strip())
    return (*codes, *epoch_key(channel))


def channel_words(channel: Element) -> str:
    """Return a channel's epoch in words: ``"channel 00.BHZ from ... to ..."``."""
    return "channel {}.{} from {} to {}".format(*channel_key(channel))


def station_words(station: Element) -> str:
    """Return a station's epoch in words: ``"station BW.RJOB from ..."``."""
    network = station.getparent()
    code = network.get("code", "") if network is not None else ""
    words = f"station {code}.{station.get('code', '')}"
    start = time_of(station, "startDate")
    return words if start is None else f"{words} from {start}"


def place_of(station: Element) -> tuple[float | str, ...]:
    """Return a station's latitude, longitude and elevation; texts, if no numbers."""
    place: list[float | str] = []
    for name in ("Latitude", "Longitude", "Elevation"):
        for child in children(station, name):
            text = (child.text or "").strip()
            try:
                place.append(float(text))
            except ValueError:
                place.append(text)
    return tuple(place)


def same(one: Element, other: Element) -> bool:
    """Return whether two elements say the same, comments and white space aside."""
    return _canonical(one) == _canonical(other)


def same_channel(one: Element, other: Element) -> bool:
    """Return whether two channels say the same, also in other words (1.0 and 1)."""
    if same(one, other):
        return True
    first, second = _obspy_channel(one), _obspy_channel(other)
    return first is not None and first == second


def _canonical(element: Element) -> str:
    text: str = etree.canonicalize(
        copy.deepcopy(element), strip_text=True, with_comments=False
    )
    return text


def _obspy_channel(channel: Element) -> Any:
    """Return ObsPy's channel, parsed in a document without others; None if it can't."""
    new = copy.deepcopy(channel)
    station = channel.getparent()
    for parent in (station, station.getparent(), station.getparent().getparent()):
        within = without_content(parent)
        for child in parent:
            if local_name(child) not in ("", "Network", "Station", "Channel"):
                within.append(copy.deepcopy(child))
        within.append(new)
        new = within
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            document = io.BytesIO(etree.tostring(new))
            return obspy.read_inventory(document, format="STATIONXML")[0][0][0]
    except Exception:  # noqa: BLE001 - ObsPy raises whatever its readers happen to
        return None
