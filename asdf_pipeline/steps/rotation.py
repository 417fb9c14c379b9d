"""The step that rotates components: to up, north and east, or towards the waves.

ObsPy's ``->ZNE`` (1.5.1) looks at components named Z12 and 123 only, and takes those
that are up to half a sample apart for simultaneous; so it is done here.
"""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from asdf_pipeline.steps.alignment import aligned, common, on_one_grid, piece

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from obspy import Inventory, Stream, Trace

    Orientation = tuple[float, float]  # azimuth and dip in degrees

_LOGGER = logging.getLogger(__name__)

# The components of a sensor, and the azimuth and dip that a name stands for.
_SETS = ("Z12", "123", "ZNE", "UVW")
_NOMINAL = {"Z": (None, -90.0), "N": (0.0, 0.0), "E": (90.0, 0.0)}


def rotate(
    st: Stream,
    inv: Inventory | None,
    method: str,
    back_azimuth: float | None = None,
    inclination: float | None = None,
    align: bool = False,
) -> Stream | None:
    """Rotate the components of every sensor.

    Parameters
    ----------
    st : obspy.Stream
        In any unit; components that are to be rotated with one another over the same
        times.
    inv : obspy.Inventory or None
        How the sensors are oriented, for ``"->ZNE"``: nothing is written without it.
        Components named Z, N and E are rotated too, where it says that they point
        elsewhere.
    method : {"->ZNE", "NE->RT", "ZNE->LQT", "RT->NE", "LQT->ZNE"}
        From which components to which.
    back_azimuth, inclination : float, optional
        Of the waves at the station, in degrees; where not given, those that `cut`
        leaves in the traces' ``stats``.
    align : bool
        Interpolate (Lanczos) components that are a fraction of a sample apart to the
        times of the first; otherwise they are refused.

    Returns
    -------
    obspy.Stream or None
        float64 samples; traces without the other components as they were. None for
        ``"->ZNE"`` without an Inventory.

    Raises
    ------
    TypeError
        If a back azimuth or an inclination is needed and not there.
    ValueError
        If the components are not over the same times (``"->ZNE"`` takes what they
        have in common), or a fraction of a sample apart; if the Inventory does not say
        how one is oriented; or `method` is none.
    """
    if inv is None and method == "->ZNE":
        return None
    rotated: list[Trace] = []
    for traces in _sensors(st):
        if inv is not None and method == "->ZNE":
            rotated += _to_zne(traces, inv, align)
        else:
            components = method.partition("->")[0]
            one = st.__class__(_simultaneous(traces, components, align))
            rotated += one.rotate(method, back_azimuth, inclination, inventory=inv)
    st.traces = rotated
    return st


def _sensors(st: Stream) -> list[list[Trace]]:
    """Return the traces of each sensor.

    And of each event: ObsPy pairs pieces by their order, and one may lack.
    """
    groups: dict[tuple[Any, ...], list[Trace]] = {}
    for trace in st:
        events = tuple(map(str, trace.stats.get("asdf", {}).get("event_ids", ())))
        groups.setdefault((trace.id[:-1], events), []).append(trace)
    return list(groups.values())


def _by_component(traces: Sequence[Trace]) -> dict[str, list[Trace]]:
    found: dict[str, list[Trace]] = {}
    for trace in traces:
        found.setdefault(trace.stats.channel[-1:], []).append(trace)
    return found


def _simultaneous(traces: list[Trace], components: str, align: bool) -> list[Trace]:
    """Return a sensor's traces, those that are a fraction of a sample apart aligned."""
    found = _by_component(traces)
    result = [*traces]
    for one in zip(*(found.get(name, ()) for name in components), strict=False):
        if len(one) > 1 and not on_one_grid(one):
            ids = set(map(id, one))
            result = [trace for trace in result if id(trace) not in ids]
            result += common(aligned(one, align)) or list(one)
    return result


def _to_zne(traces: list[Trace], inv: Inventory, align: bool) -> list[Trace]:
    """Rotate a sensor's traces to what the inventory says is up, north and east."""
    from obspy import Stream

    found = _by_component(traces)
    letters = next((one for one in _SETS if set(one) == set(found)), None)
    if letters is None:
        if any(set(one) < set(found) for one in _SETS):
            msg = (
                f"{traces[0].id[:-1]}: has the components {', '.join(sorted(found))}: "
                "leave out (by channels of the selection) all but the three to rotate"
            )
            raise ValueError(msg)
        return traces
    epochs = {name: _epochs(inv, found[name]) for name in letters}
    if letters == "ZNE" and all(
        _is_nominal(name, orientation)
        for name in letters
        for *_, orientation in epochs[name]
    ):
        return traces
    pieces = [Stream(found[name]).merge(-1).traces for name in letters]
    rotated: list[Trace] = []
    for one in itertools.product(*pieces):
        if min(t.stats.endtime for t in one) >= max(t.stats.starttime for t in one):
            together = common(one if on_one_grid(one) else aligned(one, align))
            for part in _by_epoch(together, epochs.values()):
                rotated += _rotated(part, epochs.values())
    _log_left_out(itertools.chain(*pieces), rotated)
    return rotated


def _log_left_out(before: Any, after: Sequence[Trace]) -> None:
    """Log how much of a sensor's recording lacks one of the components."""
    used = sum(trace.stats.npts for trace in after)
    traces = list(before)
    lost = sum(trace.stats.npts for trace in traces) - used
    if lost > 0:
        stats = traces[0].stats
        _LOGGER.warning(
            "%s?: %d samples (%g s) are left out by rotate: one of the components "
            "lacks there",
            *(traces[0].id[:-1], lost, lost * stats.delta),
        )


def _epochs(
    inv: Inventory, traces: Sequence[Trace]
) -> list[tuple[Any, Any, Orientation | None]]:
    """Return start, end and orientation of a channel's epochs in the traces' times."""
    network_code, station_code, location, code = traces[0].id.split(".")
    first = min(trace.stats.starttime for trace in traces)
    last = max(trace.stats.endtime for trace in traces)
    return [
        (channel.start_date, channel.end_date, _orientation(channel))
        for network in inv
        for station in network
        for channel in station
        if (network.code, station.code) == (network_code, station_code)
        and (channel.location_code, channel.code) == (location, code)
        and (channel.start_date is None or channel.start_date <= last)
        and (channel.end_date is None or channel.end_date >= first)
    ]


def _orientation(channel: Any) -> Orientation | None:
    if channel.dip is None:
        return None
    if abs(channel.dip) == 90:  # noqa: PLR2004 - vertical: has no azimuth
        return 0.0, float(channel.dip)
    if channel.azimuth is None:
        return None
    return float(channel.azimuth), float(channel.dip)


def _is_nominal(name: str, orientation: Orientation | None) -> bool:
    """Return whether a component points where its name says, as far as is known."""
    if orientation is None:
        return True
    azimuth, dip = _NOMINAL[name]
    return dip == orientation[1] and azimuth in (None, orientation[0] % 360)


def _by_epoch(traces: Sequence[Trace], epochs: Any) -> Iterator[list[Trace]]:
    """Yield simultaneous traces cut where the orientation of one of them changes."""
    if not traces:
        return
    stats = traces[0].stats
    cuts = {0, stats.npts}
    for several in epochs:
        turned = {orientation for *_, orientation in several}
        for start, *_ in several if len(turned) > 1 else ():
            if start is not None and stats.starttime < start <= stats.endtime:
                cuts.add(int(np.ceil((start - stats.starttime) * stats.sampling_rate)))
    for begin, end in itertools.pairwise(sorted(cuts)):
        start = stats.starttime + begin * stats.delta
        yield [piece(trace, begin, end, start) for trace in traces]


def _rotated(traces: Sequence[Trace], epochs: Any) -> list[Trace]:
    """Return three simultaneous traces, rotated to Z, N and E.

    Raises
    ------
    ValueError
        If the inventory does not say where one points, or they are not independent.
    """
    from obspy.signal.rotate import rotate2zne

    arguments: list[Any] = []
    for trace, several in zip(traces, epochs, strict=True):
        time = trace.stats.starttime
        orientation = next(
            (
                orientation
                for start, end, orientation in several
                if (start is None or start <= time) and (end is None or end >= time)
            ),
            None,
        )
        if orientation is None:
            msg = (
                f"{trace.id} at {time}: the StationXML does not say how the component "
                "is oriented (azimuth and dip)"
            )
            raise ValueError(msg)
        arguments += [trace.data, *orientation]
    try:
        rotated = rotate2zne(*arguments)
    except ValueError as error:
        names = ", ".join(trace.id for trace in traces)
        msg = f"{names} at {traces[0].stats.starttime}: {error}"
        raise ValueError(msg) from error
    for trace, data, name in zip(traces, rotated, "ZNE", strict=True):
        trace.data = data
        trace.stats.channel = trace.stats.channel[:-1] + name
    return list(traces)
