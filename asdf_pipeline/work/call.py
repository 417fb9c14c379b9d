"""Calling the user's function: with what it asks for, taking what it returns."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from asdf_pipeline.function.result import Checked, check_result
from asdf_pipeline.metadata.inventory import source_of
from asdf_pipeline.metadata.missing import explained

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obspy import Stream

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.function.load import UserFunction
    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.work.station_data import StationData

_LOGGER = logging.getLogger(__name__)


def call(function: UserFunction, reader: Reader, stream: Stream, unit: Unit) -> Checked:
    """Call the user's function on the waveforms of a unit.

    Parameters
    ----------
    function : UserFunction
        The function.
    reader : Reader
        The open input, for the inventory and what else the function asks for.
    stream : obspy.Stream
        The waveforms; the function may change them.
    unit : Unit
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
    offered = {n: _offered(n, function, reader, stream, unit) for n in function.asks}
    inventory = reader.inventory(unit.station)
    source = source_of(inventory)  # the inventory forgets it once it is parsed
    try:
        result = function.function(stream, inventory, **function.parameters, **offered)
    except Exception as error:
        better = error if source is None else source.explain(error)
        if better is error:
            raise
        raise better from error
    finally:
        if "events" in offered:
            reader.event_document().take_back()
    if source is not None and source.failure:
        _LOGGER.warning("%s; the function went on without it", source.failure)
    return check_result(result, unit.station, compares=False)


def call_two(
    function: UserFunction,
    a: StationData,
    b: StationData,
    name: str,
    **offered: object,
) -> Checked:
    """Call the user's function on two stations' data: of a pair, or of two files.

    Parameters
    ----------
    function : UserFunction
        The function.
    a, b : StationData
        The two.
    name : str
        The unit's, for messages.
    **offered
        What it gets by name, if it asks for it, beside its parameters.

    Raises
    ------
    TraceError, ResponseMissingError
        As of `call`.
    """
    asked = asked_of(function, **offered)
    with lent(a, b):
        result = function.function(a, b, **function.parameters, **asked)
    return check_result(result, name, compares=True)


def asked_of(function: UserFunction, **offered: object) -> dict[str, object]:
    """Return what a function asks for of what is offered, and of its parameters."""
    offered["parameters"] = dict(function.parameters)
    return {name: offered[name] for name in function.asks}


@contextmanager
def lent(*data: StationData) -> Iterator[None]:
    """Let a function have stations' data; what it raises is explained where it can be.

    Raises
    ------
    ResponseMissingError
        In place of ObsPy's own error, which does not say what is missing.
    """
    try:
        yield
    except Exception as error:
        better = explained(error, ())
        if better is error:
            raise
        raise better from error
    finally:
        for one in data:
            one.take_back()


def _offered(
    name: str, function: UserFunction, reader: Reader, stream: Stream, unit: Unit
) -> object:
    """Return what a function gets that has an argument of this name."""
    if name == "tag":
        return unit.tag
    if name == "parameters":
        return dict(function.parameters)
    if name == "events":
        return reader.event_document().lend()
    if unit.event:
        return reader.event((unit.event,))
    wanted = {
        str(identifier)
        for trace in stream
        for identifier in trace.stats.get("asdf", {}).get("event_ids", ())
    }
    return reader.event(wanted)
