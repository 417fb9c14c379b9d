"""Inventories that parse their StationXML when they are first touched."""

from __future__ import annotations

import functools
import io
import logging
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from obspy import Inventory
from obspy.core.util.base import buffered_load_entry_point

from asdf_pipeline.errors import StationXMLError
from asdf_pipeline.metadata.diagnose import channels_left_out, diagnose
from asdf_pipeline.metadata.missing import explained, in_place_of
from asdf_pipeline.metadata.stationxml import trimmed

if TYPE_CHECKING:
    from collections.abc import Callable

_LOGGER = logging.getLogger(__name__)
_LEAVES_OUT = "will not be part of the final inventory"  # ObsPy 1.5.1, of a channel
_SOURCE = "_unparsed"  # where an unparsed inventory keeps what it is made from
# What Python itself asks of an object to test its class, copy or pickle it.
_UNTOUCHED = frozenset(
    {"__class__", "__reduce__", "__reduce_ex__", "__copy__", "__deepcopy__"}
)


@dataclass
class Source:
    """What an inventory is parsed from, and what came of it; shared by its copies.

    ObsPy swallows what parsing raises inside some of its methods (1.5.1:
    `Trace.remove_response` says "No matching response information found" of any
    error), so the error is kept here for who reports what a function raised.

    Attributes
    ----------
    document : bytes
        StationXML.
    where : str
        File and station, for messages.
    cache_responses : bool
        Give channels Responses that keep evaluations (`MemoisingResponse`).
    failure : str
        Why it cannot be parsed; empty if it can, or nobody tried.
    left_out : list of str
        Channels that ObsPy left out, and why.
    """

    document: bytes
    where: str
    cache_responses: bool
    failure: str = ""
    left_out: list[str] = field(default_factory=list)

    def __deepcopy__(self, _: Any) -> Source:
        """Return itself: a copy of an inventory that fails, fails for both."""
        return self

    def explain(self, error: Exception) -> Exception:
        """Return the error to report where a function that used the inventory failed.

        Parameters
        ----------
        error : Exception
            What the function raised.

        Returns
        -------
        Exception
            With the traceback of `error`: a StationXMLError where the StationXML could
            not be parsed, a ResponseMissingError where a response was looked for that
            is not there; else `error` itself.
        """
        if self.failure and not isinstance(error, StationXMLError):
            return in_place_of(error, StationXMLError(self.failure))
        return explained(error, self.left_out)


def source_of(inventory: Inventory | None) -> Source | None:
    """Return what an inventory will be parsed from; None once it is."""
    if not isinstance(inventory, LazyInventory):
        return None
    source: Source = object.__getattribute__(inventory, "__dict__")[_SOURCE]
    return source


class LazyInventory(Inventory):  # type: ignore[misc]
    """An Inventory that is parsed when it is first touched.

    With the first access to anything it becomes an ordinary `obspy.Inventory`, class
    and all. Many functions never look at theirs, and parsing takes 5 to 30 ms.

    Parameters
    ----------
    source : Source
        What it is parsed from.
    """

    def __init__(self, source: Source) -> None:
        object.__getattribute__(self, "__dict__")[_SOURCE] = source

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
        return LazyInventory, (object.__getattribute__(self, "__dict__")[_SOURCE],)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Pickle and copy what is not parsed yet unparsed."""
        return LazyInventory.__reduce__(self)

    def __eq__(self, other: object) -> bool:
        """Parse and compare."""
        _parse_in_place(self)
        return bool(self == other)

    __hash__ = None  # type: ignore[assignment]  # as ObsPy's


def _parse_in_place(inventory: LazyInventory) -> None:
    """Make an ordinary Inventory of a lazy one; it stays lazy if that fails."""
    state = object.__getattribute__(inventory, "__dict__")
    parsed = parse_source(state[_SOURCE])
    del state[_SOURCE]
    state.update(parsed.__dict__)
    object.__setattr__(inventory, "__class__", Inventory)


@functools.cache
def _reader() -> Callable[[BinaryIO], Inventory]:
    """Return what `obspy.read_inventory` reads StationXML by.

    `read_inventory` itself (ObsPy 1.5) looks the package's name up in its metadata each
    time: a seventh of the time that a usual document takes.
    """
    reader: Callable[[BinaryIO], Inventory] = buffered_load_entry_point(
        "obspy", "obspy.plugin.inventory.STATIONXML", "readFormat"
    )
    return reader


def parse(
    document: bytes, where: str, cache_responses: bool = True, quiet: bool = True
) -> Inventory:
    """Return the inventory in a StationXML document.

    Parameters
    ----------
    document : bytes
        Checked by `stationxml.survey` or `stationxml.check_wellformed`.
    where : str
        File and station, for messages.
    cache_responses : bool
        Give channels Responses that keep evaluations (`MemoisingResponse`).
    quiet : bool
        Drop ObsPy's warnings.

    Raises
    ------
    StationXMLError
        If ObsPy cannot make an inventory of it; it names the element.
    """
    return parse_source(Source(document, where, cache_responses), quiet)


def parse_source(source: Source, quiet: bool = True) -> Inventory:
    """Return the inventory of a source, and note there what came of it.

    ObsPy's warnings are remarks on the document: who puts it into a data set wants to
    see them, who uses it there can change nothing, and would see them for each unit.

    Raises
    ------
    StationXMLError
        As of `parse`, also when it failed before.
    """
    if source.failure:
        raise StationXMLError(source.failure)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            inventory = _reader()(io.BytesIO(trimmed(source.document)))
    except Exception as error:  # ObsPy raises whatever its readers happen to
        source.failure = (
            f"{source.where}: the StationXML cannot be parsed: {diagnose(error)}"
        )
        raise StationXMLError(source.failure) from error
    lost = [one for one in caught if _LEAVES_OUT in str(one.message)]
    for one in () if quiet else caught:
        if one not in lost:  # which is said in better words
            warnings.warn(one.message, one.category, stacklevel=2)
    if lost:
        source.left_out = channels_left_out(source.document)
        for channel in source.left_out:
            _warn_once(f"{source.where}: ObsPy leaves out {channel}")
    if source.cache_responses:
        from asdf_pipeline.metadata.response import memoise

        memoise(inventory)
    return inventory


@functools.lru_cache(maxsize=1024)
def _warn_once(line: str) -> None:
    """Log a warning, once a process: a station is parsed for each tag and window."""
    _LOGGER.warning(line)
