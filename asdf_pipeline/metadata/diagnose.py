"""Which element of a StationXML document ObsPy could not read, and why.

ObsPy's own errors name neither (1.5.1: "float() argument must be a string or a real
number, not 'NoneType'", for an elevation of ``****``).
"""

from __future__ import annotations

import traceback
from collections import deque
from typing import TYPE_CHECKING

from lxml import etree

from asdf_pipeline.metadata.elements import (
    channel_words,
    children,
    local_name,
    root_of,
    station_words,
    stations,
)
from asdf_pipeline.text import named_line

if TYPE_CHECKING:
    from asdf_pipeline.metadata.elements import Element

# What ObsPy cannot do without.
_COORDINATES = ("Latitude", "Longitude", "Elevation")
_NEEDED = {
    "FDSNStationXML": ("Source", "Created"),
    "Station": _COORDINATES,
    "Channel": (*_COORDINATES, "Depth"),
    "PolesZeros": ("NormalizationFrequency",),
    "ResponseListElement": ("Frequency", "Amplitude", "Phase"),
}
# What must be a number, and its bounds.
_ANY = (float("-inf"), float("inf"))
_NUMBERS = {
    "Latitude": (-90.0, 90.0),
    "Longitude": (-180.0, 180.0),
    "Azimuth": (0.0, 360.0),
    "Dip": (-90.0, 90.0),
    "Elevation": _ANY,
    "Depth": _ANY,
    "NormalizationFrequency": _ANY,
    "Numerator": _ANY,
    "Denominator": _ANY,
    "NumeratorCoefficient": _ANY,
    "Coefficient": _ANY,
}


def diagnose(error: Exception) -> str:
    """Return where ObsPy's StationXML reader failed, and what is wrong there.

    Parameters
    ----------
    error : Exception
        What the reader raised, with its traceback.

    Returns
    -------
    str
        ``"station BW.RJOB from ..., channel .EHZ from ... to ..., line 7: PolesZeros
        has no NormalizationFrequency (TypeError: ...)"``; ObsPy's words alone, where
        nothing more is known.
    """
    reason = named_line(error)
    element = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        # Its functions take the element that they read as their first argument.
        found = (one for one in frame.f_locals.values() if isinstance(one, _ELEMENT))
        element = next(found, element)
    if element is None:
        return reason
    fault = _fault(element)
    said = f"{fault} ({reason})" if fault else reason
    return f"{_where(element)}: {said}"


def channels_left_out(document: bytes) -> list[str]:
    """Return the channels that ObsPy leaves out of an inventory, and why.

    ObsPy drops a channel whose coordinates it cannot read, with a warning alone.

    Parameters
    ----------
    document : bytes
        StationXML.
    """
    found = []
    for _, station in stations(root_of(document)):
        for channel in children(station, "Channel"):
            faults = [_fault_of(channel), *map(_fault_of, channel)]
            fault = next((one for one in faults if one), None)
            if fault is not None:
                found.append(
                    f"{station_words(station)}, {channel_words(channel)}: {fault}"
                )
    return found


_ELEMENT = etree._Element  # noqa: SLF001 - lxml has no public name for it


def _where(element: Element) -> str:
    """Return the way from the document to an element, in words."""
    words = []
    for one in (element, *element.iterancestors()):
        name = local_name(one)
        if name == "Stage":
            words.append(f"response stage {one.get('number')}")
        elif name == "Channel":
            words.append(channel_words(one))
        elif name == "Station":
            words.append(station_words(one))
    words.reverse()
    return ", ".join([*words, f"line {element.sourceline}"])


def _fault(element: Element) -> str | None:
    """Return what is wrong with an element, or nearest below it."""
    waiting = deque([element])
    while waiting:
        one = waiting.popleft()
        fault = _fault_of(one)
        if fault:
            return fault
        waiting += one
    return None


def _fault_of(element: Element) -> str | None:
    """Return what is wrong with an element itself."""
    name = local_name(element)
    there = {local_name(child) for child in element}
    for needed in _NEEDED.get(name, ()):
        if needed not in there:
            return f"{name} has no {needed}"
    if name not in _NUMBERS:
        return None
    text = (element.text or "").strip()
    low, high = _NUMBERS[name]
    try:
        value = float(text)
    except ValueError:
        return f"{name} {text!r} is no number"
    if not low <= value <= high:
        return f"{name} {text} is not between {low:g} and {high:g}"
    return None
