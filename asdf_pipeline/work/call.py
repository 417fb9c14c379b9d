"""Calling the user's function: with what it asks for, taking what it returns."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from asdf_pipeline.function.result import Checked, check_result
from asdf_pipeline.metadata.inventory import source_of
from asdf_pipeline.metadata.missing import explained

if TYPE_CHECKING:
    from obspy import Stream

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.function.load import UserFunction
    from asdf_pipeline.work.station_data import StationData

_LOGGER = logging.getLogger(__name__)


def call(
    process: UserFunction, reader: Reader, stream: Stream, station: str, tag: str
) -> Checked:
    """Call the user's function on a station's waveforms.

    Parameters
    ----------
    process : UserFunction
        The function.
    reader : Reader
        The open input, for the inventory and what else the function asks for.
    stream : obspy.Stream
        The waveforms; the function may change them.
    station, tag : str
        Whose they are.

    Raises
    ------
    TraceError
        If it returned something that a function must not return (see `Result`).
    StationXMLError, ResponseMissingError
        In place of what the function raised because its StationXML cannot be parsed,
        or has no response for a trace: ObsPy's own error does not say so.
    Exception
        Whatever else the function raised.
    """
    offered = {n: _offer(n, process, reader, stream, tag) for n in process.asks}
    inventory = reader.inventory(station)
    source = source_of(inventory)  # the inventory forgets it once it is parsed
    try:
        result = process.function(stream, inventory, **process.parameters, **offered)
    except Exception as error:
        better = error if source is None else source.explain(error)
        if better is error:
            raise
        raise better from error
    if source is not None and source.failure:
        _LOGGER.warning("%s; the function went on without it", source.failure)
    return check_result(result, station, compares=False)


def compare(process: UserFunction, a: StationData, b: StationData) -> Checked:
    """Call the user's function on a station of two data sets.

    Raises
    ------
    TraceError, ResponseMissingError
        As of `call`.
    """
    offered = {"parameters": dict(process.parameters)} if process.asks else {}
    try:
        result = process.function(a, b, **process.parameters, **offered)
    except Exception as error:
        better = explained(error, ())
        if better is error:
            raise
        raise better from error
    return check_result(result, a.station, compares=True)


def _offer(
    name: str, process: UserFunction, reader: Reader, stream: Stream, tag: str
) -> object:
    """Return what a function gets that has an argument of this name."""
    if name == "tag":
        return tag
    if name == "parameters":
        return dict(process.parameters)
    if name == "events":
        return reader.events()
    wanted = {
        str(identifier)
        for trace in stream
        for identifier in trace.stats.get("asdf", {}).get("event_ids", ())
    }
    return reader.event(wanted)
