"""An inventory as StationXML: ObsPy's, with what ObsPy leaves out or makes up mended.

All of it seen with ObsPy 1.5.1, whose own reader gets back what is mended here:

- schema 1.2 has no gain for a polynomial stage, so the writer drops it, with a warning;
- a unit that is None becomes a unit called "None";
- foreign elements declare their namespaces themselves, where the reader looks for them
  among those of the element around.
"""

from __future__ import annotations

import copy
import io
import warnings
from typing import TYPE_CHECKING

from lxml import etree
from obspy.core.inventory import PolynomialResponseStage

from asdf_pipeline.errors import StationXMLError
from asdf_pipeline.metadata.elements import children, root_of, to_document
from asdf_pipeline.text import one_line

if TYPE_CHECKING:
    from obspy import Inventory

    from asdf_pipeline.metadata.elements import Element


def to_stationxml(inventory: Inventory) -> bytes:
    """Return an inventory as a StationXML document.

    Parameters
    ----------
    inventory : obspy.Inventory
        Not changed.

    Raises
    ------
    StationXMLError
        If ObsPy cannot write one of the stations, which is named.
    """
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "(Stage gain|Decimation) is not allowed")
            inventory.write(buffer, format="STATIONXML")
    except Exception as error:  # ObsPy raises anything where one is not complete
        name = _unwritable(inventory)
        msg = f"station {name}: cannot be written as StationXML: {one_line(error)}"
        raise StationXMLError(msg) from error
    root = root_of(buffer.getvalue())
    namespace = etree.QName(root).namespace
    changed = _add_gains(root, inventory)
    for unit in root.iter(f"{{{namespace}}}InputUnits", f"{{{namespace}}}OutputUnits"):
        for name in children(unit, "Name"):
            if name.text == "None":
                unit.remove(name)
                changed = True
    changed |= _declare_namespaces(root)
    return to_document(root) if changed else buffer.getvalue()


def _add_gains(root: Element, inventory: Inventory) -> bool:
    """Add the gains of polynomial stages; return whether there are any."""
    namespace = etree.QName(root).namespace
    gains = {
        (i, j, k, number): stage
        for i, network in enumerate(inventory)
        for j, station in enumerate(network)
        for k, channel in enumerate(station)
        if channel.response is not None
        for number, stage in enumerate(channel.response.response_stages)
        if isinstance(stage, PolynomialResponseStage) and stage.stage_gain is not None
    }
    for (i, j, k, number), stage in gains.items():
        station = children(children(root, "Network")[i], "Station")[j]
        (response,) = children(children(station, "Channel")[k], "Response")
        element = children(response, "Stage")[number]
        gain = etree.SubElement(element, f"{{{namespace}}}StageGain")
        for tag, value in (
            ("Value", stage.stage_gain),
            ("Frequency", stage.stage_gain_frequency),
        ):
            if value is not None:
                etree.SubElement(gain, f"{{{namespace}}}{tag}").text = str(value)
    return bool(gains)


def _declare_namespaces(root: Element) -> bool:
    """Declare all namespaces at the root; return whether some were not."""
    known = set(root.nsmap.values())
    found = {
        name
        for element in root.iter(etree.Element)
        for name in element.nsmap.values()
        if name not in known
    }
    if found:
        declared = {f"extra{n}": name for n, name in enumerate(sorted(found), 1)}
        etree.cleanup_namespaces(root, top_nsmap={**root.nsmap, **declared})
    return bool(found)


def _unwritable(inventory: Inventory) -> str:
    """Return the first station of an inventory that ObsPy cannot write."""
    name = "?"
    for network in inventory:
        for station in network:
            name = f"{network.code}.{station.code}"
            alone, within = copy.copy(inventory), copy.copy(network)
            within.stations, alone.networks = [station], [within]
            try:
                alone.write(io.BytesIO(), format="STATIONXML")
            except Exception:  # noqa: BLE001 - that is the question
                return name
    return name
