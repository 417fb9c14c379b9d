"""What a StationXML has in place of a response that it has not."""

from __future__ import annotations

import traceback
import warnings
from typing import TYPE_CHECKING

from obspy import Inventory, Trace

from asdf_pipeline.errors import ResponseMissingError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from obspy import UTCDateTime
    from obspy.core.inventory import Channel, Network, Response

# ObsPy's Trace._get_response, 1.4 to 1.5, of whatever went wrong.
_OBSPY_SAYS = "No matching response information found"
_MOST_NAMED = 6


def find_response(inventory: Inventory, trace: Trace) -> Response | None:
    """Return the response that ObsPy finds for a trace, None where it finds none.

    Raises
    ------
    StationXMLError
        If the inventory waits to be parsed, and cannot be.
    """
    len(inventory)  # parsed now: the error would be swallowed below
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of two: ObsPy warns when it uses one
            return inventory.get_response(trace.id, trace.stats.starttime)
    except Exception:  # noqa: BLE001 - ObsPy's way to say that there is none
        return None


def describe_missing(inventory: Iterable[Network], trace: Trace) -> str:
    """Return which channel has no response at which time, and what is there instead.

    Parameters
    ----------
    inventory : obspy.Inventory, or its networks
        In which `find_response` finds none.
    trace : obspy.Trace
        Whose response was looked for, at its start.

    Returns
    -------
    str
        ``"BW.RJOB..EHZ at 1999-...: no response; the StationXML has this channel from
        2001-... on"``, without a full stop.
    """
    network_code, station_code, location, code = trace.id.split(".")
    time = trace.stats.starttime
    own: list[Channel] = []
    others: list[str] = []
    for network in inventory:
        for station in network:
            if (network.code, station.code) != (network_code, station_code):
                others.append(f"{network.code}.{station.code}")
            else:
                own += station
    same = [one for one in own if (one.location_code, one.code) == (location, code)]
    elsewhere = [one.location_code for one in own if one.code == code]
    if not own:
        has = f"station {_listed(others)}" if others else "no channels of the station"
    elif same and any(_runs(one, time) for one in same):
        has = "the channel at that time, without a response"
    elif same:
        has = f"the channel {_listed(map(_epoch, same))}"
    elif elsewhere:
        has = f"the channel at location {_listed(repr(one) for one in elsewhere)}"
    else:
        has = f"channels {_listed(f'{one.location_code}.{one.code}' for one in own)}"
    return f"{trace.id} at {time}: no response; the StationXML has {has}"


def explained(error: Exception, left_out: Iterable[str]) -> Exception:
    """Return an error that says what ObsPy was looking for, and what is there instead.

    Parameters
    ----------
    error : Exception
        What a function raised.
    left_out : iterable of str
        Channels that ObsPy left out of the inventory when it was read, and why.

    Returns
    -------
    Exception
        A ResponseMissingError with the traceback of `error`, where that is ObsPy's or
        ours for a response that is not there; else `error`.
    """
    words = str(error) if isinstance(error, ResponseMissingError) else ""
    if str(error).startswith(_OBSPY_SAYS):
        for frame, _ in traceback.walk_tb(error.__traceback__):
            trace, wanted = map(frame.f_locals.get, ("self", "inventories"))
            if frame.f_code.co_name == "_get_response" and isinstance(trace, Trace):
                several = wanted if isinstance(wanted, list) else [wanted]
                words = "; ".join(
                    describe_missing(
                        one if isinstance(one, Inventory) else [one], trace
                    )
                    for one in several
                )
    if not words:
        return error
    said = [words, *(f"left out when it was read: {one}" for one in left_out)]
    return in_place_of(error, ResponseMissingError("; ".join(said)))


def in_place_of(error: Exception, better: Exception) -> Exception:
    """Return a better error with the traceback and the notes of another, its cause."""
    for note in getattr(error, "__notes__", ()):  # which step of a chain it was
        better.add_note(note)
    better.__cause__ = error
    return better.with_traceback(error.__traceback__)


def _runs(channel: Channel, time: UTCDateTime) -> bool:
    start, end = channel.start_date, channel.end_date
    return (start is None or start <= time) and (end is None or end >= time)


def _epoch(channel: Channel) -> str:
    start, end = channel.start_date, channel.end_date
    words = "" if start is None else f"from {start} "
    return words + ("on" if end is None else f"to {end}")


def _listed(names: Iterable[str]) -> str:
    """Return names in words, the first few of many."""
    known = list(dict.fromkeys(names))
    more = [f"and {len(known) - _MOST_NAMED} more"] if len(known) > _MOST_NAMED else []
    return ", ".join(known[:_MOST_NAMED] + more)
