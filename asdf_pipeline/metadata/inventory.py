"""Inventories that parse their StationXML when they are first touched."""

from __future__ import annotations

import io
import warnings
from typing import Any

import obspy
from obspy import Inventory

from asdf_pipeline.errors import StationXMLError
from asdf_pipeline.metadata.stationxml import trimmed
from asdf_pipeline.text import named_line

_SOURCE = "_unparsed"  # where an unparsed inventory keeps what it is made from
_UNTOUCHED = frozenset(
    {"__class__", "__reduce__", "__reduce_ex__", "__copy__", "__deepcopy__"}
)


class LazyInventory(Inventory):  # type: ignore[misc]
    """An Inventory that is parsed when it is first touched.

    With the first access to anything it becomes an ordinary `obspy.Inventory`, class
    and all. Many functions never look at theirs, and parsing takes 5 to 30 ms.

    Parameters
    ----------
    document : bytes
        StationXML.
    where : str
        File and station, for messages.
    cache_responses : bool
        Give channels Responses that remember evaluations.
    """

    def __init__(self, document: bytes, where: str, cache_responses: bool) -> None:
        state = object.__getattribute__(self, "__dict__")
        state[_SOURCE] = (document, where, cache_responses)

    def __getattribute__(self, name: str) -> Any:
        """Parse first, unless only the class or a copy is asked for."""
        if name not in _UNTOUCHED:
            _parse_in_place(self)
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Parse first."""
        _parse_in_place(self)
        object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy what is not parsed yet unparsed."""
        return LazyInventory, object.__getattribute__(self, "__dict__")[_SOURCE]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Pickle and copy what is not parsed yet unparsed."""
        return LazyInventory.__reduce__(self)

    def __eq__(self, other: object) -> bool:
        """Parse and compare."""
        _parse_in_place(self)
        return bool(self == other)

    __hash__ = None  # type: ignore[assignment]  # as ObsPy's


def _parse_in_place(inventory: LazyInventory) -> None:
    state = object.__getattribute__(inventory, "__dict__")
    document, where, cache_responses = state[_SOURCE]
    parsed = parse(document, where, cache_responses)
    del state[_SOURCE]
    state.update(parsed.__dict__)
    object.__setattr__(inventory, "__class__", Inventory)


def parse(document: bytes, where: str, cache_responses: bool = True) -> Inventory:
    """Return the inventory in a StationXML document.

    Parameters
    ----------
    document : bytes
        Checked by `stationxml.survey` or `stationxml.check_wellformed`.
    where : str
        File and station, for messages.
    cache_responses : bool
        Give channels Responses that remember evaluations.

    Raises
    ------
    StationXMLError
        If ObsPy cannot make an inventory of it.
    """
    try:
        with warnings.catch_warnings():
            # Remarks on the document, of which the user can change nothing.
            warnings.simplefilter("ignore")
            inventory = obspy.read_inventory(
                io.BytesIO(trimmed(document)), format="STATIONXML"
            )
    except Exception as error:  # ObsPy raises whatever its readers happen to
        msg = f"{where}: the StationXML cannot be parsed ({named_line(error)})"
        raise StationXMLError(msg) from error
    if cache_responses:
        from asdf_pipeline.metadata.response import remember

        remember(inventory)
    return inventory
